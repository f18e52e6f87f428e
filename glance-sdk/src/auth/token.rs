//! Parses, verifies and signs tokens.
//!
//! Tokens must follow RFC 7515 and RFC 7519 strictly; `docs/protocol.md` has a table of the rules.

mod header;

use std::fmt;
use std::sync::Once;

use aws_lc_rs::hmac;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::{DecodeSliceError, Engine as _};
use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

use crate::model::{Claims, OauthId, Secret};

/// The size limit of a token, in bytes. Typical tokens have about 400 bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The buffer size for an HS256 signature, which has 32 bytes, plus the block size of the base64
/// decoder.
const MAX_SIGNATURE_BYTES: usize = 48;

/// A buffer size that suffices for nearly every payload.
const USUAL_PAYLOAD_BYTES: usize = 1024;

/// The headers of nearly all tokens, with `alg` and `typ` in either order. They need no decoding.
const HS256_HEADERS: [&str; 2] = [
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
];

/// The tolerated difference between the clocks of host and add-on, in seconds. It applies to `exp`,
/// `iat` and `nbf`.
pub const LEEWAY_SECONDS: i64 = 60;

/// The reason why a token was refused. The log contains the reason; a stranger learns only that the
/// token was refused.
///
/// ```
/// use glance_sdk::auth::{Rejection, SigningKey, Token};
/// use glance_sdk::model::{Claims, Secret};
///
/// let key = SigningKey::new(&Secret::from("0123456789abcdef"));
/// let signed = key.sign(&Claims::new("installation".into(), 1_000, 4_600));
/// assert_eq!(Token::parse(&signed)?.verify(&key, 10_000), Err(Rejection::Expired));
/// # Ok::<(), Rejection>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The request has no token.
    Missing,
    /// The token is longer than [`MAX_TOKEN_BYTES`].
    TooLong,
    /// The token does not consist of three base64url parts, of which the first two are JSON and
    /// contain the claims of the protocol.
    Malformed,
    /// The header names another algorithm than HS256.
    Algorithm(String),
    /// The header requires an extension (`crit`, or a payload that is not base64url); this crate
    /// supports none.
    Critical,
    /// The token names no installation (`iss`).
    NoIssuer,
    /// The token names an installation that this add-on does not know.
    UnknownIssuer(OauthId),
    /// The installation's secret did not sign the token.
    Signature,
    /// The installation's secret is empty, so anybody could have signed the token.
    EmptySecret,
    /// The token has expired.
    Expired,
    /// The token was signed in the future.
    FromTheFuture,
    /// The token is not valid yet (`nbf`).
    NotYet,
    /// The token is for another audience: `aud` does not name the installation.
    Audience,
    /// The token is a page token, but the request needs a host's token, or the page token is in the
    /// URL.
    PageToken,
    /// The token only proves the removal of its installation.
    UninstallToken,
    /// The token was used before, and the add-on refuses replays.
    Replayed,
    /// The installation has used more tokens than the add-on can remember, and the add-on refuses
    /// replays.
    TooMany,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no signed request"),
            Self::TooLong => write!(f, "a token of more than {MAX_TOKEN_BYTES} bytes"),
            Self::Malformed => f.write_str("malformed token"),
            Self::Algorithm(name) => write!(f, "algorithm {name:?} instead of \"HS256\""),
            Self::Critical => f.write_str("unsupported critical extension"),
            Self::NoIssuer => f.write_str("no issuer"),
            Self::UnknownIssuer(id) => write!(f, "unknown issuer {:?}", id.as_str()),
            Self::Signature => f.write_str("wrong signature"),
            Self::EmptySecret => f.write_str("the installation's secret is empty"),
            Self::Expired => f.write_str("expired"),
            Self::FromTheFuture => f.write_str("signed in the future"),
            Self::NotYet => f.write_str("not valid yet"),
            Self::Audience => f.write_str("for another audience"),
            Self::Replayed => f.write_str("used before"),
            Self::TooMany => f.write_str("too many requests to remember"),
            Self::PageToken => f.write_str("a page token instead of a host's token"),
            Self::UninstallToken => f.write_str("an uninstall token, which only proves a removal"),
        }
    }
}

impl std::error::Error for Rejection {}

/// A secret, prepared for signing and verifying.
///
/// ```
/// use glance_sdk::auth::SigningKey;
/// use glance_sdk::model::{Claims, Secret};
///
/// let key = SigningKey::new(&Secret::from("0123456789abcdef0123456789abcdef01234567"));
/// let signed = key.sign(&Claims::new("installation".into(), 1_000, 4_600));
/// assert_eq!(signed.split('.').count(), 3);
/// ```
#[derive(Clone)]
pub struct SigningKey {
    sign: EncodingKey,
    verify: hmac::Key,
    is_empty: bool,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

impl SigningKey {
    /// Creates the key of an installation from the bytes of its secret. With an empty secret, the
    /// key signs and verifies nothing.
    pub fn new(secret: &Secret) -> Self {
        install_provider();
        let bytes = secret.expose().as_bytes();
        Self {
            sign: EncodingKey::from_secret(bytes),
            verify: hmac::Key::new(hmac::HMAC_SHA256, bytes),
            is_empty: bytes.is_empty(),
        }
    }

    /// Signs these claims. Returns an empty string if the secret is empty; everybody refuses that
    /// token.
    ///
    /// ```
    /// use glance_sdk::auth::SigningKey;
    /// use glance_sdk::model::{Claims, Secret};
    ///
    /// let claims = Claims::new("installation".into(), 1_000, 4_600);
    /// assert!(!SigningKey::new(&Secret::from("0123456789abcdef")).sign(&claims).is_empty());
    /// assert_eq!(SigningKey::new(&Secret::from("")).sign(&claims), "");
    /// ```
    pub fn sign(&self, claims: &Claims) -> String {
        if self.is_empty {
            tracing::error!(issuer = %claims.iss, "cannot sign with an empty secret");
            return String::new();
        }
        // HMAC over JSON of plain strings and numbers: neither step can fail.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign).unwrap_or_default()
    }
}

/// Selects jsonwebtoken's crypto provider. Without this, jsonwebtoken panics on first use if
/// another crate of the program enables its second provider; selecting one twice is harmless.
fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
    });
}

/// A token that was parsed, but not verified. Only its issuer is readable.
///
/// ```
/// use glance_sdk::auth::{SigningKey, Token};
/// use glance_sdk::model::{Claims, Secret};
///
/// let key = SigningKey::new(&Secret::from("0123456789abcdef"));
/// let signed = key.sign(&Claims::new("installation".into(), 1_000, 4_600));
/// let token = Token::parse(&signed)?;
/// assert_eq!(token.issuer().as_str(), "installation");
/// assert!(token.verify(&key, 1_010).is_ok());
/// # Ok::<(), glance_sdk::auth::Rejection>(())
/// ```
pub struct Token<'t> {
    signed: &'t str,
    signature: &'t str,
    claims: Claims,
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("issuer", &self.claims.iss)
            .finish_non_exhaustive()
    }
}

impl<'t> Token<'t> {
    /// Parses a token.
    ///
    /// ```
    /// use glance_sdk::auth::{Rejection, Token};
    ///
    /// assert_eq!(Token::parse("no token").unwrap_err(), Rejection::Malformed);
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`Rejection`] if the token is too long, malformed, uses another algorithm,
    /// requires an extension, or has no issuer.
    pub fn parse(text: &'t str) -> Result<Self, Rejection> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Rejection::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejection::Malformed)?;
        if !HS256_HEADERS.contains(&header) {
            header::check(header)?;
        }
        let mut room = [0; USUAL_PAYLOAD_BYTES];
        let large;
        let payload = match URL_SAFE_NO_PAD.decode_slice(payload, &mut room) {
            Ok(length) => &room[..length],
            Err(DecodeSliceError::OutputSliceTooSmall) => {
                large = decode(payload)?;
                &large
            }
            Err(DecodeSliceError::DecodeError(_)) => return Err(Rejection::Malformed),
        };
        // This validates the UTF-8 as a whole, so that serde_json need not validate each string.
        let payload = str::from_utf8(payload).map_err(|_| Rejection::Malformed)?;
        let claims: Claims = serde_json::from_str(payload).map_err(|_| no_claims(payload))?;
        if claims.exp.is_none() {
            return Err(Rejection::Malformed);
        }
        Ok(Self {
            signed,
            signature,
            claims,
        })
    }

    /// Returns the installation that the token claims as its issuer.
    pub fn issuer(&self) -> &OauthId {
        &self.claims.iss
    }

    /// Returns whether the token claims to be a page token. The claim is not verified.
    #[cfg(feature = "server")]
    pub(crate) fn claims_to_be_of_page(&self) -> bool {
        super::is_page_token(&self.claims)
    }

    /// Verifies the signature, and the times at `now` (seconds since 1970) with a tolerance of
    /// [`LEEWAY_SECONDS`]. Returns the claims. Compares the signature in constant time.
    ///
    /// ```
    /// use glance_sdk::auth::{Rejection, SigningKey, Token};
    /// use glance_sdk::model::{Claims, Secret};
    ///
    /// let key = SigningKey::new(&Secret::from("0123456789abcdef"));
    /// let signed = key.sign(&Claims::new("installation".into(), 1_000, 4_600));
    /// let other = SigningKey::new(&Secret::from("fedcba9876543210"));
    /// assert_eq!(Token::parse(&signed)?.verify(&other, 1_010), Err(Rejection::Signature));
    /// # Ok::<(), Rejection>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`Rejection`] if the signature is wrong, the key's secret is empty, the token is
    /// for another audience, or it is expired or not valid yet.
    pub fn verify(self, key: &SigningKey, now: i64) -> Result<Claims, Rejection> {
        if key.is_empty {
            return Err(Rejection::EmptySecret);
        }
        let mut signature = [0; MAX_SIGNATURE_BYTES];
        let length = URL_SAFE_NO_PAD
            .decode_slice(self.signature, &mut signature)
            .map_err(|_| Rejection::Signature)?;
        hmac::verify(&key.verify, self.signed.as_bytes(), &signature[..length])
            .map_err(|_| Rejection::Signature)?;
        let oldest = now.saturating_sub(LEEWAY_SECONDS);
        let newest = now.saturating_add(LEEWAY_SECONDS);
        if self.claims.exp.is_none_or(|exp| exp <= oldest) {
            return Err(Rejection::Expired);
        }
        if self.claims.iat.is_some_and(|iat| iat > newest) {
            return Err(Rejection::FromTheFuture);
        }
        if self.claims.nbf.is_some_and(|nbf| nbf > newest) {
            return Err(Rejection::NotYet);
        }
        if let Some(audience) = self.claims.extra.get("aud")
            && !names(audience, self.claims.iss.as_str())
        {
            return Err(Rejection::Audience);
        }
        Ok(self.claims)
    }
}

/// Returns whether an audience, a string or a list of strings, contains this name. It is the only
/// name of an installation that both host and add-on know.
fn names(audience: &Value, name: &str) -> bool {
    match audience {
        Value::String(one) => one == name,
        Value::Array(list) => {
            list.iter().all(Value::is_string) && list.iter().any(|one| one == name)
        }
        _ => false,
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Rejection> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Rejection::Malformed)
}

/// Returns the reason why a payload contains no valid claims.
fn no_claims(payload: &str) -> Rejection {
    match serde_json::from_str::<Value>(payload) {
        Ok(payload) if !payload.get("iss").is_some_and(Value::is_string) => Rejection::NoIssuer,
        _ => Rejection::Malformed,
    }
}

#[cfg(test)]
mod tests;
