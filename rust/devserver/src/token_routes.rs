//! `POST /token`, and the answer to calls that come without what it gives.

use std::time::Instant;

use serde::Deserialize;
use serde_json::json;

use crate::answer::Answer;
use crate::options::AuthOptions;
use crate::request::ApiRequest;
use crate::shared::Shared;
use crate::tokens::Refusal;

pub(crate) const TOKEN_PATH: &str = "/api/token";

/// The answer to a request that is about tokens: to `/token` itself, or a refusal; `None` lets it pass.
pub(crate) fn guard(shared: &Shared, request: &ApiRequest) -> Option<Answer> {
    let auth = shared.options.auth.as_ref()?;
    let path = request.path();
    if path == TOKEN_PATH && request.method() == "POST" {
        return Some(issue(shared, request, auth));
    }
    if !path.starts_with("/api/") {
        return None;
    }
    match shared.tokens().check(request.token(), Instant::now()) {
        Ok(()) => None,
        Err(Refusal::Invalid) => Some(refused("INVALID_TOKEN", "Token is missing or not known")),
        Err(Refusal::Expired) => Some(refused("EXPIRED_TOKEN", "Token has expired")),
    }
}

fn issue(shared: &Shared, request: &ApiRequest, auth: &AuthOptions) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Keys<'a> {
        key_id: &'a str,
        key_secret: &'a str,
    }
    match serde_json::from_slice::<Keys<'_>>(&request.body) {
        Ok(keys) if keys.key_id == auth.key_id && keys.key_secret == auth.key_secret => {
            let token = shared.tokens().issue(Instant::now(), auth.token_ttl);
            Answer::json(200, json!({ "token": token }).to_string())
        }
        Ok(_) => refused("INVALID_CREDENTIALS", "Invalid key or secret"),
        Err(_) => Answer::error(400, "keyId and keySecret are needed"),
    }
}

/// The two fields that clients look at (`api_client.py`), beside the usual status.
fn refused(error: &str, message: &str) -> Answer {
    Answer::json(401, json!({ "status": 401, "error": error, "message": message }).to_string())
}
