//! Task definitions over HTTP (`MetadataResource.java`).

use serde_json::Value;

use crate::answer::Answer;
use crate::request::ApiRequest;
use crate::shared::Shared;
use crate::task_definition::TaskDefinition;
use crate::task_result::parse_error;

pub(crate) fn list(shared: &Shared) -> Answer {
    Answer::json(200, shared.store().definitions.json())
}

pub(crate) fn get(shared: &Shared, name: &str) -> Answer {
    match shared.store().definitions.get(name) {
        Some(definition) => Answer::json(200, definition.json.clone()),
        None => Answer::error(404, &format!("No such taskType found by name: {name}")),
    }
}

/// `POST`: a list; all or none.
pub(crate) fn create(shared: &Shared, request: &ApiRequest) -> Answer {
    let given = match parse(request) {
        Ok(given) => given,
        Err(answer) => return answer,
    };
    let Value::Array(given) = given else {
        return Answer::error(
            500,
            "JSON parse error: Cannot deserialize value of type `java.util.ArrayList<com.netflix.conductor.common.\
             metadata.tasks.TaskDef>` from Object value (token `JsonToken.START_OBJECT`)",
        );
    };
    let problems: Vec<_> = (given.iter().enumerate())
        .filter_map(|(index, definition)| problem(definition, &format!("registerTaskDef.arg0[{index}]")))
        .collect();
    if problems.is_empty() { store(shared, &given) } else { refuse(&problems) }
}

/// `PUT`: one definition that exists.
pub(crate) fn update(shared: &Shared, request: &ApiRequest) -> Answer {
    let given = match parse(request) {
        Ok(given) => given,
        Err(answer) => return answer,
    };
    if let Some(problem) = problem(&given, "updateTaskDef.arg0") {
        return refuse(&[problem]);
    }
    let name = given["name"].as_str().unwrap_or_default();
    if shared.store().definitions.get(name).is_none() {
        return Answer::error(404, &format!("No such task by name {name}"));
    }
    store(shared, &[given])
}

pub(crate) fn delete(shared: &Shared, name: &str) -> Answer {
    let mut store = shared.store();
    store.definitions_changed();
    if store.definitions.remove(name) {
        Answer::empty(200)
    } else {
        Answer::error(500, "No such task definition")
    }
}

fn parse(request: &ApiRequest) -> Result<Value, Answer> {
    serde_json::from_slice(&request.body)
        .map_err(|error| Answer::error(500, &parse_error(&request.body, &error)))
}

fn store(shared: &Shared, given: &[Value]) -> Answer {
    let now = shared.clock.now();
    let mut store = shared.store();
    store.definitions_changed();
    for definition in given {
        match TaskDefinition::from_value(definition, now.millis) {
            Ok(definition) => store.definitions.insert(definition),
            Err(error) => return Answer::error(500, &format!("JSON parse error: {error}")),
        }
    }
    Answer::empty(200)
}

/// What the validator says against a definition: (path, message).
fn problem(definition: &Value, path: &str) -> Option<(String, String)> {
    let name = definition["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return Some((format!("{path}.name"), "TaskDef name cannot be null or empty".to_owned()));
    }
    let response_timeout = definition["responseTimeoutSeconds"].as_u64().unwrap_or(3600);
    if response_timeout < 1 {
        let message =
            format!("TaskDef responseTimeoutSeconds: {response_timeout} should be minimum 1 second");
        return Some((format!("{path}.responseTimeoutSeconds"), message));
    }
    let timeout = definition["timeoutSeconds"].as_u64().unwrap_or(0);
    (timeout > 0 && response_timeout > timeout).then(|| {
        let message = format!(
            "TaskDef: {name} responseTimeoutSeconds: {response_timeout} must be less than timeoutSeconds: {timeout}"
        );
        (path.to_owned(), message)
    })
}

fn refuse(problems: &[(String, String)]) -> Answer {
    Answer::validation_error(problems)
}
