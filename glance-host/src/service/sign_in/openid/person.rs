//! The identity of a person, from the provider's claims.

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AdditionalClaims, IdTokenClaims, IssuerUrl};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::OpenId;
use crate::model::Identity;
use crate::model::time_zone;
use crate::service::sign_in::{IdentityError, name};

/// All other claims.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

pub(super) type PersonClaims = IdTokenClaims<OtherClaims, CoreGenderClaim>;

impl OpenId {
    /// Returns the identity, or why the person may not sign in.
    pub(super) fn identity(
        &self,
        issuer: &IssuerUrl,
        claims: &PersonClaims,
    ) -> Result<Identity, IdentityError> {
        // An unverified address may be anybody's.
        let email = claims
            .email()
            .filter(|_| claims.email_verified() == Some(true))
            .map(|email| email.to_string());
        if !self.domains.is_empty() {
            let domain = email.as_deref().and_then(|email| email.rsplit_once('@'));
            let is_allowed = domain.is_some_and(|(_, domain)| {
                let mut allowed = self.domains.iter();
                allowed.any(|allowed| allowed.eq_ignore_ascii_case(domain))
            });
            if !is_allowed {
                return Err(IdentityError::Domain(self.domains.clone()));
            }
        }
        let OtherClaims(others) = claims.additional_claims();
        let groups: Vec<String> = match others.get(&self.groups_claim) {
            Some(Value::Array(groups)) => {
                let groups = groups.iter().filter_map(Value::as_str);
                groups.map(str::to_owned).collect()
            }
            Some(Value::String(group)) => vec![group.clone()],
            _ => Vec::new(),
        };
        let names = [
            claims
                .name()
                .and_then(|name| name.get(None))
                .map(|name| name.as_str()),
            claims.preferred_username().map(|name| name.as_str()),
            email.as_deref(),
            Some(claims.subject().as_str()),
        ];
        let name = names
            .iter()
            .flatten()
            .find_map(|name| name::from_provider(name));
        let subject = name::check_stored(claims.subject().to_string());
        let (Some(name), Some(subject)) = (name, subject) else {
            return Err(IdentityError::ProviderName);
        };
        let email = email.and_then(name::check_stored);
        let timezone = claims.zoneinfo().map(|zone| zone.to_string());
        let timezone = timezone.filter(|zone| time_zone::is_name(zone));
        let admins = self.admins.as_ref();
        Ok(Identity {
            provider: Some(issuer.to_string()),
            subject,
            name,
            is_admin: admins.map(|admins| admins.include(email.as_deref(), &groups)),
            email,
            timezone,
        })
    }
}
