//! The key of proofs and seals, made once.

use crate::EngineError;
use crate::seal::Sealer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use davit_domain::time::Timestamp;
use davit_store::Store;
use davit_store::feed_chain::{FeedAnchor, Signer, StoredEntry};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;
use std::sync::Arc;

/// Where it lies among the secrets.
const NAME: &str = "davit:feed-key";
/// Random bytes before each proof, so that an entry that is told twice has two.
const NONCE: usize = 16;

/// Makes and checks proofs and seals. Cheap to clone.
#[derive(Clone)]
pub(super) struct FeedKey(Arc<SecretBox<[u8; 32]>>);

/// What a signature is for; one is never taken for another.
enum Use {
    Entry,
    Anchor,
    Seal,
}

/// The same store; what is written to the feed through it from now on carries davit's proof. The key is made when there
/// is none.
///
/// # Errors
/// When the store does not answer, or the master key is not the one that the key was sealed with.
pub async fn signed(store: Store, sealer: &Sealer, now: Timestamp) -> Result<Store, EngineError> {
    let key = match FeedKey::read(&store, sealer).await? {
        Some(key) => key,
        None => FeedKey::make(&store, sealer, now).await?,
    };
    let signer = Signer::new(move |content| key.prove(content));
    Ok(store.signing_with(signer))
}

impl FeedKey {
    /// The size of a seal. Bytes.
    pub(super) const SEAL: usize = 32;

    /// The key of this database. `None`: it has none yet.
    pub(super) async fn read(store: &Store, sealer: &Sealer) -> Result<Option<Self>, EngineError> {
        match store.secret(NAME).await? {
            Some(sealed) => Self::parse(&sealer.open(NAME, &sealed)?).map(Some),
            None => Ok(None),
        }
    }

    /// Makes it, with the beginning of the chain; another process may do the same at the same time, and one of them
    /// wins.
    async fn make(store: &Store, sealer: &Sealer, now: Timestamp) -> Result<Self, EngineError> {
        let key = Self(Arc::new(SecretBox::new(Box::new(rand::random()))));
        let text = SecretString::from(STANDARD_NO_PAD.encode(key.0.expose_secret()));
        let mut tx = store.begin().await?;
        let end = tx.hold_chain().await?;
        // Looked for again, now that nobody else can be at it.
        if let Some(sealed) = tx.secret(NAME).await? {
            return Self::parse(&sealer.open(NAME, &sealed)?);
        }
        if end.is_some() || tx.feed_anchor().await?.is_some() {
            return Err(EngineError::Unavailable(format!(
                "the key of the feed ({NAME}) is gone from the database, but not what it signed. Restore the table `secrets` from a backup"
            )));
        }
        tx.put_secret(NAME, &sealer.seal(NAME, &text)?, now).await?;
        let anchor = FeedAnchor {
            position: 0,
            seal: rand::random::<[u8; 32]>().to_vec(),
            last_bare: tx.last_feed_id().await?,
            at: now,
            proof: Vec::new(),
        };
        tx.put_feed_anchor(&key.sign_anchor(anchor)).await?;
        tx.commit().await?;
        Ok(key)
    }

    fn parse(text: &SecretString) -> Result<Self, EngineError> {
        let bytes = STANDARD_NO_PAD.decode(text.expose_secret()).ok().and_then(|bytes| bytes.try_into().ok());
        let key: [u8; 32] = bytes.ok_or_else(|| {
            EngineError::Unavailable(format!("the key of the feed ({NAME}) is damaged. Restore it from a backup"))
        })?;
        Ok(Self(Arc::new(SecretBox::new(Box::new(key)))))
    }

    fn prove(&self, content: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        [nonce.as_slice(), &self.mac(Use::Entry, &[&nonce, content]).finalize().into_bytes()].concat()
    }

    /// Whether davit wrote the entry. One without a proof is believed when it is from before there were proofs.
    pub(super) fn is_proved(&self, entry: &StoredEntry, last_bare: i64) -> bool {
        match &entry.proof {
            None => entry.id <= last_bare,
            Some(proof) => {
                let (nonce, mac) = proof.split_at(proof.len().min(NONCE));
                self.mac(Use::Entry, &[nonce, &entry.content()]).verify_slice(mac).is_ok()
            }
        }
    }

    /// What binds an entry to its place and all before it.
    pub(super) fn seal(&self, before: &[u8], position: i64, entry: &StoredEntry) -> Vec<u8> {
        self.sealing(before, position, entry).finalize().into_bytes().to_vec()
    }

    /// Whether that is the entry's seal, in constant time.
    pub(super) fn is_seal(&self, seal: &[u8], before: &[u8], position: i64, entry: &StoredEntry) -> bool {
        self.sealing(before, position, entry).verify_slice(seal).is_ok()
    }

    /// The anchor with its proof.
    pub(super) fn sign_anchor(&self, anchor: FeedAnchor) -> FeedAnchor {
        let proof = self.mac(Use::Anchor, &[&anchor.content()]).finalize().into_bytes().to_vec();
        FeedAnchor { proof, ..anchor }
    }

    /// Whether davit wrote the anchor.
    pub(super) fn is_anchor(&self, anchor: &FeedAnchor) -> bool {
        self.mac(Use::Anchor, &[&anchor.content()]).verify_slice(&anchor.proof).is_ok()
    }

    fn sealing(&self, before: &[u8], position: i64, entry: &StoredEntry) -> Hmac<Sha256> {
        let numbers = [position.to_be_bytes(), entry.id.to_be_bytes()].concat();
        let proof = entry.proof.as_deref().unwrap_or_default();
        self.mac(Use::Seal, &[before, &numbers, &[u8::from(entry.proof.is_some())], proof, &entry.content()])
    }

    /// Each part with its length before it.
    fn mac(&self, purpose: Use, parts: &[&[u8]]) -> Hmac<Sha256> {
        let label: &[u8] = match purpose {
            Use::Entry => b"entry",
            Use::Anchor => b"anchor",
            Use::Seal => b"seal",
        };
        // HMAC fills a key up to the size of a block with zeros: so does this, and no length can be wrong.
        let mut block = [0; 64];
        block[..32].copy_from_slice(self.0.expose_secret());
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for part in std::iter::once(&label).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}
