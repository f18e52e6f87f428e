//! One token: parsed once, verified, or made.
//!
//! Tokens are held to RFC 7515 and 7519 by the letter; `docs/protocol.md` has a table of the rules.

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

/// A token longer than this is not read: real ones have about 400 bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Room for a signature of HS256, which has 32 bytes, and for the steps that base64 decodes in.
const MAX_SIGNATURE_BYTES: usize = 48;

/// What nearly every payload fits into.
const USUAL_PAYLOAD_BYTES: usize = 1024;

/// The headers that nearly all tokens have, `alg` and `typ` in either order, which need no decoding.
const HS256_HEADERS: [&str; 2] = [
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
];

/// By how many seconds the clocks of host and add-on may differ. It applies to `exp`, `iat` and `nbf`.
pub const LEEWAY_SECONDS: i64 = 60;

/// Why a token was refused. The log says it; a stranger only learns that it was.
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
    /// No token came with the request.
    Missing,
    /// It is longer than [`MAX_TOKEN_BYTES`].
    TooLong,
    /// It is not three parts of base64url, the first two JSON, with the claims of the protocol.
    Malformed,
    /// Its header claims another algorithm than HS256.
    Algorithm(String),
    /// Its header needs an extension (`crit`, or a payload that is not base64url), and this crate
    /// understands none.
    Critical,
    /// It names no installation (`iss`).
    NoIssuer,
    /// It names an installation that this add-on does not know.
    UnknownIssuer(OauthId),
    /// The signature is not that of the installation's secret.
    Signature,
    /// The secret is empty, so that anybody could have signed it.
    EmptySecret,
    /// Its time is over.
    Expired,
    /// It was signed in the future.
    FromTheFuture,
    /// It does not hold yet (`nbf`).
    NotYet,
    /// It is for others: its audience (`aud`) does not name the installation.
    Audience,
    /// It is a page's own token where a host's is asked for, or in an address.
    PageToken,
    /// It is for the removal of its installation only.
    UninstallToken,
    /// It was used already, where each may be used once.
    Replayed,
    /// There are more of its installation's than can be remembered, where each may be used once.
    TooMany,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no signed request"),
            Self::TooLong => write!(f, "a token of more than {MAX_TOKEN_BYTES} bytes"),
            Self::Malformed => f.write_str("not a token of the protocol"),
            Self::Algorithm(name) => write!(f, "algorithm {name:?} instead of \"HS256\""),
            Self::Critical => f.write_str("an extension that nobody here understands"),
            Self::NoIssuer => f.write_str("no issuer"),
            Self::UnknownIssuer(id) => write!(f, "unknown issuer {:?}", id.as_str()),
            Self::Signature => f.write_str("wrong signature"),
            Self::EmptySecret => f.write_str("the installation's secret is empty"),
            Self::Expired => f.write_str("expired"),
            Self::FromTheFuture => f.write_str("signed in the future"),
            Self::NotYet => f.write_str("not valid yet"),
            Self::Audience => f.write_str("for another audience"),
            Self::Replayed => f.write_str("used before"),
            Self::TooMany => f.write_str("more requests than can be remembered"),
            Self::PageToken => f.write_str("a page's own token instead of a host's"),
            Self::UninstallToken => f.write_str("a token that is for a removal only"),
        }
    }
}

impl std::error::Error for Rejection {}

/// A secret made ready to sign and to verify.
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
    /// The key of an installation: the bytes of its secret as they are. With an empty secret it
    /// neither signs nor verifies anything.
    pub fn new(secret: &Secret) -> Self {
        install_provider();
        let bytes = secret.expose().as_bytes();
        Self {
            sign: EncodingKey::from_secret(bytes),
            verify: hmac::Key::new(hmac::HMAC_SHA256, bytes),
            is_empty: bytes.is_empty(),
        }
    }

    /// Signs these claims. The token of an empty secret is an empty text, which is refused
    /// everywhere.
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

/// jsonwebtoken panics at the first use where another crate of the program enabled its second
/// back end, unless one was chosen; choosing twice is harmless.
fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
    });
}

/// A token that was parsed and not yet verified: only its issuer may be asked for.
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
    /// Takes a token apart.
    ///
    /// ```
    /// use glance_sdk::auth::{Rejection, Token};
    ///
    /// assert_eq!(Token::parse("no token").unwrap_err(), Rejection::Malformed);
    /// ```
    ///
    /// # Errors
    ///
    /// [`Rejection`] where it is too long, no token, of another algorithm, needs an extension, or has
    /// no issuer.
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
        // Checked as a whole, so that serde_json need not check each text in it.
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

    /// The installation it claims to be signed by.
    pub fn issuer(&self) -> &OauthId {
        &self.claims.iss
    }

    /// Whether it says that it is a page token. Nothing is proved by that.
    #[cfg(feature = "server")]
    pub(crate) fn claims_to_be_of_page(&self) -> bool {
        super::is_page_token(&self.claims)
    }

    /// The claims, once signature and times hold at `now` (seconds since 1970), give or take
    /// [`LEEWAY_SECONDS`]. The signature is compared in constant time.
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
    /// [`Rejection`] where the signature is another, the key is that of an empty secret, the token is
    /// for another audience, or its time is over or has not come.
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

/// Whether an audience, a text or a list of texts, has this name. Installations have no other name
/// that host and add-on both know.
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

/// Why a payload holds no claims.
fn no_claims(payload: &str) -> Rejection {
    match serde_json::from_str::<Value>(payload) {
        Ok(payload) if !payload.get("iss").is_some_and(Value::is_string) => Rejection::NoIssuer,
        _ => Rejection::Malformed,
    }
}

#[cfg(test)]
mod tests;
