//! Task definitions with the server's defaults (`TaskDef.java`) and the retry rules they set.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::options::PushError;

/// What a failed or silent attempt leads to; all times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryRules {
    pub(crate) retry_count_limit: u32,
    pub(crate) retry_delay_seconds: u64,
    pub(crate) retry_logic: RetryLogic,
    pub(crate) backoff_scale_factor: u64,
    /// 0: the task may stay silent for ever.
    pub(crate) response_timeout_seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryLogic {
    Fixed,
    LinearBackoff,
    ExponentialBackoff,
}

impl RetryRules {
    /// The server's values for a type without a definition.
    pub(crate) const DEFAULT: Self = Self {
        retry_count_limit: 3,
        retry_delay_seconds: 60,
        retry_logic: RetryLogic::Fixed,
        backoff_scale_factor: 1,
        response_timeout_seconds: 3600,
    };

    /// Seconds until the next attempt when the one with `retry_count` failed (`DeciderService.java`, `retry`).
    pub(crate) fn delay_seconds(&self, retry_count: u32) -> u64 {
        let factor = match self.retry_logic {
            RetryLogic::Fixed => 1,
            RetryLogic::LinearBackoff => self.backoff_scale_factor.saturating_mul(u64::from(retry_count) + 1),
            RetryLogic::ExponentialBackoff => 1 << retry_count.min(40),
        };
        self.retry_delay_seconds.saturating_mul(factor)
    }
}

/// Fields with a fixed set of values: key, Java's name of the type, its values in the order of the server's message.
const ENUMERATIONS: [(&str, &str, &[&str]); 2] = [
    ("timeoutPolicy", "TimeoutPolicy", &["RETRY", "TIME_OUT_WF", "ALERT_ONLY"]),
    ("retryLogic", "RetryLogic", &["FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"]),
];

/// A definition as the server keeps it: the given fields over the defaults.
#[derive(Clone, Debug)]
pub(crate) struct TaskDefinition {
    pub(crate) name: String,
    pub(crate) rules: RetryRules,
    /// The JSON object, ready to be written into answers.
    pub(crate) json: String,
}

impl TaskDefinition {
    pub(crate) fn from_value(given: &Value, now_millis: u64) -> Result<Self, PushError> {
        let Value::Object(given) = given else {
            return Err(PushError::Definition("it is no JSON object".to_owned()));
        };
        let mut fields = defaults(now_millis);
        for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            fields.insert(key.clone(), value.clone());
        }
        let name = fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(PushError::Definition("TaskDef name cannot be null or empty".to_owned()));
        }
        for (key, java_type, values) in ENUMERATIONS {
            let given = fields.get(key).and_then(Value::as_str).unwrap_or_default();
            if !values.contains(&given) {
                let message = format!(
                    "Cannot deserialize value of type `com.netflix.conductor.common.metadata.tasks.TaskDef${java_type}` \
                     from String \"{given}\": not one of the values accepted for Enum class: [{}]",
                    values.join(", ")
                );
                return Err(PushError::Definition(message));
            }
        }
        let rules = rules(&fields);
        Ok(Self { name, rules, json: Value::Object(fields).to_string() })
    }
}

/// All definitions by name.
#[derive(Debug, Default)]
pub(crate) struct TaskDefinitions {
    by_name: BTreeMap<String, TaskDefinition>,
}

impl TaskDefinitions {
    pub(crate) fn get(&self, name: &str) -> Option<&TaskDefinition> {
        self.by_name.get(name)
    }

    pub(crate) fn insert(&mut self, definition: TaskDefinition) {
        self.by_name.insert(definition.name.clone(), definition);
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.by_name.remove(name).is_some()
    }

    pub(crate) fn json(&self) -> String {
        let all: Vec<&str> = self.by_name.values().map(|definition| definition.json.as_str()).collect();
        format!("[{}]", all.join(","))
    }
}

fn rules(fields: &Map<String, Value>) -> RetryRules {
    let number = |key: &str| fields.get(key).and_then(Value::as_u64);
    let default = RetryRules::DEFAULT;
    RetryRules {
        retry_count_limit: number("retryCount")
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(default.retry_count_limit),
        retry_delay_seconds: number("retryDelaySeconds").unwrap_or(default.retry_delay_seconds),
        retry_logic: match fields.get("retryLogic").and_then(Value::as_str) {
            Some("LINEAR_BACKOFF") => RetryLogic::LinearBackoff,
            Some("EXPONENTIAL_BACKOFF") => RetryLogic::ExponentialBackoff,
            _ => RetryLogic::Fixed,
        },
        backoff_scale_factor: number("backoffScaleFactor").unwrap_or(default.backoff_scale_factor),
        response_timeout_seconds: number("responseTimeoutSeconds")
            .unwrap_or(default.response_timeout_seconds),
    }
}

/// What server 3.32.3 showed for `[{"name":"mini"}]`.
fn defaults(now_millis: u64) -> Map<String, Value> {
    let fields = json!({
        "createTime": now_millis, "updateTime": 0, "createdBy": "", "retryCount": 3, "timeoutSeconds": 0,
        "inputKeys": [], "outputKeys": [], "runtimeMetadata": [], "timeoutPolicy": "TIME_OUT_WF",
        "retryLogic": "FIXED", "retryDelaySeconds": 60, "responseTimeoutSeconds": 3600, "inputTemplate": {},
        "rateLimitPerFrequency": 0, "rateLimitFrequencyInSeconds": 1, "backoffScaleFactor": 1,
        "maxRetryDelaySeconds": 0, "backoffJitterMs": 0, "totalTimeoutSeconds": 0,
        "taskStatusListenerEnabled": true, "enforceSchema": false,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
