//! Fault rules as text, and the one table of what can go wrong.

use std::fmt::Write;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::fault::{FaultAction, FaultRule, WireFault};

/// What a client sees when its request went to a proxy's login form.
const LOGIN_PAGE: &str = "<!doctype html><html><head><title>Log in</title></head><body>Log in</body></html>";

/// Key, kind of value, meaning. The first 23 choose the fault, exactly one; the rest, whom it hits. In words a key
/// is written with dashes, as `close-after`.
const TABLE: [(&str, &str, &str); 32] = [
    ("status", "NUMBER", "answer with this status and the server's error body; in words 503 is enough"),
    ("expiredToken", "", "answer 401 EXPIRED_TOKEN"),
    ("html", "", "answer 200 with a login page"),
    ("answer", "JSON", "answer {status, body or bodyBase64, headers}; in JSON only"),
    ("deep", "LEVELS", "answer 200 with one array in another, so many times"),
    ("huge", "BYTES", "answer 200 with an array that begins with so many blanks"),
    ("close", "", "close the connection without an answer, nothing done"),
    ("reset", "", "reset the connection, nothing done"),
    ("hang", "", "never answer, nothing done (half-open)"),
    ("delayMillis", "NUMBER", "wait, then go on as usual"),
    ("moreTasks", "NUMBER", "hand out so many tasks more than asked for"),
    ("twice", "", "hand out each task twice in one answer"),
    ("again", "", "hand out the tasks of a poll once more at the next one"),
    ("closeAfter", "", "do the work, then close without an answer"),
    ("hangAfter", "", "do the work, then never answer"),
    ("delayAfterMillis", "NUMBER", "do the work, then wait before the answer"),
    ("connectionClose", "", "do the work, answer with Connection: close"),
    ("cut", "BYTES", "do the work, send the head and so much of the body, then close"),
    ("cutReset", "BYTES", "the same, but end with a reset"),
    ("dripMillis", "NUMBER", "do the work, send the answer byte by byte, each after so long"),
    ("garbage", "", "do the work, send what is no HTTP"),
    ("lengthOff", "NUMBER", "do the work, answer with a Content-Length that is off by so much"),
    ("continue", "", "do the work, send 100 Continue before the answer"),
    ("retryAfter", "TEXT", "header Retry-After, with status"),
    ("of", "WHAT", "only polls, updates, leases, looks or tokens"),
    ("taskType", "NAME", "only of this task type"),
    ("method", "NAME", "only with this HTTP method"),
    ("path", "PREFIX", "only where the path begins so"),
    ("skip", "NUMBER", "leave so many alone first"),
    ("count", "NUMBER", "hit so many, then no more"),
    ("seconds", "NUMBER", "for so long, then no more"),
    ("share", "NUMBER", "hit this share of them, such as 0.01"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AnswerJson {
    status: u16,
    #[serde(default)]
    body: String,
    body_base64: Option<String>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
}

impl FaultRule {
    /// The table of faults, for people.
    pub fn table() -> String {
        TABLE.iter().fold(String::new(), |mut text, (key, value, meaning)| {
            let word = words_of(key);
            let word = if value.is_empty() { word } else { format!("{word}={value}") };
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {word:<28} {meaning}");
            text
        })
    }

    /// Reads a rule: JSON (`{"status": 503, "of": "updates", "seconds": 30}`), or words
    /// (`503 of=updates seconds=30`). The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            return Self::from_json(text);
        }
        let mut rule = Map::new();
        for word in text.split_whitespace() {
            let (key, value) = match word.split_once('=') {
                Some((key, value)) => (key, serde_json::from_str(value).unwrap_or_else(|_| value.into())),
                None if word.parse::<u16>().is_ok() => {
                    ("status", serde_json::from_str(word).unwrap_or_default())
                }
                None => (word, true.into()),
            };
            let known = TABLE.iter().find(|(known, ..)| words_of(known) == key);
            let (key, ..) = known.ok_or_else(|| {
                format!("fault {text:?}: there is no {key:?}; known are\n{}", Self::table())
            })?;
            if rule.insert((*key).to_owned(), value).is_some() {
                return Err(format!("fault {text:?}: {:?} is given twice", words_of(key)));
            }
        }
        Self::from_map(&rule).map_err(|problem| format!("fault {text:?}: {problem}"))
    }

    /// Reads the JSON form; the error says what is wrong with it.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let rule: Map<String, Value> = serde_json::from_str(json).map_err(|error| error.to_string())?;
        Self::from_map(&rule)
    }

    fn from_map(map: &Map<String, Value>) -> Result<Self, String> {
        let mut rule = Self::new(FaultAction::Close);
        let (mut actions, mut retry_after) = (Vec::new(), None);
        for (key, value) in map {
            if let Some(action) = action(key, value)? {
                actions.push(action);
                continue;
            }
            match key.as_str() {
                "retryAfter" => retry_after = Some(text(key, value)?),
                "of" => rule.of = Some(read(key, value)?),
                "taskType" => rule.task_type = Some(text(key, value)?),
                "method" => rule.method = Some(text(key, value)?),
                "path" => rule.path_prefix = text(key, value)?,
                "skip" => rule.skip = read(key, value)?,
                "count" => rule.count = read(key, value)?,
                "seconds" => rule.lasts = Some(seconds(key, value)?),
                "share" => rule.per_million = per_million(key, value)?,
                // A flag that is false.
                _ if TABLE.iter().any(|(known, ..)| known == key) => {}
                _ => return Err(format!("there is no {key:?}; known are {}", keys().join(", "))),
            }
        }
        if actions.len() != 1 {
            return Err(format!("give exactly one of {}", keys()[..FAULTS].join(", ")));
        }
        rule.action = actions.remove(0);
        match (&mut rule.action, retry_after) {
            (FaultAction::Answer { headers, .. }, Some(value)) => {
                headers.push(("Retry-After".to_owned(), value));
            }
            (_, Some(_)) => return Err("retryAfter goes with status".to_owned()),
            (_, None) => {}
        }
        Ok(rule)
    }
}

/// How many rows of the table choose the fault.
const FAULTS: usize = 23;

/// What this key makes of a request; `None` for those that say whom it hits, and for a flag that is off.
fn action(key: &str, value: &Value) -> Result<Option<FaultAction>, String> {
    let flag = |action: FaultAction| Ok(read::<bool>(key, value)?.then_some(action));
    Ok(Some(match key {
        "status" => status(read(key, value)?)?,
        "expiredToken" => {
            let body = json!({"error": "EXPIRED_TOKEN", "message": "Token has expired"});
            return flag(answer(401, body.to_string()));
        }
        "html" => {
            let headers = vec![("Content-Type".to_owned(), "text/html;charset=utf-8".to_owned())];
            return flag(FaultAction::Answer { status: 200, body: LOGIN_PAGE.into(), headers });
        }
        "answer" => scripted(read(key, value)?)?,
        "deep" => answer(200, "[".repeat(read(key, value)?)),
        "huge" => FaultAction::Huge(read(key, value)?),
        "close" => return flag(FaultAction::Close),
        "reset" => return flag(FaultAction::Reset),
        "hang" => return flag(FaultAction::Hang),
        "delayMillis" => FaultAction::Delay(Duration::from_millis(read(key, value)?)),
        "moreTasks" => FaultAction::MoreTasks(read(key, value)?),
        "twice" => return flag(FaultAction::Twice),
        "again" => return flag(FaultAction::Again),
        "closeAfter" => return flag(FaultAction::CloseAfter),
        "hangAfter" => return flag(FaultAction::HangAfter),
        "delayAfterMillis" => FaultAction::DelayAfter(Duration::from_millis(read(key, value)?)),
        "connectionClose" => return flag(FaultAction::ConnectionClose),
        "cut" => FaultAction::Wire(WireFault::Cut { bytes: read(key, value)?, reset: false }),
        "cutReset" => FaultAction::Wire(WireFault::Cut { bytes: read(key, value)?, reset: true }),
        "dripMillis" => FaultAction::Wire(WireFault::Drip(Duration::from_millis(read(key, value)?))),
        "garbage" => return flag(FaultAction::Wire(WireFault::Garbage)),
        "lengthOff" => FaultAction::Wire(WireFault::LengthOff(read(key, value)?)),
        "continue" => return flag(FaultAction::Wire(WireFault::Continue)),
        _ => return Ok(None),
    }))
}

fn status(status: u16) -> Result<FaultAction, String> {
    let message = format!("a fault rule answers {status}");
    let body = json!({"status": status, "message": message, "instance": "devserver", "retryable": false});
    scripted(AnswerJson {
        status,
        body: body.to_string(),
        body_base64: None,
        headers: std::collections::BTreeMap::default(),
    })
}

fn scripted(answer: AnswerJson) -> Result<FaultAction, String> {
    let AnswerJson { status, body, body_base64, headers } = answer;
    if !(200..1000).contains(&status) {
        return Err(format!("{status} is no final HTTP status"));
    }
    let body = match body_base64 {
        Some(_) if !body.is_empty() => return Err("give body or bodyBase64, not both".to_owned()),
        Some(text) => BASE64_STANDARD.decode(text).map_err(|error| format!("bodyBase64: {error}"))?,
        None => body.into_bytes(),
    };
    Ok(FaultAction::Answer { status, body, headers: headers.into_iter().collect() })
}

fn answer(status: u16, body: String) -> FaultAction {
    FaultAction::Answer { status, body: body.into_bytes(), headers: Vec::new() }
}

fn read<T: DeserializeOwned>(key: &str, value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| format!("{key}: {error}"))
}

/// In words `type=7` is a name too.
fn text(key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Number(number) => Ok(number.to_string()),
        value => read(key, value),
    }
}

fn seconds(key: &str, value: &Value) -> Result<Duration, String> {
    Duration::try_from_secs_f64(read(key, value)?).map_err(|error| format!("{key}: {error}"))
}

fn per_million(key: &str, value: &Value) -> Result<u32, String> {
    let share: f64 = read(key, value)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("{key}: {share} is not between 0 and 1"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
    Ok((share * 1e6) as u32)
}

fn keys() -> Vec<&'static str> {
    TABLE.iter().map(|(key, ..)| *key).collect()
}

/// `closeAfter` as `close-after`; a task type is `type` for short.
fn words_of(key: &str) -> String {
    if key == "taskType" {
        return "type".to_owned();
    }
    key.chars().fold(String::new(), |mut words, letter| {
        if letter.is_ascii_uppercase() {
            words.push('-');
        }
        words.push(letter.to_ascii_lowercase());
        words
    })
}
