use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::error::Error;
use crate::settings::Configuration;

/// reqwest builds no client at all where the machine has no CA store, even for plain http (its issue
/// 2988), so the store is ours: empty for http, the platform's for https.
pub(super) fn client_config(configuration: &Configuration) -> Result<ClientConfig, Error> {
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
