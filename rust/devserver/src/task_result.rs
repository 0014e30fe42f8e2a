//! The body of an update, judged as Jackson and the validator of the real server judge it (`TaskResult.java`).
//! All texts are those of server 3.32.3.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::status::TaskStatus;

/// Jackson's `StreamReadConstraints`: deepest nesting of a body.
const MAX_NESTING_DEPTH: usize = 1000;
/// Jackson's `StreamReadConstraints`: longest string of a body, in characters.
const MAX_STRING_LENGTH: usize = 20_000_000;

/// A text that is borrowed from the body when it holds no escapes (`Option<Cow<str>>` itself never borrows).
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The body as it came; unknown fields are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    workflow_instance_id: Option<Text<'a>>,
    #[serde(borrow)]
    task_id: Option<Text<'a>>,
    #[serde(borrow)]
    worker_id: Option<Text<'a>>,
    #[serde(borrow)]
    reason_for_incompletion: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    callback_after_seconds: Option<f64>,
    extend_lease: Option<bool>,
    #[serde(borrow)]
    output_data: Option<&'a RawValue>,
    #[serde(borrow)]
    logs: Option<Vec<&'a RawValue>>,
}

/// A well-formed update.
#[derive(Debug)]
pub(crate) struct TaskResult<'a> {
    /// Empty when missing: `missing_fields` tells.
    pub(crate) workflow_instance_id: Cow<'a, str>,
    pub(crate) task_id: Cow<'a, str>,
    pub(crate) worker_id: Option<Cow<'a, str>>,
    pub(crate) reason_for_incompletion: Option<Cow<'a, str>>,
    pub(crate) status: Option<TaskStatus>,
    pub(crate) callback_after_seconds: u64,
    pub(crate) extend_lease: bool,
    /// A JSON object; `None` when missing or `null`.
    pub(crate) output_data: Option<&'a [u8]>,
    pub(crate) logs: Vec<&'a RawValue>,
}

impl<'a> TaskResult<'a> {
    /// The result, or the message of the `500` that the real server answers.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, String> {
        // Nesting of 1,001 or a string of 20 million needs more bytes than this; most bodies are smaller.
        if body.len() > 2 * MAX_NESTING_DEPTH {
            check_limits(body)?;
        }
        let fields: Body<'a> = serde_json::from_slice(body).map_err(|error| parse_error(body, &error))?;
        Ok(Self {
            status: fields.status.map(RawValue::get).map(status).transpose()?,
            output_data: fields.output_data.map_or(Ok(None), output)?,
            workflow_instance_id: fields.workflow_instance_id.map_or(Cow::Borrowed(""), |text| text.0),
            task_id: fields.task_id.map_or(Cow::Borrowed(""), |text| text.0),
            worker_id: fields.worker_id.map(|text| text.0),
            reason_for_incompletion: fields.reason_for_incompletion.map(|text| text.0),
            callback_after_seconds: whole_seconds(fields.callback_after_seconds.unwrap_or(0.0)),
            extend_lease: fields.extend_lease.unwrap_or(false),
            logs: fields.logs.unwrap_or_default(),
        })
    }

    /// The required fields that are missing or empty, with the validator's message.
    pub(crate) fn missing_fields(&self) -> Vec<(&'static str, &'static str)> {
        let mut missing = Vec::new();
        if self.workflow_instance_id.is_empty() {
            missing.push(("workflowInstanceId", "Workflow Id cannot be null or empty"));
        }
        if self.task_id.is_empty() {
            missing.push(("taskId", "Task ID cannot be null or empty"));
        }
        missing
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` clamps, as wanted")]
fn whole_seconds(seconds: f64) -> u64 {
    seconds as u64
}

fn status(raw: &str) -> Result<TaskStatus, String> {
    let name = raw.trim_matches('"');
    TaskStatus::from_result_name(name).ok_or_else(|| {
        format!(
            "JSON parse error: Cannot deserialize value of type \
             `com.netflix.conductor.common.metadata.tasks.TaskResult$Status` from String \"{name}\": not one of \
             the values accepted for Enum class: [CANCELED, COMPLETED, FAILED_WITH_TERMINAL_ERROR, FAILED, \
             IN_PROGRESS]"
        )
    })
}

fn output(raw: &RawValue) -> Result<Option<&[u8]>, String> {
    let (from, token) = match raw.get().as_bytes().first() {
        Some(b'{') => return Ok(Some(raw.get().as_bytes())),
        Some(b'n') => return Ok(None),
        Some(b'[') => ("Array value", "START_ARRAY"),
        Some(b'"') => ("String value", "VALUE_STRING"),
        Some(b't') => ("Boolean value", "VALUE_TRUE"),
        Some(b'f') => ("Boolean value", "VALUE_FALSE"),
        _ => ("Number value", "VALUE_NUMBER"),
    };
    Err(format!(
        "JSON parse error: Cannot deserialize value of type \
         `java.util.LinkedHashMap<java.lang.String,java.lang.Object>` from {from} (token `JsonToken.{token}`)"
    ))
}

/// Jackson's words for the mistakes that clients really make; serde's for the rest.
pub(crate) fn parse_error(body: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "JSON parse error: Unexpected end-of-input within/between Object entries".to_owned();
    }
    if body.first().is_some_and(|&byte| byte < b' ' && !byte.is_ascii_whitespace()) {
        return format!(
            "JSON parse error: Illegal character ((CTRL-CHAR, code {})): only regular white space (\\r, \\n, \\t) \
             is allowed between tokens",
            body[0]
        );
    }
    let token = error.is_syntax().then(|| unknown_token(body, error)).flatten();
    match token {
        Some(token @ ("NaN" | "Infinity" | "-Infinity" | "INF" | "-INF")) => format!(
            "JSON parse error: Non-standard token '{token}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` \
             to allow"
        ),
        Some(token) => format!(
            "JSON parse error: Unrecognized token '{token}': was expecting (JSON String, Number, Array, Object or \
             token 'null', 'true' or 'false')"
        ),
        None => format!("JSON parse error: {error}"),
    }
}

/// The word at which serde stopped.
fn unknown_token<'a>(body: &'a [u8], error: &serde_json::Error) -> Option<&'a str> {
    let line_start: usize =
        body.split_inclusive(|&byte| byte == b'\n').take(error.line().checked_sub(1)?).map(<[u8]>::len).sum();
    let stop = (line_start + error.column().checked_sub(1)?).min(body.len());
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$');
    let start = body[..stop].iter().rposition(|byte| !is_word(byte)).map_or(0, |before| before + 1);
    let length = body[start..].iter().take_while(|byte| is_word(byte)).count();
    let word = std::str::from_utf8(&body[start..start + length]).ok()?;
    word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '-').then_some(word)
}

/// One pass over a large body for Jackson's limits; it need not be valid JSON.
fn check_limits(body: &[u8]) -> Result<(), String> {
    let mut depth = 0_usize;
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_NESTING_DEPTH {
                    return Err(format!(
                        "JSON parse error: Document nesting depth ({depth}) exceeds the maximum allowed \
                         ({MAX_NESTING_DEPTH}, from `StreamReadConstraints.getMaxNestingDepth()`)"
                    ));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                let mut length = 0_usize;
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => {
                            bytes.next();
                            length += 1;
                        }
                        // The bytes of UTF-8 that begin no character.
                        0x80..=0xbf => {}
                        _ => length += 1,
                    }
                }
                if length > MAX_STRING_LENGTH {
                    return Err(format!(
                        "JSON parse error: String value length ({length}) exceeds the maximum allowed \
                         ({MAX_STRING_LENGTH}, from `StreamReadConstraints.getMaxStringLength()`)"
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
