use std::time::{Duration, Instant};

use hyper::header::HeaderValue;

use super::backoff::Backoff;
use crate::error::{Error, Judgement};

/// A token is refreshed at this part of its lifetime, ± 10 % of that, so that a fleet that started together
/// does not ask together.
const REFRESH_AT: f64 = 0.8;
/// How long a server without `/token` is not asked again.
const OPEN_FOR: Duration = Duration::from_mins(10);
const REFUSED: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_mins(1));
/// While the server cannot be reached, polls ask as often: the token must not come later than they do.
const TROUBLE: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(2));
/// A token that was good for so long ends a series of failures.
const GOOD_FOR: Duration = Duration::from_mins(1);

/// What is known of the token: decides, and neither waits nor asks.
#[derive(Debug)]
pub(super) struct TokenState {
    ttl: Duration,
    known: Known,
    /// Counted with each token and with each 404: tells a call that was refused whether the token that it
    /// used is still the current one.
    generation: u64,
    since: Option<Instant>,
    /// The last try failed: why, and until when nobody tries again.
    failure: Option<(Error, Instant)>,
    refused: Backoff,
    trouble: Backoff,
}

#[derive(Debug)]
enum Known {
    Nothing,
    Token {
        header: HeaderValue,
        refresh: Instant,
        end: Instant,
    },
    /// The server has no `/token`: calls go without.
    Open {
        until: Instant,
    },
}

/// What a call goes out with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) generation: u64,
    pub(super) header: Option<HeaderValue>,
}

/// What a call does first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Go,
    /// Go with what there is, and have a new token fetched meanwhile.
    GoAndRefresh,
    /// Wait for a new token.
    Mint,
}

impl TokenState {
    pub(super) fn new(ttl: Duration) -> Self {
        let known = Known::Nothing;
        Self { ttl, known, generation: 0, since: None, failure: None, refused: REFUSED, trouble: TROUBLE }
    }

    pub(super) fn used(&self) -> Used {
        let header = match &self.known {
            Known::Token { header, .. } => Some(header.clone()),
            Known::Nothing | Known::Open { .. } => None,
        };
        Used { generation: self.generation, header }
    }

    pub(super) fn step(&self, now: Instant) -> Step {
        let rests = self.resting(now).is_some();
        match &self.known {
            Known::Nothing => Step::Mint,
            // The old token is good until the server refuses it: our lifetime is only a guess at its.
            Known::Token { refresh, .. } if now < *refresh || rests => Step::Go,
            Known::Token { end, .. } => {
                if now < *end {
                    Step::GoAndRefresh
                } else {
                    Step::Mint
                }
            }
            Known::Open { until } => {
                if now < *until || rests {
                    Step::Go
                } else {
                    Step::GoAndRefresh
                }
            }
        }
    }

    /// Is there anything that a call can go out with?
    pub(super) fn is_usable(&self) -> bool {
        !matches!(self.known, Known::Nothing)
    }

    /// The failure that is too fresh for another try.
    pub(super) fn resting(&self, now: Instant) -> Option<&Error> {
        self.failure.as_ref().filter(|(_, until)| now < *until).map(|(error, _)| error)
    }

    /// True if that ends a series of failures.
    pub(super) fn minted(&mut self, header: HeaderValue, now: Instant, random: f64) -> bool {
        let recovers = self.failure.is_some() && self.is_usable();
        let refresh = now + self.ttl.mul_f64(REFRESH_AT * (0.9 + 0.2 * random));
        self.know(Known::Token { header, refresh, end: now + self.ttl }, now);
        recovers
    }

    /// True if that is news.
    pub(super) fn opened(&mut self, now: Instant) -> bool {
        let is_news = !matches!(self.known, Known::Open { .. });
        self.know(Known::Open { until: now + OPEN_FOR }, now);
        is_news
    }

    fn know(&mut self, known: Known, now: Instant) {
        self.known = known;
        self.generation += 1;
        self.since = Some(now);
        self.failure = None;
    }

    /// No token came. True if that is news.
    pub(super) fn failed(&mut self, error: Error, now: Instant, random: f64) -> bool {
        let is_news = self.failure.is_none();
        if self.since.is_some_and(|since| now - since > GOOD_FOR) && is_news {
            self.refused.succeeded();
            self.trouble.succeeded();
        }
        let backoff = match error.judge() {
            Judgement::Transient | Judgement::Suspect => &mut self.trouble,
            _ => &mut self.refused,
        };
        // Half of it at least: a try at once would only be refused as well.
        let delay = backoff.failed(0.5 + random / 2.0).max(error.retry_after().unwrap_or_default());
        self.failure = Some((error, now + delay));
        is_news
    }

    /// The server refuses a token that it has just given: nobody asks again for a while.
    pub(super) fn refused_anew(&mut self, used: u64, error: Error, now: Instant, random: f64) {
        if used == self.generation && self.resting(now).is_none() {
            self.failed(error, now, random);
        }
    }

    /// Does a token that was used as `generation` have a successor?
    pub(super) fn is_outdated(&self, generation: u64) -> bool {
        generation != self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const TTL: Duration = Duration::from_secs(100);

    fn refusal() -> Error {
        ErrorKind::Unauthorized { status: 401, problem: "no".into() }.into()
    }

    fn header() -> HeaderValue {
        HeaderValue::from_static("t")
    }

    #[test]
    fn the_life_of_a_token() {
        let start = Instant::now();
        let mut state = TokenState::new(TTL);
        assert_eq!(state.step(start), Step::Mint);
        for (random, refresh) in [(0.0, 72), (0.5, 80), (1.0, 88)] {
            state.minted(header(), start, random);
            for (second, expected) in [
                (0, Step::Go),
                (refresh - 1, Step::Go),
                (refresh + 1, Step::GoAndRefresh),
                (99, Step::GoAndRefresh),
                (101, Step::Mint),
            ] {
                assert_eq!(state.step(start + Duration::from_secs(second)), expected, "{random} {second}");
            }
        }
        assert_eq!(state.used(), Used { generation: 3, header: Some(header()) });
    }

    #[test]
    fn a_failed_refresh_keeps_the_old_token_even_past_its_time() {
        let start = Instant::now();
        let mut state = TokenState::new(TTL);
        state.minted(header(), start, 0.5);
        let late = start + Duration::from_secs(150);
        assert!(state.failed(refusal(), late, 0.0));
        assert_eq!((state.step(late), state.used().header), (Step::Go, Some(header())));
        assert_eq!(state.step(late + Duration::from_secs(61)), Step::Mint);
        assert!(!state.failed(refusal(), late, 0.0), "no news");
        state.minted(header(), late, 0.5);
        assert!(state.resting(late).is_none());
    }

    #[test]
    fn failures_wait_longer_and_never_longer_than_a_minute() {
        let start = Instant::now();
        let trouble = || Error::network("down");
        let error_and_cap: [(fn() -> Error, u64); 2] = [(refusal, 60_000), (trouble, 2_000)];
        for (error, cap) in error_and_cap {
            let mut state = TokenState::new(TTL);
            let waits: Vec<u64> = (0..10)
                .map(|_| {
                    state.failed(error(), start, 1.0);
                    (1..=60_001)
                        .find(|millis| state.resting(start + Duration::from_millis(*millis)).is_none())
                        .unwrap()
                })
                .collect();
            assert_eq!(waits[..3], [500, 1_000, 2_000]);
            assert_eq!(waits[9], cap);
        }
    }

    #[test]
    fn an_open_server_is_asked_again_after_ten_minutes() {
        let start = Instant::now();
        let mut state = TokenState::new(TTL);
        assert!(state.opened(start) && !state.opened(start));
        assert_eq!((state.step(start), state.used().header, state.is_usable()), (Step::Go, None, true));
        assert_eq!(state.step(start + Duration::from_secs(599)), Step::Go);
        assert_eq!(state.step(start + Duration::from_secs(601)), Step::GoAndRefresh);
    }

    #[test]
    fn a_token_that_is_refused_as_soon_as_it_was_given_is_not_minted_in_a_loop() {
        let start = Instant::now();
        let mut state = TokenState::new(TTL);
        let mut waits = Vec::new();
        for _ in 0..4 {
            state.minted(header(), start, 0.5);
            let used = state.used().generation;
            assert!(!state.is_outdated(used) && state.is_outdated(used - 1));
            state.refused_anew(used, refusal(), start, 1.0);
            state.refused_anew(used, refusal(), start, 1.0); // another call with the same token
            waits.push(
                (1..=60_001).find(|millis| state.resting(start + Duration::from_millis(*millis)).is_none()),
            );
        }
        assert_eq!(waits, [Some(500), Some(1_000), Some(2_000), Some(4_000)]);
    }
}
