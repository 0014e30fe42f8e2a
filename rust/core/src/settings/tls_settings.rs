use std::path::PathBuf;

/// Whom to trust, and who we are. Files are read at start, by the transport.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// False: any certificate will do, which anybody on the way can have.
    pub verify: bool,
    /// The CA certificates to trust instead of the platform's.
    pub ca: Option<CaFile>,
    /// CA certificates for a machine that has none.
    pub ca_fallback: Option<PathBuf>,
    /// Our certificate, with the chain to its issuer.
    pub cert_file: Option<PathBuf>,
    /// Its private key; `None`: in `cert_file`.
    pub key_file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub struct CaFile {
    pub path: PathBuf,
    /// Who named it, for errors: `ssl_ca_cert`, or an environment variable.
    pub origin: String,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { verify: true, ca: None, ca_fallback: None, cert_file: None, key_file: None }
    }
}
