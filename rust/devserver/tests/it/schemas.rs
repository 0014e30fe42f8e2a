use conductor_devserver::{AuthOptions, DevServer, Options};
use serde_json::json;

use crate::client::{Client, server};

#[test]
fn a_server_that_gives_tokens_keeps_schemas() {
    let auth = Some(AuthOptions::new("key", "secret"));
    let server = DevServer::start(Options { auth, ..Options::default() }).unwrap();
    let mut client = Client::new(&server);
    let keys = json!({"keyId": "key", "keySecret": "secret"}).to_string();
    let token = client.post("/token", &keys).json()["token"].as_str().unwrap().to_owned();
    let mut send = |method: &str, path: &str, body: &str| {
        client.send(method, path, &[("X-Authorization", &token)], body.as_bytes()).unwrap()
    };
    let schema = json!({"name": "greet_input", "version": 1, "type": "JSON", "data": {"type": "object"}});
    let newer = json!({"name": "greet_input", "version": 1, "type": "JSON", "data": {}});
    assert_eq!(send("GET", "/api/schema/greet_input/1", "").status, 404);
    assert_eq!(send("POST", "/api/schema", &schema.to_string()).status, 200);
    assert_eq!(send("GET", "/api/schema/greet_input/1", "").json(), schema);
    assert_eq!(send("POST", "/api/schema", &json!([newer]).to_string()).status, 200);
    assert_eq!(send("GET", "/api/schema/greet_input/1", "").json(), newer);
    for path in ["/api/schema/greet_input/2", "/api/schema/greet_output/1", "/api/schema/greet_input/x"] {
        assert_eq!(send("GET", path, "").status, 404, "{path}");
    }
    for (body, status) in [("[{}]", 400), (r#"{"name":"a","version":1}"#, 400), ("{", 500), ("", 500)] {
        assert_eq!(send("POST", "/api/schema", body).status, status, "{body}");
    }
}

#[test]
fn the_open_server_has_no_schemas() {
    let server = server();
    let response = Client::new(&server).post("/schema", r#"{"name":"a","version":1,"type":"JSON"}"#);
    assert_eq!((response.status, response.message()), (404, "No static resource api/schema.".to_owned()));
}
