use std::time::Duration;

use url::{Url, form_urlencoded};

use crate::error::Error;

/// How to reach the server.
#[derive(Clone)]
pub struct Configuration {
    server_url: Url,
    /// For the TCP and TLS handshake together.
    pub connect_timeout: Duration,
    /// The most results that travel at once: more than the server's own threads only queue there.
    pub posts_in_flight: usize,
}

impl Configuration {
    /// `server_api_url` is the address up to and with `/api`, as in `http://localhost:8080/api`.
    pub fn new(server_api_url: &str) -> Result<Self, Error> {
        let bad = |problem: String| Error::configuration("server_api_url", problem);
        let example = "expected something like http://localhost:8080/api";
        let mut server_url =
            Url::parse(server_api_url).map_err(|error| bad(format!("not a URL ({error}); {example}")))?;
        if !matches!(server_url.scheme(), "http" | "https") {
            return Err(bad(format!("scheme {:?} is not http or https; {example}", server_url.scheme())));
        }
        if server_url.query().is_some() || server_url.fragment().is_some() {
            return Err(bad(format!("a query or fragment cannot be part of the base URL; {example}")));
        }
        let path = server_url.path().trim_end_matches('/').to_owned();
        server_url.set_path(&path);
        Ok(Self { server_url, connect_timeout: Duration::from_secs(5), posts_in_flight: 32 })
    }

    pub fn is_tls(&self) -> bool {
        self.server_url.scheme() == "https"
    }

    /// An IPv6 address without its brackets.
    pub(crate) fn host_and_port(&self) -> (String, u16) {
        let host = self.server_url.host_str().unwrap_or_default();
        let port = self.server_url.port_or_known_default().unwrap_or(80);
        (host.trim_matches(['[', ']']).to_owned(), port)
    }

    /// `host:port` as the Host header has it: without the scheme's own port.
    pub(crate) fn authority(&self) -> String {
        let host = self.server_url.host_str().unwrap_or_default();
        self.server_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The path below which the API is, without a slash at its end.
    pub(crate) fn base_path(&self) -> &str {
        self.server_url.path().trim_end_matches('/')
    }

    /// User name and password of the URL, decoded.
    pub(crate) fn user_information(&self) -> Option<(String, String)> {
        let decoded = |text: &str| {
            let text = text.replace('+', "%2B");
            form_urlencoded::parse(text.as_bytes())
                .next()
                .map_or_else(String::new, |(key, _)| key.into_owned())
        };
        let (user, password) = (self.server_url.username(), self.server_url.password());
        (!user.is_empty() || password.is_some())
            .then(|| (decoded(user), decoded(password.unwrap_or_default())))
    }

    /// The base for request paths, without a slash at its end. May hold user information: not for logs.
    pub(crate) fn base_url(&self) -> &str {
        self.server_url.as_str().trim_end_matches('/')
    }

    /// The base URL without user information, for logs.
    pub fn shown_url(&self) -> String {
        let mut url = self.server_url.clone();
        // Both setters only fail for URLs without a host, which http and https always have.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.as_str().trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        for url in ["http://localhost:8080/api", "http://localhost:8080/api/"] {
            let configuration = Configuration::new(url).unwrap();
            assert_eq!(configuration.base_url(), "http://localhost:8080/api");
        }
        assert_eq!(Configuration::new("http://localhost").unwrap().base_url(), "http://localhost");
    }

    #[test]
    fn bad_urls_name_the_field_and_an_example() {
        for url in ["", "localhost:8080", "ftp://localhost/api", "http://", "http://localhost/api?x=1"] {
            let error = Configuration::new(url).err().expect(url).to_string();
            assert!(error.starts_with("server_api_url: "), "{error}");
            assert!(error.contains("http://localhost:8080/api"), "{error}");
        }
    }

    #[test]
    fn user_information_is_not_shown() {
        let configuration = Configuration::new("http://me:canary@localhost/api").unwrap();
        assert_eq!(configuration.shown_url(), "http://localhost/api");
    }
}
