//! Names and secrets that cannot be guessed.

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random letters and digits from the operating system's generator, each as likely as the other.
///
/// Secrets and access tokens have 40 of them, about 238 bits; a `jti` has 20.
///
/// ```
/// use glance_sdk::auth::random_alphanumeric;
/// use glance_sdk::model::Secret;
///
/// let secret = Secret::from(random_alphanumeric(40)?);
/// assert_eq!(secret.expose().len(), 40);
/// # Ok::<(), glance_sdk::Error>(())
/// ```
///
/// # Errors
///
/// Where the operating system has no randomness to give.
pub fn random_alphanumeric(length: usize) -> crate::Result<String> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0u8; 64];
    while text.len() < length {
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
            crate::Error::new(
                crate::ErrorKind::Configuration,
                "the operating system gives no random numbers",
            )
        })?;
        // 248 is the largest multiple of 62 in a byte: what is above would favour some letters.
        let letters = bytes
            .iter()
            .filter(|b| **b < 248)
            .map(|b| ALPHABET[usize::from(*b) % 62]);
        text.extend(letters.take(length - text.len()).map(char::from));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_length_and_is_never_the_same() {
        let one = random_alphanumeric(100).unwrap();
        assert_eq!(one.len(), 100);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, random_alphanumeric(100).unwrap());
    }
}
