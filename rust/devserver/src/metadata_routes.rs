//! Task definitions over HTTP (`MetadataResource.java`).

use serde_json::Value;

use crate::answer::{Answer, Violation};
use crate::options::PushError;
use crate::request::ApiRequest;
use crate::shared::Shared;
use crate::task_definition::TaskDefinition;
use crate::task_result::parse_error;

/// Java's name of the handler of `POST`, as it appears in the server's messages.
const CREATE_HANDLER: &str = "public void com.netflix.conductor.rest.controllers.MetadataResource.registerTaskDef(\
                              java.util.List<com.netflix.conductor.common.metadata.tasks.TaskDef>)";
/// Java's name of the handler of `PUT`: the same name, another argument.
const UPDATE_HANDLER: &str = "public void com.netflix.conductor.rest.controllers.MetadataResource.registerTaskDef(\
                              com.netflix.conductor.common.metadata.tasks.TaskDef)";

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
    let given = match parse(request, CREATE_HANDLER) {
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
    if given.is_empty() {
        return Answer::validation_error(&[violation(
            "registerTaskDef.arg0",
            "",
            "TaskDefList is empty",
            None,
        )]);
    }
    let violations: Vec<_> = (given.iter().enumerate())
        .filter_map(|(index, definition)| objection(definition, &format!("registerTaskDef.arg0[{index}]")))
        .collect();
    if violations.is_empty() { store(shared, &given) } else { Answer::validation_error(&violations) }
}

/// `PUT`: one definition that exists.
pub(crate) fn update(shared: &Shared, request: &ApiRequest) -> Answer {
    let given = match parse(request, UPDATE_HANDLER) {
        Ok(given) => given,
        Err(answer) => return answer,
    };
    if !given.is_object() {
        return Answer::error(
            500,
            "JSON parse error: Cannot deserialize value of type `com.netflix.conductor.common.metadata.tasks.TaskDef` \
             from Array value (token `JsonToken.START_ARRAY`)",
        );
    }
    if let Some(violation) = objection(&given, "updateTaskDef.arg0") {
        return Answer::validation_error(&[violation]);
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

pub(crate) fn parse(request: &ApiRequest, handler: &str) -> Result<Value, Answer> {
    if request.body.is_empty() {
        return Err(Answer::error(500, &format!("Required request body is missing: {handler}")));
    }
    serde_json::from_slice(&request.body)
        .map_err(|error| Answer::error(500, &parse_error(&request.body, &error)))
}

/// All or none.
fn store(shared: &Shared, given: &[Value]) -> Answer {
    let now = shared.clock.now();
    let definitions: Result<Vec<_>, _> =
        given.iter().map(|definition| TaskDefinition::from_value(definition, now.millis)).collect();
    let definitions = match definitions {
        Ok(definitions) => definitions,
        Err(PushError::Definition(reason) | PushError::Input(reason)) => {
            return Answer::error(500, &format!("JSON parse error: {reason}"));
        }
    };
    let mut store = shared.store();
    store.definitions_changed();
    for definition in definitions {
        store.definitions.insert(definition);
    }
    Answer::empty(200)
}

/// What the validator has against a definition.
fn objection(definition: &Value, path: &str) -> Option<Violation> {
    let name = definition["name"].as_str();
    if name.unwrap_or_default().is_empty() {
        return Some(violation(path, ".name", "TaskDef name cannot be null or empty", name));
    }
    let number = |key: &str, default: i64| definition[key].as_i64().unwrap_or(default);
    let retries = number("retryCount", 3);
    if retries < 0 {
        // The 0 is the server's own: it writes its limit, not the value.
        let message = "TaskDef retryCount: 0 must be >= 0";
        return Some(violation(path, ".retryCount", message, Some(&retries.to_string())));
    }
    let response_timeout = number("responseTimeoutSeconds", 3600);
    if response_timeout < 1 {
        let message =
            format!("TaskDef responseTimeoutSeconds: {response_timeout} should be minimum 1 second");
        let value = response_timeout.to_string();
        return Some(violation(path, ".responseTimeoutSeconds", &message, Some(&value)));
    }
    let timeout = number("timeoutSeconds", 0);
    (timeout > 0 && response_timeout > timeout).then(|| {
        let name = name.unwrap_or_default();
        let message = format!(
            "TaskDef: {name} responseTimeoutSeconds: {response_timeout} must be less than timeoutSeconds: {timeout}"
        );
        violation(path, "", &message, None)
    })
}

pub(crate) fn violation(path: &str, field: &str, message: &str, invalid_value: Option<&str>) -> Violation {
    Violation {
        path: format!("{path}{field}"),
        message: message.to_owned(),
        invalid_value: invalid_value.map(str::to_owned),
    }
}
