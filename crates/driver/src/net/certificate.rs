//! The certificates that the driver shows to servers that ask for one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::SignatureScheme;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::config::ClientCertificate;
use crate::observer::{NoAnswer, Observer};

/// The certificates of this side: asked for before a connection is opened, and made ready for rustls when it is another than before.
pub(crate) struct ClientCertificates {
    observer: Arc<dyn Observer>,
    current: Mutex<Current>,
    /// Since when an answer is due.
    asked: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Current {
    given: Vec<ClientCertificate>,
    ready: Vec<Arc<CertifiedKey>>,
}

impl ClientCertificates {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        ClientCertificates { observer, current: Mutex::default(), asked: Mutex::default() }
    }

    /// Asks what connections opened from now on show. An error says why there is nothing. What was due for as long as `patience`
    /// may never come: it is asked for anew.
    pub(crate) async fn renew(&self, patience: Duration) -> Result<(), NoAnswer> {
        let answer = self.observer.client_certificates(self.is_overdue(patience)).await;
        self.asked.lock().take();
        let given = answer?;
        let mut current = self.current.lock();
        if !is_same(&given, &current.given) {
            let ready = given.iter().map(prepare).collect::<Result<_, String>>()?;
            *current = Current { given, ready };
        }
        Ok(())
    }

    /// Somebody asks: whether an answer has been due for so long, however many have given up meanwhile, and for whatever reason.
    fn is_overdue(&self, patience: Duration) -> bool {
        let mut asked = self.asked.lock();
        let is_overdue = asked.is_some_and(|since| since.elapsed() >= patience);
        if is_overdue || asked.is_none() {
            *asked = Some(Instant::now());
        }
        is_overdue
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
