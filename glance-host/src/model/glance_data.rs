//! Data of a glance, stored as JSON text: parsed values take up to a hundred times as much memory, and a slow page keeps
//! the data alive.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::canonical_json::{Append, Name, Object};

/// The largest metadata of a glance, in bytes of JSON. No known add-on sends more than 500.
const MAX_METADATA_BYTES: usize = 32 * 1024;

/// The largest data of a glance with its metadata, in bytes of JSON.
const MAX_BYTES: usize = 64 * 1024;

/// Data of a glance, at most 64 KiB with at most 32 KiB of metadata. Clones share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// All members but the metadata.
    pub(crate) look: Text,
    pub(crate) metadata: Option<Text>,
}

impl Data {
    /// Creates it from data that an add-on pushed or answered.
    ///
    /// # Errors
    ///
    /// Returns [`TooLarge`] if the metadata has more than 32 KiB, or all together has more than 64 KiB.
    pub fn new(mut data: Value) -> Result<Self, TooLarge> {
        let metadata = data
            .as_object_mut()
            .and_then(|data| data.remove("metadata"));
        let metadata = metadata.map(|metadata| metadata.to_string());
        Self::from_texts(data.to_string(), metadata)
    }

    fn from_texts(look: String, metadata: Option<String>) -> Result<Self, TooLarge> {
        let (look, metadata) = (Text(look.into()), metadata.map(|text| Text(text.into())));
        let of_metadata = metadata.as_ref().map_or(0, |Text(text)| text.len());
        for (part, bytes, most) in [
            ("/metadata: it", of_metadata, MAX_METADATA_BYTES),
            (": it", look.0.len() + of_metadata, MAX_BYTES),
        ] {
            if bytes > most {
                return Err(TooLarge { part, bytes, most });
            }
        }
        Ok(Self { look, metadata })
    }

    /// Creates it from the two texts that a storage kept.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them is no JSON.
    pub fn from_stored(look: String, metadata: Option<String>) -> serde_json::Result<Self> {
        let text = |text: String| -> serde_json::Result<Text> {
            serde_json::from_str::<IgnoredAny>(&text)?;
            Ok(Text(text.into()))
        };
        Ok(Self {
            look: text(look)?,
            metadata: metadata.map(text).transpose()?,
        })
    }

    /// Returns all members but the metadata as JSON, as a storage keeps them.
    pub fn look(&self) -> &str {
        &self.look.0
    }

    /// Returns the metadata as JSON.
    pub fn metadata(&self) -> Option<&str> {
        self.metadata.as_ref().map(|Text(text)| &**text)
    }

    /// Returns the data as the add-on sent it.
    pub fn value(&self) -> Value {
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

/// An error: the data of a glance is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    part: &'static str,
    bytes: usize,
    most: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, bytes, most } = self;
        write!(
            f,
            "{part} has {bytes} bytes of JSON, it must have at most {most}"
        )
    }
}

impl std::error::Error for TooLarge {}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(Value::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Data in a push: an object with a label, which is an object too.
pub(crate) struct PushedData(pub(crate) Data);

impl<'de> Deserialize<'de> for PushedData {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(PushedDataVisitor)
    }
}

struct PushedDataVisitor;

impl<'de> Visitor<'de> for PushedDataVisitor {
    type Value = PushedData;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a label")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PushedData, A::Error> {
        let (mut look, mut metadata, mut has_label) = (Vec::new(), None, false);
        let mut object = Object::begin(&mut look);
        while let Some(name) = map.next_key_seed(Name)? {
            if name == "metadata" {
                let text = metadata.insert(Vec::new());
                map.next_value_seed(Append(text))?;
                continue;
            }
            let is_label = name == "label";
            object.begin_member(name)?;
            let begin = object.text.len();
            map.next_value_seed(Append(object.text))?;
            if is_label {
                has_label = object.text[begin] == b'{';
            }
        }
        object.end();
        if !has_label {
            return Err(A::Error::missing_field("label"));
        }
        let text = |bytes| String::from_utf8(bytes).map_err(A::Error::custom);
        let metadata = metadata.map(text).transpose()?;
        let data = Data::from_texts(text(look)?, metadata).map_err(A::Error::custom)?;
        Ok(PushedData(data))
    }
}

/// A JSON value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(Arc<str>);

impl Text {
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
    fn data_is_limited_to_64_kib_and_its_metadata_to_32() {
        let error = |label: usize, metadata: usize| {
            let data = json!({ "label": "x".repeat(label), "metadata": "x".repeat(metadata) });
            match Data::new(data.clone()) {
                Ok(stored) => {
                    assert_eq!(stored.value(), data);
                    String::new()
                }
                Err(error) => error.to_string(),
            }
        };
        // The texts are `"xx…"` and `{"label":"xx…"}`.
        assert_eq!(error(32_756, 32_766), "");
        assert_eq!(error(60_000, 10), "");
        let text = "/metadata: it has 32769 bytes of JSON, it must have at most 32768";
        assert_eq!(error(10, 32_767), text);
        let text = ": it has 65537 bytes of JSON, it must have at most 65536";
        assert_eq!(error(32_757, 32_766), text);
    }

    #[test]
    fn pushed_data_has_the_texts_of_the_parsed_value() {
        for json in [
            r#"{"label": {"value": "a", "type": "html"}, "metadata": {"b": 1, "a": [2]}}"#,
            r#"{"metadata": 1, "status": {}, "label": 1, "label": {}, "metadata": null}"#,
            r#"{"label": {}}"#,
        ] {
            let PushedData(pushed) = serde_json::from_str(json).unwrap();
            assert_eq!(
                pushed,
                Data::new(serde_json::from_str(json).unwrap()).unwrap()
            );
        }
        let large = json!({"label": {}, "metadata": "x".repeat(32_767)}).to_string();
        for json in [
            r#"{"label": {}, "label": 1}"#,
            r#"{"status": {}}"#,
            "[]",
            &large,
        ] {
            assert!(serde_json::from_str::<PushedData>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn stored_texts_are_read_back() {
        for data in [
            json!({"label": 1, "metadata": {"a": null}}),
            json!({"label": {}}),
        ] {
            let data = Data::new(data).unwrap();
            let metadata = data.metadata().map(ToOwned::to_owned);
            assert_eq!(
                Data::from_stored(data.look().to_owned(), metadata).unwrap(),
                data
            );
        }
        assert!(Data::from_stored("{".to_owned(), None).is_err());
        assert!(Data::from_stored("{}".to_owned(), Some(String::new())).is_err());
    }

    #[test]
    fn data_without_metadata_stays_without() {
        for data in [json!({"label": 1}), json!({"metadata": null}), json!([])] {
            let stored = Data::new(data.clone()).unwrap();
            assert_eq!(stored.value(), data);
        }
    }
}
