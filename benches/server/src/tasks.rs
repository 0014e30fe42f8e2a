//! Every task of a run: when it became available, who has it, and whether its one result was right.

use std::collections::VecDeque;

use serde::Serialize;

use crate::options::{Arrivals, Options};
use crate::payload::{Payload, number_of};
use crate::result_body::ResultBody;

pub(crate) const SECOND: f64 = 1e9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Available,
    Polled,
    Ended,
}

/// Times are nanoseconds since the server's start.
#[derive(Debug)]
struct Entry {
    task_type: usize,
    state: State,
    available: u64,
    polled: u64,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) polls: u64,
    pub(crate) empty_polls: u64,
    pub(crate) connections_opened: u64,
    /// Right and first results.
    pub(crate) completed: u64,
    /// Terminal results with another status than COMPLETED.
    pub(crate) not_completed: u64,
    /// Results for a task that has ended, or that nobody was given.
    pub(crate) duplicate: u64,
    pub(crate) unknown: u64,
    pub(crate) wrong_output: u64,
    /// Requests that are none, or that this server does not know.
    pub(crate) refused: u64,
}

/// One completed task of the measured stretch, in nanoseconds from when it was available.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    pub(crate) number: usize,
    pub(crate) picked_up: u64,
    pub(crate) completed: u64,
}

#[derive(Debug)]
pub(crate) struct Tasks {
    arrivals: Arrivals,
    names: Vec<String>,
    payloads: Vec<Payload>,
    entries: Vec<Entry>,
    /// By task type; empty in a closed loop, where tasks are made when they are polled.
    available: Vec<VecDeque<usize>>,
    /// Open loops: when the first tasks were due, and how many dates have passed.
    schedule_start: Option<u64>,
    dates: u64,
    pub(crate) counts: Counts,
    /// Of the measured stretch; empty in a closed loop, where latency means nothing.
    pub(crate) finished: Vec<Finished>,
    pub(crate) recording: bool,
}

impl Tasks {
    pub(crate) fn new(options: &Options) -> Self {
        let names: Vec<_> = (0..options.task_types).map(|number| format!("bench_{number}")).collect();
        Self {
            arrivals: options.arrivals,
            payloads: names.iter().map(|name| Payload::new(name, options.document_bytes)).collect(),
            available: names.iter().map(|_| VecDeque::new()).collect(),
            names,
            entries: Vec::new(),
            schedule_start: None,
            dates: 0,
            counts: Counts::default(),
            finished: Vec::new(),
            recording: false,
        }
    }

    pub(crate) fn task_type(&self, name: &[u8]) -> Option<usize> {
        let number: usize = std::str::from_utf8(name).ok()?.strip_prefix("bench_")?.parse().ok()?;
        (self.names.get(number)?.as_bytes() == name).then_some(number)
    }

    pub(crate) fn payload(&self, number: usize) -> Option<&Payload> {
        self.payloads.get(self.entries.get(number)?.task_type)
    }

    /// The schedule starts with the first poll.
    pub(crate) fn start_schedule(&mut self, now: u64) {
        self.schedule_start.get_or_insert(now);
    }

    /// When the next tasks become available.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "hours in ns"
    )]
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        let start = self.schedule_start?;
        match self.arrivals {
            Arrivals::Closed { .. } | Arrivals::Never => None,
            Arrivals::Open { per_second } => {
                Some(start + ((self.dates + 1) as f64 / per_second * SECOND) as u64)
            }
            Arrivals::Burst { every_millis, .. } => Some(start + (self.dates + 1) * every_millis * 1_000_000),
        }
    }

    /// Makes the tasks available whose time has come, and calls `arrived` with each one's type.
    pub(crate) fn arrive(&mut self, now: u64, mut arrived: impl FnMut(&mut Self, usize)) {
        while let Some(due) = self.next_arrival().filter(|due| *due <= now) {
            self.dates += 1;
            let tasks = if let Arrivals::Burst { tasks, .. } = self.arrivals { tasks } else { 1 };
            for _ in 0..tasks {
                let number = self.entries.len();
                let task_type = number % self.names.len();
                self.entries.push(Entry { task_type, state: State::Available, available: due, polled: 0 });
                self.available[task_type].push_back(number);
                arrived(self, task_type);
            }
        }
    }

    /// Hands out up to `count` tasks.
    pub(crate) fn take(&mut self, task_type: usize, count: usize, now: u64, taken: &mut Vec<usize>) {
        let queue = &mut self.available[task_type];
        if let Arrivals::Closed { available } = self.arrivals
            && queue.is_empty()
        {
            for _ in 0..count.min(available) {
                taken.push(self.entries.len());
                self.entries.push(Entry { task_type, state: State::Polled, available: now, polled: now });
            }
            return;
        }
        for number in queue.drain(..count.min(queue.len())) {
            let entry = &mut self.entries[number];
            (entry.state, entry.polled) = (State::Polled, now);
            taken.push(number);
        }
    }

    /// Judges a result; the task's number if it is one of ours.
    pub(crate) fn report(&mut self, body: &[u8], now: u64) -> Option<usize> {
        let Some(result) = ResultBody::read(body) else {
            self.counts.refused += 1;
            return None;
        };
        let number = number_of(result.task_id);
        let Some((number, entry)) = number.and_then(|number| Some((number, self.entries.get_mut(number)?)))
        else {
            self.counts.unknown += 1;
            return None;
        };
        if result.status == b"IN_PROGRESS" {
            // Handed back unstarted, as at a stop; anything else is a heartbeat.
            if result.callback_after == b"0" && entry.state == State::Polled {
                entry.state = State::Available;
                self.available[entry.task_type].push_front(number);
            }
            return Some(number);
        }
        if entry.state != State::Polled {
            self.counts.duplicate += 1;
            return Some(number);
        }
        entry.state = State::Ended;
        if result.status != b"COMPLETED" {
            self.counts.not_completed += 1;
        } else if result.output_is(self.payloads[entry.task_type].expected(number)) {
            self.counts.completed += 1;
            if self.recording && !matches!(self.arrivals, Arrivals::Closed { .. }) {
                self.finished.push(Finished {
                    number,
                    picked_up: entry.polled - entry.available,
                    completed: now - entry.available,
                });
            }
        } else {
            self.counts.wrong_output += 1;
        }
        Some(number)
    }

    pub(crate) fn type_of(&self, number: usize) -> usize {
        self.entries[number].task_type
    }

    /// Handed out, and no result has come.
    pub(crate) fn outstanding(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state == State::Polled).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(number: usize, status: &str, output: &str) -> Vec<u8> {
        format!(r#"{{"taskId":"b0b0cafe-0000-4000-8000-{number:012x}","status":"{status}","outputData":{output}}}"#)
            .into_bytes()
    }

    #[test]
    fn every_result_is_judged() {
        let mut tasks = Tasks::new(&Options::default());
        let mut taken = Vec::new();
        tasks.take(0, 4, 0, &mut taken);
        assert_eq!(taken, [0, 1, 2, 3]);
        let right = |number: usize| format!(r#"{{"a": {}, "b":"two","c":true,"d":4.5}}"#, 1_000_000 + number);
        tasks.report(&result(0, "IN_PROGRESS", "{}"), 1);
        tasks.report(&result(0, "COMPLETED", &right(0)), 1);
        tasks.report(&result(0, "COMPLETED", &right(0)), 1);
        tasks.report(&result(1, "COMPLETED", &right(0)), 1);
        tasks.report(&result(2, "FAILED", &right(2)), 1);
        tasks.report(&result(4, "COMPLETED", &right(4)), 1);
        tasks.report(b"nonsense", 1);
        let counts = tasks.counts;
        assert_eq!(
            (counts.completed, counts.duplicate, counts.wrong_output, counts.not_completed, counts.unknown),
            (1, 1, 1, 1, 1)
        );
        assert_eq!((counts.refused, tasks.outstanding()), (1, 1));
    }

    #[test]
    fn what_is_handed_back_is_handed_out_again() {
        let mut tasks = Tasks::new(&Options::default());
        let mut taken = Vec::new();
        tasks.take(0, 2, 0, &mut taken);
        let back = String::from_utf8(result(1, "IN_PROGRESS", "{}")).unwrap();
        tasks.report(back.replace("outputData", "callbackAfterSeconds\":0,\"outputData").as_bytes(), 1);
        assert_eq!(tasks.outstanding(), 1);
        taken.clear();
        tasks.take(0, 5, 2, &mut taken);
        assert_eq!((taken.as_slice(), tasks.outstanding()), ([1].as_slice(), 2));
    }

    #[test]
    fn an_open_loop_keeps_its_dates() {
        let arrivals = Arrivals::Open { per_second: 1_000.0 };
        let mut tasks = Tasks::new(&Options { arrivals, task_types: 2, ..Options::default() });
        tasks.arrive(1_000_000, |_, _| {});
        assert_eq!(tasks.next_arrival(), None, "not before the first poll");
        tasks.start_schedule(0);
        let mut types = Vec::new();
        tasks.arrive(2_500_000, |_, task_type| types.push(task_type));
        assert_eq!((types, tasks.next_arrival()), (vec![0, 1], Some(3_000_000)));
        let mut taken = Vec::new();
        tasks.take(1, 10, 2_600_000, &mut taken);
        assert_eq!(taken, [1]);
    }
}
