use super::kind::{Error, ErrorKind};

/// Turns an unsuccessful answer into an error. `body` is the server's, of any length and any content.
#[cold]
pub fn classify(status: u16, body: &[u8]) -> Error {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ErrorResponse {
        error: Option<String>,
        message: Option<String>,
        #[serde(default)]
        retryable: bool,
        #[serde(default)]
        validation_errors: Vec<ValidationError>,
    }
    #[derive(serde::Deserialize)]
    struct ValidationError {
        path: String,
        message: String,
    }
    let response = serde_json::from_slice::<ErrorResponse>(body).ok();
    let code = response.as_ref().and_then(|response| token_refusal(status, response.error.as_deref()?));
    let (message, retryable) = match response {
        Some(ErrorResponse { message: Some(mut message), retryable, validation_errors, .. }) => {
            // The message itself is then only: check below errors for detail.
            for error in validation_errors {
                message.extend([" ", &error.path, ": ", &error.message, ";"]);
            }
            (message.trim_end_matches(';').to_owned(), retryable)
        }
        _ => (page_title(&String::from_utf8_lossy(&body[..body.len().min(2048)])), false),
    };
    let message = cut(message, 512);
    match code {
        Some(code) => ErrorKind::TokenRefused { status, code, message },
        None => ErrorKind::Answer { status, message, retryable, retry_after: None },
    }
    .into()
}

/// The two codes with which Orkes' servers refuse a token (api_client.py:92-112): a fresh one may help.
fn token_refusal(status: u16, code: &str) -> Option<&'static str> {
    let refuses = |known: &&str| matches!(status, 401 | 403) && *known == code;
    ["EXPIRED_TOKEN", "INVALID_TOKEN"].into_iter().find(refuses)
}

/// The title of an HTML page, which says all that a proxy's page has to say; any other text as it is.
fn page_title(text: &str) -> String {
    if !text.trim_start().starts_with('<') {
        return text.to_owned();
    }
    let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    title.map_or_else(|| "an HTML page".to_owned(), |(title, _)| format!("an HTML page: {}", title.trim()))
}

fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Judgement;

    #[test]
    fn the_table_of_answers() {
        let no_task = br#"{"status":404,"message":"No such task found by id: x","retryable":false}"#;
        let no_route = br#"{"status":404,"message":"No static resource api/tasks.","retryable":false}"#;
        let not_json = br#"{"status":500,"message":"JSON parse error: too deep","retryable":false}"#;
        let down = br#"{"status":500,"message":"down","retryable":true}"#;
        let rows: [(&[u16], &[u8], Judgement); 12] = [
            (&[404], no_task, Judgement::Gone),
            (&[404], no_route, Judgement::Misconfigured),
            (&[302, 403, 404, 405, 501, 505, 511], b"", Judgement::Misconfigured),
            (&[401], b"", Judgement::Unauthorized),
            (&[401, 403], br#"{"error":"INVALID_TOKEN"}"#, Judgement::Unauthorized),
            (&[500], not_json, Judgement::Poison),
            (&[500], down, Judgement::Transient),
            (&[500], b"oops", Judgement::Suspect),
            (&[429, 503], b"<html>", Judgement::Throttled),
            (&[408, 425, 502, 504, 520, 522, 524], b"", Judgement::Transient),
            (&[400, 413, 415, 422], b"{}", Judgement::Poison),
            (&[409], b"", Judgement::Conflict),
        ];
        let rows = rows.iter().flat_map(|(statuses, body, expected)| {
            statuses.iter().map(move |status| (*status, *body, *expected))
        });
        for (status, body, expected) in rows {
            assert_eq!(
                classify(status, body).judge(),
                expected,
                "{status} {:?}",
                String::from_utf8_lossy(body)
            );
        }
    }

    #[test]
    fn only_the_two_token_codes_of_a_401_or_403_are_about_the_token() {
        for (status, body, expected) in [
            (401, r#"{"error":"EXPIRED_TOKEN","message":"m"}"#, Some("EXPIRED_TOKEN")),
            (403, r#"{"error":"INVALID_TOKEN","message":"m"}"#, Some("INVALID_TOKEN")),
            (401, r#"{"error":"INVALID_TOKEN"}"#, Some("INVALID_TOKEN")),
            (403, r#"{"error":"FORBIDDEN","message":"m"}"#, None),
            (500, r#"{"error":"EXPIRED_TOKEN","message":"m"}"#, None),
            (401, "<html>EXPIRED_TOKEN", None),
            (401, "", None),
        ] {
            let error = classify(status, body.as_bytes());
            let code = match error.kind() {
                ErrorKind::TokenRefused { code, .. } => Some(*code),
                _ => None,
            };
            assert_eq!(code, expected, "{status} {body}");
            let judgement = match status {
                500 => Judgement::Suspect,
                403 if code.is_none() => Judgement::Misconfigured,
                _ => Judgement::Unauthorized,
            };
            assert_eq!(error.judge(), judgement);
        }
    }

    #[test]
    fn messages_say_what_the_server_or_the_proxy_says() {
        let refused = br#"{"message":"Validation failed.","validationErrors":[
            {"path":"a.taskId","message":"is empty"},{"path":"a.b","message":"too"}]}"#;
        let page = b"<!doctype html><html><head><title> Bad Gateway\n</title></head></html>";
        let rows: [(&[u8], &str); 4] = [
            (refused, "status 400: Validation failed. a.taskId: is empty; a.b: too"),
            (page, "status 400: an HTML page: Bad Gateway"),
            (b"<p>oops", "status 400: an HTML page"),
            (b"oops", "status 400: oops"),
        ];
        for (body, expected) in rows {
            assert_eq!(classify(400, body).to_string(), expected);
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let body = "é".repeat(1_000);
        let error = classify(500, body.as_bytes());
        assert!(error.to_string().len() <= 512 + "status 500: ".len());
    }
}
