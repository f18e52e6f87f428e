//! Data that the processes of one add-on share besides installations: access tokens, and the used
//! signed requests.

use crate::model::{OauthId, Secret};

/// An access token of a host, which a store keeps for all processes of the add-on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token.
    pub secret: Secret,
    /// The time from which a process requests a new token, in seconds since 1970. A store may
    /// remove the token then.
    pub renew_at: i64,
}

impl AccessToken {
    /// The number of access tokens that a store keeps for one installation. Beyond it, the store
    /// removes those with the earliest `renew_at`.
    pub const MAX_PER_INSTALLATION: usize = 100;

    /// Creates a token for use until this time, in seconds since 1970.
    ///
    /// ```
    /// use glance_sdk::store::AccessToken;
    ///
    /// let token = AccessToken::new("7f3a".into(), 1_700_003_540);
    /// assert_eq!(format!("{:?}", token.secret), "Secret([redacted])");
    /// ```
    pub fn new(secret: Secret, renew_at: i64) -> Self {
        Self { secret, renew_at }
    }
}

/// A claim on a signed request that may be used once, made before a process acts on the request.
///
/// ```
/// use glance_sdk::store::{Claimed, InstallationStore, MemoryStore, RequestClaim};
/// # use glance_sdk::model::InstallationData;
/// # use glance_sdk::store::{Endpoints, Installation};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let data = InstallationData::new("id".into(), "secret".into(), "https://chat.example.com/v2/capabilities", 1.into());
/// # let installation = Installation::new(data, Endpoints::new("https://chat.example.com/v2/oauth/token", "https://chat.example.com/v2/"));
/// # let store = MemoryStore::default();
/// # store.put(&installation).await?;
/// # let digest = [7; 32];
/// let claim = RequestClaim::new("id".into(), digest, 4_600, 1_000, 100);
/// assert_eq!(store.claim_request(&claim).await?, Claimed::First);
/// assert_eq!(store.claim_request(&claim).await?, Claimed::Replayed);
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestClaim {
    /// The installation that signed the request.
    pub oauth_id: OauthId,
    /// A SHA-256 digest that identifies the request within its installation.
    pub name: [u8; 32],
    /// The time at which the request expires, in seconds since 1970. The store remembers it until
    /// then.
    pub expires_at: i64,
    /// The time of the claim, in seconds since 1970.
    pub now: i64,
    /// The number of requests that the store remembers for one installation.
    pub limit: u32,
}

impl RequestClaim {
    /// Creates a claim with these values.
    pub fn new(oauth_id: OauthId, name: [u8; 32], expires_at: i64, now: i64, limit: u32) -> Self {
        Self {
            oauth_id,
            name,
            expires_at,
            now,
            limit,
        }
    }
}

/// The result of a [`RequestClaim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claimed {
    /// The request was not used before. The store remembers it now.
    First,
    /// The request was used before and has not expired.
    Replayed,
    /// The store already remembers as many requests of the installation as the claim's limit
    /// allows.
    Full,
    /// The installation is not stored.
    Unknown,
    /// The store does not share requests. Each process then remembers only its own.
    NotShared,
}
