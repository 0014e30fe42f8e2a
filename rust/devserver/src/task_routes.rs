//! Polls, updates and look-ups of tasks over HTTP (`TaskResource.java`).

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::answer::{Answer, Violation};
use crate::polling::{DEFAULT_LONG_POLL_MILLIS, MAX_LONG_POLL_MILLIS, PollRequest, Polled, poll};
use crate::request::ApiRequest;
use crate::shared::Shared;
use crate::task_result::TaskResult;
use crate::task_update::{UpdateError, Updated};

/// Java's name of the v1 handler, as it appears in the server's messages.
const V1_HANDLER: &str = "public java.lang.String com.netflix.conductor.rest.controllers.TaskResource.updateTask(\
                          com.netflix.conductor.common.metadata.tasks.TaskResult)";
/// Java's name of the v2 handler.
const V2_HANDLER: &str = "public org.springframework.http.ResponseEntity<com.netflix.conductor.common.metadata.\
                          tasks.Task> com.netflix.conductor.rest.controllers.TaskResource.updateTaskV2(\
                          com.netflix.conductor.common.metadata.tasks.TaskResult)";
/// `GET /tasks/poll/batch/{tasktype}`
pub(crate) async fn batch_poll(shared: &Arc<Shared>, request: &ApiRequest, task_type: &str) -> Answer {
    let numbers = request
        .integer("count", 1)
        .and_then(|count| Ok((count, request.integer("timeout", DEFAULT_LONG_POLL_MILLIS)?)));
    let (count, timeout) = match numbers {
        Ok(numbers) => numbers,
        Err(message) => return Answer::error(500, &message),
    };
    if timeout > MAX_LONG_POLL_MILLIS {
        return Answer::error(400, "Long Poll Timeout value cannot be more than 5 seconds");
    }
    let poll_request = poll_request(shared, request, task_type, count, timeout);
    let Polled { mut json, .. } = poll(shared, poll_request, b"[".to_vec()).await;
    json.push(b']');
    Answer::json(200, json)
}

/// `GET /tasks/poll/{tasktype}`: one task, with the 100 ms long poll of all polls without `timeout`.
pub(crate) async fn single_poll(shared: &Arc<Shared>, request: &ApiRequest, task_type: &str) -> Answer {
    let poll_request = poll_request(shared, request, task_type, 1, DEFAULT_LONG_POLL_MILLIS);
    one_or_none(poll(shared, poll_request, Vec::new()).await)
}

/// `POST /tasks`
pub(crate) fn update_v1(shared: &Shared, request: &ApiRequest) -> Answer {
    let result = match read_result(request, V1_HANDLER) {
        Ok(result) => result,
        Err(answer) => return answer,
    };
    let missing: Vec<_> = (result.missing_fields().into_iter())
        .map(|(field, message)| Violation {
            path: format!("updateTask.arg0.{field}"),
            message: message.to_owned(),
            invalid_value: None,
        })
        .collect();
    if !missing.is_empty() {
        return Answer::validation_error(&missing);
    }
    match update(shared, &result) {
        Ok(updated) => Answer::text(result.task_id.into_owned()).about(Some(updated.task_type)),
        Err(answer) => answer,
    }
}

/// `POST /tasks/update-v2`: the update, then a poll of one task of the same type and domain.
pub(crate) async fn update_v2(shared: &Arc<Shared>, request: &ApiRequest) -> Answer {
    let result = match read_result(request, V2_HANDLER) {
        Ok(result) => result,
        Err(answer) => return answer,
    };
    if let Some(message) = v2_validation_message(&result.missing_fields()) {
        return Answer::error(500, &message);
    }
    let updated = match update(shared, &result) {
        Ok(updated) => updated,
        Err(answer) => return answer,
    };
    if !updated.hands_out_next {
        return Answer::empty(204).about(Some(updated.task_type));
    }
    let poll_request = PollRequest {
        queue: updated.queue,
        count: 1,
        timeout: millis(DEFAULT_LONG_POLL_MILLIS),
        worker_id: result.worker_id.as_deref().map(Arc::from),
    };
    one_or_none(poll(shared, poll_request, Vec::new()).await).about(Some(updated.task_type))
}

/// `GET /tasks/{taskId}`
pub(crate) fn get_task(shared: &Shared, task_id: &str) -> Answer {
    let json = shared.store().task_json(task_id);
    json.map_or_else(
        || Answer::error(404, &format!("Task not found for taskId: {task_id}")),
        |json| Answer::json(200, json),
    )
}

/// `POST /tasks/{taskId}/log`: the raw body is the text.
pub(crate) fn add_log(shared: &Shared, request: &ApiRequest, task_id: &str) -> Answer {
    let now = shared.clock.now();
    let log = json!({
        "log": String::from_utf8_lossy(&request.body), "taskId": task_id, "createdTime": now.millis,
    });
    shared.store().add_log(task_id, log.to_string().into());
    Answer::empty(200)
}

/// `GET /tasks/{taskId}/log`
pub(crate) fn get_logs(shared: &Shared, task_id: &str) -> Answer {
    let store = shared.store();
    let logs = store.find(task_id).map(|task| task.logs.join(",")).unwrap_or_default();
    if logs.is_empty() { Answer::empty(204) } else { Answer::json(200, format!("[{logs}]")) }
}

fn poll_request(
    shared: &Shared,
    request: &ApiRequest,
    task_type: &str,
    count: i32,
    timeout: i32,
) -> PollRequest {
    let domain = request.parameter("domain");
    PollRequest {
        queue: shared.store().queues.index_of(task_type, domain.as_deref()),
        count: usize::try_from(count).unwrap_or(0),
        timeout: millis(timeout),
        worker_id: request.parameter("workerid").as_deref().map(Arc::from),
    }
}

fn millis(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn one_or_none(polled: Polled) -> Answer {
    if polled.count == 0 { Answer::empty(204) } else { Answer::json(200, polled.json) }
}

fn read_result<'a>(request: &'a ApiRequest, handler: &str) -> Result<TaskResult<'a>, Answer> {
    check_body(request, handler)?;
    TaskResult::parse(&request.body).map_err(|message| Answer::error(500, &message))
}

pub(crate) fn check_body(request: &ApiRequest, handler: &str) -> Result<(), Answer> {
    if !request.has_json_content_type() {
        let content_type = request.content_type();
        return Err(Answer::error(500, &format!("Content-Type '{content_type}' is not supported")));
    }
    if request.body.is_empty() {
        return Err(Answer::error(500, &format!("Required request body is missing: {handler}")));
    }
    Ok(())
}

fn update(shared: &Shared, result: &TaskResult<'_>) -> Result<Updated, Answer> {
    let now = shared.clock.now();
    let mut store = shared.store();
    let updated = store.update(result, now);
    shared.wake_waits(&store);
    updated.map_err(|error| match error {
        UpdateError::UnknownWorkflow => {
            Answer::error(404, &format!("No such workflow found by id: {}", result.workflow_instance_id))
        }
        UpdateError::UnknownTask => {
            Answer::error(404, &format!("No such task found by id: {}", result.task_id))
        }
        UpdateError::NoStatus => Answer::error(
            500,
            "Cannot invoke \"com.netflix.conductor.common.metadata.tasks.TaskResult$Status.name()\" because the \
             return value of \"com.netflix.conductor.common.metadata.tasks.TaskResult.getStatus()\" is null",
        ),
    })
}

/// Spring's words for missing fields of a `@Valid` body.
fn v2_validation_message(missing: &[(&str, &str)]) -> Option<String> {
    let errors: Vec<String> = (missing.iter())
        .map(|(field, message)| {
            format!(
                "[Field error in object 'taskResult' on field '{field}': rejected value [null]; codes \
                 [NotEmpty.taskResult.{field},NotEmpty.{field},NotEmpty.java.lang.String,NotEmpty]; arguments \
                 [org.springframework.context.support.DefaultMessageSourceResolvable: codes [taskResult.{field},\
                 {field}]; arguments []; default message [{field}]]; default message [{message}]] "
            )
        })
        .collect();
    let number = if missing.len() > 1 { format!(" with {} errors", missing.len()) } else { String::new() };
    (!missing.is_empty())
        .then(|| format!("Validation failed for argument [0] in {V2_HANDLER}{number}: {}", errors.concat()))
}
