//! The parts of a task's JSON that are the same for all tasks of one push, built once.
//!
//! A type with a definition carries it twice (in `workflowTask` and as `taskDefinition`), as the real server
//! does: some 2.3 KB a task. A type without one carries a short form of both: 1.0 KB, which keeps a benchmark
//! about the client and not about copying defaults.

use std::sync::Arc;

use crate::options::PushOptions;
use crate::task_definition::{RetryRules, TaskDefinition};
use crate::workflow_definition::PUSHED_WORKFLOW_TYPE;

/// A task's place in a workflow's definition.
pub(crate) struct Place<'a> {
    pub(crate) workflow_type: &'a str,
    /// JSON object.
    pub(crate) input_parameters: &'a str,
}

/// What tasks of one push share.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) task_type: Arc<str>,
    /// Name of the task in its workflow.
    pub(crate) reference_task_name: String,
    /// Index in `Queues`; hand-backs and retries return there.
    pub(crate) queue: usize,
    /// Index in `Census`.
    pub(crate) census: usize,
    pub(crate) rules: RetryRules,
    /// Its tasks belong to a workflow that goes on when they end; a pushed task's does not.
    pub(crate) has_workflow: bool,
    pub(crate) before_status: String,
    pub(crate) before_retry_count: String,
    pub(crate) before_poll_count: String,
    pub(crate) before_scheduled_time: String,
    pub(crate) before_workflow_instance_id: String,
    pub(crate) before_task_id: String,
    pub(crate) before_queue_wait_time: String,
}

impl Template {
    pub(crate) fn new(
        task_type: Arc<str>,
        options: &PushOptions,
        definition: Option<&TaskDefinition>,
        place: Option<Place<'_>>,
        queue: usize,
        census: usize,
    ) -> Self {
        let mut rules = definition.map_or(RetryRules::DEFAULT, |definition| definition.rules);
        rules.retry_count_limit = options.retry_count_limit.unwrap_or(rules.retry_count_limit);
        rules.retry_delay_seconds = options.retry_delay_seconds.unwrap_or(rules.retry_delay_seconds);
        rules.response_timeout_seconds =
            options.response_timeout_seconds.unwrap_or(rules.response_timeout_seconds);

        let has_workflow = place.is_some();
        let place = place.unwrap_or(Place { workflow_type: PUSHED_WORKFLOW_TYPE, input_parameters: "{}" });
        let workflow_type = quoted(place.workflow_type);
        let name = quoted(&task_type);
        let reference_task_name =
            options.reference_task_name.clone().unwrap_or_else(|| format!("{task_type}_ref"));
        let reference = quoted(&reference_task_name);
        let optional = |key: &str, value: &Option<String>| {
            value.as_ref().map_or_else(String::new, |text| format!(",\"{key}\":{}", quoted(text)))
        };
        let correlation_id = optional("correlationId", &options.correlation_id);
        let domain = optional("domain", &options.domain);
        let response_timeout = rules.response_timeout_seconds;
        let (workflow_task, task_definition) =
            objects(&name, &reference, &rules, definition, place.input_parameters);
        Self {
            queue,
            census,
            rules,
            has_workflow,
            before_status: format!("{{\"taskType\":{name},\"status\":\""),
            before_retry_count: format!(",\"referenceTaskName\":{reference},\"retryCount\":"),
            before_poll_count: format!("{correlation_id},\"pollCount\":"),
            before_scheduled_time: format!(",\"taskDefName\":{name},\"scheduledTime\":"),
            before_workflow_instance_id: format!(
                ",\"callbackFromWorker\":true,\"responseTimeoutSeconds\":{response_timeout},\
                 \"workflowInstanceId\":"
            ),
            before_task_id: format!(",\"workflowType\":{workflow_type},\"taskId\":\""),
            before_queue_wait_time: format!(
                ",\"workflowTask\":{workflow_task}{domain},\"rateLimitPerFrequency\":0,\
                 \"rateLimitFrequencyInSeconds\":1,\"workflowPriority\":0,\"iteration\":0,\
                 \"subworkflowChanged\":false,\"firstStartTime\":0,\"executionMetadata\":\
                 {{\"additionalContext\":{{}},\"empty\":true,\"additionalContextMap\":{{}}}},\
                 \"taskDefinition\":{task_definition},\"queueWaitTime\":"
            ),
            task_type,
            reference_task_name,
        }
    }
}

/// `workflowTask` and `taskDefinition`, in the order and shape of server 3.32.3.
fn objects(
    name: &str,
    reference: &str,
    rules: &RetryRules,
    definition: Option<&TaskDefinition>,
    input_parameters: &str,
) -> (String, String) {
    if let Some(definition) = definition {
        let workflow_task = format!(
            "{{\"name\":{name},\"taskReferenceName\":{reference},\"inputParameters\":{input_parameters},\"type\":\"SIMPLE\",\
             \"decisionCases\":{{}},\"defaultCase\":[],\"forkTasks\":[],\"startDelay\":0,\"joinOn\":[],\
             \"optional\":false,\"taskDefinition\":{},\"defaultExclusiveJoinTask\":[],\"asyncComplete\":false,\
             \"loopOver\":[],\"onStateChange\":{{}},\"permissive\":false,\"metadata\":{{}}}}",
            definition.json
        );
        return (workflow_task, definition.json.clone());
    }
    let workflow_task = format!(
        "{{\"name\":{name},\"taskReferenceName\":{reference},\"inputParameters\":{input_parameters},\"type\":\"SIMPLE\",\"optional\":false}}"
    );
    let task_definition = format!(
        "{{\"name\":{name},\"retryCount\":{},\"retryDelaySeconds\":{},\"responseTimeoutSeconds\":{}}}",
        rules.retry_count_limit, rules.retry_delay_seconds, rules.response_timeout_seconds
    );
    (workflow_task, task_definition)
}

/// A JSON string with its quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
