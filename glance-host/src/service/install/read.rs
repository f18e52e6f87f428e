//! Reads a descriptor from its URL, or from a `data:` URL.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use glance_sdk::egress::Redirects;
use glance_sdk::json::Document;
use glance_sdk::model::Descriptor;
use glance_sdk::validate::{self, Problem, Severity};
use percent_encoding::percent_decode_str;
use reqwest::header::ACCEPT;
use reqwest::{Method, Url};
use serde::Deserialize;

use super::error::no_answer;
use super::{DESCRIPTOR_TIMEOUT, InstallError, MAX_DESCRIPTOR_BYTES, STEPS, shown};
use crate::net::outbound::Outbound;

/// The largest number of entries per capability; the largest known descriptor has 16 webhooks.
const MAX_ENTRIES: usize = 50;

/// A descriptor that may be installed.
pub(crate) struct ReadDescriptor {
    /// The URL of the descriptor.
    pub(crate) url: String,
    pub(crate) descriptor: Descriptor,
    /// The problems that do not prevent an installation.
    pub(crate) warnings: Vec<Problem>,
    /// The digest of the content, which may differ when the host reads the URL again.
    pub(crate) digest: String,
}

/// Reads and checks the descriptor at a URL that somebody typed.
pub(super) async fn read(outbound: &Outbound, given: &str) -> Result<ReadDescriptor, InstallError> {
    let given = given.trim();
    let no_address = || InstallError::NoAddress(given.chars().take(200).collect());
    let url = Url::parse(given).map_err(|_| no_address())?;
    let (shown, body) = match url.scheme() {
        "http" | "https" => (url.to_string(), fetch(outbound, &url).await?),
        "data" => (
            "its data: address".to_owned(),
            data(given).ok_or_else(no_address)?,
        ),
        _ => return Err(no_address()),
    };
    let not_json = |why: String| InstallError::NotJson {
        url: shown.clone(),
        why,
    };
    let document = Document::read(&body).map_err(|cause| not_json(cause.to_string()))?;
    let (problems, warnings): (Vec<_>, Vec<_>) = validate::descriptor(document.value())
        .into_iter()
        .chain(validate::unusual(&document))
        .partition(|problem| problem.severity == Severity::Error);
    let document = document.into_value();
    if !problems.is_empty() {
        return Err(InstallError::Invalid {
            url: shown,
            problems,
        });
    }
    let digest = digest(&SHA256, document.to_string().as_bytes());
    let descriptor =
        Descriptor::deserialize(document).map_err(|cause| not_json(cause.to_string()))?;
    check_numbers(&descriptor)?;
    Ok(ReadDescriptor {
        url: url.into(),
        descriptor,
        warnings,
        digest: BASE64_URL_SAFE_NO_PAD.encode(digest),
    })
}

/// Refuses descriptors that would slow down everyone: each message is matched against each webhook, and each page
/// lists all modules.
fn check_numbers(descriptor: &Descriptor) -> Result<(), InstallError> {
    let has = &descriptor.capabilities;
    for (what, declared) in [
        ("webhook", has.webhooks().len()),
        ("action", has.actions().len()),
        ("webPanel", has.web_panels().len()),
        ("dialog", has.dialogs().len()),
        ("externalPage", has.external_pages().len()),
    ] {
        if declared > MAX_ENTRIES {
            return Err(InstallError::TooMany {
                what,
                declared,
                allowed: MAX_ENTRIES,
            });
        }
    }
    Ok(())
}

async fn fetch(outbound: &Outbound, url: &Url) -> Result<Vec<u8>, InstallError> {
    tracing::info!(target: STEPS, "GET {}: the descriptor", shown(url));
    let request = outbound
        .request(Method::GET, url.clone(), Redirects::Checked)
        .header(ACCEPT, "application/json");
    let answer = request
        .send(DESCRIPTOR_TIMEOUT, MAX_DESCRIPTOR_BYTES)
        .await
        .map_err(|cause| no_answer("descriptor", url, &cause))?;
    if !answer.status.is_success() {
        return Err(InstallError::Status {
            url: url.to_string(),
            status: answer.status.as_u16(),
        });
    }
    Ok(answer.body)
}

/// Accepts both Base64 alphabets, with or without `=` at the end, as people's tools write it.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);

/// Returns the content of a `data:` URL.
fn data(url: &str) -> Option<Vec<u8>> {
    let (kind, data) = url.get(5..)?.split_once(',')?;
    let bytes: Vec<u8> = percent_decode_str(data).collect();
    let is_base64 = kind
        .rsplit(';')
        .next()
        .is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
    if bytes.len() > MAX_DESCRIPTOR_BYTES {
        return None;
    }
    if !is_base64 {
        return Some(bytes);
    }
    let standard = bytes
        .into_iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        });
    BASE64.decode(standard.collect::<Vec<_>>()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_descriptor_may_stand_in_its_address() {
        for (url, text) in [
            (r#"data:,{"a":1}"#, Some(r#"{"a":1}"#)),
            ("data:application/json,%7B%22a%22%3a1}", Some(r#"{"a":1}"#)),
            (
                "data:application/json;charset=utf-8,100%,%e4%b8%96%",
                Some("100%,世%"),
            ),
            (
                "DATA:application/json;base64,eyJhIjoxfQ==",
                Some(r#"{"a":1}"#),
            ),
            ("data:;base64,eyJhIjoxfQ%3D%3D", Some(r#"{"a":1}"#)),
            ("data:;base64,eyJh IjoxfQ", Some(r#"{"a":1}"#)),
            ("data:;base64,Pz8_Pj4-", Some("???>>>")),
            ("data:;base64,!", None),
            ("data:application/json", None),
        ] {
            assert_eq!(
                data(url),
                text.map(|text| text.as_bytes().to_vec()),
                "{url}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(text: String) {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let escaped = format!("data:,{escaped}");
            prop_assert_eq!(data(&escaped).unwrap(), text.as_bytes());
            let lone = format!("data:,{}", text.replace('%', "%25"));
            prop_assert_eq!(data(&lone).unwrap(), text.as_bytes());
        }
    }
}
