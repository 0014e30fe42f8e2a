use std::time::Duration;

use conductor_devserver::{AuthOptions, DevServer, Options};
use serde_json::json;

use crate::client::{Client, Response};

fn server(token_ttl: Duration) -> DevServer {
    let auth = AuthOptions { token_ttl, ..AuthOptions::new("key", "canary-secret") };
    DevServer::start(Options { auth: Some(auth), ..Options::default() }).unwrap()
}

fn mint(client: &mut Client, secret: &str) -> Response {
    client.post("/token", &json!({"keyId": "key", "keySecret": secret}).to_string())
}

fn poll(client: &mut Client, headers: &[(&str, &str)]) -> (u16, String) {
    let response = client.send("GET", "/api/tasks/poll/batch/greet?timeout=0", headers, b"").unwrap();
    (response.status, response.json()["error"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_call_needs_the_token_that_the_key_gives() {
    let server = server(Duration::from_secs(60));
    let mut client = Client::new(&server);
    assert_eq!(poll(&mut client, &[]), (401, "INVALID_TOKEN".to_owned()));
    assert_eq!(poll(&mut client, &[("X-Authorization", "guess")]), (401, "INVALID_TOKEN".to_owned()));
    let refused = mint(&mut client, "wrong");
    assert_eq!((refused.status, refused.message().as_str()), (401, "Invalid key or secret"));
    let token = mint(&mut client, "canary-secret").json()["token"].as_str().unwrap().to_owned();
    assert_eq!(poll(&mut client, &[("X-Authorization", &token)]).0, 200);
    server.expire_tokens();
    assert_eq!(poll(&mut client, &[("X-Authorization", &token)]), (401, "EXPIRED_TOKEN".to_owned()));
    assert!(!server.transcript_json().contains("canary"), "{}", server.transcript_json());
    assert!(
        !format!("{:?}", Options { auth: Some(AuthOptions::new("k", "canary")), ..Options::default() })
            .contains("canary")
    );
}

#[test]
fn a_token_ends_by_itself() {
    let server = server(Duration::ZERO);
    let mut client = Client::new(&server);
    let token = mint(&mut client, "canary-secret").json()["token"].as_str().unwrap().to_owned();
    assert_eq!(poll(&mut client, &[("X-Authorization", &token)]), (401, "EXPIRED_TOKEN".to_owned()));
    assert_eq!(client.send("GET", "/health", &[], b"").unwrap().status, 200, "health needs no token");
}
