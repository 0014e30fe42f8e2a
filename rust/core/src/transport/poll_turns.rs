use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::breaker::probe_delay;

/// A success of another poller that is older says nothing of the server as it is now. An idle one is heard
/// of every 5 s at least, when its long poll ends.
const FRESH: Duration = Duration::from_secs(10);
/// Whoever has polled in vain more often than others lets them go first for so long a try: a queue that is
/// forbidden must not be the only one to ask whether the server is back.
const COURTESY: Duration = Duration::from_millis(10);
const MOST_COURTESY: u32 = 20;
/// Of what a server may ask for.
const LONGEST_REST: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PollerId(u64);

/// Which poller may poll while polls fail. A poller that fails alone follows its own delays. While none
/// gets an answer, the server is asked by one at a time, every 0.5 to 1.5 s, and all others wait for that. Pure.
#[derive(Debug, Default)]
pub(crate) struct PollTurns {
    last_id: u64,
    failing: HashMap<PollerId, Failing>,
    /// When the last poll that was answered was sent. One that was sent before a failure says nothing of the
    /// server after it.
    last_success: Option<Instant>,
    /// When one of those who wait for the server may ask it.
    next: Option<Instant>,
    /// The server asked for a rest.
    rest_until: Option<Instant>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    tries: u32,
    /// By its own delays.
    not_before: Instant,
    /// Others wait for the server with it.
    waits: bool,
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollTime {
    Go,
    /// Not before; ask again then, or when somebody got an answer.
    At(Instant),
}

/// What is to be told of a poll, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News {
    /// The first line about this trouble.
    pub(crate) is_first: bool,
    /// In a row, of this poller.
    pub(crate) tries: u32,
}

impl PollTurns {
    pub(crate) fn add(&mut self) -> PollerId {
        self.last_id += 1;
        PollerId(self.last_id)
    }

    /// May it poll at `now`? `Go` is taken for a poll that is sent.
    pub(crate) fn turn(&mut self, id: PollerId, now: Instant, random: f64) -> PollTime {
        if let Some(until) = self.rest_until.filter(|until| now < *until) {
            return PollTime::At(until);
        }
        let Some(poller) = self.failing.get(&id) else { return PollTime::Go };
        if self.is_alone(poller, now) {
            return if now < poller.not_before { PollTime::At(poller.not_before) } else { PollTime::Go };
        }
        let fewest = self.waiting(now).map(|poller| poller.tries).min().unwrap_or(0);
        let courtesy = COURTESY * poller.tries.saturating_sub(fewest).min(MOST_COURTESY);
        let at = self.next.unwrap_or(now) + courtesy;
        if now < at {
            return PollTime::At(at);
        }
        self.next = Some(now + probe_delay(random));
        PollTime::Go
    }

    /// A poll that was sent at `sent` is answered. What is to be told, and whether those who wait may go at once.
    pub(crate) fn answered(&mut self, id: PollerId, sent: Instant, now: Instant) -> (Option<News>, bool) {
        self.last_success = self.last_success.max(Some(sent));
        if self.failing.is_empty() {
            return (None, false);
        }
        let ended = self.failing.remove(&id);
        let mut anybody = false;
        for poller in self.failing.values_mut().filter(|poller| poller.waits && poller.since < sent) {
            (poller.waits, poller.not_before, anybody) = (false, now, true);
        }
        let news = ended.filter(|poller| poller.told);
        (news.map(|poller| News { is_first: false, tries: poller.tries }), anybody)
    }

    /// A poll failed. `delay` is the poller's own; `asked` what the server asks for.
    pub(crate) fn failed(
        &mut self,
        id: PollerId,
        now: Instant,
        delay: Duration,
        asked: Option<Duration>,
    ) -> News {
        if let Some(rest) = asked {
            self.rest_until = self.rest_until.max(Some(now + rest.min(LONGEST_REST)));
        }
        let is_others_trouble = self.waiting(now).any(|poller| poller.told);
        let is_start = self.waiting(now).next().is_none();
        let fresh = Failing { since: now, tries: 0, not_before: now, waits: true, told: false };
        let mut poller = self.failing.remove(&id).unwrap_or(fresh);
        poller.tries = poller.tries.saturating_add(1);
        poller.not_before = now + delay;
        poller.waits = !self.is_alone(&poller, now);
        if is_start && poller.waits {
            // It may have been a single poll's bad luck: the first look at that is soon.
            self.next = Some(now + delay.min(Duration::from_millis(100)));
        }
        let is_first = !(poller.told || poller.waits && is_others_trouble);
        poller.told |= is_first;
        let tries = poller.tries;
        self.failing.insert(id, poller);
        News { is_first, tries }
    }

    /// Does the server answer others, so that the trouble is this poller's own?
    fn is_alone(&self, poller: &Failing, now: Instant) -> bool {
        self.last_success
            .is_some_and(|success| success > poller.since && now.saturating_duration_since(success) < FRESH)
    }

    fn waiting(&self, now: Instant) -> impl Iterator<Item = &Failing> {
        self.failing.values().filter(move |poller| !self.is_alone(poller, now))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// So many pollers of a server that fails from the start on for `millis`: the polls sent, by time and poller.
    fn outage(pollers: usize, millis: u64) -> (PollTurns, Vec<PollerId>, Instant, Vec<(u64, usize)>) {
        let start = Instant::now();
        let mut turns = PollTurns::default();
        let ids: Vec<_> = (0..pollers).map(|_| turns.add()).collect();
        let mut sent = Vec::new();
        for at in 0..millis {
            let now = start + ms(at);
            for (number, id) in ids.iter().enumerate() {
                if turns.turn(*id, now, 0.5) == PollTime::Go {
                    sent.push((at, number));
                    turns.failed(*id, now, ms(100), None);
                }
            }
        }
        (turns, ids, start, sent)
    }

    #[test]
    fn while_the_server_fails_one_asks_for_all_and_they_take_turns() {
        let (mut turns, ids, start, sent) = outage(20, 60_000);
        let later: Vec<_> = sent.iter().filter(|(at, _)| *at > 0).collect();
        assert_eq!(sent.len() - later.len(), 20, "each finds out once");
        assert!((40..=120).contains(&later.len()), "{}", later.len());
        let who: std::collections::HashSet<_> = later.iter().map(|(_, number)| number).collect();
        assert_eq!(who.len(), 20, "all take their turns");
        // It is back: the first one's answer lets all go.
        let now = start + ms(61_500);
        assert_eq!(turns.turn(ids[3], now, 0.5), PollTime::Go);
        assert!(turns.answered(ids[3], now, now + ms(1)).1);
        for id in ids {
            assert_eq!(turns.turn(id, now + ms(1), 0.5), PollTime::Go);
        }
    }

    #[test]
    fn one_line_tells_of_the_trouble_of_all() {
        let mut turns = PollTurns::default();
        let now = Instant::now();
        let ids = [(); 5].map(|()| turns.add());
        let told = ids.map(|id| turns.failed(id, now, ms(1), None).is_first);
        assert_eq!(told, [true, false, false, false, false]);
        let ended = ids.map(|id| turns.answered(id, now + ms(4), now + ms(5)).0);
        assert_eq!(ended, [Some(News { is_first: false, tries: 1 }), None, None, None, None]);
    }

    #[test]
    fn who_fails_alone_follows_its_own_delays_and_is_told_of() {
        let mut turns = PollTurns::default();
        let before = Instant::now();
        let now = before + ms(1);
        let (sick, well) = (turns.add(), turns.add());
        assert!(turns.failed(sick, now, ms(7_000), None).is_first);
        assert_eq!(turns.turn(well, now, 0.0), PollTime::Go);
        assert!(!turns.answered(well, before, now + ms(1)).1, "it was sent before that");
        assert!(turns.answered(well, now + ms(1), now + ms(1)).1, "perhaps it was all the server's");
        assert_eq!(turns.turn(sick, now + ms(1), 0.0), PollTime::Go);
        assert!(!turns.failed(sick, now + ms(2), ms(7_000), None).is_first);
        assert!(!turns.answered(well, now + ms(2), now + ms(3)).1);
        assert_eq!(turns.turn(sick, now + ms(4), 0.0), PollTime::At(now + ms(7_002)));
        // Nobody else has got an answer for a while: it may be the server's trouble after all.
        assert_eq!(turns.turn(sick, now + ms(10_100), 0.0), PollTime::Go);
    }

    #[test]
    fn a_rest_that_the_server_asks_for_is_given_by_all_up_to_a_minute() {
        let mut turns = PollTurns::default();
        let now = Instant::now();
        let (one, other) = (turns.add(), turns.add());
        turns.failed(one, now, ms(1), Some(ms(7_000)));
        for id in [one, other] {
            assert_eq!(turns.turn(id, now + ms(6_999), 0.0), PollTime::At(now + ms(7_000)));
        }
        assert_eq!(turns.turn(other, now + ms(7_000), 0.0), PollTime::Go);
        turns.failed(one, now, ms(1), Some(Duration::from_secs(86_400)));
        assert_eq!(turns.turn(one, now + ms(59_999), 0.0), PollTime::At(now + ms(60_000)));
    }

    proptest! {
        #[test]
        fn somebody_always_has_a_turn_within_two_seconds(
            pollers in 1_usize..8,
            steps in prop::collection::vec((0_usize..8, 0_u64..3, 0_u64..2_000), 0..80),
        ) {
            let mut turns = PollTurns::default();
            let ids: Vec<_> = (0..pollers).map(|_| turns.add()).collect();
            let mut now = Instant::now();
            for (number, what, millis) in steps {
                now += ms(millis);
                let id = ids[number % pollers];
                match what {
                    0 => _ = turns.answered(id, now, now),
                    _ => _ = turns.failed(id, now, ms(1_500), None),
                }
                let goes = |turns: &mut PollTurns, id: PollerId| match turns.turn(id, now, 1.0) {
                    PollTime::Go => true,
                    PollTime::At(at) => at <= now + ms(2_000),
                };
                prop_assert!(ids.iter().any(|id| goes(&mut turns, *id)));
            }
        }
    }
}
