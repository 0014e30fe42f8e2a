use reqwest::{Client, redirect};

use super::connections::IDLE_LIMIT;
use super::tls;
use crate::error::Error;
use crate::settings::Configuration;

pub(super) const USER_AGENT_VALUE: &str = concat!("conductor-fast/", env!("CARGO_PKG_VERSION"));

/// The client of the calls that are not hot.
pub(super) fn build(configuration: &Configuration) -> Result<Client, Error> {
    Client::builder()
        .http1_only()
        // Our headers may carry a token; reqwest strips only the standard ones on a redirect.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .pool_idle_timeout(IDLE_LIMIT)
        .connect_timeout(configuration.connect_timeout)
        .user_agent(USER_AGENT_VALUE)
        .tls_backend_preconfigured(tls::client_config(configuration)?)
        .build()
        .map_err(|error| Error::configuration("server_api_url", error.to_string()))
}
