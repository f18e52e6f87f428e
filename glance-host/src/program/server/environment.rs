//! Settings from environment variables.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::de::value::{Error, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::config::{Config, describe_error};

/// How the names of the host's variables begin.
pub(super) const PREFIX: &str = "GLANCE_HOST_";

/// The variable that names the file with the settings.
pub(super) const FILE: &str = "GLANCE_HOST_CONFIG";

/// The variable with which `cargo glance install`, `remove` and `list` call a host. Who runs one in the
/// same shell means no setting by it.
const TOKEN_OF_SCRIPTS: &str = "GLANCE_HOST_TOKEN";

/// Puts the settings of the environment over those that are there; says how many there are. An empty
/// variable counts as none.
pub(super) fn apply(
    config: &mut Config,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<usize, String> {
    let mut left = Variables::find(variables)?;
    let number = left.0.len();
    let Config {
        listen,
        data,
        public_url,
        group,
        product,
        allow_networks,
        keep_messages_days,
        shutdown_seconds,
        sign_in,
        proxy,
        openid,
        embed,
        egress,
        tls,
        limits,
        log,
        metrics,
    } = config;
    left.take("LISTEN", listen)?;
    left.take("DATA", data)?;
    left.take("PUBLIC_URL", public_url)?;
    left.take("GROUP", group)?;
    left.take("PRODUCT", product)?;
    left.take("ALLOW_NETWORKS", allow_networks)?;
    left.take("KEEP_MESSAGES_DAYS", keep_messages_days)?;
    left.take("SHUTDOWN_SECONDS", shutdown_seconds)?;
    left.take("SIGN_IN_WAY", &mut sign_in.way)?;
    left.take("SIGN_IN_ADMIN_EMAILS", &mut sign_in.admin_emails)?;
    left.take("SIGN_IN_ADMIN_GROUP", &mut sign_in.admin_group)?;
    left.take("PROXY_PEERS", &mut proxy.peers)?;
    left.take("PROXY_USER_HEADER", &mut proxy.user_header)?;
    left.take("PROXY_EMAIL_HEADER", &mut proxy.email_header)?;
    left.take("PROXY_GROUPS_HEADER", &mut proxy.groups_header)?;
    left.take("OPENID_ISSUER", &mut openid.issuer)?;
    left.take("OPENID_CLIENT_ID", &mut openid.client_id)?;
    left.take("OPENID_CLIENT_SECRET", &mut openid.client_secret)?;
    left.take("OPENID_CLIENT_SECRET_FILE", &mut openid.client_secret_file)?;
    left.take("OPENID_SCOPES", &mut openid.scopes)?;
    left.take("OPENID_GROUPS_CLAIM", &mut openid.groups_claim)?;
    left.take("OPENID_ALLOWED_DOMAINS", &mut openid.allowed_domains)?;
    left.take("EMBED_ORIGINS", &mut embed.origins)?;
    left.take("EMBED_TO_EVERYONE", &mut embed.to_everyone)?;
    left.take("EGRESS_PROXY", &mut egress.proxy)?;
    left.take("EGRESS_NO_PROXY", &mut egress.no_proxy)?;
    left.take("TLS_CERTIFICATE", &mut tls.certificate)?;
    left.take("TLS_KEY", &mut tls.key)?;
    left.take("LIMITS_REQUESTS", &mut limits.requests)?;
    left.take("LIMITS_MESSAGES", &mut limits.messages)?;
    left.take("LIMITS_TOKEN_SECONDS", &mut limits.token_seconds)?;
    left.take("LOG_FORMAT", &mut log.format)?;
    left.take("LOG_FILTER", &mut log.filter)?;
    left.take("METRICS_LISTEN", &mut metrics.listen)?;
    left.take("METRICS_TOKEN", &mut metrics.token)?;
    left.take("METRICS_TOKEN_FILE", &mut metrics.token_file)?;
    match left.0.keys().next() {
        None => Ok(number),
        Some(name) => Err(format!(
            "{PREFIX}{name} in the environment is no setting; --example-config prints all of them"
        )),
    }
}

/// The host's variables, without the prefix of their names.
struct Variables(BTreeMap<String, String>);

impl Variables {
    fn find(all: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, String> {
        let mut found = BTreeMap::new();
        for (name, value) in all {
            let Some(own) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
                continue;
            };
            if value.is_empty() || name == FILE || name == TOKEN_OF_SCRIPTS {
                continue;
            }
            let value = value
                .into_string()
                .map_err(|_| format!("{PREFIX}{own} in the environment is no UTF-8"))?;
            found.insert(own.to_owned(), value);
        }
        Ok(Self(found))
    }

    fn take<T: DeserializeOwned>(&mut self, name: &str, setting: &mut T) -> Result<(), String> {
        if let Some(value) = self.0.remove(name) {
            *setting = T::deserialize(Text(&value)).map_err(|cause| {
                let problem = describe_error(&cause.to_string());
                format!("{PREFIX}{name} in the environment: {problem}")
            })?;
        }
        Ok(())
    }
}

/// Parses a setting: its type decides how. Lists are separated by commas.
struct Text<'a>(&'a str);

impl Text<'_> {
    fn number(&self) -> Result<u64, Error> {
        let number = self.0.trim().parse();
        number.map_err(|_| Error::custom(format!("{:?} is no whole number", self.0)))
    }
}

impl<'de> IntoDeserializer<'de> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(self.number()?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(self.number()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Error::custom(format!(
                "{other:?} is neither true nor false"
            ))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let parts = self.0.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty()).map(Text);
        visitor.visit_seq(SeqDeserializer::new(parts))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::EXAMPLE;
    use super::*;

    fn set(variables: &[(&str, &str)]) -> Result<Config, String> {
        let mut config = Config::default();
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        apply(&mut config, variables)?;
        Ok(config)
    }

    /// Section, name and value of each setting in the example.
    fn examples() -> Vec<(String, String, toml::Value)> {
        let mut section = String::new();
        let mut found = Vec::new();
        for line in EXAMPLE.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
            }
            // Of "# text" the space tells that it is no setting.
            let setting = line.strip_prefix('#').filter(|line| !line.starts_with(' '));
            if let Some(line) = setting.filter(|line| !line.is_empty()) {
                let mut line: toml::Table = line.parse().unwrap();
                let name = line.keys().next().unwrap().clone();
                let value = line.remove(&name).unwrap();
                found.push((section.clone(), name, value));
            }
        }
        found
    }

    #[test]
    fn the_example_names_every_setting_and_each_has_its_variable() {
        let mut all = toml::Table::new();
        let mut variables = Vec::new();
        for (section, name, value) in examples() {
            let text = match &value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Array(list) => {
                    let list: Vec<_> = list.iter().map(|one| one.as_str().unwrap()).collect();
                    list.join(", ")
                }
                other => serde_json::to_value(other).unwrap().to_string(),
            };
            let variable = match section.as_str() {
                "" => format!("{PREFIX}{name}"),
                section => format!("{PREFIX}{section}_{name}"),
            };
            variables.push((variable.to_uppercase().into(), text.into()));
            let table = match section.as_str() {
                "" => &mut all,
                section => all
                    .entry(section)
                    .or_insert_with(|| toml::Table::new().into())
                    .as_table_mut()
                    .unwrap(),
            };
            table.insert(name, value);
        }
        let in_file: Config = all.try_into().unwrap();
        let mut in_environment = Config::default();
        let number = apply(&mut in_environment, variables.clone()).unwrap();
        assert_eq!(number, variables.len());
        assert_eq!(in_environment, in_file);

        let every = serde_json::to_value(&in_file).unwrap();
        let sections = every.as_object().unwrap().values();
        let unset = sections
            .flat_map(|value| match value.as_object() {
                Some(section) => section.values().collect(),
                None => vec![value],
            })
            .filter(|value| value.is_null());
        assert_eq!(
            unset.count(),
            0,
            "the example passes over a setting: {every:#}"
        );
    }

    #[test]
    fn what_the_example_says_to_hold_does() {
        let defaults = serde_json::to_value(Config::default()).unwrap();
        let mut seen = 0;
        for (section, name, value) in examples() {
            let pointer = match section.as_str() {
                "" => format!("/{name}"),
                section => format!("/{section}/{name}"),
            };
            let default = defaults.pointer(&pointer).unwrap();
            if !default.is_null() {
                assert_eq!(*default, serde_json::to_value(value).unwrap(), "{pointer}");
                seen += 1;
            }
        }
        assert!(seen > 5);
        assert_eq!(
            toml::from_str::<Config>(EXAMPLE).unwrap(),
            Config::default()
        );
    }

    #[test]
    fn what_is_wrong_in_the_environment_is_one_sentence_with_its_name() {
        for (name, value, expected) in [
            (
                "LISTEN",
                "here",
                "LISTEN in the environment: this is no address with a port",
            ),
            (
                "ALLOW_NETWORKS",
                "10.0.0.0/8, 10.0.0",
                "ALLOW_NETWORKS in the environment: \"10.0.0\" is no address or network",
            ),
            (
                "LIMITS_MESSAGES",
                "many",
                "LIMITS_MESSAGES in the environment: \"many\" is no whole",
            ),
            (
                "LIMITS_MESSAGES",
                "4294967296",
                "LIMITS_MESSAGES in the environment: invalid value: integer `4294967296`, expected a whole number from 1 to 4294967295",
            ),
            (
                "LOG_FORMAT",
                "xml",
                "LOG_FORMAT in the environment: unknown value `xml`",
            ),
            (
                "LISSTEN",
                "127.0.0.1:1",
                "LISSTEN in the environment is no setting",
            ),
        ] {
            let problem = set(&[(&format!("{PREFIX}{name}"), value)]).unwrap_err();
            assert!(
                problem.starts_with(&format!("{PREFIX}{expected}")),
                "{problem}"
            );
        }
        assert_eq!(
            set(&[
                ("GLANCE_HOST_LISTEN", ""),
                ("GLANCE_HOST_TOKEN", "x"),
                ("HOME", "x")
            ]),
            Ok(Config::default())
        );
    }
}
