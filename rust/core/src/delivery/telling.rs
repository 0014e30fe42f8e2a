use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use super::letter::Letter;
use super::outbox::now;
use super::trouble::{Line, Trouble};
use super::updater::Updater;
use super::ways::Change;
use crate::error::Error;
use crate::observe::{Area, Happening, Level, LogRecord};

/// What the updater tells: the log, whoever listens, and the metrics.
impl Updater {
    pub(super) fn troubled(&self, letter: &Letter, error: &Error) {
        let mut trouble = self.trouble();
        let task_type = &letter.metrics.task_type;
        let line = trouble.failed(task_type, now());
        self.failing_types.store(trouble.types(), Ordering::Relaxed);
        let and_later = match line {
            Line::Begins => "",
            Line::Spreads => "; so may be those of other task types, of which no line tells for a minute",
            Line::Nothing => return,
        };
        let message = format!(
            "results of {task_type:?} cannot be delivered; they are kept and retried{and_later}: {error}"
        );
        self.log(Level::Warning, message, letter);
    }

    #[cold]
    pub(super) fn is_up(&self, letter: &Letter) {
        let task_type = &letter.metrics.task_type;
        let changes = self.outbox.is_up(task_type);
        let mut trouble = self.trouble();
        let ended = trouble.ended(task_type);
        self.failing_types.store(trouble.types(), Ordering::Relaxed);
        drop(trouble);
        self.tell(&changes, task_type, None);
        if let Some(tries) = ended {
            let message = format!("results of {task_type:?} are delivered again, after {tries} failed tries");
            self.sink.log(LogRecord::new(Area::Update, Level::Info, message).of_type(task_type));
        }
    }

    /// Of breakers that opened; that they have closed is told by the results that are delivered again.
    #[cold]
    pub(super) fn tell(&self, changes: &[Change], task_type: &Arc<str>, error: Option<&Error>) {
        for change in changes {
            let (level, message) = match (change, error) {
                (Change::TypeOpened, Some(_)) => {
                    if !self.trouble().is_told(task_type) {
                        continue;
                    }
                    let message =
                        format!("no task of {task_type:?} is taken until one of its results is delivered");
                    (Level::Warning, message)
                }
                (Change::Unauthorized, Some(error)) => {
                    let message =
                        format!("no task is taken until the server accepts the key and its token: {error}");
                    (Level::Error, message)
                }
                (Change::Authorized, None) => {
                    (Level::Info, "the server accepts the key and its token again".to_owned())
                }
                (Change::ServerOpened, Some(_)) => {
                    let message = "no result of any task type is delivered; no task is taken until one is";
                    (Level::Warning, message.to_owned())
                }
                _ => continue,
            };
            self.sink.log(LogRecord::new(Area::Update, level, message).of_type(task_type));
        }
    }

    pub(super) fn delivered(&self, letter: &Letter, duration: Duration) {
        letter.metrics.updated(duration);
        self.debug(letter, || {
            let (task_id, millis) = (&letter.result.identity.task_id, duration.as_secs_f64() * 1_000.0);
            format!("delivered the result of task {task_id} in {millis:.1} ms")
        });
        self.sink.tell(&letter.metrics.task_type, || {
            let identity = letter.result.identity.clone();
            Happening::TaskUpdateCompleted {
                task_id: identity.task_id,
                workflow_instance_id: identity.workflow_instance_id,
                duration,
            }
        });
    }

    pub(super) fn given_up(&self, letter: &Letter, cause: &Error) {
        let identity = letter.result.identity.clone();
        self.sink.tell(&letter.metrics.task_type, || Happening::TaskUpdateFailure {
            task_id: identity.task_id,
            workflow_instance_id: identity.workflow_instance_id,
            cause: cause.clone(),
            tries: letter.trials.failed,
            result: letter.result.body.clone(),
        });
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn debug(&self, letter: &Letter, message: impl FnOnce() -> String) {
        self.sink.debug(Area::Update, &letter.metrics.task_type, Some(&letter.result.identity), message);
    }

    pub(super) fn log(&self, level: Level, message: String, letter: &Letter) {
        let record = LogRecord::new(Area::Update, level, message).of_type(&letter.metrics.task_type);
        self.sink.log(record.of_task(&letter.result.identity));
    }
}
