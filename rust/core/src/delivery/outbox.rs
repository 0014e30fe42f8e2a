use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::timeout_at;

use super::backlog::Backlog;
use super::blocked::Blocked;
use super::letter::{Letter, Queue};
use super::post_limit::PostLimit;
use super::ways::{Change, Failure, Ways};
use crate::error::Judgement;

/// The clock of the timers, which a test may drive.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A letter that is being posted, and the right to do so. If its post panics, it goes back into the outbox.
pub(super) struct InHand<'a> {
    pub letter: Letter,
    outbox: &'a Outbox,
    sent: Instant,
    is_answered: bool,
    is_dealt_with: bool,
}

/// Results that the server has not yet acknowledged: those that may be posted now, the most urgent first,
/// those that wait for their next try, and those whose way is down.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    arrived: Notify,
    /// What waits for a time is to be looked at earlier.
    sooner: Notify,
    blocked: watch::Sender<Blocked>,
    is_behind: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    ready: Queue,
    probes: Vec<Letter>,
    /// By when they are to be tried again.
    later: BTreeMap<(Instant, u64), Letter>,
    count: u64,
    ways: Ways,
    /// Whether any way is down or the server rests: looked at for each letter.
    any_down: bool,
    posting: usize,
    /// One more is, on a thread that is not ours.
    is_early: bool,
    limit: PostLimit,
    backlog: Backlog,
}

impl Outbox {
    /// `ceiling`: the most posts in flight.
    pub(super) fn new(ceiling: usize) -> Self {
        let state = State {
            ready: Queue::default(),
            probes: Vec::new(),
            later: BTreeMap::new(),
            count: 0,
            ways: Ways::default(),
            any_down: false,
            posting: 0,
            is_early: false,
            limit: PostLimit::new(ceiling),
            backlog: Backlog::default(),
        };
        Self {
            state: Mutex::new(state),
            arrived: Notify::new(),
            sooner: Notify::new(),
            blocked: watch::Sender::new(Blocked::default()),
            is_behind: watch::Sender::new(false),
        }
    }

    pub(super) fn register(&self, task_type: &Arc<str>) {
        let mut state = self.lock();
        state.ways.register(task_type);
        self.publish(&mut state);
    }

    /// Of which types no task is to be taken.
    pub(super) fn blocked(&self) -> watch::Receiver<Blocked> {
        self.blocked.subscribe()
    }

    /// Is it to be waited for what is here, before more tasks are taken?
    pub(super) fn is_behind(&self) -> watch::Receiver<bool> {
        self.is_behind.subscribe()
    }

    pub(super) fn push(&self, letter: Letter) {
        self.lock().ready.push(letter);
        self.arrived.notify_one();
    }

    /// Takes the letters, without a word to the lanes: `tell` follows.
    pub(super) fn extend(&self, letters: impl Iterator<Item = Letter>) {
        let mut state = self.lock();
        for letter in letters {
            state.ready.push(letter);
        }
    }

    pub(super) fn tell(&self) {
        let count = self.lock().startable();
        for _ in 0..count {
            self.arrived.notify_one();
        }
    }

    pub(super) async fn next(&self) -> InHand<'_> {
        loop {
            // Taken before the look, so that a letter that arrives in between is not slept through.
            let arrived = self.arrived.notified();
            let letter = self.lock().start();
            match letter {
                Some(letter) => {
                    let sent = now();
                    return InHand { letter, outbox: self, sent, is_answered: false, is_dealt_with: false };
                }
                None => arrived.await,
            }
        }
    }

    /// May one be posted elsewhere? If nothing is posted, nothing waits, and no way is down.
    pub(super) fn take_early_turn(&self) -> bool {
        let mut state = self.lock();
        let may = !state.is_early && state.posting == 0 && state.ready.is_empty() && !state.any_down;
        state.is_early |= may;
        may
    }

    pub(super) fn give_early_turn_back(&self) {
        self.lock().is_early = false;
        self.tell();
    }

    /// A letter whose post was begun at `sent`, elsewhere. Whoever ends it tells the lanes, for none of them looks
    /// for the next letter then.
    pub(super) fn begun(&self, letter: Letter, sent: Instant) -> InHand<'_> {
        self.lock().posting += 1;
        InHand { letter, outbox: self, sent, is_answered: false, is_dealt_with: false }
    }

    /// Gives letters free when their time has come.
    pub(super) async fn keep_time(&self, accepted: impl Fn() -> u64) {
        loop {
            let sooner = self.sooner.notified();
            let next = {
                let mut state = self.lock();
                let next = state.turn(now(), accepted());
                self.publish(&mut state);
                next
            };
            self.tell();
            match next {
                // Both endings, the time and the word that it is wrong, mean: look again.
                Some(next) => _ = timeout_at(next.into(), sooner).await,
                None => sooner.await,
            }
        }
    }

    /// A post of this letter failed, and it is to be tried again: not before `delay`, nor than the server
    /// `asked`, nor while its way is down.
    pub(super) fn again(
        &self,
        mut letter: Letter,
        judgement: Judgement,
        delay: Duration,
        asked: Option<Duration>,
    ) -> Vec<Change> {
        let now = now();
        let mut state = self.lock();
        let task_type = Arc::clone(&letter.metrics.task_type);
        let failure = Failure {
            task_type: &task_type,
            judgement,
            is_first: letter.trials.failed <= 1,
            probe: letter.probe.take(),
            waiting: state.waiting(&task_type),
            asked,
        };
        let changes = state.ways.failed(&failure, now, fastrand::f64());
        if state.ways.is_down(&task_type) {
            state.ways.park(letter);
        } else {
            state.count += 1;
            let number = state.count;
            state.later.insert((now + delay, number), letter);
        }
        self.publish(&mut state);
        drop(state);
        self.sooner.notify_one();
        changes
    }

    /// If this letter was tried to see whether its way is up: that is over, and another one may be.
    pub(super) fn probe_ended(&self, letter: &Letter) {
        if letter.probe.is_some() {
            self.lock().ways.probe_ended(&letter.metrics.task_type, now());
            self.sooner.notify_one();
        }
    }

    /// The way of results of this type is up: the server has taken one, or has judged it.
    #[cold]
    pub(super) fn is_up(&self, task_type: &Arc<str>) -> Vec<Change> {
        let mut state = self.lock();
        let (changes, freed) = state.ways.succeeded(task_type, now());
        for letter in freed {
            state.ready.push(letter);
        }
        self.publish(&mut state);
        drop(state);
        self.tell();
        self.sooner.notify_one();
        changes
    }

    fn publish(&self, state: &mut State) {
        let blocked = state.ways.blocked();
        state.any_down = blocked != Blocked::default();
        self.blocked.send_if_modified(|now| {
            let is_news = *now != blocked;
            *now = blocked;
            is_news
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn in_flight(&self) -> usize {
        self.posting + usize::from(self.is_early)
    }

    fn startable(&self) -> usize {
        (self.ready.len() + self.probes.len()).min(self.limit.now().saturating_sub(self.in_flight()))
    }

    fn start(&mut self) -> Option<Letter> {
        if self.in_flight() >= self.limit.now() || self.any_down && self.ways.is_resting(now()) {
            return None;
        }
        let mut letter = self.probes.pop();
        while letter.is_none() {
            let next = self.ready.pop()?;
            if self.any_down && self.ways.is_down(&next.metrics.task_type) {
                self.ways.park(next);
            } else {
                letter = Some(next);
            }
        }
        self.posting += 1;
        letter
    }

    /// Gives free what may be posted at `now`; when to ask again.
    fn turn(&mut self, now: Instant, accepted: u64) -> Option<Instant> {
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now) {
            self.ready.push(entry.remove());
        }
        let (ready, later, posting) = (&self.ready, &self.later, self.in_flight());
        let (probes, next) = self.ways.probes(now, accepted, |task_type| {
            let is_it = |letter: &Letter| task_type.is_none_or(|task_type| letter.is_of(task_type));
            posting > 0 || ready.iter().any(is_it) || later.values().any(is_it)
        });
        self.probes.extend(probes);
        let due = self.later.first_key_value().map(|((at, _), _)| *at);
        due.into_iter().chain(next).min()
    }

    /// Results of this type that wait, as far as that may matter: counted only if there are many at all.
    fn waiting(&self, task_type: &str) -> usize {
        let parked = self.ways.parked_of(task_type);
        if self.ready.len() + self.later.len() + parked < 1_000 {
            return parked;
        }
        let others = self.ready.iter().chain(self.later.values());
        parked + others.filter(|letter| letter.is_of(task_type)).count()
    }
}

impl InHand<'_> {
    /// The server has answered: how long that took, and when it was. `failed`: it may have too much to do.
    pub(super) fn answered(&mut self, failed: bool) -> (Duration, Instant) {
        let now = now();
        let took = now - self.sent;
        self.is_answered = true;
        let mut state = self.outbox.lock();
        let (before, waiting) = (state.limit.now(), !state.ready.is_empty());
        state.limit.answered(took, failed, waiting);
        state.posting -= 1;
        let (at_once, has_grown) = (state.limit.now(), state.limit.now() > before);
        let (waiting, was_long) = (state.ready.len(), state.backlog.is_long());
        state.backlog.look(waiting, at_once, took);
        if state.backlog.is_long() != was_long {
            self.outbox.is_behind.send_replace(!was_long);
        }
        drop(state);
        if has_grown {
            self.outbox.tell();
        }
        (took, now)
    }

    /// Nobody waits for it any more: it is not posted.
    pub(super) fn withdraw(mut self) {
        self.is_dealt_with = true;
        self.outbox.probe_ended(&self.letter);
    }

    /// Somebody answers for it from here on.
    pub(super) fn dealt_with(&mut self) {
        self.is_dealt_with = true;
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.outbox.lock().posting -= 1;
        }
        if !self.is_dealt_with {
            self.outbox.probe_ended(&self.letter);
            let letter = Letter { probe: None, ..self.letter.clone() };
            self.outbox.push(letter);
        }
    }
}
