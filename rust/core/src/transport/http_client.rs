use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, redirect};
use rustls::{ClientConfig, RootCertStore};

use crate::error::Error;
use crate::settings::Configuration;

/// Under the idle limits of the peers that matter (Tomcat 20 to 60 s, an ALB 60 s, nginx 75 s): a
/// request written into a connection that the peer is closing fails without our knowing whether it
/// was processed (hyper issue 2136).
const IDLE_LIMIT: Duration = Duration::from_secs(15);

pub(super) fn build(configuration: &Configuration) -> Result<Client, Error> {
    Client::builder()
        .http1_only()
        // Our headers may carry a token; reqwest strips only the standard ones on a redirect.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .pool_idle_timeout(IDLE_LIMIT)
        .connect_timeout(configuration.connect_timeout)
        .user_agent(concat!("conductor-fast/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls(configuration)?)
        .build()
        .map_err(|error| Error::configuration("server_api_url", error.to_string()))
}

/// reqwest builds no client at all where the machine has no CA store, even for plain http (its issue
/// 2988), so the store is ours: empty for http, the platform's for https.
fn tls(configuration: &Configuration) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    if configuration.is_tls() {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(Error::configuration(
                "server_api_url",
                "https needs CA certificates and this machine has none that can be read; \
                 install the package ca-certificates or set SSL_CERT_FILE",
            ));
        }
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .map_err(|error| Error::configuration("server_api_url", error.to_string()))
}
