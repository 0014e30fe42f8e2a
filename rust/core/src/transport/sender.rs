use super::answer::{Answer, Patience};
use super::connections::Connections;
use super::http_client::HttpClient;
use super::request::{Call, Requests};
use crate::error::Error;

/// The way of the hot calls. Proxies are reqwest's business: tunnels, absolute URLs, a proxy's own password
/// are not worth a second implementation, and a proxy costs more than reqwest does.
pub(super) enum Sender {
    Direct(Connections),
    Proxied(HttpClient, Requests),
}

impl Sender {
    /// Sends one request and reads the answer, success or not.
    pub(super) async fn send(&self, call: &Call<'_>, patience: Patience) -> Result<Answer, Error> {
        match self {
            Self::Direct(connections) => connections.send(call, patience).await,
            Self::Proxied(client, requests) => {
                Box::pin(client.send_within(requests.make_call(*call)?, patience)).await
            }
        }
    }
}
