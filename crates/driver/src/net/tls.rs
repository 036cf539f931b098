//! Which certificates are trusted, as a rustls configuration. Serves Bolt and the HTTP checks alike.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{ring, verify_tls12_signature, verify_tls13_signature, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;

use crate::address::{Address, TlsWish};
use crate::config::{Config, Trust};
use crate::error::{Error, Kind};
use crate::net::certificate::ClientCertificates;

const NO_STORE: &str = "the certificates of the system cannot be read";

/// The TLS configuration for one server, or `None` for plain TCP. The scheme's suffix wins over the options.
pub(crate) fn for_bolt(
    config: &Config,
    wish: TlsWish,
    client_certificates: Option<Arc<ClientCertificates>>,
) -> Result<Option<Arc<ClientConfig>>, Error> {
    let Some(trust) = trust(config, wish) else { return Ok(None) };
    let mut tls = trusting(config, trust)?;
    if let Some(client_certificates) = client_certificates {
        tls.client_auth_cert_resolver = client_certificates;
        // A resumed session would go on with the certificate that it began with.
        tls.resumption = Resumption::disabled();
    }
    Ok(Some(Arc::new(tls)))
}

fn trust(config: &Config, wish: TlsWish) -> Option<Trust> {
    match wish {
        TlsWish::Secure if config.trust == Trust::TrustCustomCaSignedCertificates => Some(config.trust),
        TlsWish::Secure => Some(Trust::TrustSystemCaSignedCertificates),
        TlsWish::SelfSigned => Some(Trust::TrustAllCertificates),
        TlsWish::Options => config.encrypted.then_some(config.trust),
    }
}

/// The TLS configuration of the HTTP checks (`https://` status URLs).
pub(crate) fn for_http(config: &Config) -> Result<ClientConfig, Error> {
    trusting(config, config.trust)
}

/// What an error of a connection means, and what can be done about it.
pub(crate) fn explain(error: &io::Error, address: &Address) -> String {
    use CertificateError::*;
    let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) else {
        return error.to_string();
    };
    let host = &address.host;
    match tls {
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            format!("its certificate has expired ({tls}). It has to be renewed")
        }
        rustls::Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
            format!("its certificate is not valid yet ({tls}). Are the clocks right?")
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            format!(
                "its certificate is not valid for the name {host} ({tls}). Use a name that it was issued for"
            )
        }
        rustls::Error::InvalidCertificate(_) => format!(
            "its certificate is not trusted ({tls}). Name its authority in trustedCertificates, with trust \
             TRUST_CUSTOM_CA_SIGNED_CERTIFICATES; or use +ssc in the URI, which takes any certificate"
        ),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        ) => {
            format!("it does not accept the client's certificate, or its lack ({tls}). See clientCertificate")
        }
        rustls::Error::General(why) if why.starts_with(NO_STORE) => format!(
            "TLS failed: {why}. Install the system's CA certificates, or name an authority in trustedCertificates"
        ),
        _ => format!("TLS failed ({tls}). Does the server speak TLS?"),
    }
}

fn trusting(config: &Config, trust: Trust) -> Result<ClientConfig, Error> {
    let failed = |what: &str, e: &dyn std::fmt::Display| {
        Error::new(Kind::Client, format!("TLS cannot be set up: {what}: {e}"))
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| failed("no protocol version", &e))?;
    let trusted = match trust {
        Trust::TrustSystemCaSignedCertificates => {
            let extra = certificates("NODE_EXTRA_CA_CERTS", &config.extra_certificates)?;
            Trusted::System(SystemAuthorities { extra, provider: provider.clone() })
        }
        Trust::TrustCustomCaSignedCertificates => {
            Trusted::Custom(CustomAuthorities::new(&config.trusted_certificates, provider.clone())?)
        }
        Trust::TrustAllCertificates => Trusted::All,
    };
    let verifier = CertificateVerifier { trusted, provider };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// The certificates in PEM texts.
fn certificates(option: &str, pem: &[String]) -> Result<Vec<CertificateDer<'static>>, Error> {
    pem.iter()
        .flat_map(|text| CertificateDer::pem_slice_iter(text.as_bytes()))
        .collect::<Result<_, _>>()
        .map_err(|e| Error::new(Kind::Client, format!("{option}: not a PEM certificate: {e}")))
}

/// Whether a server of the configuration has to be known to the system's authorities.
pub(crate) fn uses_system_store(config: &Config) -> Result<bool, Error> {
    let is_system = |trust| trust == Trust::TrustSystemCaSignedCertificates;
    for server in &config.servers {
        let by_http = server.http.as_ref().is_some_and(|http| http.url.to_lowercase().starts_with("https:"));
        let by_bolt = trust(config, server.address()?.tls);
        if by_bolt.is_some_and(is_system) || by_http && is_system(config.trust) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the system's certificates, unless that was done before. What is wrong with them is said when they are used.
pub(crate) fn read_system_store(config: &Config) {
    if let Ok(extra) = certificates("NODE_EXTRA_CA_CERTS", &config.extra_certificates) {
        let _ = SystemAuthorities { extra, provider: Arc::new(ring::default_provider()) }.verifier();
    }
}

/// The certificates of the system: read when the first connection needs them, and once for all drivers that trust the same
/// ones beside them. Who uses no TLS needs none.
#[derive(Debug)]
struct SystemAuthorities {
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

type Known = Mutex<Option<(Vec<CertificateDer<'static>>, Arc<Verifier>)>>;

impl SystemAuthorities {
    fn verifier(&self) -> Result<Arc<Verifier>, rustls::Error> {
        static KNOWN: Known = Mutex::new(None);
        let mut known = KNOWN.lock();
        if let Some((extra, verifier)) = &*known {
            if *extra == self.extra {
                return Ok(verifier.clone());
            }
        }
        let verifier = Verifier::new_with_extra_roots(self.extra.iter().cloned(), self.provider.clone());
        let verifier = Arc::new(verifier.map_err(|e| rustls::Error::General(format!("{NO_STORE}: {e}")))?);
        *known = Some((self.extra.clone(), verifier.clone()));
        Ok(verifier)
    }
}

/// Certificates signed by the user's authorities, or one of those certificates itself: Neo4j servers often present
/// the very self-signed certificate that clients are told to trust, which WebPKI alone refuses as an authority.
#[derive(Debug)]
struct CustomAuthorities {
    webpki: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl CustomAuthorities {
    fn new(pem: &[String], provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let refuse = |why: String| Error::new(Kind::Client, format!("trustedCertificates: {why}"));
        let trusted = certificates("trustedCertificates", pem)?;
        let mut roots = RootCertStore::empty();
        for certificate in &trusted {
            roots
                .add(certificate.clone())
                .map_err(|e| refuse(format!("a certificate cannot be read: {e}")))?;
        }
        if trusted.is_empty() {
            return Err(refuse("there is no certificate in the given files".into()));
        }
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|e| refuse(e.to_string()))?;
        Ok(CustomAuthorities { webpki, trusted })
    }
}

/// Whose certificates are taken.
#[derive(Debug)]
enum Trusted {
    System(SystemAuthorities),
    Custom(CustomAuthorities),
    /// Anybody's (`+ssc`, `TRUST_ALL_CERTIFICATES`).
    All,
}

/// Takes the certificates that are trusted, from those who hold their keys.
#[derive(Debug)]
struct CertificateVerifier {
    trusted: Trusted,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for CertificateVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let custom = match &self.trusted {
            Trusted::System(system) => {
                let verifier = system.verifier()?;
                return verifier.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                );
            }
            Trusted::Custom(custom) => custom,
            Trusted::All => return Ok(ServerCertVerified::assertion()),
        };
        match custom.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // WebPKI looks at the validity period before this, so an expired certificate does not come here.
            Err(e)
                if format!("{e:?}").contains("CaUsedAsEndEntity")
                    && custom.trusted.iter().any(|t| t == end_entity) =>
            {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
