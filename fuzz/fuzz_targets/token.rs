//! A token from anywhere, and the text as claims that are signed: none is verified but ours.

#![no_main]

use std::sync::LazyLock;

use glance_sdk::auth::{SigningKey, Token};
use glance_sdk::model::{Claims, Secret};
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_500_000_000;

static OURS: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new(&Secret::from("ours")));
static THEIRS: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new(&Secret::from("theirs")));

fuzz_target!(|text: &[u8]| {
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    if let Ok(token) = Token::parse(text) {
        assert!(token.verify(&OURS, NOW).is_err(), "forged");
    }
    if let Ok(claims) = serde_json::from_str::<Claims>(text) {
        let signed = OURS.sign(&claims);
        if let Ok(token) = Token::parse(&signed) {
            assert_eq!(token.issuer(), &claims.iss);
            if let Ok(verified) = token.verify(&OURS, NOW) {
                assert_eq!(verified, claims);
            }
        }
        if let Ok(token) = Token::parse(&signed) {
            assert!(token.verify(&THEIRS, NOW).is_err());
        }
    }
});
