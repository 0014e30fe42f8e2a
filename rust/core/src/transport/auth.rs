use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Request};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OwnedMutexGuard;

use super::http_client::HttpClient;
use super::request::{Requests, uri};
use super::token_state::{Step, Used};
use super::tokens::Tokens;
use crate::error::{Error, ErrorKind, classify};
use crate::observe::{Area, EventSink, HttpCall, Level, LogRecord, http_request, token_failed};
use crate::settings::{Configuration, Credentials, TokenSource};
use crate::supervise::spawn_untold;

const MINT_TIMEOUT: Duration = Duration::from_secs(10);
/// Somebody else's function may ask a person's browser, a vault, a metadata service.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(30);
/// Shorter secrets are not masked in the server's messages: every other word would be.
const MASKED_LENGTH: usize = 6;

/// Sends calls with the token, if the configuration has credentials.
#[derive(Clone)]
pub(super) struct Auth {
    /// `None`: calls go without a token.
    tokens: Option<Arc<Tokens>>,
    client: HttpClient,
    requests: Requests,
    sink: Option<Arc<dyn EventSink>>,
}

impl Auth {
    pub(super) fn new(
        configuration: &Configuration,
        client: HttpClient,
        requests: Requests,
        sink: Option<Arc<dyn EventSink>>,
    ) -> Self {
        let tokens =
            configuration.credentials.as_ref().map(|credentials| Tokens::of(configuration, credentials));
        Self { tokens, client, requests, sink }
    }

    /// Sends with the current token. If the server refuses that, once more with its successor.
    pub(super) async fn call<F>(&self, send: impl Fn(Option<HeaderValue>) -> F) -> Result<Bytes, Error>
    where
        F: Future<Output = Result<Bytes, Error>>,
    {
        let Some(tokens) = &self.tokens else { return send(None).await.map_err(without_credentials) };
        let used = self.token(tokens).await?;
        match send(used.header).await {
            Err(error) if is_token_refusal(&error) => {}
            answer => return answer,
        }
        if !tokens.state().is_outdated(used.generation) {
            let turn = Arc::clone(&tokens.turn).lock_owned().await;
            Box::pin(self.mint(tokens, used.generation, turn)).await?;
        }
        let renewed = tokens.state().used();
        match send(renewed.header.clone()).await {
            Err(error) if is_token_refusal(&error) => {
                let error = refused_anew(&tokens.credentials, &error, &renewed);
                let mut state = tokens.state();
                state.refused_anew(renewed.generation, error.clone(), Instant::now(), fastrand::f64());
                Err(error)
            }
            answer => answer,
        }
    }

    /// What a call goes out with; waits only while there is nothing that is likely to be good.
    async fn token(&self, tokens: &Arc<Tokens>) -> Result<Used, Error> {
        let (step, used) = {
            let state = tokens.state();
            (state.step(Instant::now()), state.used())
        };
        match step {
            Step::Go => {}
            Step::GoAndRefresh => {
                // Whoever has the turn does it for all.
                if let Ok(turn) = Arc::clone(&tokens.turn).try_lock_owned() {
                    let (auth, tokens, seen) = (self.clone(), Arc::clone(tokens), used.generation);
                    spawn_untold(async move {
                        // Logged where it fails; the old token goes on.
                        let _ = auth.mint(&tokens, seen, turn).await;
                    });
                }
            }
            Step::Mint => {
                let turn = Arc::clone(&tokens.turn).lock_owned().await;
                // Boxed, as in `call`: rare, and no part of what every call carries about.
                let minted = Box::pin(self.mint(tokens, used.generation, turn)).await;
                let state = tokens.state();
                return if state.is_usable() { Ok(state.used()) } else { minted.map(|()| state.used()) };
            }
        }
        Ok(used)
    }

    /// Fetches a token, unless somebody did since `seen`, or failed a moment ago.
    async fn mint(&self, tokens: &Tokens, seen: u64, _turn: OwnedMutexGuard<()>) -> Result<(), Error> {
        {
            let state = tokens.state();
            if state.is_outdated(seen) {
                return Ok(());
            }
            if let Some(error) = state.resting(Instant::now()) {
                return Err(error.clone());
            }
        }
        let fetched = match &tokens.credentials {
            Credentials::Keys { key_id, key_secret } => self.fetch(key_id, key_secret).await,
            Credentials::Source(source) => ask(source).await.map(Some),
        };
        let mut state = tokens.state();
        let now = Instant::now();
        match fetched {
            Ok(Some(token)) => {
                if state.minted(token, now, fastrand::f64()) {
                    self.log(Level::Info, "the token is fresh again".to_owned());
                } else {
                    self.log(Level::Debug, "got a token".to_owned());
                }
                Ok(())
            }
            Ok(None) => {
                if state.opened(now) {
                    let message = "the server has no /token (404): it is open, and calls go without a token";
                    self.log(Level::Info, message.to_owned());
                }
                Ok(())
            }
            Err(error) => {
                token_failed();
                // Without any token the caller fails with this, and says so.
                if state.failed(error.clone(), now, fastrand::f64()) && state.is_usable() {
                    let message =
                        format!("the token could not be refreshed, and the old one is used: {error}");
                    self.log(Level::Warning, message);
                }
                Err(error)
            }
        }
    }

    /// `POST /token`; `None` if the server has no such thing.
    async fn fetch(
        &self,
        key_id: &SecretString,
        key_secret: &SecretString,
    ) -> Result<Option<HeaderValue>, Error> {
        #[derive(serde::Deserialize)]
        struct Answer {
            token: String,
        }
        let keys =
            serde_json::json!({"keyId": key_id.expose_secret(), "keySecret": key_secret.expose_secret()});
        let path = format!("{}/token", self.requests.base_path);
        let request: Request<Bytes> =
            self.requests.make(Method::POST, uri(&path)?, keys.to_string().into(), None);
        let sent = Instant::now();
        let answer = tokio::time::timeout(MINT_TIMEOUT, self.client.exchange(request));
        let answer = answer.await.unwrap_or_else(|_| Err(Error::network("no token in time")));
        let status = answer.as_ref().map_or(0, |answer| answer.status.as_u16());
        http_request(HttpCall::Token, status, sent.elapsed());
        let answer = answer?;
        let (status, body) = (answer.status, &answer.body);
        if status.is_success() {
            let unexpected = || ErrorKind::UnexpectedBody { problem: "no token came from /token".to_owned() };
            let answer: Answer = serde_json::from_slice(body).map_err(|_| unexpected())?;
            return token_header(&answer.token).map(Some).ok_or_else(|| unexpected().into());
        }
        match status.as_u16() {
            404 => Ok(None),
            status @ (400 | 401 | 403) => {
                let reason = masked(&classify(status, body).to_string(), &[key_id, key_secret]);
                let problem = format!(
                    "authentication_settings: the server gives no token for this key ({reason}); check key_id and \
                     key_secret (CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET)"
                );
                Err(ErrorKind::Unauthorized { status, problem }.into())
            }
            status => {
                let body = masked(&String::from_utf8_lossy(body), &[key_id, key_secret]);
                Err(classify(status, body.as_bytes()).with_retry_after(answer.retry_after()))
            }
        }
    }

    fn log(&self, level: Level, message: String) {
        if let Some(sink) = &self.sink
            && sink.wants_log(Area::Token, level)
        {
            sink.log(LogRecord::new(Area::Token, level, message));
        }
    }
}

async fn ask(source: &TokenSource) -> Result<HeaderValue, Error> {
    let failed = |problem: String| Error::from(ErrorKind::Unauthorized { status: 0, problem });
    let answered = tokio::time::timeout(SOURCE_TIMEOUT, source.ask()).await;
    let Ok(Ok(given)) = answered else {
        return Err(failed(format!("token_provider: it gave no token within {SOURCE_TIMEOUT:?}")));
    };
    let token = given.map_err(|problem| failed(format!("token_provider: {problem}")))?;
    token_header(token.expose_secret())
        .ok_or_else(|| failed("token_provider: its token cannot stand in a header".to_owned()))
}

fn token_header(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(token).ok().filter(|_| !token.is_empty())?;
    header.set_sensitive(true);
    Some(header)
}

fn is_token_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::TokenRefused { .. })
}

#[cold]
fn refused_anew(credentials: &Credentials, error: &Error, used: &Used) -> Error {
    let status = match error.kind() {
        ErrorKind::TokenRefused { status, .. } => *status,
        _ => 401,
    };
    let token = used.header.as_ref().and_then(|header| header.to_str().ok()).unwrap_or_default();
    let token = SecretString::from(token);
    let mut secrets = vec![&token];
    let remedy = match credentials {
        Credentials::Keys { key_id, key_secret } => {
            secrets.extend([key_id, key_secret]);
            "check that the key belongs to this server"
        }
        Credentials::Source(_) => "let it give a token of this server that has not expired",
    };
    let reason = masked(&error.to_string(), &secrets);
    let field = credentials.field();
    let problem = format!("{field}: the server refuses a token that is new ({reason}); {remedy}");
    ErrorKind::Unauthorized { status, problem }.into()
}

/// A server that asks for a token is told from one that refuses something else.
#[cold]
fn without_credentials(error: Error) -> Error {
    match error.kind() {
        ErrorKind::TokenRefused { status, .. } | ErrorKind::Answer { status: status @ 401, .. } => {
            let problem = format!(
                "authentication_settings: the server wants a token ({error}); give key_id and key_secret, or set \
                 CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET"
            );
            ErrorKind::Unauthorized { status: *status, problem }.into()
        }
        _ => error,
    }
}

/// A server may repeat in its message what it was sent.
fn masked(text: &str, secrets: &[&SecretString]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(|secret| secret.expose_secret()) {
        if secret.len() >= MASKED_LENGTH {
            text = text.replace(secret, "***");
        }
    }
    text
}
