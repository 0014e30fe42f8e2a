//! Scripted failures: what the network and a broken server do to a request.

use std::time::{Duration, Instant};

use serde::Deserialize;

/// `per_million` of a rule that hits every request that fits.
const MILLION: u32 = 1_000_000;

/// Which requests fail, how, and how often. The first rule that hits a request is the one used. Read from text by
/// [`FaultRule::parse`], which holds the table of all faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// `GET`, `POST`, ...; `None` fits all.
    pub method: Option<String>,
    /// The path as sent, without query, begins with this: `/api/tasks/poll`.
    pub path_prefix: String,
    /// What the request is for; `None` fits all.
    pub of: Option<FaultTarget>,
    /// The task type in a poll's path or of the task that an update names; `None` fits all requests.
    pub task_type: Option<String>,
    /// What happens instead of, before or after the real work.
    pub action: FaultAction,
    /// So many requests that fit pass unharmed first.
    pub skip: u32,
    /// How many requests it hits; `None`: all until it is cleared.
    pub count: Option<u32>,
    /// How long it is in force, from when it is added; `None`: until it is cleared.
    pub lasts: Option<Duration>,
    /// Of a million requests that fit, so many are hit, by the same dice in every run; 1,000,000: all.
    pub per_million: u32,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultTarget {
    /// Polls, single and in batches.
    Polls,
    /// Results: `POST /tasks` and update-v2, but for leases.
    Updates,
    /// Extensions of leases.
    Leases,
    /// Looks at a task: `GET /tasks/{taskId}`.
    Looks,
    /// `POST /token`.
    Tokens,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultAction {
    /// Answers without doing anything. `Content-Type` is `application/json` unless a header says otherwise.
    Answer {
        /// HTTP status.
        status: u16,
        /// Sent as it is, with `Content-Length`.
        body: Vec<u8>,
        /// Further headers, such as `Retry-After`.
        headers: Vec<(String, String)>,
    },
    /// Closes the connection without doing anything.
    Close,
    /// Resets the connection (RST) without doing anything.
    Reset,
    /// Does nothing and says nothing, on a connection that stays open: what a half-open socket looks like.
    Hang,
    /// Waits, then goes on as usual.
    Delay(Duration),
    /// Answers without doing anything: 200 and a JSON array that begins with so many blanks.
    Huge(u64),
    /// Hands out so many tasks more than a batch poll asks for.
    MoreTasks(usize),
    /// Hands out each task of a batch poll twice in the same answer.
    Twice,
    /// Hands out the tasks of a poll once more at the next poll.
    Again,
    /// Does the work, then closes the connection instead of answering: a lost acknowledgement.
    CloseAfter,
    /// Does the work, then says nothing, on a connection that stays open.
    HangAfter,
    /// Does the work, then waits before it answers.
    DelayAfter(Duration),
    /// Does the work, and sends its answer with `Connection: close`.
    ConnectionClose,
    /// Does the work, and sends the answer in another way than HTTP or time would have it.
    Wire(WireFault),
}

/// How an answer is spoilt on its way. The connection ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFault {
    /// The head and so many bytes of the body, then the end: `reset`: by RST, else by FIN.
    Cut {
        /// Of the body.
        bytes: usize,
        /// By RST.
        reset: bool,
    },
    /// One byte, head and body alike, each so often.
    Drip(Duration),
    /// Bytes that are no HTTP, instead of the answer.
    Garbage,
    /// `Content-Length` says so many bytes more (or less) than there are.
    LengthOff(i64),
    /// `100 Continue` before the answer, unasked.
    Continue,
}

impl FaultRule {
    /// All requests, for ever, until narrowed.
    pub fn new(action: FaultAction) -> Self {
        Self {
            method: None,
            path_prefix: String::new(),
            of: None,
            task_type: None,
            action,
            skip: 0,
            count: None,
            lasts: None,
            per_million: MILLION,
        }
    }

    fn fits(&self, request: &Suspect<'_>) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(request.method))
            && request.path.starts_with(&self.path_prefix)
            && self.of.is_none_or(|wanted| request.of == Some(wanted))
            && self.task_type.as_deref().is_none_or(|wanted| request.task_type == Some(wanted))
    }
}

/// What of a request decides whether a rule fits.
pub(crate) struct Suspect<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) of: Option<FaultTarget>,
    pub(crate) task_type: Option<&'a str>,
}

/// The rules in force, in the order in which they were added, each with its end.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<(FaultRule, Option<Instant>)>,
    added: u64,
    dice: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: FaultRule) -> u64 {
        let end = rule.lasts.map(|lasts| Instant::now() + lasts);
        self.rules.push((rule, end));
        self.added += 1;
        self.added
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What happens to a request, and counts it; a rule that is used up goes.
    pub(crate) fn hit(&mut self, request: &Suspect<'_>, now: Instant) -> Option<FaultAction> {
        self.rules.retain(|(_, end)| end.is_none_or(|end| now < end));
        for position in 0..self.rules.len() {
            let (rule, _) = &mut self.rules[position];
            if rule.count == Some(0) || !rule.fits(request) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.per_million < MILLION && throw(&mut self.dice) >= rule.per_million {
                continue;
            }
            let action = rule.action.clone();
            if let Some(left) = &mut rule.count {
                *left -= 1;
                if *left == 0 {
                    self.rules.remove(position);
                }
            }
            return Some(action);
        }
        None
    }
}

/// The next number below a million (splitmix64).
fn throw(state: &mut u64) -> u32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    u32::try_from((mixed ^ (mixed >> 31)) % u64::from(MILLION)).unwrap_or_default()
}
