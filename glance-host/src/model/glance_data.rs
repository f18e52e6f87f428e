//! Data of a glance, stored as JSON text: parsed values take up to a hundred times as much memory, and a slow page keeps
//! the data alive.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The largest metadata of a glance, in bytes of JSON. No known add-on sends more than 500.
const MAX_METADATA_BYTES: usize = 32 * 1024;

/// Data of a glance, with metadata of at most 32 KiB. Clones share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Data {
    /// All members but the metadata.
    pub(crate) look: Text,
    pub(crate) metadata: Option<Text>,
}

impl Data {
    /// Creates it from data that an add-on pushed or answered.
    ///
    /// # Errors
    ///
    /// Returns [`TooLarge`] if the metadata has more than 32 KiB.
    pub(crate) fn new(mut data: Value) -> Result<Self, TooLarge> {
        let metadata = data
            .as_object_mut()
            .and_then(|data| data.remove("metadata"));
        let metadata = metadata.map(|metadata| Text::new(&metadata));
        if let Some(Text(text)) = &metadata
            && text.len() > MAX_METADATA_BYTES
        {
            return Err(TooLarge(text.len()));
        }
        let look = Text::new(&data);
        Ok(Self { look, metadata })
    }

    /// Returns the data as the add-on sent it.
    pub(crate) fn value(&self) -> Value {
        let mut data = self.look.value();
        if let Some(metadata) = &self.metadata {
            data["metadata"] = metadata.value();
        }
        data
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(to)
    }
}

/// An error: metadata has this many bytes of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge(usize);

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = self;
        write!(
            f,
            "/metadata: it has {bytes} bytes of JSON, it must have at most {MAX_METADATA_BYTES}"
        )
    }
}

impl std::error::Error for TooLarge {}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(Value::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A JSON value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(Arc<str>);

impl Text {
    fn new(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    pub(crate) fn value(&self) -> Value {
        // The text was serialized from a value, so this does not fail.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_limited_to_32_kib() {
        // The text is two quotes longer than the string.
        for (length, accepted) in [(32_766, true), (32_767, false)] {
            let data = json!({ "label": "x".repeat(40_000), "metadata": "x".repeat(length) });
            match Data::new(data.clone()) {
                Ok(stored) => assert_eq!((stored.value(), accepted), (data, true)),
                Err(error) => {
                    assert!(!accepted);
                    let text = "/metadata: it has 32769 bytes of JSON, it must have at most 32768";
                    assert_eq!(error.to_string(), text);
                }
            }
        }
    }

    #[test]
    fn data_without_metadata_stays_without() {
        for data in [json!({"label": 1}), json!({"metadata": null}), json!([])] {
            let stored = Data::new(data.clone()).unwrap();
            assert_eq!(stored.value(), data);
        }
    }
}
