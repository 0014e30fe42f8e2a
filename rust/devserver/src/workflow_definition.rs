//! Definitions of workflows that are a sequence of `SIMPLE` tasks (`WorkflowDef.java`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

/// Name of the workflow that every pushed task pretends to belong to.
pub(crate) const PUSHED_WORKFLOW_TYPE: &str = "dev_workflow";

/// A definition as the server keeps it: the given fields over the defaults.
#[derive(Debug)]
pub(crate) struct WorkflowDefinition {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) tasks: Vec<WorkflowTask>,
    /// An object; with none in it the output is that of the last task.
    pub(crate) output_parameters: Value,
    /// The JSON object, ready to be written into answers.
    pub(crate) json: String,
}

#[derive(Debug)]
pub(crate) struct WorkflowTask {
    pub(crate) name: String,
    pub(crate) reference_task_name: String,
    /// An object, whose texts may hold expressions.
    pub(crate) input_parameters: Value,
}

impl WorkflowDefinition {
    /// `given` has passed the validator. What it lacks is left empty.
    pub(crate) fn from_value(given: &Value, create_millis: u64, update_millis: u64) -> Self {
        let mut fields = defaults(create_millis, update_millis);
        overlay(&mut fields, given);
        let tasks = fields.get("tasks").and_then(Value::as_array).cloned().unwrap_or_default();
        let tasks: Vec<_> = tasks.iter().map(with_task_defaults).collect();
        fields.insert("tasks".to_owned(), Value::from(tasks.clone()));
        Self {
            name: text(fields.get("name")),
            version: version(given),
            tasks: (tasks.iter())
                .map(|task| WorkflowTask {
                    name: text(task.get("name")),
                    reference_task_name: text(task.get("taskReferenceName")),
                    input_parameters: task["inputParameters"].clone(),
                })
                .collect(),
            output_parameters: fields.get("outputParameters").cloned().unwrap_or_else(|| json!({})),
            json: Value::Object(fields).to_string(),
        }
    }

    /// That of a pushed task.
    pub(crate) fn pushed() -> Self {
        Self::from_value(&json!({ "name": PUSHED_WORKFLOW_TYPE }), 0, 0)
    }
}

/// All definitions by name and version.
#[derive(Debug, Default)]
pub(crate) struct WorkflowDefinitions {
    by_name: BTreeMap<String, BTreeMap<u32, Arc<WorkflowDefinition>>>,
}

impl WorkflowDefinitions {
    /// The newest version when none is named.
    pub(crate) fn get(&self, name: &str, version: Option<u32>) -> Option<&Arc<WorkflowDefinition>> {
        let versions = self.by_name.get(name)?;
        match version {
            Some(version) => versions.get(&version),
            None => versions.last_key_value().map(|(_, definition)| definition),
        }
    }

    pub(crate) fn insert(&mut self, definition: WorkflowDefinition) {
        let versions = self.by_name.entry(definition.name.clone()).or_default();
        versions.insert(definition.version, Arc::new(definition));
    }

    pub(crate) fn json(&self) -> String {
        let all: Vec<&str> =
            self.by_name.values().flat_map(BTreeMap::values).map(|definition| &*definition.json).collect();
        format!("[{}]", all.join(","))
    }
}

/// 1 unless it is given.
pub(crate) fn version(definition: &Value) -> u32 {
    definition["version"].as_u64().and_then(|version| u32::try_from(version).ok()).unwrap_or(1)
}

/// What server 3.32.3 showed for a task with a name, a reference name and a type.
fn with_task_defaults(given: &Value) -> Value {
    let mut fields = object(json!({
        "inputParameters": {}, "type": "SIMPLE", "decisionCases": {}, "defaultCase": [], "forkTasks": [],
        "startDelay": 0, "joinOn": [], "optional": false, "defaultExclusiveJoinTask": [],
        "asyncComplete": false, "loopOver": [], "onStateChange": {}, "permissive": false, "metadata": {},
    }));
    overlay(&mut fields, given);
    Value::Object(fields)
}

/// What server 3.32.3 showed for a definition with a name and tasks.
fn defaults(create_millis: u64, update_millis: u64) -> Map<String, Value> {
    object(json!({
        "createTime": create_millis, "updateTime": update_millis, "version": 1, "tasks": [],
        "inputParameters": [], "outputParameters": {}, "schemaVersion": 2, "restartable": true,
        "workflowStatusListenerEnabled": false, "timeoutPolicy": "ALERT_ONLY", "timeoutSeconds": 0,
        "variables": {}, "inputTemplate": {}, "enforceSchema": true, "metadata": {}, "maskedFields": [],
    }))
}

fn overlay(fields: &mut Map<String, Value>, given: &Value) {
    for (name, value) in given.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        fields.insert(name.clone(), value.clone());
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}
