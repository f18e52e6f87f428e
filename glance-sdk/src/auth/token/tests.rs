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

/// Creates a token with any header and payload, signed with the right key.
fn forged(header: serde_json::Value, payload: serde_json::Value) -> String {
    written(&header.to_string(), &payload.to_string())
}

/// Creates a token from these strings, signed with the right key.
fn written(header: &str, payload: &str) -> String {
    let parts = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    signed(&parts.join("."))
}

/// Signs any text with the right key.
fn signed(text: &str) -> String {
    let key = &key("right").sign;
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), key, Algorithm::HS256).unwrap();
    format!("{text}.{signature}")
}

#[test]
fn signed_claims_verify() {
    assert_eq!(judge(&key("right").sign(&claims())), Ok(claims()));
}

/// Everybody knows the empty secret.
#[test]
fn empty_secret_signs_and_verifies_nothing() {
    assert_eq!(key("").sign(&claims()), "");
    let signed = key("right").sign(&claims());
    let (signed, _) = signed.rsplit_once('.').unwrap();
    let empty = EncodingKey::from_secret(b"");
    let signature =
        jsonwebtoken::crypto::sign(signed.as_bytes(), &empty, Algorithm::HS256).unwrap();
    let forged = format!("{signed}.{signature}");
    let judged = Token::parse(&forged).unwrap().verify(&key(""), NOW);
    assert_eq!(judged, Err(Rejection::EmptySecret));
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
fn each_invalid_token_has_its_rejection() {
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
fn tokens_are_limited_to_8_kib() {
    let of_length = |length: usize| {
        let mut tokens = (5_900..6_100).map(|letters| {
            let mut claims = claims();
            claims.jti = Some("x".repeat(letters));
            key("right").sign(&claims)
        });
        tokens.find(|token| token.len() == length).unwrap()
    };
    assert!(judge(&of_length(8_192)).is_ok());
    assert_eq!(judge(&of_length(8_193)), Err(Rejection::TooLong));
}

#[test]
fn rejections_escape_what_strangers_write() {
    for (rejection, text) in [
        (
            Rejection::Algorithm("no\nne".to_owned()),
            r#"algorithm "no\nne" instead of "HS256""#,
        ),
        (
            Rejection::UnknownIssuer("\u{1b}[2J".into()),
            r#"unknown issuer "\u{1b}[2J""#,
        ),
    ] {
        assert_eq!(rejection.to_string(), text);
    }
}

#[test]
fn usual_headers_name_hs256() {
    let signed = key("right").sign(&claims());
    assert!(
        HS256_HEADERS
            .iter()
            .any(|header| signed.starts_with(header))
    );
    for header in HS256_HEADERS {
        assert_eq!(header::check(header), Ok(()));
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
fn token_is_valid_from_nbf_with_leeway() {
    let mut claims = claims();
    claims.nbf = Some(NOW + LEEWAY_SECONDS);
    assert_eq!(judge(&key("right").sign(&claims)), Ok(claims.clone()));
    claims.nbf = Some(NOW + LEEWAY_SECONDS + 1);
    assert_eq!(judge(&key("right").sign(&claims)), Err(Rejection::NotYet));
}

#[test]
fn clocks_may_differ_by_half_a_minute() {
    for (iat, exp) in [(NOW + 30, NOW + 3630), (NOW - 3630, NOW - 30)] {
        let claims = Claims::new("id".into(), iat, exp);
        assert_eq!(judge(&key("right").sign(&claims)), Ok(claims));
    }
}

#[test]
fn times_may_have_fractions_and_any_size() {
    let verdict = |name: &str, time: &str| {
        let times = [("iat", NOW.to_string()), ("exp", (NOW + 60).to_string())];
        let others = times.iter().filter(|(other, _)| *other != name);
        let others: String = others
            .map(|(name, time)| format!(r#","{name}":{time}"#))
            .collect();
        let payload = format!(r#"{{"iss":"id","{name}":{time}{others}}}"#);
        judge(&written(r#"{"alg":"HS256"}"#, &payload)).map(|_| ())
    };
    let edge = NOW - LEEWAY_SECONDS;
    let newest = NOW + LEEWAY_SECONDS;
    for (name, time, expected) in [
        ("exp", format!("{edge}.5"), Ok(())),
        ("exp", format!("{edge}.0"), Err(Rejection::Expired)),
        ("exp", "1e300".to_owned(), Ok(())),
        ("exp", "18446744073709551616".to_owned(), Ok(())),
        ("exp", "-1e300".to_owned(), Err(Rejection::Expired)),
        ("exp", "-1".to_owned(), Err(Rejection::Expired)),
        ("iat", format!("{newest}.0"), Ok(())),
        ("iat", format!("{newest}.5"), Err(Rejection::FromTheFuture)),
        ("iat", "-1e300".to_owned(), Ok(())),
        ("nbf", format!("{newest}.0"), Ok(())),
        ("nbf", format!("{newest}.5"), Err(Rejection::NotYet)),
        ("nbf", "0.5".to_owned(), Ok(())),
        ("nbf", r#""0""#.to_owned(), Err(Rejection::Malformed)),
        ("nbf", "1e400".to_owned(), Err(Rejection::Malformed)),
    ] {
        assert_eq!(verdict(name, &time), expected, "{name} {time}");
    }
}

#[test]
fn irrelevant_header_members_are_ignored() {
    for header in [
        r#"{"alg":"HS256"}"#,
        r#" { "typ" : "jwt" , "alg" : "HS256" } "#,
        r#"{"alg":"HS256","typ":"application/jwt","cty":"x","kid":"another","x":{"y":[1]}}"#,
        r#"{"alg":"HS256","jku":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":"AA"},"x5u":"http://h/"}"#,
        r#"{"alg":"HS256","b64":true}"#,
        r#"{"\u0061lg":"HS\u0032\u0035\u0036"}"#,
    ] {
        let payload = serde_json::to_string(&claims()).unwrap();
        assert_eq!(judge(&written(header, &payload)), Ok(claims()), "{header}");
    }
}

#[test]
fn invalid_headers_are_refused() {
    for (header, rejection) in [
        (
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            Rejection::Critical,
        ),
        (
            r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
            Rejection::Critical,
        ),
        (r#"{"alg":"HS256","crit":[]}"#, Rejection::Critical),
        (r#"{"alg":"HS256","b64":false}"#, Rejection::Critical),
        (r#"{"alg":"none","alg":"HS256"}"#, Rejection::Malformed),
        (r#"{"alg":"HS256","alg":"HS256"}"#, Rejection::Malformed),
        (
            r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
            Rejection::Malformed,
        ),
        (r#"{"alg":"HS256","typ":1}"#, Rejection::Malformed),
        (r#"{"alg":["HS256"]}"#, Rejection::Malformed),
        (r#"{"alg":"HS256"} {}"#, Rejection::Malformed),
        (r#"["HS256"]"#, Rejection::Malformed),
        ("\u{feff}{\"alg\":\"HS256\"}", Rejection::Malformed),
        (r#"{"alg":"HS256","x":"\ud800"}"#, Rejection::Malformed),
    ] {
        let payload = serde_json::to_string(&claims()).unwrap();
        let token = written(header, &payload);
        assert_eq!(judge(&token).unwrap_err(), rejection, "{header}");
    }
}

#[test]
fn invalid_payloads_are_refused() {
    let exp = NOW + 60;
    for payload in [
        format!(r#"{{"iss":"id","exp":{exp},"exp":{exp}}}"#),
        format!(r#"{{"iss":"other","iss":"id","exp":{exp}}}"#),
        format!(r#"{{"iss":"id","exp":{exp},"x":1,"x":2}}"#),
        format!(r#"{{"iss":"id","exp":{exp},"context":{{"room_id":1,"room_id":2}}}}"#),
        format!("\u{feff}{{\"iss\":\"id\",\"exp\":{exp}}}"),
        format!(r#"{{"iss":"id","exp":{exp},"x":"\ud800"}}"#),
        format!(r#"{{"iss":"id","exp":{exp},}}"#),
        format!(r#"{{"iss":"id","exp":{exp}}} x"#),
    ] {
        let token = written(r#"{"alg":"HS256"}"#, &payload);
        assert_eq!(judge(&token), Err(Rejection::Malformed), "{payload}");
    }
    let not_utf8 = URL_SAFE_NO_PAD.encode(b"{\"iss\":\"\xff\"}");
    let token = signed(&format!("{}.{not_utf8}", HS256_HEADERS[0]));
    assert_eq!(judge(&token), Err(Rejection::Malformed));
}

#[test]
fn base64url_must_be_canonical() {
    let good = key("right").sign(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("{good}")
    };
    // "e30" is `{}`; "e31" encodes the same bytes with different trailing bits.
    assert_eq!(decode("e30"), Ok(b"{}".to_vec()));
    assert_eq!(decode("e31"), Err(Rejection::Malformed));
    for text in [
        format!("{header}=.{payload}"),
        format!("{header}.{payload}=="),
        format!("{header} .{payload}"),
        format!("{header}.\n{payload}"),
        format!(" {header}.{payload}"),
        format!("{header}.{payload}.{payload}"),
        header.replace('e', "+") + "." + payload,
        header.replace('e', "/") + "." + payload,
        format!(".{payload}"),
        format!("{header}."),
    ] {
        assert_eq!(
            judge(&signed(&text)).unwrap_err(),
            Rejection::Malformed,
            "{text}"
        );
    }
    for signature in [
        format!("{signature}="),
        format!("{signature}\n"),
        format!(" {signature}"),
        format!("{signature}AAAA"),
        signature.replace(['-', '_'], "+"),
    ] {
        let token = format!("{header}.{payload}.{signature}");
        if signature != parts[2] {
            assert_eq!(
                judge(&token).unwrap_err(),
                Rejection::Signature,
                "{signature}"
            );
        }
    }
}

#[test]
fn audience_must_name_installation() {
    let verdict = |audience: serde_json::Value| {
        let mut claims = claims();
        claims.extra.insert("aud".to_owned(), audience);
        judge(&key("right").sign(&claims)).map(|_| ())
    };
    for audience in [
        json!("id"),
        json!(["id"]),
        json!(["https://add-on.example", "id"]),
    ] {
        assert_eq!(verdict(audience.clone()), Ok(()), "{audience}");
    }
    for audience in [
        json!("ID"),
        json!("other"),
        json!([]),
        json!(["other"]),
        json!(["id", 7]),
        json!(7),
        json!(null),
    ] {
        assert_eq!(
            verdict(audience.clone()),
            Err(Rejection::Audience),
            "{audience}"
        );
    }
}

#[test]
fn debug_hides_key_and_token() {
    let key = key("topsecret");
    let signed = key.sign(&claims());
    let shown = format!("{key:?} {:?}", Token::parse(&signed).unwrap());
    assert!(
        !shown.contains("topsecret") && !shown.contains(&signed[..10]),
        "{shown}"
    );
}
