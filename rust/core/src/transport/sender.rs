use bytes::Bytes;
use hyper::Request;

use super::answer::{Answer, Patience};
use super::connections::Connections;
use super::http_client::HttpClient;
use crate::error::Error;

/// The way of the hot calls. Proxies are reqwest's business: tunnels, absolute URLs, a proxy's own password
/// are not worth a second implementation, and a proxy costs more than reqwest does.
pub(super) enum Sender {
    Direct(Connections),
    Proxied(HttpClient),
}

impl Sender {
    /// Sends one request, whose URI is a path, and reads the answer, success or not.
    pub(super) async fn send(&self, request: Request<Bytes>, patience: Patience) -> Result<Answer, Error> {
        match self {
            Self::Direct(connections) => connections.send(request, patience).await,
            Self::Proxied(client) => Box::pin(client.send_within(request, patience)).await,
        }
    }
}
