use super::*;
use serde_json::json;

const NOW: i64 = 1_700_000_000;

fn key(secret: &str) -> SigningKey {
    SigningKey::new(&Secret::from(secret))
}

fn judge(token: &str) -> Result<Claims, Rejection> {
    Token::parse(token)?.verify(&key("right"), NOW)
}

fn claims() -> Claims {
    Claims::new("id".into(), NOW, NOW + 3600)
}

/// A token with any header and payload, signed with the right key.
fn forged(header: serde_json::Value, payload: serde_json::Value) -> String {
    let signed = [header, payload]
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
        .join(".");
    let signature =
        jsonwebtoken::crypto::sign(signed.as_bytes(), &key("right").sign, Algorithm::HS256)
            .unwrap();
    format!("{signed}.{signature}")
}

#[test]
fn what_is_signed_verifies() {
    assert_eq!(judge(&key("right").sign(&claims())), Ok(claims()));
}

#[test]
fn claims_of_any_length_verify() {
    for length in (USUAL_PAYLOAD_BYTES - 200..USUAL_PAYLOAD_BYTES + 50).chain([5_000]) {
        let mut claims = claims();
        claims.jti = Some("x".repeat(length));
        assert_eq!(judge(&key("right").sign(&claims)), Ok(claims), "{length}");
    }
}

#[test]
fn each_wrong_token_has_its_rejection() {
    let good = key("right").sign(&claims());
    let hs256 = json!({"alg": "HS256"});
    let payload = serde_json::to_value(claims()).unwrap();
    let (unsigned, signature) = good.rsplit_once('.').unwrap();
    let with = |name: &str, value: serde_json::Value| {
        let mut payload = payload.clone();
        payload[name] = value;
        forged(hs256.clone(), payload)
    };
    for (token, rejection) in [
        (key("other").sign(&claims()), Rejection::Signature),
        (format!("{unsigned}."), Rejection::Signature),
        (
            format!("{unsigned}.{}", &signature[..20]),
            Rejection::Signature,
        ),
        (unsigned.to_owned(), Rejection::Malformed),
        (
            forged(json!({"alg": "none"}), payload.clone()),
            Rejection::Algorithm("none".into()),
        ),
        (
            forged(json!({"alg": "HS512"}), payload.clone()),
            Rejection::Algorithm("HS512".into()),
        ),
        (
            forged(json!({"alg": "hs256"}), payload.clone()),
            Rejection::Algorithm("hs256".into()),
        ),
        (forged(json!({}), payload.clone()), Rejection::Malformed),
        (
            forged(hs256.clone(), json!({"exp": NOW + 60})),
            Rejection::NoIssuer,
        ),
        (
            forged(hs256.clone(), json!({"iss": "id"})),
            Rejection::Malformed,
        ),
        (with("exp", json!("1800000000")), Rejection::Malformed),
        (with("exp", json!(NOW - LEEWAY_SECONDS)), Rejection::Expired),
        (with("exp", json!(i64::MIN)), Rejection::Expired),
        (
            with("iat", json!(NOW + LEEWAY_SECONDS + 1)),
            Rejection::FromTheFuture,
        ),
        (String::new(), Rejection::Malformed),
        ("a.b.c".to_owned(), Rejection::Malformed),
        ("x".repeat(1_000_000), Rejection::TooLong),
    ] {
        assert_eq!(
            judge(&token).unwrap_err(),
            rejection,
            "{}",
            &token[..token.len().min(200)]
        );
    }
}

#[test]
fn the_usual_headers_say_hs256() {
    let signed = key("right").sign(&claims());
    assert!(
        HS256_HEADERS
            .iter()
            .any(|header| signed.starts_with(header))
    );
    for header in HS256_HEADERS {
        assert_eq!(pin_algorithm(header), Ok(()));
    }
}

#[test]
fn clocks_may_differ_by_the_leeway() {
    for (iat, exp) in [
        (NOW, NOW - LEEWAY_SECONDS + 1),
        (NOW + LEEWAY_SECONDS, NOW + 60),
    ] {
        let claims = Claims::new("id".into(), iat, exp);
        assert_eq!(judge(&key("right").sign(&claims)), Ok(claims));
    }
}

#[test]
fn debug_shows_neither_key_nor_token() {
    let key = key("topsecret");
    let signed = key.sign(&claims());
    let shown = format!("{key:?} {:?}", Token::parse(&signed).unwrap());
    assert!(
        !shown.contains("topsecret") && !shown.contains(&signed[..10]),
        "{shown}"
    );
}
