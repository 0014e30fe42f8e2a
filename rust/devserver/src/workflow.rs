//! One run of a workflow, and its JSON (`Workflow.java`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::status::TaskStatus;
use crate::workflow_definition::WorkflowDefinition;

/// `PAUSED` is missing: nothing here pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkflowStatus {
    Running,
    Completed,
    Failed,
    TimedOut,
    Terminated,
}

impl WorkflowStatus {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Terminated => "TERMINATED",
        }
    }

    /// What the last attempt of the last task makes of its workflow.
    pub(crate) const fn after(task: TaskStatus) -> Self {
        match task {
            TaskStatus::Scheduled | TaskStatus::InProgress => Self::Running,
            TaskStatus::Completed => Self::Completed,
            TaskStatus::Failed | TaskStatus::FailedWithTerminalError => Self::Failed,
            TaskStatus::TimedOut => Self::TimedOut,
            TaskStatus::Canceled => Self::Terminated,
        }
    }
}

/// Times in milliseconds since 1970, 0 = not yet.
#[derive(Debug)]
pub(crate) struct Workflow {
    pub(crate) id: Arc<str>,
    pub(crate) definition: Arc<WorkflowDefinition>,
    pub(crate) correlation_id: Option<String>,
    /// Task type, or `*` for all others, to its domain.
    pub(crate) task_to_domain: BTreeMap<String, String>,
    /// A JSON object.
    pub(crate) input: String,
    /// A JSON object.
    pub(crate) output: String,
    pub(crate) status: WorkflowStatus,
    pub(crate) start_millis: u64,
    pub(crate) end_millis: u64,
    pub(crate) update_millis: u64,
    pub(crate) reason_for_incompletion: Option<String>,
    /// Of the task that failed: its reference name and its type.
    pub(crate) failed_task: Option<(String, String)>,
    /// Sequence numbers of all attempts, in their order.
    pub(crate) tasks: Vec<u64>,
}

impl Workflow {
    pub(crate) fn new(id: Arc<str>, definition: Arc<WorkflowDefinition>, now_millis: u64) -> Self {
        Self {
            id,
            definition,
            correlation_id: None,
            task_to_domain: BTreeMap::new(),
            input: "{}".to_owned(),
            output: "{}".to_owned(),
            status: WorkflowStatus::Running,
            start_millis: now_millis,
            end_millis: 0,
            update_millis: now_millis,
            reason_for_incompletion: None,
            failed_task: None,
            tasks: Vec::new(),
        }
    }

    pub(crate) fn domain(&self, task_type: &str) -> Option<String> {
        let domain = self.task_to_domain.get(task_type).or_else(|| self.task_to_domain.get("*"))?;
        // Of several the real server takes the first that somebody polls, else the last.
        let domain = domain.rsplit(',').next().unwrap_or_default().trim();
        (!domain.is_empty() && domain != "NO_DOMAIN").then(|| domain.to_owned())
    }

    /// In the field order of server 3.32.3; `tasks` is a JSON array.
    pub(crate) fn json(&self, tasks: &str) -> String {
        let optional = |name: &str, value: &Option<String>| {
            value.as_ref().map_or_else(String::new, |value| format!(",\"{name}\":{}", json!(value)))
        };
        let (failed_references, failed_types): (Vec<_>, Vec<_>) = self.failed_task.iter().cloned().unzip();
        format!(
            "{{\"ownerApp\":\"\",\"createTime\":{start},\"updateTime\":{update},\"status\":\"{status}\",\
             \"endTime\":{end},\"workflowId\":\"{id}\",\"tasks\":{tasks},\"input\":{input},\"output\":{output}\
             {correlation_id}{reason},\"taskToDomain\":{domains},\"failedReferenceTaskNames\":{failed_references},\
             \"workflowDefinition\":{definition},\"priority\":0,\"variables\":{{}},\"lastRetriedTime\":0,\
             \"failedTaskNames\":{failed_types},\"history\":[],\"rateLimited\":false,\"startTime\":{start},\
             \"workflowName\":{name},\"workflowVersion\":{version}}}",
            start = self.start_millis,
            update = self.update_millis,
            status = self.status.name(),
            end = self.end_millis,
            id = self.id,
            input = self.input,
            output = self.output,
            correlation_id = optional("correlationId", &self.correlation_id),
            reason = optional("reasonForIncompletion", &self.reason_for_incompletion),
            domains = json!(self.task_to_domain),
            failed_references = json!(failed_references),
            definition = self.definition.json,
            failed_types = json!(failed_types),
            name = json!(self.definition.name),
            version = self.definition.version,
        )
    }
}
