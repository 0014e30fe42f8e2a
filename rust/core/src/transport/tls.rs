use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::error::Error;
use crate::settings::{Configuration, TlsSettings};

/// reqwest builds no client at all where the machine has no CA store, even for plain http (its issue
/// 2988), so the store is ours: empty for http, the user's or the platform's for https.
pub(super) fn client_config(configuration: &Configuration) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::configuration("server_api_url", error.to_string()))?;
    if !configuration.uses_tls() {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let settings = &configuration.tls;
    let builder = if settings.verify {
        builder.with_root_certificates(roots(settings)?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
    };
    let Some((chain, key)) = identity(settings)? else { return Ok(builder.with_no_client_auth()) };
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| Error::configuration("key_file", format!("does not go with cert_file: {error}")))
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = &settings.ca {
        let from = if ca.origin == "ssl_ca_cert" { String::new() } else { format!(" (from {})", ca.origin) };
        let bad =
            |problem: String| Error::configuration("ssl_ca_cert", format!("{problem}{from}; {CA_REMEDY}"));
        let found = if ca.path.is_dir() {
            // As REQUESTS_CA_BUNDLE may be.
            rustls_native_certs::load_certs_from_paths(None, Some(&ca.path)).certs
        } else {
            certificates(&ca.path).map_err(bad)?
        };
        let (added, _) = roots.add_parsable_certificates(found);
        return if added == 0 {
            Err(bad(format!("{} holds no CA certificate", ca.path.display())))
        } else {
            Ok(roots)
        };
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let (true, Some(fallback)) = (roots.is_empty(), &settings.ca_fallback) {
        roots.add_parsable_certificates(certificates(fallback).unwrap_or_default());
    }
    if roots.is_empty() {
        return Err(Error::configuration(
            "ssl_ca_cert",
            "https needs CA certificates and this machine has none that can be read; install the package \
             ca-certificates, or give ssl_ca_cert or SSL_CERT_FILE",
        ));
    }
    Ok(roots)
}

const CA_REMEDY: &str = "give a PEM file with the certificate of the CA that signed the server's";

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(settings: &TlsSettings) -> Result<Option<Identity>, Error> {
    let Some(cert_file) = &settings.cert_file else {
        return if settings.key_file.is_some() {
            Err(Error::configuration("key_file", "is of no use without cert_file; give both"))
        } else {
            Ok(None)
        };
    };
    let bad = |problem: String| {
        Error::configuration("cert_file", format!("{problem}; give a PEM file with the client certificate"))
    };
    let chain = certificates(cert_file).map_err(bad)?;
    if chain.is_empty() {
        return Err(bad(format!("{} holds no certificate", cert_file.display())));
    }
    let (field, key_file) =
        settings.key_file.as_ref().map_or(("cert_file", cert_file), |key_file| ("key_file", key_file));
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| {
        let problem = match error {
            pem::Error::Io(error) => format!("cannot read {}: {error}", key_file.display()),
            _ => format!("{} holds no private key that is not encrypted", key_file.display()),
        };
        let remedy = "give a PEM file with the key of the client certificate, without a passphrase";
        Error::configuration(field, format!("{problem}; {remedy}"))
    })?;
    Ok(Some((chain, key)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = || CertificateDer::pem_file_iter(file)?.collect::<Result<_, _>>();
    read().map_err(|error: pem::Error| match error {
        pem::Error::Io(error) => format!("cannot read {}: {error}", file.display()),
        _ => format!("{} is no PEM file", file.display()),
    })
}

/// `verify_ssl=False`: the handshake is still proved to be with whoever has the certificate's key.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::settings::CaFile;

    fn with(change: impl FnOnce(&mut TlsSettings)) -> Result<ClientConfig, Error> {
        let mut configuration = Configuration::new("https://localhost/api").unwrap();
        change(&mut configuration.tls);
        client_config(&configuration)
    }

    #[test]
    fn bad_files_are_named_with_their_field_and_a_remedy() {
        let here = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let gone = || PathBuf::from("/no/such.pem");
        let ca = |path, origin: &str| Some(CaFile { path, origin: origin.into() });
        for (result, parts) in [
            (with(|tls| tls.ca = ca(gone(), "ssl_ca_cert")), ["ssl_ca_cert: cannot read /no/such.pem", "CA"]),
            (with(|tls| tls.ca = ca(gone(), "SSL_CERT_FILE")), ["ssl_ca_cert: ", "(from SSL_CERT_FILE)"]),
            (with(|tls| tls.ca = ca(here(), "ssl_ca_cert")), ["ssl_ca_cert: ", "holds no CA certificate"]),
            (with(|tls| tls.cert_file = Some(gone())), ["cert_file: cannot read /no/such.pem", "PEM"]),
            (with(|tls| tls.cert_file = Some(here())), ["cert_file: ", "holds no certificate"]),
            (with(|tls| tls.key_file = Some(here())), ["key_file: ", "without cert_file"]),
        ] {
            // Not the platform's store: a machine that builds this may have none.
            let error = match result {
                Err(error) if error.to_string().contains("this machine has none") => continue,
                Err(error) => error.to_string(),
                Ok(_) => panic!("{parts:?} was taken"),
            };
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn plain_http_reads_no_file() {
        let mut configuration = Configuration::new("http://localhost/api").unwrap();
        configuration.tls.ca = Some(CaFile { path: "/no/such.pem".into(), origin: "ssl_ca_cert".into() });
        client_config(&configuration).unwrap();
        configuration.set_proxy("https://proxy:3128", "proxy").unwrap();
        client_config(&configuration).err().unwrap();
    }
}
