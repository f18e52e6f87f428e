//! The keys that encrypt stored secrets.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use secrecy::zeroize::Zeroizing;

use crate::model::{OauthId, Secret};
use crate::{Error, ErrorKind, Result};

/// The prefix of an encrypted text: `aes256gcm:KEY:TEXT`, with the name of the key, and nonce,
/// ciphertext and tag in Base64.
const MARK: &str = "aes256gcm:";

/// Keys for AES-256-GCM: the first one encrypts, all of them decrypt.
///
/// Create a key with `openssl rand -base64 32`. To change keys, insert the new one before the old
/// one, call [`EncryptedStore::reencrypt_all`](super::EncryptedStore::reencrypt_all), and remove
/// the old one.
///
/// ```
/// use glance_sdk::store::Keyring;
///
/// let new = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// let old = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=";
/// let keyring: Keyring = format!("{new},{old}").parse()?;
/// # Ok::<(), glance_sdk::Error>(())
/// ```
pub struct Keyring {
    first: Key,
    others: Vec<Key>,
}

struct Key {
    /// Eight hexadecimal digits, derived from the key, so that nobody has to name keys.
    name: String,
    cipher: RandomizedNonceKey,
}

impl Keyring {
    /// The environment variable that [`from_env`](Self::from_env) reads.
    pub const VARIABLE: &str = "GLANCE_SECRET_KEYS";

    /// Reads the keys in `GLANCE_SECRET_KEYS`, separated by commas. Returns `None` if the variable
    /// is not set.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::store::{EncryptedStore, InstallationStore, Keyring, MemoryStore};
    ///
    /// let store = MemoryStore::default();
    /// let store: Arc<dyn InstallationStore> = match Keyring::from_env()? {
    ///     Some(keyring) => Arc::new(EncryptedStore::new(store, keyring)),
    ///     None => Arc::new(store),
    /// };
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if the variable is set, but not a list of keys.
    pub fn from_env() -> Result<Option<Self>> {
        match std::env::var(Self::VARIABLE) {
            Ok(keys) => Zeroizing::new(keys).parse().map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(misfit("it is not valid UTF-8")),
        }
    }

    /// Encrypts the secret of an installation.
    pub(super) fn encrypt(&self, oauth_id: &OauthId, secret: &Secret) -> Result<Secret> {
        self.seal(oauth_id.as_str(), secret)
    }

    /// Encrypts an access token of an installation.
    pub(super) fn encrypt_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        token: &Secret,
    ) -> Result<Secret> {
        self.seal(&token_context(oauth_id, name), token)
    }

    /// Encrypts a secret. Only the same context can decrypt it.
    fn seal(&self, context: &str, secret: &Secret) -> Result<Secret> {
        let mut sealed = secret.expose().as_bytes().to_vec();
        let aad = Aad::from(context);
        let nonce = self
            .first
            .cipher
            .seal_in_place_append_tag(aad, &mut sealed)
            .map_err(|cause| Error::storage("cannot encrypt a secret", cause))?;
        let text = STANDARD_NO_PAD.encode([&nonce.as_ref()[..], &sealed].concat());
        Ok(format!("{MARK}{}:{text}", self.first.name).into())
    }

    /// Decrypts the secret of an installation. Returns `None` if it is not encrypted.
    pub(super) fn decrypt(&self, oauth_id: &OauthId, stored: &Secret) -> Result<Option<Secret>> {
        self.open(oauth_id.as_str(), oauth_id, stored)
    }

    /// Decrypts an access token of an installation. Returns `None` if it is not encrypted.
    pub(super) fn decrypt_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        stored: &Secret,
    ) -> Result<Option<Secret>> {
        self.open(&token_context(oauth_id, name), oauth_id, stored)
    }

    fn open(&self, context: &str, oauth_id: &OauthId, stored: &Secret) -> Result<Option<Secret>> {
        let Some(rest) = stored.expose().strip_prefix(MARK) else {
            return Ok(None);
        };
        let failed = |why: &str| {
            Error::new(
                ErrorKind::Storage,
                format!("cannot decrypt the secret of installation {oauth_id}: {why}"),
            )
        };
        let broken = || failed("it was changed, moved, or encrypted with another key");
        let (name, text) = rest.split_once(':').ok_or_else(broken)?;
        let key = std::iter::once(&self.first)
            .chain(&self.others)
            .find(|key| key.name == name)
            .ok_or_else(|| {
                failed(&format!(
                    "it was encrypted with the key {name:?}, which is unknown; is a key missing in {}?",
                    Self::VARIABLE
                ))
            })?;
        let mut sealed = Zeroizing::new(STANDARD_NO_PAD.decode(text).map_err(|_| broken())?);
        let (nonce, sealed) = sealed.split_at_mut_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let aad = Aad::from(context);
        let opened = key.cipher.open_in_place(nonce, aad, sealed);
        let opened = opened.map_err(|_| broken())?;
        let secret = std::str::from_utf8(opened).map_err(|_| broken())?;
        Ok(Some(secret.into()))
    }

    /// Returns whether the secret is encrypted with the first key.
    pub(super) fn is_current(&self, stored: &Secret) -> bool {
        stored
            .expose()
            .strip_prefix(MARK)
            .and_then(|rest| rest.split_once(':'))
            .is_some_and(|(name, _)| name == self.first.name)
    }
}

impl std::str::FromStr for Keyring {
    type Err = Error;

    /// Parses keys in Base64, separated by commas.
    fn from_str(keys: &str) -> Result<Self> {
        let mut found: Vec<Key> = Vec::new();
        for (index, text) in keys.split(',').map(str::trim).enumerate() {
            let place = index + 1;
            let bytes = STANDARD.decode(text).map(Zeroizing::new);
            let bytes = bytes.map_err(|_| misfit(&format!("key {place} is not valid Base64")))?;
            let cipher = RandomizedNonceKey::new(&AES_256_GCM, &bytes)
                .map_err(|_| misfit(&format!("key {place} has {} bytes, not 32", bytes.len())))?;
            let labelled = Zeroizing::new([b"glance secret key name", bytes.as_slice()].concat());
            let name = digest(&SHA256, &labelled).as_ref()[..4]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            if found.iter().any(|key| key.name == name) {
                return Err(misfit(&format!("key {place} is a duplicate")));
            }
            found.push(Key { name, cipher });
        }
        let mut found = found.into_iter();
        let first = found.next().ok_or_else(|| misfit("it contains no key"))?;
        Ok(Self {
            first,
            others: found.collect(),
        })
    }
}

/// Returns the context of an encrypted access token. Installation ids contain no line breaks, so it
/// differs from every installation's context.
fn token_context(oauth_id: &OauthId, name: &str) -> String {
    format!("access token\n{oauth_id}\n{name}")
}

fn misfit(why: &str) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!(
            "{} must contain keys of 32 bytes in Base64, separated by commas: {why}",
            Keyring::VARIABLE
        ),
    )
}

/// Shows the names of the keys.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = std::iter::once(&self.first).chain(&self.others);
        f.debug_tuple("Keyring")
            .field(&names.map(|key| &key.name).collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    fn keyring(bytes: &[u8]) -> Keyring {
        let keys: Vec<_> = bytes.iter().map(|byte| key(*byte)).collect();
        keys.join(",").parse().unwrap()
    }

    proptest! {
        #[test]
        fn encrypted_secret_is_decrypted(id: String, secret: String) {
            let (id, keyring) = (OauthId::from(id), keyring(&[1]));
            let sealed = keyring.encrypt(&id, &secret.as_str().into()).unwrap();
            prop_assert!(secret.len() < 4 || !sealed.expose().contains(&secret));
            let opened = keyring.decrypt(&id, &sealed).unwrap().unwrap();
            prop_assert_eq!(opened.expose(), secret);
        }

        #[test]
        fn no_text_panics(text: String) {
            let stored = format!("{MARK}{text}").into();
            prop_assert!(keyring(&[1]).decrypt(&"id".into(), &stored).is_err());
        }

        #[test]
        fn secret_of_another_installation_is_refused(one: String, other: String) {
            prop_assume!(one != other);
            let keyring = keyring(&[1]);
            let sealed = keyring.encrypt(&one.into(), &"secret".into()).unwrap();
            prop_assert!(keyring.decrypt(&other.into(), &sealed).is_err());
        }
    }

    #[test]
    fn changed_ciphertext_is_refused() {
        let (id, keyring) = (OauthId::from("id"), keyring(&[1, 2]));
        let sealed = keyring.encrypt(&id, &"a secret".into()).unwrap();
        let sealed = sealed.expose();
        for place in 0..sealed.len() {
            for byte in (0..128).filter(|byte| *byte != sealed.as_bytes()[place]) {
                let mut changed = sealed.as_bytes().to_vec();
                changed[place] = byte;
                let changed = String::from_utf8(changed).unwrap();
                let opened = keyring.decrypt(&id, &changed.as_str().into());
                // A text without the prefix was never encrypted: the store decides.
                let is_plain = place < MARK.len();
                assert!(
                    if is_plain {
                        matches!(opened, Ok(None))
                    } else {
                        opened.is_err()
                    },
                    "{changed}"
                );
            }
            assert!(
                place < MARK.len() || keyring.decrypt(&id, &sealed[..place].into()).is_err(),
                "cut to {place}"
            );
        }
    }

    #[test]
    fn first_key_encrypts_and_all_decrypt() {
        let id = OauthId::from("id");
        let (old, both, new) = (keyring(&[1]), keyring(&[2, 1]), keyring(&[2]));
        let by_old = old.encrypt(&id, &"secret".into()).unwrap();
        let opened = both.decrypt(&id, &by_old).unwrap().unwrap();
        assert_eq!(opened.expose(), "secret");
        assert!(!both.is_current(&by_old));
        let by_both = both.encrypt(&id, &opened).unwrap();
        assert!(both.is_current(&by_both));
        assert!(new.decrypt(&id, &by_both).unwrap().is_some());
        let error = new.decrypt(&id, &by_old).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(format!("{error:#}").contains("is a key missing"), "{error}");
    }

    #[test]
    fn encryption_uses_fresh_nonces() {
        let (id, keyring) = (OauthId::from("id"), keyring(&[1]));
        let once = keyring.encrypt(&id, &"secret".into()).unwrap();
        let again = keyring.encrypt(&id, &"secret".into()).unwrap();
        assert_ne!(once.expose(), again.expose());
    }

    #[test]
    fn invalid_keys_are_refused_without_showing_them() {
        let short = STANDARD.encode([7; 16]);
        for (keys, why) in [
            (String::new(), "key 1 has 0 bytes"),
            (short, "key 1 has 16 bytes"),
            (format!("{},", key(1)), "key 2 has 0 bytes"),
            (format!("{},not a key", key(1)), "key 2 is not valid Base64"),
            (format!("{},{}", key(1), key(1)), "key 2 is a duplicate"),
        ] {
            let error = keys.parse::<Keyring>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(format!("{error:#}").contains(why), "{error}");
            assert!(!format!("{error:#}").contains("BwcH"), "{error}");
        }
        let shown = format!("{:?}", keyring(&[1, 2]));
        assert!(!shown.contains(&key(1)), "{shown}");
    }
}
