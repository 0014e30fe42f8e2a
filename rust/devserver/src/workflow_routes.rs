//! Starting, reading and ending workflows over HTTP (`WorkflowResource.java`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::{Answer, Violation};
use crate::request::ApiRequest;
use crate::shared::Shared;
use crate::task_result::parse_error;
use crate::termination::TerminateError;
use crate::workflow::Workflow;

/// Java's name of the handler, as it appears in the server's messages.
const START_HANDLER: &str = "public java.lang.String com.netflix.conductor.rest.controllers.WorkflowResource.\
                             startWorkflow(com.netflix.conductor.common.metadata.workflow.StartWorkflowRequest)";

/// `StartWorkflowRequest.java`, as far as it is used; the rest is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartRequest<'a> {
    name: Option<String>,
    version: Option<u32>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    correlation_id: Option<String>,
    task_to_domain: Option<BTreeMap<String, String>>,
}

/// `POST /workflow`: the workflow id as text.
pub(crate) fn start(shared: &Shared, request: &ApiRequest) -> Answer {
    if request.body.is_empty() {
        return Answer::error(500, &format!("Required request body is missing: {START_HANDLER}"));
    }
    let given: StartRequest<'_> = match serde_json::from_slice(&request.body) {
        Ok(given) => given,
        Err(error) => return Answer::error(500, &parse_error(&request.body, &error)),
    };
    let Some(name) = given.name else {
        return Answer::validation_error(&[Violation {
            path: "startWorkflow.arg0.name".to_owned(),
            message: "Workflow name cannot be null or empty".to_owned(),
            invalid_value: None,
        }]);
    };
    if name.is_empty() {
        return Answer::error(400, "Workflow name must be specified when searching for a definition");
    }
    let input = given.input.map_or("{}", RawValue::get);
    if !input.starts_with('{') {
        return Answer::error(500, "JSON parse error: the input of a workflow must be a JSON object");
    }
    let now = shared.clock.now();
    let mut store = shared.store();
    let Some(definition) = store.workflow_definitions.get(&name, given.version).map(Arc::clone) else {
        let version = given.version.map_or_else(|| "null".to_owned(), |version| version.to_string());
        return Answer::error(404, &format!("No such workflow defined. name={name}, version={version}"));
    };
    let workflow = Workflow {
        input: input.to_owned(),
        correlation_id: given.correlation_id,
        task_to_domain: given.task_to_domain.unwrap_or_default(),
        ..Workflow::new(Arc::from(""), definition, now.millis)
    };
    let id = store.start_workflow(workflow, now);
    shared.wake_waits(&store);
    Answer::text(id.to_string())
}

/// `GET /workflow/{workflowId}?includeTasks=`
pub(crate) fn get(shared: &Shared, request: &ApiRequest, id: &str) -> Answer {
    let include_tasks = match request.parameter("includeTasks").as_deref() {
        None | Some("" | "true" | "on" | "yes" | "1") => true,
        Some("false" | "off" | "no" | "0") => false,
        Some(other) => {
            return Answer::error(
                500,
                &format!(
                    "Method parameter 'includeTasks': Failed to convert value of type 'java.lang.String' to \
                     required type 'boolean'; Invalid boolean value [{other}]"
                ),
            );
        }
    };
    let json = shared.store().workflow_json(id, include_tasks);
    json.map_or_else(|| unknown(id), |json| Answer::json(200, json))
}

/// `DELETE /workflow/{workflowId}?reason=`
pub(crate) fn terminate(shared: &Shared, request: &ApiRequest, id: &str) -> Answer {
    let reason = request.parameter("reason").map(std::borrow::Cow::into_owned);
    let now = shared.clock.now();
    let mut store = shared.store();
    let terminated = store.terminate_workflow(id, reason, now);
    shared.wake_waits(&store);
    match terminated {
        Ok(()) => Answer::empty(200),
        Err(TerminateError::Unknown) => unknown(id),
        Err(TerminateError::Completed) => Answer::error(409, "Cannot terminate a COMPLETED workflow."),
    }
}

fn unknown(id: &str) -> Answer {
    Answer::error(404, &format!("No such workflow found by id: {id}"))
}
