//! JSON text without white space and with the members of each object by name, as [`serde_json::Value`] writes it.
//! Equal values have equal texts. It is written while it is read: a tree of values takes five times as long.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::Serialize;

/// Appends the value that it deserializes.
pub(super) struct Append<'t>(pub(super) &'t mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Append<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

fn append<E: Error>(text: &mut Vec<u8>, value: impl Serialize) -> Result<(), E> {
    serde_json::to_writer(text, &value).map_err(E::custom)
}

impl<'de> Visitor<'de> for Append<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        append(self.0, ())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        append(self.0, value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        append(self.0, value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        append(self.0, value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        append(self.0, value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        append(self.0, value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let mut is_first = true;
        loop {
            let before = self.0.len();
            if !is_first {
                self.0.push(b',');
            }
            if list.next_element_seed(Append(self.0))?.is_none() {
                self.0.truncate(before);
                break;
            }
            is_first = false;
        }
        self.0.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut object = Object::begin(self.0);
        while let Some(name) = map.next_key_seed(Name)? {
            object.begin_member(name)?;
            map.next_value_seed(Append(object.text))?;
        }
        object.end();
        Ok(())
    }
}

/// An object that is being appended.
pub(super) struct Object<'t, 'de> {
    pub(super) text: &'t mut Vec<u8>,
    begin: usize,
    /// The members in the order of their arrival: their names, and where their texts begin.
    members: Vec<(Cow<'de, str>, usize)>,
    is_sorted: bool,
}

impl<'t, 'de> Object<'t, 'de> {
    pub(super) fn begin(text: &'t mut Vec<u8>) -> Self {
        text.push(b'{');
        Self {
            begin: text.len(),
            text,
            members: Vec::new(),
            is_sorted: true,
        }
    }

    /// Appends the name of a member; its value has to follow.
    pub(super) fn begin_member<E: Error>(&mut self, name: Cow<'de, str>) -> Result<(), E> {
        if let Some((last, _)) = self.members.last() {
            self.is_sorted &= *last < name;
            self.text.push(b',');
        }
        let begin = self.text.len();
        append(self.text, &*name)?;
        self.text.push(b':');
        self.members.push((name, begin));
        Ok(())
    }

    pub(super) fn end(mut self) {
        if !self.is_sorted {
            self.sort();
        }
        self.text.push(b'}');
    }

    /// Puts the members in the order of their names, the last one of each name.
    fn sort(&mut self) {
        let mut end = self.text.len();
        let mut members = Vec::with_capacity(self.members.len());
        for (name, begin) in self.members.iter().rev() {
            members.push((name, *begin..end));
            // Without the comma before it.
            end = begin.saturating_sub(1);
        }
        // The sort is stable, so the last one of a name is the first.
        members.sort_by_key(|(name, _)| *name);
        members.dedup_by_key(|(name, _)| *name);
        let mut sorted = Vec::with_capacity(self.text.len() - self.begin);
        for (_, member) in members {
            if !sorted.is_empty() {
                sorted.push(b',');
            }
            sorted.extend_from_slice(&self.text[member]);
        }
        self.text.truncate(self.begin);
        self.text.append(&mut sorted);
    }
}

/// Deserializes the name of a member, without a copy if the text has it as it is.
pub(super) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn text_is_that_of_the_parsed_value() {
        for json in [
            "null",
            " [ ] ",
            "[1, -2, 18446744073709551615, 1.50, 1e3, -0.0, 1E-7, true, null]",
            r#""\u00e9\n\"\/ \ud83d\ude00""#,
            "{ }",
            r#"{"b": 1, "a": {"y": [], "x": {}}}"#,
            r#"{"a": 1, "b": 2, "a": 3}"#,
            r#"{"b": {"d": 1, "c": 2}, "a": [{"f": 1, "e": 2}], "b": {"d": 3, "c": 4}}"#,
            r#"{"\u0062": 1, "b": 2, "\"": 3, "": 4, "é": 5, "z": 6}"#,
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            let mut text = Vec::new();
            let mut from = serde_json::Deserializer::from_str(json);
            Append(&mut text).deserialize(&mut from).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), value.to_string());
            let mut text = Vec::new();
            Append(&mut text).deserialize(&value).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), value.to_string());
        }
    }
}
