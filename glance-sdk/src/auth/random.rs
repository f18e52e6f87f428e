//! Generates identifiers and secrets that cannot be guessed.

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Generates uniformly distributed random letters and digits with the operating system's generator.
///
/// Secrets and access tokens have 40 characters, about 238 bits; a `jti` has 20.
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
/// Returns an error if the operating system provides no randomness.
pub fn random_alphanumeric(length: usize) -> crate::Result<String> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0u8; 64];
    while text.len() < length {
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
            crate::Error::new(
                crate::ErrorKind::Configuration,
                "the operating system provides no random numbers",
            )
        })?;
        // 248 is the largest multiple of 62 in a byte: larger values would favour some characters.
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
    fn random_text_has_length_and_differs() {
        let one = random_alphanumeric(100).unwrap();
        assert_eq!(one.len(), 100);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, random_alphanumeric(100).unwrap());
    }

    /// A letter that is a quarter more frequent than the others would be 10 standard deviations
    /// off; the test allows 6.
    #[test]
    fn letters_are_equally_frequent() {
        let text = random_alphanumeric(100_000).unwrap();
        let expected = 100_000 / 62;
        for letter in ALPHABET {
            let count = text.bytes().filter(|other| other == letter).count();
            let letter = char::from(*letter);
            assert!(count.abs_diff(expected) < 240, "{letter}: {count}");
        }
    }
}
