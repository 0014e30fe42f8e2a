//! Which handler answers which path, as Spring's router decides it.

use std::sync::Arc;

use crate::answer::Answer;
use crate::metadata_routes;
use crate::request::{ApiRequest, decode};
use crate::shared::Shared;
use crate::task_routes;
use crate::token_routes;

/// Answers one request.
pub(crate) async fn route(shared: &Arc<Shared>, request: &ApiRequest) -> Answer {
    let path = request.path();
    if request.is_refused_by_tomcat() {
        return Answer::bad_request_page();
    }
    if path == "/health" {
        return Answer::json(200, "{\"healthResults\":[],\"suppressedHealthResults\":[],\"healthy\":true}");
    }
    if let Some(answer) = token_routes::guard(shared, request) {
        return answer;
    }
    let mut segments = [""; 5];
    let Some(segments) = split(path, &mut segments) else { return Answer::no_such_route(path) };
    match (request.method(), segments) {
        ("POST", ["tasks"]) => task_routes::update_v1(shared, request),
        ("POST", ["tasks", "update-v2"]) => task_routes::update_v2(shared, request).await,
        ("GET", ["tasks", "poll", "batch", task_type]) => {
            task_routes::batch_poll(shared, request, &decode(task_type, false)).await
        }
        ("GET", ["tasks", "poll", task_type]) => {
            task_routes::single_poll(shared, request, &decode(task_type, false)).await
        }
        ("GET", ["tasks", task_id]) => task_routes::get_task(shared, task_id),
        ("POST", ["tasks", task_id, "log"]) => task_routes::add_log(shared, request, task_id),
        ("POST", ["tasks", workflow_instance_id, reference, status]) => task_routes::update_by_reference(
            shared,
            request,
            workflow_instance_id,
            &decode(reference, false),
            status,
        ),
        ("GET", ["tasks", task_id, "log"]) => task_routes::get_logs(shared, task_id),
        ("GET", ["metadata", "taskdefs"]) => metadata_routes::list(shared),
        ("POST", ["metadata", "taskdefs"]) => metadata_routes::create(shared, request),
        ("PUT", ["metadata", "taskdefs"]) => metadata_routes::update(shared, request),
        ("GET", ["metadata", "taskdefs", name]) => metadata_routes::get(shared, &decode(name, false)),
        ("DELETE", ["metadata", "taskdefs", name]) => metadata_routes::delete(shared, &decode(name, false)),
        (method, segments) if exists(segments) => Answer::method_not_supported(method),
        _ => Answer::no_such_route(path),
    }
}

/// The path's segments below `/api/`; `None` when it cannot be a route: longer than any, or a slash at its end.
fn split<'a, 'b>(path: &'a str, segments: &'b mut [&'a str; 5]) -> Option<&'b [&'a str]> {
    let mut length = 0;
    for segment in path.strip_prefix("/api/")?.split('/') {
        *segments.get_mut(length)? = segment;
        length += 1;
    }
    segments.get(..length).filter(|segments| segments.last() != Some(&""))
}

fn exists(segments: &[&str]) -> bool {
    matches!(
        segments,
        ["tasks"]
            | ["tasks", _]
            | ["tasks", "poll", _]
            | ["tasks", "poll", "batch", _]
            | ["tasks", _, "log"]
            | ["tasks", _, _, _]
            | ["metadata", "taskdefs"]
            | ["metadata", "taskdefs", _]
    )
}
