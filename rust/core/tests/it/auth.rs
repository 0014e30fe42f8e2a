use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use conductor_core::client::Client;
use conductor_core::error::{Error, ErrorKind};
use conductor_core::settings::{Configuration, Credentials, TokenSource};
use conductor_core::transport::{ManagementCall, Method};
use conductor_devserver::{AuthOptions, DevServer, Options, PushOptions};

use super::support::{DEADLINE, Engine, echo, eventually, fault, server};

const SECRET: &str = "canary-secret";

fn guarded(token_ttl: Duration) -> DevServer {
    let auth = AuthOptions { token_ttl, ..AuthOptions::new("canary-key", SECRET) };
    DevServer::start(Options { auth: Some(auth), ..Options::default() }).unwrap()
}

fn with_secret(server: &DevServer, secret: &str) -> Configuration {
    let mut configuration = Configuration::new(&server.url()).unwrap();
    configuration.credentials =
        Some(Credentials::Keys { key_id: "canary-key".into(), key_secret: secret.to_owned().into() });
    configuration
}

fn requests(server: &DevServer, path: &str, status: u16) -> usize {
    let transcript: Vec<serde_json::Value> = serde_json::from_str(&server.transcript_json()).unwrap();
    transcript
        .iter()
        .filter(|line| line["path"].as_str().unwrap().starts_with(path) && line["status"] == status)
        .count()
}

fn call(client: &Client, call: ManagementCall) -> Result<Bytes, Error> {
    client.begin(call)?.wait(DEADLINE).unwrap()
}

fn get_definitions(client: &Client) -> Result<Bytes, Error> {
    call(
        client,
        ManagementCall {
            method: Method::GET,
            path: vec!["metadata".into(), "taskdefs".into()],
            query: Vec::new(),
            body: None,
            hold: Duration::ZERO,
            repeatable: true,
        },
    )
}

fn assert_no_canary(text: &str) {
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn sixty_four_refused_calls_mint_once() {
    let server = guarded(Duration::from_secs(2_700));
    let mut configuration = with_secret(&server, SECRET);
    configuration.posts_in_flight = 64;
    let mut engine = Engine::start_for(&configuration);
    server.push_many("echo", "{}", 64, &PushOptions::default()).unwrap();
    let barrier = Arc::new(std::sync::Barrier::new(65));
    engine.worker("echo", 64, {
        let barrier = Arc::clone(&barrier);
        move |task| {
            barrier.wait();
            echo(task)
        }
    });
    eventually("all tasks run", || server.count(Some("echo"), Some("IN_PROGRESS")) == 64);
    assert_eq!(requests(&server, "/api/token", 200), 1);
    server.expire_tokens();
    // The token is looked at after the delay: all are on their way before the first is refused.
    fault(&server, r#"{"path":"/api/tasks","delayMillis":1000,"count":60}"#);
    barrier.wait();
    assert!(server.wait_for(64, Some("echo"), Some("COMPLETED"), DEADLINE));
    let refused = requests(&server, "/api/tasks", 401);
    assert!(refused > 32, "{refused} met the old token");
    assert_eq!(requests(&server, "/api/token", 200), 2);
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(lines.all(), Vec::<String>::new());
}

#[test]
fn a_token_that_expires_all_the_time_stops_nobody() {
    let server = guarded(Duration::from_millis(30));
    let mut engine = Engine::start_for(&with_secret(&server, SECRET));
    engine.worker("echo", 4, echo);
    for round in 1..=20 {
        server.push_many("echo", "{}", 10, &PushOptions::default()).unwrap();
        assert!(server.wait_for(round * 10, Some("echo"), Some("COMPLETED"), DEADLINE));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn the_token_is_refreshed_before_it_expires() {
    let server = guarded(Duration::from_secs(2));
    let mut configuration = with_secret(&server, SECRET);
    configuration.token_ttl = Duration::from_secs(1);
    let client = Client::start(&configuration).unwrap();
    eventually("the third token", || {
        get_definitions(&client).unwrap();
        requests(&server, "/api/token", 200) == 3
    });
    assert_eq!(requests(&server, "/api/metadata", 401), 0, "no call met an old token");
}

#[test]
fn a_failed_refresh_keeps_the_token_that_is_good() {
    let server = guarded(Duration::from_secs(2_700));
    let mut configuration = with_secret(&server, SECRET);
    configuration.token_ttl = Duration::from_millis(1);
    let client = Client::start(&configuration).unwrap();
    get_definitions(&client).unwrap();
    fault(&server, r#"{"path":"/api/token","answer":{"status":503}}"#);
    for _ in 0..20 {
        get_definitions(&client).unwrap();
    }
    assert!(requests(&server, "/api/token", 503) <= 2, "it waits between its tries");
}

/// The own wait after a first failure is at most half a second.
#[test]
fn a_server_that_says_when_to_ask_again_for_a_token_is_not_asked_sooner() {
    let server = guarded(Duration::from_secs(2_700));
    let busy = r#"{"path":"/api/token","answer":{"status":503,"headers":{"Retry-After":"2"}},"count":1}"#;
    fault(&server, busy);
    let mut engine = Engine::start_for(&with_secret(&server, SECRET));
    server.push("echo", "{}", &PushOptions::default()).unwrap();
    engine.worker("echo", 1, echo);
    assert!(server.wait_for(1, Some("echo"), Some("COMPLETED"), DEADLINE));
    let transcript: Vec<serde_json::Value> = serde_json::from_str(&server.transcript_json()).unwrap();
    let asked: Vec<(u64, u64)> = (transcript.iter().filter(|line| line["path"] == "/api/token"))
        .map(|line| (line["status"].as_u64().unwrap(), line["elapsedMillis"].as_u64().unwrap()))
        .collect();
    assert!(matches!(asked[..], [(503, refused), (200, given)] if given - refused >= 1_999), "{asked:?}");
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_wrong_key_is_named_with_the_remedy_and_not_asked_all_the_time() {
    let server = guarded(Duration::from_secs(2_700));
    let mut engine = Engine::start_for(&with_secret(&server, "canary-wrong"));
    server.push("echo", "{}", &PushOptions::default()).unwrap();
    engine.worker("echo", 1, echo);
    let lines = Arc::clone(&engine.lines);
    eventually("a line", || !lines.all().is_empty());
    std::thread::sleep(Duration::from_millis(300));
    let line = lines.all().concat();
    assert!(line.contains("authentication_settings: ") && line.contains("CONDUCTOR_AUTH_SECRET"), "{line}");
    assert!(line.contains("Invalid key or secret"), "{line}");
    assert_no_canary(&line);
    assert!((1..=2).contains(&requests(&server, "/api/token", 401)));
    let client = Client::start(&with_secret(&server, "canary-other")).unwrap();
    let error = get_definitions(&client).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unauthorized { status: 401, .. }), "{error:?}");
    assert_no_canary(&format!("{error:?}"));
}

#[test]
fn a_server_that_repeats_the_secret_does_not_get_it_into_our_log() {
    let server = guarded(Duration::from_secs(2_700));
    fault(
        &server,
        r#"{"path":"/api/token","answer":{"status":403,"body":"{\"message\":\"no canary-key with canary-secret\"}"}}"#,
    );
    let error =
        get_definitions(&Client::start(&with_secret(&server, SECRET)).unwrap()).unwrap_err().to_string();
    assert!(error.contains("no *** with ***"), "{error}");
}

#[test]
fn without_a_key_the_message_says_which_setting_is_missing() {
    let server = guarded(Duration::from_secs(2_700));
    let client = Client::start(&Configuration::new(&server.url()).unwrap()).unwrap();
    let error = get_definitions(&client).unwrap_err().to_string();
    assert!(error.contains("authentication_settings: ") && error.contains("CONDUCTOR_AUTH_KEY"), "{error}");
}

#[test]
fn a_server_without_token_route_is_open() {
    let server = server();
    let mut engine = Engine::start_for(&with_secret(&server, SECRET));
    server.push_many("echo", "{}", 20, &PushOptions::default()).unwrap();
    engine.worker("echo", 2, echo);
    assert!(server.wait_for(20, Some("echo"), Some("COMPLETED"), DEADLINE));
    assert_eq!(requests(&server, "/api/token", 404), 1);
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(lines.all().len(), 1, "{:?}", lines.all());
    assert!(lines.all()[0].contains("/token (404)"));
}

#[test]
fn a_token_that_the_server_never_takes_is_replayed_once_and_named() {
    let server = guarded(Duration::from_secs(2_700));
    let refusal = r#"{"path":"/api/metadata","answer":{"status":403,"body":"{\"error\":\"INVALID_TOKEN\",\"message\":\"m\"}"}}"#;
    fault(&server, refusal);
    let client = Client::start(&with_secret(&server, SECRET)).unwrap();
    for _ in 0..5 {
        let error = get_definitions(&client).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unauthorized { .. }), "{error:?}");
        assert_no_canary(&error.to_string());
    }
    assert_eq!(requests(&server, "/api/token", 200), 2, "no mint for every call");
}

#[test]
fn runtime_and_client_of_one_key_share_the_token() {
    let server = guarded(Duration::from_secs(2_700));
    let mut engine = Engine::start_for(&with_secret(&server, SECRET));
    engine.worker("echo", 1, echo);
    server.push("echo", "{}", &PushOptions::default()).unwrap();
    assert!(server.wait_for(1, Some("echo"), Some("COMPLETED"), DEADLINE));
    get_definitions(&Client::start(&with_secret(&server, SECRET)).unwrap()).unwrap();
    assert_eq!(requests(&server, "/api/token", 200), 1);
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_source_is_asked_once_and_again_when_its_token_is_refused() {
    let server = guarded(Duration::from_secs(2_700));
    let source = Arc::new(TokenSource::default());
    let asked = Arc::new(AtomicUsize::new(0));
    std::thread::spawn({
        let (source, asked) = (Arc::clone(&source), Arc::clone(&asked));
        let minting = Client::start(&Configuration::new(&server.url()).unwrap()).unwrap();
        move || loop {
            source.wait();
            let number = asked.fetch_add(1, Ordering::Relaxed);
            if number == 0 {
                source.answer(Ok("canary-of-another-server".into()));
                continue;
            }
            let answer = call(
                &minting,
                ManagementCall {
                    method: Method::POST,
                    path: vec!["token".into()],
                    query: Vec::new(),
                    body: Some(r#"{"keyId":"canary-key","keySecret":"canary-secret"}"#.into()),
                    hold: Duration::ZERO,
                    repeatable: true,
                },
            );
            let answer: serde_json::Value = serde_json::from_slice(&answer.unwrap()).unwrap();
            source.answer(Ok(answer["token"].as_str().unwrap().to_owned().into()));
        }
    });
    let mut configuration = Configuration::new(&server.url()).unwrap();
    configuration.credentials = Some(Credentials::Source(source));
    let client = Client::start(&configuration).unwrap();
    for _ in 0..3 {
        get_definitions(&client).unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn an_unreachable_server_is_named_with_the_setting() {
    let server = guarded(Duration::from_secs(2_700));
    let configuration = with_secret(&server, SECRET);
    let address = server.address();
    server.stop();
    let error = get_definitions(&Client::start(&configuration).unwrap()).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("check server_api_url"), "{error}");
}
