//! Scripted failures: what the network and a broken server do to a request.

use std::time::Duration;

use serde::Deserialize;

/// Which requests fail, how, and how often. The first rule that fits a request is the one used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// `GET`, `POST`, ...; `None` fits all.
    pub method: Option<String>,
    /// The path as sent, without query, begins with this: `/api/tasks/poll`.
    pub path_prefix: String,
    /// The task type in a poll's path or of the task that an update names; `None` fits all requests.
    pub task_type: Option<String>,
    /// What happens instead of, before or after the real work.
    pub action: FaultAction,
    /// How many requests it hits; `None`: all until it is cleared.
    pub count: Option<u32>,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultAction {
    /// Answers without doing anything. `Content-Type` is `application/json` unless a header says otherwise.
    Answer {
        /// HTTP status.
        status: u16,
        /// Sent as it is, with `Content-Length`.
        body: String,
        /// Further headers, such as `Retry-After`.
        headers: Vec<(String, String)>,
    },
    /// Closes the connection without doing anything.
    Close,
    /// Does the work, then closes the connection instead of answering: a lost acknowledgement.
    CloseAfter,
    /// Waits, then goes on as usual.
    Delay(Duration),
}

/// The JSON form: `{"method","path","taskType","count"}` and one of `"answer":{"status","body","headers"}`,
/// `"close":true`, `"closeAfter":true`, `"delayMillis":100`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultRuleJson {
    method: Option<String>,
    #[serde(default)]
    path: String,
    task_type: Option<String>,
    count: Option<u32>,
    answer: Option<AnswerJson>,
    #[serde(default)]
    close: bool,
    #[serde(default)]
    close_after: bool,
    delay_millis: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerJson {
    status: u16,
    #[serde(default)]
    body: String,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
}

impl FaultRule {
    /// Reads the JSON form; the error says what is wrong with it.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let rule: FaultRuleJson = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let answer = rule.answer.map(|answer| FaultAction::Answer {
            status: answer.status,
            body: answer.body,
            headers: answer.headers.into_iter().collect(),
        });
        let given = [
            answer,
            rule.close.then_some(FaultAction::Close),
            rule.close_after.then_some(FaultAction::CloseAfter),
            rule.delay_millis.map(|millis| FaultAction::Delay(Duration::from_millis(millis))),
        ];
        let mut actions = given.into_iter().flatten();
        let (Some(action), None) = (actions.next(), actions.next()) else {
            return Err("give exactly one of answer, close, closeAfter, delayMillis".to_owned());
        };
        if let FaultAction::Answer { status, .. } = action
            && !(200..1000).contains(&status)
        {
            return Err(format!("{status} is no final HTTP status"));
        }
        Ok(Self {
            method: rule.method,
            path_prefix: rule.path,
            task_type: rule.task_type,
            action,
            count: rule.count,
        })
    }

    fn fits(&self, method: &str, path: &str, task_type: Option<&str>) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && path.starts_with(&self.path_prefix)
            && self.task_type.as_deref().is_none_or(|wanted| task_type == Some(wanted))
    }
}

/// The rules in force, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<FaultRule>,
    added: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: FaultRule) -> u64 {
        self.rules.push(rule);
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
    pub(crate) fn hit(&mut self, method: &str, path: &str, task_type: Option<&str>) -> Option<FaultAction> {
        let position =
            self.rules.iter().position(|rule| rule.count != Some(0) && rule.fits(method, path, task_type))?;
        let rule = &mut self.rules[position];
        let action = rule.action.clone();
        if let Some(left) = &mut rule.count {
            *left -= 1;
            if *left == 0 {
                self.rules.remove(position);
            }
        }
        Some(action)
    }
}
