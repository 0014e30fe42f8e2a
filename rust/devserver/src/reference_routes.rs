//! Updates by the task's name in its workflow, and signals (`TaskResource.java`).

use crate::answer::Answer;
use crate::reference_update::ReferenceUpdate;
use crate::request::ApiRequest;
use crate::shared::Shared;
use crate::status::TaskStatus;
use crate::task_result::parse_error;
use crate::task_routes::check_body;

/// Java's name of the handler of updates by reference name, as it appears in the server's messages.
const UPDATE_HANDLER: &str = "public java.lang.String com.netflix.conductor.rest.controllers.TaskResource.updateTask(java.lang.String,\
     java.lang.String,com.netflix.conductor.common.metadata.tasks.TaskResult$Status,java.lang.String,\
     java.util.Map<java.lang.String, java.lang.Object>)";
/// Java's name of the handler of the same that answers with the workflow.
const SYNC_HANDLER: &str = "public com.netflix.conductor.common.run.Workflow com.netflix.conductor.rest.controllers.TaskResource.\
     updateTaskSync(java.lang.String,java.lang.String,com.netflix.conductor.common.metadata.tasks.TaskResult$Status,\
     java.lang.String,java.util.Map<java.lang.String, java.lang.Object>)";
/// Java's name of the handler of signals.
const SIGNAL_HANDLER: &str = "public void com.netflix.conductor.rest.controllers.TaskResource.signalWorkflowTaskAsync(java.lang.String,\
     com.netflix.conductor.common.metadata.tasks.TaskResult$Status,java.util.Map<java.lang.String, java.lang.Object>)";

/// `POST /tasks/{workflowId}/{taskRefName}/{status}`: the body is the output. Where nothing is open under that
/// name, known or not, the answer is empty.
pub(crate) fn update(
    shared: &Shared,
    request: &ApiRequest,
    workflow_instance_id: &str,
    reference_task_name: &str,
    status: &str,
) -> Answer {
    let update = read(request, UPDATE_HANDLER, workflow_instance_id, reference_task_name, status);
    let update = match update {
        Ok(update) => update,
        Err(answer) => return answer,
    };
    let now = shared.clock.now();
    let mut store = shared.store();
    let updated = store.update_by_reference(update, now);
    shared.wake_waits(&store);
    match updated {
        Some((task_id, updated)) => Answer::text(task_id).about(Some(updated.task_type)),
        None => Answer::empty(200),
    }
}

/// `POST /tasks/{workflowId}/{taskRefName}/{status}/sync`: the workflow as it stands after.
pub(crate) fn update_sync(
    shared: &Shared,
    request: &ApiRequest,
    workflow_instance_id: &str,
    reference_task_name: &str,
    status: &str,
) -> Answer {
    let update = match read(request, SYNC_HANDLER, workflow_instance_id, reference_task_name, status) {
        Ok(update) => ReferenceUpdate { keeps_worker_id: false, ..update },
        Err(answer) => return answer,
    };
    let now = shared.clock.now();
    let mut store = shared.store();
    let updated = store.update_by_reference(update, now);
    shared.wake_waits(&store);
    match (updated, store.workflow_json(workflow_instance_id, true)) {
        (Some((_, updated)), Some(json)) => Answer::json(200, json).about(Some(updated.task_type)),
        _ => Answer::error(
            404,
            &format!(
                "Found no running task {reference_task_name} of workflow {workflow_instance_id} to update"
            ),
        ),
    }
}

/// `POST /tasks/{workflowId}/{status}/signal`: ends a `WAIT`, `HUMAN` or `YIELD` task. Here are none, and a `SIMPLE`
/// one is left alone, as on the real server.
pub(crate) fn signal(
    shared: &Shared,
    request: &ApiRequest,
    workflow_instance_id: &str,
    status: &str,
) -> Answer {
    let read = read(request, SIGNAL_HANDLER, workflow_instance_id, "", status);
    match read {
        Err(answer) => answer,
        Ok(_) if shared.store().knows_workflow(workflow_instance_id) => Answer::empty(200),
        Ok(_) => Answer::error(404, &format!("No such workflow found by id: {workflow_instance_id}")),
    }
}

/// `POST /tasks/{workflowId}/{status}/signal/sync`: nothing here waits for a signal.
pub(crate) fn signal_sync(
    shared: &Shared,
    request: &ApiRequest,
    workflow_instance_id: &str,
    status: &str,
) -> Answer {
    let signalled = signal(shared, request, workflow_instance_id, status);
    if signalled.status != 200 {
        return signalled;
    }
    let message = format!("Found no blocked task in workflow {workflow_instance_id} to signal");
    Answer::error(404, &message)
}

fn read<'a>(
    request: &'a ApiRequest,
    handler: &str,
    workflow_instance_id: &'a str,
    reference_task_name: &'a str,
    status: &str,
) -> Result<ReferenceUpdate<'a>, Answer> {
    let status =
        TaskStatus::from_result_name(status).ok_or_else(|| Answer::error(500, &unknown_status(status)))?;
    check_body(request, handler)?;
    let output = serde_json::from_slice(&request.body)
        .map_err(|error| Answer::error(500, &parse_error(&request.body, &error)))?;
    Ok(ReferenceUpdate {
        workflow_instance_id,
        reference_task_name,
        status,
        worker_id: request.parameter("workerid").filter(|id| !id.is_empty()),
        keeps_worker_id: true,
        output,
    })
}

/// Spring's words for a path segment that is no status.
fn unknown_status(status: &str) -> String {
    format!(
        "Method parameter 'status': Failed to convert value of type 'java.lang.String' to required type \
         'com.netflix.conductor.common.metadata.tasks.TaskResult$Status'; Failed to convert from type \
         [java.lang.String] to type [@org.springframework.web.bind.annotation.PathVariable \
         com.netflix.conductor.common.metadata.tasks.TaskResult$Status] for value [{status}]"
    )
}
