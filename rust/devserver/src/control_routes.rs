//! `/dev`: the control of the server for users of other languages. No real server has these paths; they appear
//! neither in the transcript nor in the counters, and no fault hits them.
//!
//! | route | does |
//! |---|---|
//! | `POST /dev/push` | `{"taskType","inputData","count","domain",...}`: the ids of the new tasks |
//! | `GET /dev/tasks?taskType&status` | tasks in push order |
//! | `POST /dev/cancel/{taskId}` | ends a task as `CANCELED` |
//! | `GET`, `DELETE /dev/transcript` | requests so far; forget them |
//! | `POST /dev/expire-tokens` | lets every token that was issued expire now |
//! | `POST`, `DELETE /dev/faults` | adds a fault rule (`FaultRule::parse`); clears all |

use std::time::Instant;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::fault::FaultRule;
use crate::options::PushOptions;
use crate::request::ApiRequest;
use crate::shared::Shared;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PushBody<'a> {
    task_type: String,
    #[serde(borrow)]
    input_data: Option<&'a RawValue>,
    count: Option<usize>,
    domain: Option<String>,
    workflow_instance_id: Option<String>,
    reference_task_name: Option<String>,
    response_timeout_seconds: Option<u64>,
    #[serde(rename = "retryCount")]
    retry_count_limit: Option<u32>,
    retry_delay_seconds: Option<u64>,
    correlation_id: Option<String>,
}

/// Answers a request below `/dev/`; `rest` is the path behind it.
pub(crate) fn control_route(shared: &Shared, request: &ApiRequest, rest: &str) -> Answer {
    match (request.method(), rest) {
        ("POST", "push") => push(shared, &request.body),
        ("GET", "tasks") => {
            let task_type = request.parameter("taskType");
            let status = request.parameter("status");
            Answer::json(200, shared.store().tasks_json(task_type.as_deref(), status.as_deref()))
        }
        ("GET", "transcript") => Answer::json(200, shared.transcript().json()),
        ("DELETE", "transcript") => {
            shared.transcript().clear();
            Answer::empty(204)
        }
        ("POST", "faults") => match FaultRule::parse(&String::from_utf8_lossy(&request.body)) {
            Ok(rule) => Answer::json(200, shared.faults().add(rule).to_string()),
            Err(message) => Answer::error(400, &message),
        },
        ("DELETE", "faults") => {
            shared.faults().clear();
            Answer::empty(204)
        }
        ("POST", "expire-tokens") => {
            shared.tokens().expire(Instant::now());
            Answer::empty(204)
        }
        ("POST", path) if path.starts_with("cancel/") => {
            let canceled = shared.cancel(&path["cancel/".len()..]);
            Answer::json(200, if canceled { "true" } else { "false" })
        }
        _ => Answer::no_such_route(request.path()),
    }
}

fn push(shared: &Shared, body: &[u8]) -> Answer {
    let body: PushBody<'_> = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => return Answer::error(400, &error.to_string()),
    };
    let options = PushOptions {
        domain: body.domain,
        workflow_instance_id: body.workflow_instance_id,
        reference_task_name: body.reference_task_name,
        response_timeout_seconds: body.response_timeout_seconds,
        retry_count_limit: body.retry_count_limit,
        retry_delay_seconds: body.retry_delay_seconds,
        correlation_id: body.correlation_id,
    };
    let input = body.input_data.map_or("{}", RawValue::get);
    match shared.push(&body.task_type, input, body.count.unwrap_or(1), &options) {
        Ok(task_ids) => Answer::json(200, json!(task_ids).to_string()),
        Err(error) => Answer::error(400, &error.to_string()),
    }
}
