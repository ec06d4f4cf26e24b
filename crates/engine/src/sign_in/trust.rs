//! Whose certificates an identity provider may show: Mozilla's, and what `ca` adds for it.

use crate::{Engine, EngineError};
use davit_domain::config::Identity;
use secrecy::ExposeSecret;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

impl Engine {
    /// The certificates that a provider's may be signed with.
    pub(super) async fn roots(&self, identity: &Identity) -> Result<Vec<CertificateDer<'static>>, EngineError> {
        let mut roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
        if let Some(ca) = &identity.ca {
            let pem = self.secret(ca).await?;
            let own: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose_secret().as_bytes()).collect();
            let own = own.ok().filter(|own| !own.is_empty()).ok_or_else(|| {
                EngineError::Invalid(format!(
                    "the ca of the identity provider {} has no certificate in PEM",
                    identity.id
                ))
            })?;
            roots.extend(own);
        }
        Ok(roots)
    }
}

/// The same for rustls; what it can't use is left out.
pub(super) fn store(roots: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    store
}
