use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use conductor_core::error::Error;
use conductor_core::settings::{
    CaFile, Configuration, Credentials, Durability, HighWater, SpoolSettings, TlsSettings, TokenSource,
};
use pyo3::prelude::*;

/// Python's `ServerSettings`, taken by the names of its fields.
#[derive(FromPyObject)]
pub(crate) struct PyServerSettings {
    server_api_url: String,
    headers: Vec<(String, String)>,
    key_id: Option<String>,
    key_secret: Option<String>,
    token_source: Option<Py<PyTokenSource>>,
    token_ttl_millis: u64,
    verify_ssl: bool,
    ca_file: Option<PathBuf>,
    ca_origin: String,
    ca_fallback: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    proxy: Option<String>,
    proxy_origin: String,
    spool_dir: Option<PathBuf>,
    spool_origin: String,
    durability: String,
    spool_max_bytes: Option<u64>,
    spool_max_bytes_origin: String,
    outbox_results: usize,
    outbox_bytes: usize,
}

impl PyServerSettings {
    pub(crate) fn into_configuration(self) -> Result<Configuration, Error> {
        let mut configuration = Configuration::new(&self.server_api_url)?;
        for (name, value) in &self.headers {
            configuration.add_header(name, value)?;
        }
        if let Some(proxy) = &self.proxy {
            configuration.set_proxy(proxy, &self.proxy_origin)?;
        }
        configuration.credentials = match (self.token_source, self.key_id, self.key_secret) {
            (Some(source), ..) => Some(Credentials::Source(Arc::clone(&source.get().0))),
            (None, Some(key_id), Some(key_secret)) => {
                Some(Credentials::Keys { key_id: key_id.into(), key_secret: key_secret.into() })
            }
            _ => None,
        };
        configuration.token_ttl = Duration::from_millis(self.token_ttl_millis);
        configuration.outbox = HighWater { results: self.outbox_results, bytes: self.outbox_bytes };
        let origin = self.ca_origin;
        configuration.tls = TlsSettings {
            verify: self.verify_ssl,
            ca: self.ca_file.map(|path| CaFile { path, origin }),
            ca_fallback: self.ca_fallback,
            cert_file: self.cert_file,
            key_file: self.key_file,
        };
        if let Some(directory) = self.spool_dir {
            let durability = Durability::from_name(&self.durability).ok_or_else(|| {
                let problem = format!("{:?} is not known; give \"process\" or \"power\"", self.durability);
                Error::configuration("durability", problem)
            })?;
            let origin = self.spool_origin;
            let mut spool = SpoolSettings { origin, durability, ..SpoolSettings::new(directory) };
            if let Some(bytes) = self.spool_max_bytes {
                spool.set_max_bytes(bytes, &self.spool_max_bytes_origin)?;
            }
            configuration.spool = Some(spool);
        }
        Ok(configuration)
    }
}

/// A desk where the engine asks for tokens, and a Python thread gives them.
#[pyclass(frozen, name = "TokenSource", module = "conductor_fast._core")]
pub(crate) struct PyTokenSource(Arc<TokenSource>);

#[pymethods]
impl PyTokenSource {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }

    /// Blocks until a token is wanted; detached.
    fn wait(&self, py: Python<'_>) {
        py.detach(|| self.0.wait());
    }

    fn give(&self, token: String) {
        self.0.answer(Ok(token.into()));
    }

    fn fail(&self, problem: String) {
        self.0.answer(Err(problem));
    }
}
