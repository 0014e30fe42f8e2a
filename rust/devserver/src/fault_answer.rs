//! What becomes of a request under the fault rules.

use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;

use crate::answer::Answer;
use crate::fault::{FaultAction, FaultTarget, Suspect, WireFault};
use crate::request::{ApiRequest, polled_type};
use crate::routes::route;
use crate::shared::Shared;
use crate::token_routes::TOKEN_PATH;

/// The answer after all fault rules.
pub(crate) enum Outcome {
    Answer(Answer),
    /// With `Connection: close`.
    LastAnswer(Answer),
    /// The connection ends without an answer.
    Close,
    Reset,
    /// The connection stays open without an answer.
    Hang,
    /// An array that begins with so many blanks.
    Huge(u64),
    Spoilt(Answer, WireFault),
}

impl Outcome {
    pub(crate) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) | Self::LastAnswer(answer) | Self::Spoilt(answer, _) => Some(answer),
            Self::Close | Self::Reset | Self::Hang | Self::Huge(_) => None,
        }
    }
}

/// The outcome, and the task type for the transcript.
pub(crate) async fn answer(shared: &Arc<Shared>, request: ApiRequest) -> (Outcome, Option<Arc<str>>) {
    let (fault, task_type) = fault(shared, &request);
    let outcome = match fault {
        None => Outcome::Answer(route(shared, &request).await),
        Some(action) => under(action, shared, request).await,
    };
    let task_type = task_type.or_else(|| outcome.answer().and_then(|answer| answer.task_type.clone()));
    (outcome, task_type)
}

async fn under(action: FaultAction, shared: &Arc<Shared>, request: ApiRequest) -> Outcome {
    match action {
        FaultAction::Answer { status, body, headers } => {
            return Outcome::Answer(Answer::scripted(status, body, headers));
        }
        FaultAction::Close => return Outcome::Close,
        FaultAction::Reset => return Outcome::Reset,
        FaultAction::Hang => return Outcome::Hang,
        FaultAction::Huge(bytes) => return Outcome::Huge(bytes),
        FaultAction::Delay(time) => sleep(time).await,
        _ => {}
    }
    let request = match action {
        FaultAction::MoreTasks(more) => request.asking_for_more(more),
        _ => request,
    };
    let answer = route(shared, &request).await;
    match action {
        FaultAction::CloseAfter => Outcome::Close,
        FaultAction::HangAfter => Outcome::Hang,
        FaultAction::ConnectionClose => Outcome::LastAnswer(answer),
        FaultAction::Wire(fault) => Outcome::Spoilt(answer, fault),
        FaultAction::DelayAfter(time) => {
            sleep(time).await;
            Outcome::Answer(answer)
        }
        FaultAction::Twice => Outcome::Answer(twice(answer)),
        FaultAction::Again => {
            hand_out_again(shared, &answer);
            Outcome::Answer(answer)
        }
        _ => Outcome::Answer(answer),
    }
}

/// The tasks of a batch poll, each two times.
fn twice(answer: Answer) -> Answer {
    let Ok(tasks) = serde_json::from_slice::<Vec<&RawValue>>(answer.body()) else { return answer };
    let doubled: Vec<_> = tasks.iter().flat_map(|task| [task.get(), task.get()]).collect();
    let body = format!("[{}]", doubled.join(","));
    answer.with_body(body.into_bytes())
}

/// Puts polled tasks back into their queues, as a store does that forgets an acknowledgement.
fn hand_out_again(shared: &Shared, answer: &Answer) {
    let Ok(tasks) = serde_json::from_slice::<Vec<Named>>(answer.body()) else { return };
    let mut store = shared.store();
    for task in tasks {
        if let Some(sequence) = store.find(&task.task_id).map(|task| task.sequence) {
            store.make_ready(sequence);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    task_id: String,
    #[serde(default)]
    extend_lease: bool,
}

fn fault(shared: &Shared, request: &ApiRequest) -> (Option<FaultAction>, Option<Arc<str>>) {
    if shared.faults().is_empty() {
        return (None, None);
    }
    let named = serde_json::from_slice::<Named>(&request.body).ok();
    let task_type = task_type(shared, request, named.as_ref());
    let suspect = Suspect {
        method: request.method(),
        path: request.path(),
        of: target(request, named.as_ref()),
        task_type: task_type.as_deref(),
    };
    let action = shared.faults().hit(&suspect, Instant::now());
    (action, task_type)
}

fn target(request: &ApiRequest, named: Option<&Named>) -> Option<FaultTarget> {
    let path = request.path();
    match request.method() {
        "GET" if polled_type(path).is_some() => Some(FaultTarget::Polls),
        "GET" => {
            let task_id = path.strip_prefix("/api/tasks/")?;
            (!task_id.contains('/')).then_some(FaultTarget::Looks)
        }
        "POST" if path == TOKEN_PATH => Some(FaultTarget::Tokens),
        "POST" if matches!(path, "/api/tasks" | "/api/tasks/update-v2") => {
            let extends = named.is_some_and(|named| named.extend_lease);
            Some(if extends { FaultTarget::Leases } else { FaultTarget::Updates })
        }
        _ => None,
    }
}

/// The type that a poll names, or that of the task that an update names.
fn task_type(shared: &Shared, request: &ApiRequest, named: Option<&Named>) -> Option<Arc<str>> {
    if let Some(task_type) = polled_type(request.path()) {
        return Some(Arc::from(&*task_type));
    }
    shared.store().find(&named?.task_id).map(|task| Arc::clone(&task.template.task_type))
}
