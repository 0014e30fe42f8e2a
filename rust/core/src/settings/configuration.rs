use std::time::Duration;

use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use url::{Url, form_urlencoded};

use super::credentials::Credentials;
use super::high_water::HighWater;
use super::spool_settings::SpoolSettings;
use super::tls_settings::TlsSettings;
use crate::error::Error;

/// The header with the token, as in the SDKs (`api_client.py`).
pub(crate) const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-authorization");
/// Ours to set: another value would break the request, or the token.
const RESERVED_HEADERS: [HeaderName; 7] =
    [HOST, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, PROXY_AUTHORIZATION, TOKEN_HEADER];

/// How to reach the server.
#[derive(Clone)]
pub struct Configuration {
    server_url: Url,
    /// For the TCP and TLS handshake together.
    pub connect_timeout: Duration,
    /// The most results that travel at once: more than the server's own threads only queue there.
    pub posts_in_flight: usize,
    /// While more waits for the server's yes, no more tasks are taken.
    pub outbox: HighWater,
    pub credentials: Option<Credentials>,
    /// How long a token is used: it is refreshed at 80 % of it.
    pub token_ttl: Duration,
    pub tls: TlsSettings,
    /// Results are on disk before they are sent; `None`: in memory only.
    pub spool: Option<SpoolSettings>,
    /// With its user information.
    proxy: Option<Url>,
    /// The user's own, of every request.
    headers: HeaderMap,
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
        Ok(Self {
            server_url,
            connect_timeout: Duration::from_secs(5),
            posts_in_flight: 64,
            outbox: HighWater::default(),
            credentials: None,
            // The SDK's default; a server's tokens live longer.
            token_ttl: Duration::from_mins(45),
            tls: TlsSettings::default(),
            spool: None,
            proxy: None,
            headers: HeaderMap::new(),
        })
    }

    /// All calls go through this proxy. `origin` is who named it, for errors: it never shows the URL, which
    /// may hold a password.
    pub fn set_proxy(&mut self, url: &str, origin: &str) -> Result<(), Error> {
        let bad = |problem: &str| {
            let from = if origin == "proxy" { String::new() } else { format!(" (from {origin})") };
            let example = "give something like http://proxy:3128";
            Error::configuration("proxy", format!("{problem}{from}; {example}"))
        };
        let url = Url::parse(url).map_err(|_| bad("not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            let problem =
                format!("scheme {:?} is not http or https, and others are not supported", url.scheme());
            return Err(bad(&problem));
        }
        self.proxy = Some(url);
        Ok(())
    }

    /// Adds a header to every request. Errors never show the value.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let bad = |problem: &str| Error::configuration("headers", format!("{name:?} {problem}"));
        let header = HeaderName::try_from(name).map_err(|_| bad("is no name of a header"))?;
        if header == TOKEN_HEADER {
            return Err(bad("holds the token; set authentication_settings or token_provider instead"));
        }
        if RESERVED_HEADERS.contains(&header) {
            return Err(bad("is set by the client itself; leave it out"));
        }
        if header == AUTHORIZATION && self.user_information().is_some() {
            return Err(bad("is made from the user and password in server_api_url; give one of them"));
        }
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| bad("has a value that cannot stand in a header, such as a line break"))?;
        value.set_sensitive(true);
        self.headers.append(header, value);
        Ok(())
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn proxy(&self) -> Option<&Url> {
        self.proxy.as_ref()
    }

    /// Does any connection need TLS: to the server or to the proxy?
    pub(crate) fn uses_tls(&self) -> bool {
        self.is_tls() || self.proxy.as_ref().is_some_and(|proxy| proxy.scheme() == "https")
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

    /// Scheme, host and port, without user information.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.server_url.scheme(), self.authority())
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
            assert_eq!(configuration.shown_url(), "http://localhost:8080/api");
        }
        assert_eq!(Configuration::new("http://localhost").unwrap().shown_url(), "http://localhost");
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
    fn bad_proxies_and_headers_name_the_field_and_show_no_secret() {
        let mut configuration = Configuration::new("http://me:canary@localhost/api").unwrap();
        for proxy in ["", "canary", "socks5://me:canary@proxy", "http://me:canary@"] {
            let error = configuration.set_proxy(proxy, "HTTPS_PROXY").expect_err(proxy).to_string();
            assert!(error.starts_with("proxy: ") && error.contains("HTTPS_PROXY"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        for (name, value) in [
            ("X-Authorization", "canary"),
            ("Host", "canary"),
            ("Authorization", "canary"),
            ("a b", "canary"),
            ("X-Gate", "canary\r\nHost: x"),
        ] {
            let error = configuration.add_header(name, value).expect_err(name).to_string();
            assert!(error.starts_with(&format!("headers: {name:?}")), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        configuration.add_header("X-Gate", "canary").unwrap();
        assert!(!format!("{:?}", configuration.headers()).contains("canary"));
    }

    #[test]
    fn user_information_is_not_shown() {
        let configuration = Configuration::new("http://me:canary@localhost/api").unwrap();
        assert_eq!(configuration.shown_url(), "http://localhost/api");
    }
}
