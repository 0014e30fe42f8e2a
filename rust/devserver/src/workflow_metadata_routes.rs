//! Workflow definitions over HTTP (`MetadataResource.java`, `WorkflowTaskTypeConstraint.java`).

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::answer::{Answer, Violation};
use crate::expression::paths;
use crate::metadata_routes::{parse, violation};
use crate::request::ApiRequest;
use crate::shared::Shared;
use crate::workflow_definition::{WorkflowDefinition, version};

/// Java's name of the handler of `POST`, as it appears in the server's messages.
const CREATE_HANDLER: &str = "public void com.netflix.conductor.rest.controllers.MetadataResource.create(\
                              com.netflix.conductor.common.metadata.workflow.WorkflowDef)";
/// Java's name of the handler of `PUT`.
const UPDATE_HANDLER: &str = "public com.netflix.conductor.common.model.BulkResponse<java.lang.String> com.netflix.conductor.rest.\
     controllers.MetadataResource.update(java.util.List<com.netflix.conductor.common.metadata.workflow.WorkflowDef>)";
const JAVA_TYPE: &str = "com.netflix.conductor.common.metadata.workflow.WorkflowDef";

/// `GET /metadata/workflow`
pub(crate) fn list(shared: &Shared) -> Answer {
    Answer::json(200, shared.store().workflow_definitions.json())
}

/// `GET /metadata/workflow/{name}?version=`: the newest version unless one is named.
pub(crate) fn get(shared: &Shared, request: &ApiRequest, name: &str) -> Answer {
    let wanted = request.parameter("version").filter(|version| !version.is_empty());
    let Ok(number) = wanted.as_deref().map(str::parse).transpose() else {
        let wanted = wanted.unwrap_or_default();
        let message = format!(
            "Method parameter 'version': Failed to convert value of type 'java.lang.String' to required type \
             'java.lang.Integer'; For input string: \"{wanted}\""
        );
        return Answer::error(500, &message);
    };
    if let Some(definition) = shared.store().workflow_definitions.get(name, number) {
        return Answer::json(200, definition.json.clone());
    }
    let version = wanted.as_deref().unwrap_or("null");
    Answer::error(404, &format!("No such workflow found by name: {name}, version: {version}"))
}

/// `POST`: one definition that does not exist.
pub(crate) fn create(shared: &Shared, request: &ApiRequest) -> Answer {
    let given = match parse(request, CREATE_HANDLER) {
        Ok(given) => given,
        Err(answer) => return answer,
    };
    if !given.is_object() {
        let message = format!(
            "JSON parse error: Cannot deserialize value of type `{JAVA_TYPE}` from Array value (token \
             `JsonToken.START_ARRAY`)"
        );
        return Answer::error(500, &message);
    }
    if let Some(answer) = refusal(&given, "registerWorkflowDef.arg0") {
        return answer;
    }
    let (name, version) = (given["name"].as_str().unwrap_or_default(), version(&given));
    let now = shared.clock.now();
    let mut store = shared.store();
    if store.workflow_definitions.get(name, Some(version)).is_some() {
        return Answer::error(409, &format!("Workflow with {name}.{version} already exists!"));
    }
    store.workflow_definitions.insert(WorkflowDefinition::from_value(&given, now.millis, 0));
    Answer::empty(200)
}

/// `PUT`: a list; creates or replaces, all or none.
pub(crate) fn update(shared: &Shared, request: &ApiRequest) -> Answer {
    let given = match parse(request, UPDATE_HANDLER) {
        Ok(given) => given,
        Err(answer) => return answer,
    };
    let Value::Array(given) = given else {
        let message = format!(
            "JSON parse error: Cannot deserialize value of type `java.util.ArrayList<{JAVA_TYPE}>` from Object \
             value (token `JsonToken.START_OBJECT`)"
        );
        return Answer::error(500, &message);
    };
    if given.is_empty() {
        let nothing = violation("updateWorkflowDef.arg0", "", "WorkflowDefList is empty", None);
        return Answer::validation_error(&[nothing]);
    }
    for (index, definition) in given.iter().enumerate() {
        if let Some(answer) = refusal(definition, &format!("updateWorkflowDef.arg0[{index}]")) {
            return answer;
        }
    }
    let now = shared.clock.now();
    let mut store = shared.store();
    for definition in &given {
        store.workflow_definitions.insert(WorkflowDefinition::from_value(definition, 0, now.millis));
    }
    let names: Vec<&str> = given.iter().filter_map(|definition| definition["name"].as_str()).collect();
    Answer::json(200, json!({ "bulkErrorResults": {}, "bulkSuccessfulResults": names }).to_string())
}

/// Why a definition is not taken: `400` as the real server says it, `501` for what only the real one can run.
fn refusal(definition: &Value, path: &str) -> Option<Answer> {
    let found = objections(definition, path);
    if !found.is_empty() {
        return Some(Answer::validation_error(&found));
    }
    let other =
        (tasks(definition).iter()).find(|task| !matches!(task["type"].as_str(), None | Some("SIMPLE")))?;
    let (name, task_type) = (text(definition, "name"), text(other, "type"));
    let reference = text(other, "taskReferenceName");
    Some(Answer::error(
        501,
        &format!(
            "The dev server runs SIMPLE tasks in sequence: task {reference} of workflow {name} is of type {task_type}"
        ),
    ))
}

fn objections(definition: &Value, path: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let name = text(definition, "name");
    if name.is_empty() {
        let given = definition["name"].as_str();
        found.push(violation(path, ".name", "WorkflowDef name cannot be null or empty", given));
    }
    let tasks = tasks(definition);
    if tasks.is_empty() {
        found.push(violation(path, ".tasks", "WorkflowTask list cannot be empty", None));
    }
    for (index, task) in tasks.iter().enumerate() {
        for (field, message) in [
            ("taskReferenceName", "WorkflowTask taskReferenceName name cannot be empty or null"),
            ("name", "WorkflowTask name cannot be empty or null"),
        ] {
            if text(task, field).is_empty() {
                let field_path = format!(".tasks[{index}].{field}");
                found.push(violation(path, &field_path, message, task[field].as_str()));
            }
        }
    }
    if !found.is_empty() {
        return found;
    }
    let mut references = HashSet::from(["workflow"]);
    for task in tasks {
        let reference = text(task, "taskReferenceName");
        if !references.insert(reference) {
            let message = format!(
                "taskReferenceName: {reference} should be unique across tasks for a given workflowDefinition: {name}"
            );
            found.push(violation(path, "", &message, None));
        }
    }
    for task in tasks {
        for (key, value) in task["inputParameters"].as_object().into_iter().flatten() {
            let expressions = value.as_str().map(paths).unwrap_or_default();
            found.extend(expressions.into_iter().filter_map(|expression| {
                let message = expression_objection(expression, key, text(task, "name"), &references)?;
                Some(violation(path, "", &message, None))
            }));
        }
    }
    found
}

fn expression_objection(
    expression: &str,
    key: &str,
    task_name: &str,
    references: &HashSet<&str>,
) -> Option<String> {
    if expression.trim().is_empty() {
        return None;
    }
    if expression.contains(' ') {
        return Some(format!("key: {key} input parameter value: {expression} is not valid"));
    }
    let root = expression.split(['.', '[']).next().unwrap_or_default();
    (!references.contains(root)).then(|| {
        format!(
            "taskReferenceName: {root} for given task: {task_name} input value: {key} of input parameter: \
             ${{{expression}}} is not defined in workflow definition."
        )
    })
}

fn tasks(definition: &Value) -> &[Value] {
    definition["tasks"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
