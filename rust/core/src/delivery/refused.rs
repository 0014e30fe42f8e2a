use std::sync::Arc;
use std::time::Duration;

use super::keeping::keep;
use super::leftovers::Fate;
use super::letter::{Letter, Probe};
use super::trials::Verdict;
use super::updater::Updater;
use crate::error::{Error, Judgement};
use crate::observe::Level;
use crate::supervise::spawn;
use crate::wire::{Status, TaskResultWriter};

/// The address or the rights are wrong: somebody has to come and change them.
const RETRY_SELDOM: Duration = Duration::from_secs(10);

/// What becomes of a result that the server did not take.
impl Updater {
    #[cold]
    pub(super) fn refused(self: &Arc<Self>, mut letter: Letter, error: &Error) {
        let judgement = error.judge();
        let verdict = if letter.probe == Some(Probe::Heartbeat) && judgement != Judgement::Gone {
            Verdict::Retry
        } else {
            letter.trials.failed(judgement, self.ledger.accepted())
        };
        let task_id = Arc::clone(&letter.result.identity.task_id);
        match verdict {
            Verdict::Retry => return self.again(letter, judgement, error),
            Verdict::Gone => {
                let message = format!(
                    "the server does not know task {task_id} any more; its result is dropped: {error}"
                );
                self.log(Level::Warning, message, &letter);
                letter.metrics.result_gone();
            }
            Verdict::DeadLetter if letter.is_substitute => {
                let message = format!(
                    "the server refuses every report of task {task_id}; it is left to time out: {error}"
                );
                self.log(Level::Error, message, &letter);
            }
            Verdict::DeadLetter => {
                let message = format!(
                    "the server refused the result of task {task_id}, which fails with that reason: {error}"
                );
                self.log(Level::Error, message, &letter);
                letter.metrics.dead_letter();
            }
        }
        self.given_up(&letter, error);
        if judgement == Judgement::Suspect {
            self.outbox.probe_ended(&letter);
        } else {
            // Whatever it says of this result, the server is there.
            self.is_up(&letter);
        }
        if verdict == Verdict::Gone || letter.is_substitute {
            self.forget(&letter);
            return self.ledger.settled(letter.hold);
        }
        let reason = format!("The server refused the result of this task: {error}");
        let status = Status::FailedWithTerminalError;
        letter.result = TaskResultWriter::failure(&letter.result.identity, "", status, &reason);
        letter.is_substitute = true;
        letter.probe = None;
        self.post_instead(letter, error);
    }

    fn again(&self, mut letter: Letter, judgement: Judgement, error: &Error) {
        let asked = error.retry_after();
        let delay = match judgement {
            Judgement::Misconfigured => RETRY_SELDOM.mul_f64(0.5 + fastrand::f64() / 2.0),
            _ => letter.backoff.failed(fastrand::f64()),
        };
        if let (1, Some(spool), Some(row)) = (letter.trials.failed, &self.spool, letter.row) {
            spool.failed(row, error);
            self.became(&letter, row, Fate::Failing);
        }
        if judgement != Judgement::Conflict {
            self.troubled(&letter, error);
        }
        self.debug(&letter, || {
            let (tries, task_id) = (letter.trials.failed, &letter.result.identity.task_id);
            format!("try {tries} to deliver the result of task {task_id} failed: {error}")
        });
        // Only now: a result that is delivered at once needs no lease of its own.
        self.ledger.lease(letter.hold, &letter.result.identity, None);
        let metrics = Arc::clone(&letter.metrics);
        let changes = self.outbox.again(letter, judgement, delay, asked);
        self.tell(&changes, &metrics.task_type, Some(error));
    }

    /// The server took a heartbeat in the place of this result, so that it is the result that it cannot take,
    /// unless it takes that now.
    #[cold]
    pub(super) fn takes_others(&self, mut letter: Letter) {
        self.ledger.took_heartbeat();
        self.outbox.probe_ended(&letter);
        letter.probe = None;
        self.outbox.push(letter);
    }

    /// `letter` stands in for what the server refused with `error`; that is kept for people, if there is a place.
    fn post_instead(self: &Arc<Self>, mut letter: Letter, error: &Error) {
        let tries = std::mem::take(&mut letter.trials).failed;
        let Some(spool) = &self.spool else { return self.outbox.push(letter) };
        if let Some(row) = letter.row.take() {
            spool.dead_letter(row, tries, error);
            self.became(&letter, row, Fate::Settled);
        }
        letter.is_leftover = false;
        let (updater, spool) = (Arc::clone(self), Arc::clone(spool));
        spawn(&self.sink, "keeping of a failure", async move {
            let mut letters = vec![letter];
            keep(&spool, &updater.ledger, &mut letters).await;
            for letter in letters {
                updater.outbox.push(letter);
            }
        });
    }
}
