//! The certificates that the driver shows to servers that ask for one.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::SignatureScheme;
use secrecy::ExposeSecret;

use crate::config::ClientCertificate;
use crate::observer::{NoAnswer, Observer};

/// The certificates of this side: asked for before a connection is opened, and made ready for rustls when it is another than before.
pub(crate) struct ClientCertificates {
    observer: Arc<dyn Observer>,
    current: Mutex<Current>,
    /// Somebody asked and went away without an answer.
    given_up: AtomicBool,
}

#[derive(Default)]
struct Current {
    given: Vec<ClientCertificate>,
    ready: Vec<Arc<CertifiedKey>>,
}

impl ClientCertificates {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        ClientCertificates { observer, current: Mutex::default(), given_up: AtomicBool::new(false) }
    }

    /// Asks what connections opened from now on show. An error says why there is nothing.
    pub(crate) async fn renew(&self) -> Result<(), NoAnswer> {
        let anew = self.given_up.swap(false, Ordering::Relaxed);
        let mut asking = Asking { given_up: &self.given_up, is_answered: false };
        let answer = self.observer.client_certificates(anew).await;
        asking.is_answered = true;
        let given = answer?;
        let mut current = self.current.lock();
        if !is_same(&given, &current.given) {
            let ready = given.iter().map(prepare).collect::<Result<_, String>>()?;
            *current = Current { given, ready };
        }
        Ok(())
    }
}

/// Somebody waits for an answer, and may give up: its time is limited.
struct Asking<'a> {
    given_up: &'a AtomicBool,
    is_answered: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.given_up.store(true, Ordering::Relaxed);
        }
    }
}

fn is_same(a: &[ClientCertificate], b: &[ClientCertificate]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.certificates == b.certificates && a.key.expose_secret() == b.key.expose_secret())
}

fn prepare(given: &ClientCertificate) -> Result<Arc<CertifiedKey>, String> {
    let chain = CertificateDer::pem_slice_iter(given.certificates.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("the certificate is not PEM: {e}"))?;
    let key = PrivateKeyDer::from_pem_slice(given.key.expose_secret().as_bytes())
        .map_err(|e| format!("the key is not PEM: {e}"))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map(Arc::new)
        .map_err(|e| format!("the certificate and the key do not go together: {e}"))
}

impl ResolvesClientCert for ClientCertificates {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let current = self.current.lock();
        current.ready.iter().find(|certified| certified.key.choose_scheme(schemes).is_some()).cloned()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificates").finish_non_exhaustive()
    }
}
