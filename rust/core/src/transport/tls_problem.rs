use std::error::Error as StdError;

use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage, PeerIncompatible};

const NO_TLS: &str =
    "server_api_url: the server does not speak TLS on that port, or hung up; if it is plain, write http://";

/// What is wrong with TLS, if that is what lies below `error`: the setting, the problem and the remedy.
#[cold]
pub(super) fn tls_problem(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<TlsError>() {
            return Some(explain(found));
        }
        // tokio-rustls has no type for it: what a server does that takes a handshake for bad HTTP.
        if error.to_string() == "tls handshake eof" {
            return Some(NO_TLS.to_owned());
        }
        // The source of an I/O error is what lies below its inner error: the inner one is asked first.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

fn explain(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(problem) => explain_certificate(problem),
        TlsError::AlertReceived(AlertDescription::CertificateRequired) => {
            "cert_file: the server asks for a client certificate; give cert_file and key_file".to_owned()
        }
        TlsError::AlertReceived(
            alert @ (AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::AccessDenied),
        ) => format!(
            "cert_file: the server refuses our client certificate ({alert:?}); give one that it trusts"
        ),
        TlsError::AlertReceived(AlertDescription::ProtocolVersion)
        | TlsError::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            "the server offers no TLS 1.2 or newer, and older ones are not secure; let it offer one"
                .to_owned()
        }
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => NO_TLS.to_owned(),
        other => format!("the TLS handshake failed: {other}"),
    }
}

fn explain_certificate(problem: &CertificateError) -> String {
    match problem {
        CertificateError::UnknownIssuer => "ssl_ca_cert: the server's certificate has an unknown issuer; \
            give its CA certificate as ssl_ca_cert or in SSL_CERT_FILE"
            .to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired; renew it, or set the clock of this machine".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; set the clock of this machine".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "server_api_url: hostname mismatch, the server's certificate is not for {:?} but for {}; \
             write such a name in the URL, or give the server a certificate for this one",
            expected.to_str(),
            if presented.is_empty() { "nobody".to_owned() } else { presented.join(", ") }
        ),
        CertificateError::NotValidForName => {
            "server_api_url: hostname mismatch, the server's certificate is for \
            another name"
                .to_owned()
        }
        other => format!("the server's certificate cannot be used: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_names_a_setting_and_a_remedy() {
        for (error, parts) in [
            (
                TlsError::InvalidCertificate(CertificateError::UnknownIssuer),
                ["unknown issuer", "ssl_ca_cert"],
            ),
            (TlsError::InvalidCertificate(CertificateError::Expired), ["has expired", "renew"]),
            (TlsError::InvalidCertificate(CertificateError::NotValidYet), ["not valid yet", "clock"]),
            (TlsError::InvalidCertificate(CertificateError::NotValidForName), ["hostname", "server_api_url"]),
            (TlsError::AlertReceived(AlertDescription::CertificateRequired), ["asks for", "key_file"]),
            (TlsError::AlertReceived(AlertDescription::UnknownCA), ["refuses", "cert_file"]),
            (TlsError::InvalidMessage(InvalidMessage::InvalidContentType), ["does not speak TLS", "http://"]),
            (TlsError::AlertReceived(AlertDescription::ProtocolVersion), ["TLS 1.2", "the server"]),
            (TlsError::DecryptError, ["handshake failed", "TLS"]),
        ] {
            let wrapped = std::io::Error::other(std::io::Error::other(error));
            let text = tls_problem(&wrapped).unwrap();
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
        assert_eq!(tls_problem(&std::io::Error::from(std::io::ErrorKind::ConnectionReset)), None);
    }
}
