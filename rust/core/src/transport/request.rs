use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use hyper::{Method, Request, Uri};
use url::form_urlencoded::byte_serialize;

use crate::error::Error;
use crate::settings::{Configuration, TOKEN_HEADER};

const USER_AGENT_VALUE: &str = concat!("conductor-fast/", env!("CARGO_PKG_VERSION"));

/// Makes the requests: the headers that all of them have, and the path below which the API is.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    headers: HeaderMap,
    pub(super) base_path: String,
}

/// One of the hot calls.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    /// From the root, as it is sent.
    pub(super) path: &'a str,
    pub(super) token: Option<&'a HeaderValue>,
    pub(super) body: &'a Bytes,
}

impl Call<'_> {
    /// In HTTP/1.1. `lines`: those that all requests have.
    pub(super) fn write_head(&self, lines: &[u8], out: &mut Vec<u8>) {
        let mut number = itoa::Buffer::new();
        for part in [self.method.as_str().as_bytes(), b" ", self.path.as_bytes(), b" HTTP/1.1\r\n", lines] {
            out.extend_from_slice(part);
        }
        if let Some(token) = self.token {
            write_line(&TOKEN_HEADER, token.as_bytes(), out);
        }
        if !self.body.is_empty() {
            write_line(&CONTENT_LENGTH, number.format(self.body.len()).as_bytes(), out);
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn write_line(name: &HeaderName, value: &[u8], out: &mut Vec<u8>) {
    for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

impl Requests {
    pub(super) fn new(configuration: &Configuration) -> Result<Self, Error> {
        let refused = |_| Error::configuration("server_api_url", "its host cannot stand in a Host header");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
        headers.insert(HOST, HeaderValue::from_str(&configuration.authority()).map_err(refused)?);
        if let Some((user, password)) = configuration.user_information() {
            let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
            let mut value = HeaderValue::from_str(&format!("Basic {credentials}")).map_err(refused)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers.extend(configuration.headers().clone());
        Ok(Self { headers, base_path: configuration.base_path().to_owned() })
    }

    /// The lines of a head that all requests have, as they are sent.
    pub(super) fn head_lines(&self) -> Bytes {
        let mut lines = Vec::new();
        for (name, value) in &self.headers {
            write_line(name, value.as_bytes(), &mut lines);
        }
        lines.into()
    }

    /// A call for a client that takes values.
    pub(super) fn make_call(&self, call: Call<'_>) -> Result<Request<Bytes>, Error> {
        Ok(self.make(call.method.clone(), uri(call.path)?, call.body.clone(), call.token.cloned()))
    }

    pub(super) fn make(
        &self,
        method: Method,
        uri: Uri,
        body: Bytes,
        token: Option<HeaderValue>,
    ) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.headers_mut().clone_from(&self.headers);
        if let Some(token) = token {
            request.headers_mut().insert(TOKEN_HEADER, token);
        }
        request
    }
}

/// Of a request. `path`: from the root, as it is sent.
pub(super) fn uri(path: &str) -> Result<Uri, Error> {
    path.parse().map_err(|_| Error::network("the path of the request is no URI"))
}

/// Appends one segment of a path. A '+' is a blank only in a query: in a path it has to be %20.
pub(super) fn path_segment(url: &mut String, segment: &str) {
    byte_serialize(segment.as_bytes()).for_each(|part| url.push_str(&part.replace('+', "%20")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_travels_as_basic_authentication_and_is_not_shown() {
        let configuration = Configuration::new("http://me:p%40ss@[::1]:8080/api").unwrap();
        let requests = Requests::new(&configuration).unwrap();
        assert_eq!(requests.headers[HOST], "[::1]:8080");
        assert_eq!(requests.headers[AUTHORIZATION], format!("Basic {}", BASE64_STANDARD.encode("me:p@ss")));
        assert!(!format!("{requests:?}").contains("Basic"), "{requests:?}");
        assert_eq!(configuration.host_and_port(), ("::1".to_owned(), 8080));
    }

    #[test]
    fn the_users_headers_and_the_token_are_on_the_request() {
        let mut configuration = Configuration::new("http://localhost/api").unwrap();
        configuration.add_header("User-Agent", "mine").unwrap();
        configuration.add_header("X-Gate", "a").unwrap();
        let requests = Requests::new(&configuration).unwrap();
        let (path, body) = ("/api/tasks", Bytes::from("{}"));
        let token = HeaderValue::from_static("t");
        let call = Call { method: &Method::POST, path, token: Some(&token), body: &body };
        let mut head = Vec::new();
        call.write_head(&requests.head_lines(), &mut head);
        assert_eq!(
            String::from_utf8(head).unwrap(),
            "POST /api/tasks HTTP/1.1\r\ncontent-type: application/json\r\nuser-agent: mine\r\nhost: localhost\r\n\
             x-gate: a\r\nx-authorization: t\r\ncontent-length: 2\r\n\r\n"
        );
        let token = Some(token);
        let request = requests.make(Method::GET, uri("/api/tasks").unwrap(), Bytes::new(), token);
        let headers = request.headers();
        assert_eq!(
            (&headers[USER_AGENT], &headers["x-gate"], &headers["X-Authorization"]),
            (
                &HeaderValue::from_static("mine"),
                &HeaderValue::from_static("a"),
                &HeaderValue::from_static("t")
            )
        );
    }
}
