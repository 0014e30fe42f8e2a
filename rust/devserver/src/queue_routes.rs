//! Sizes of queues, who polled last, requeueing (`TaskResource.java`).

use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::request::ApiRequest;
use crate::shared::Shared;

/// `GET /tasks/queue/size?taskType=&domain=`
pub(crate) fn size(shared: &Shared, request: &ApiRequest) -> Answer {
    let Some(task_type) = request.parameter("taskType") else { return no_task_type() };
    // Here an empty domain is none.
    let domain = request.parameter("domain").filter(|domain| !domain.is_empty());
    Answer::json(200, shared.store().queue_size(&task_type, domain.as_deref()).to_string())
}

/// `GET /tasks/queue/sizes?taskType=&taskType=`: of the queues without a domain.
pub(crate) fn sizes(shared: &Shared, request: &ApiRequest) -> Answer {
    let store = shared.store();
    let sizes: Map<String, Value> = (request.parameters("taskType"))
        .map(|task_type| (task_type.to_string(), Value::from(store.queue_size(&task_type, None))))
        .collect();
    if sizes.is_empty() {
        return Answer::error(
            500,
            "Cannot invoke \"java.util.List.iterator()\" because \"taskDefNames\" is null",
        );
    }
    Answer::json(200, Value::from(sizes).to_string())
}

/// `GET /tasks/queue/all`
pub(crate) fn all(shared: &Shared) -> Answer {
    Answer::json(200, shared.store().queue_sizes())
}

/// `GET /tasks/queue/polldata?taskType=`
pub(crate) fn poll_data(shared: &Shared, request: &ApiRequest) -> Answer {
    let Some(task_type) = request.parameter("taskType") else { return no_task_type() };
    Answer::json(200, shared.store().poll_data(Some(&task_type)))
}

/// `GET /tasks/queue/polldata/all`
pub(crate) fn all_poll_data(shared: &Shared) -> Answer {
    Answer::json(200, shared.store().poll_data(None))
}

/// `POST /tasks/queue/requeue/{taskType}`: the number as text.
pub(crate) fn requeue(shared: &Shared, task_type: &str) -> Answer {
    Answer::text(shared.store().requeue(task_type).to_string())
}

fn no_task_type() -> Answer {
    Answer::error(
        500,
        "Required request parameter 'taskType' for method parameter type String is not present",
    )
}
