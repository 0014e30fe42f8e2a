use std::time::Duration;

use url::Url;

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
