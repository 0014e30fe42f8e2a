//! Which handler answers which path, as Spring's router decides it.

use std::sync::Arc;

use crate::answer::Answer;
use crate::metadata_routes;
use crate::queue_routes;
use crate::reference_routes;
use crate::request::{ApiRequest, decode};
use crate::schema_routes;
use crate::shared::Shared;
use crate::task_routes;
use crate::token_routes;
use crate::workflow_metadata_routes;
use crate::workflow_routes;

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
        ("GET", ["tasks", "queue", "size"]) => queue_routes::size(shared, request),
        ("GET", ["tasks", "queue", "sizes"]) => queue_routes::sizes(shared, request),
        ("GET", ["tasks", "queue", "all"]) => queue_routes::all(shared),
        ("GET", ["tasks", "queue", "polldata"]) => queue_routes::poll_data(shared, request),
        ("GET", ["tasks", "queue", "polldata", "all"]) => queue_routes::all_poll_data(shared),
        ("POST", ["tasks", "queue", "requeue", task_type]) => {
            queue_routes::requeue(shared, &decode(task_type, false))
        }
        ("GET", ["tasks", task_id]) => task_routes::get_task(shared, task_id),
        ("POST", ["tasks", task_id, "log"]) => task_routes::add_log(shared, request, task_id),
        ("POST", ["tasks", id, status, "signal"]) => reference_routes::signal(shared, request, id, status),
        ("POST", ["tasks", id, status, "signal", "sync"]) => {
            reference_routes::signal_sync(shared, request, id, status)
        }
        ("POST", ["tasks", id, reference, status]) => {
            reference_routes::update(shared, request, id, &decode(reference, false), status)
        }
        ("POST", ["tasks", id, reference, status, "sync"]) => {
            reference_routes::update_sync(shared, request, id, &decode(reference, false), status)
        }
        ("GET", ["tasks", task_id, "log"]) => task_routes::get_logs(shared, task_id),
        ("GET", ["metadata", "taskdefs"]) => metadata_routes::list(shared),
        ("POST", ["metadata", "taskdefs"]) => metadata_routes::create(shared, request),
        ("PUT", ["metadata", "taskdefs"]) => metadata_routes::update(shared, request),
        ("GET", ["metadata", "taskdefs", name]) => metadata_routes::get(shared, &decode(name, false)),
        ("DELETE", ["metadata", "taskdefs", name]) => metadata_routes::delete(shared, &decode(name, false)),
        ("POST", ["schema"]) if schema_routes::are_kept(shared) => schema_routes::save(shared, request),
        ("GET", ["schema", name, version]) if schema_routes::are_kept(shared) => {
            schema_routes::get(shared, &decode(name, false), version)
        }
        ("GET", ["metadata", "workflow"]) => workflow_metadata_routes::list(shared),
        ("POST", ["metadata", "workflow"]) => workflow_metadata_routes::create(shared, request),
        ("PUT", ["metadata", "workflow"]) => workflow_metadata_routes::update(shared, request),
        ("GET", ["metadata", "workflow", name]) => {
            workflow_metadata_routes::get(shared, request, &decode(name, false))
        }
        ("POST", ["workflow"]) => workflow_routes::start(shared, request),
        ("GET", ["workflow", id]) => workflow_routes::get(shared, request, id),
        ("DELETE", ["workflow", id]) => workflow_routes::terminate(shared, request, id),
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
        ["tasks" | "workflow"]
            | ["tasks" | "workflow", _]
            | ["tasks", "poll", _]
            | ["tasks", _, "log"]
            | ["tasks", "queue", "size" | "sizes" | "all" | "polldata"]
            | ["tasks", _, _, _]
            | ["tasks", _, _, _, "sync"]
            | ["metadata", "taskdefs" | "workflow"]
            | ["metadata", "taskdefs" | "workflow", _]
    )
}
