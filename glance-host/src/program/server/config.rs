//! The settings of the program, and the file they stand in.

mod network;
mod sign_in;
mod words;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use glance_sdk::egress::Proxies;
use glance_sdk::model::Secret;
use serde::Deserialize;

use crate::program::host::{Builder, DEFAULT_PORT, Host};
use crate::service::embed::Embed;
use network::Network;
pub(super) use sign_in::{OpenIdSettings, ProxySettings, SignInSettings};
pub(super) use words::describe_error;

/// Every setting, with its meaning and its default.
pub(super) const EXAMPLE: &str = include_str!("example.toml");

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The room of a new host.
const FIRST_ROOM: &str = "Lobby";

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    pub(super) listen: SocketAddr,
    pub(super) data: PathBuf,
    pub(super) public_url: Option<String>,
    pub(super) group: Option<String>,
    pub(super) product: String,
    pub(super) allow_networks: Option<Vec<Network>>,
    pub(super) keep_messages_days: Option<NonZeroU32>,
    pub(super) shutdown_seconds: u64,
    pub(super) sign_in: SignInSettings,
    pub(super) proxy: ProxySettings,
    pub(super) openid: OpenIdSettings,
    pub(super) embed: EmbedSettings,
    pub(super) egress: EgressSettings,
    pub(super) tls: Tls,
    pub(super) limits: Limits,
    pub(super) log: Log,
    pub(super) metrics: Metrics,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(super) struct EmbedSettings {
    pub(super) origins: Option<Vec<String>>,
    pub(super) to_everyone: bool,
}

impl EmbedSettings {
    fn read(&self) -> Result<Embed, String> {
        let origins = listed("embed.origins", self.origins.as_deref())?.unwrap_or_default();
        let embed = Embed::on(origins).map_err(|cause| format!("embed.origins: {cause}"))?;
        Ok(match self.to_everyone {
            true => embed.to_everyone(),
            false => embed,
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(super) struct EgressSettings {
    pub(super) proxy: Option<Hidden>,
    pub(super) no_proxy: Option<Vec<String>>,
}

impl EgressSettings {
    fn read(&self) -> Result<Proxies, String> {
        let except = listed("egress.no_proxy", self.no_proxy.as_deref())?;
        match (&self.proxy, except) {
            (Some(Hidden(proxy)), except) => {
                Proxies::new(proxy.expose(), except.unwrap_or_default())
                    .map_err(|cause| format!("egress.proxy: {cause}"))
            }
            (None, None) => Ok(Proxies::none()),
            (None, Some(_)) => Err("egress.no_proxy needs egress.proxy too".to_owned()),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) requests: u32,
    pub(super) messages: u32,
    pub(super) token_seconds: u64,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    pub(super) format: LogFormat,
    pub(super) filter: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    Text,
    Json,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) listen: Option<SocketAddr>,
    pub(super) token: Option<Hidden>,
    pub(super) token_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, DEFAULT_PORT).into(),
            data: "glance-host-data".into(),
            public_url: None,
            group: None,
            product: "HipChat".to_owned(),
            allow_networks: None,
            keep_messages_days: None,
            shutdown_seconds: 10,
            sign_in: SignInSettings::default(),
            proxy: ProxySettings::default(),
            openid: OpenIdSettings::default(),
            embed: EmbedSettings::default(),
            egress: EgressSettings::default(),
            tls: Tls::default(),
            limits: Limits::default(),
            log: Log::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 500,
            messages: 30,
            token_seconds: 8 * 60 * 60,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            filter: "info".to_owned(),
        }
    }
}

impl Config {
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let named = file.display();
        let text = fs::read_to_string(file)
            .map_err(|cause| format!("the settings in {named} cannot be read: {cause}"))?;
        Self::parse(&text).map_err(|problem| format!("{named}, {problem}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|cause| {
            let at = cause.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            format!("line {line}: {}", describe_error(cause.message()))
        })
    }

    /// The host that these settings describe.
    pub(super) fn builder(&self) -> Result<Builder, String> {
        self.check_numbers()?;
        if self.data.as_os_str().is_empty() {
            return Err("data is empty: name a folder, or leave it out".to_owned());
        }
        if self.metrics.listen == Some(self.listen) && self.listen.port() != 0 {
            return Err(format!(
                "listen and metrics.listen are both {}: give each a port of its own",
                self.listen
            ));
        }
        let mut builder = Host::builder()
            .ip(self.listen.ip())
            .port(self.listen.port())
            .data(&self.data)
            .first_room(FIRST_ROOM)
            .sign_in(self.sign_in.read(&self.proxy, &self.openid)?)
            .embed(self.embed.read()?)
            .proxies(self.egress.read()?)
            .grace(Duration::from_secs(self.shutdown_seconds))
            .rate_limit(self.limits.requests)
            .message_limit(self.limits.messages)
            .token_life(Duration::from_secs(self.limits.token_seconds));
        match self.group.as_deref().map(str::trim) {
            Some("") => return Err("group is empty: name the team, or leave it out".to_owned()),
            Some(group) => builder = builder.group(group),
            None => {}
        }
        match self.product.trim() {
            "" => return Err("product is empty: name the host, or leave it out".to_owned()),
            product => builder = builder.product(product),
        }
        if let Some(days) = self.keep_messages_days {
            builder = builder.keep_messages(DAY * days.get());
        }
        if let Some(url) = &self.public_url {
            builder = builder.public_url(url);
        }
        if let Some(networks) = &self.allow_networks {
            builder = builder.allow_networks(networks.iter().copied().map(Into::into));
        }
        match (&self.tls.certificate, &self.tls.key) {
            (Some(certificate), Some(key)) => Ok(builder.tls(certificate, key)),
            (None, None) => Ok(builder),
            (Some(_), None) => Err("tls.certificate needs tls.key too".to_owned()),
            (None, Some(_)) => Err("tls.key needs tls.certificate too".to_owned()),
        }
    }

    /// With none of one of these, no add-on could do anything.
    fn check_numbers(&self) -> Result<(), String> {
        let limits = &self.limits;
        for (name, number) in [
            ("requests", limits.requests.into()),
            ("messages", limits.messages.into()),
            ("token_seconds", limits.token_seconds),
        ] {
            if number == 0 {
                return Err(format!("limits.{name} is 0: give 1 at least"));
            }
        }
        Ok(())
    }
}

/// Reads a list that must not be empty.
fn listed<'a, T>(name: &str, list: Option<&'a [T]>) -> Result<Option<&'a [T]>, String> {
    match list {
        Some([]) => Err(format!(
            "{name} is empty: name one at least, or leave it out"
        )),
        list => Ok(list),
    }
}

/// A secret among the settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(transparent)]
pub(super) struct Hidden(Secret);

/// Reads a secret from the settings, or from a file that they name.
pub(super) fn secret(
    name: &str,
    here: Option<&Hidden>,
    file: Option<&Path>,
) -> Result<Option<Secret>, String> {
    let secret = match (here, file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(format!("{name} and {name}_file are both set: keep one"));
        }
        (Some(Hidden(secret)), None) => secret.clone(),
        (None, Some(file)) => fs::read_to_string(file)
            .map_err(|cause| format!("{name}_file: {} cannot be read: {cause}", file.display()))?
            .trim_end_matches(['\r', '\n'])
            .into(),
    };
    match secret.expose() {
        "" => Err(format!("{name} is empty")),
        _ => Ok(Some(secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNQUOTED: &str =
        "line 1: this is neither a number nor true or false, and text needs quotes";

    #[test]
    fn what_is_wrong_in_the_file_is_one_sentence_with_its_line() {
        for (text, expected) in [
            (
                "lissten = \"127.0.0.1:1\"",
                "line 1: unknown setting `lissten`, expected one of `listen`",
            ),
            (
                "\n[tls]\ncertifcate = \"a\"",
                "line 3: unknown setting `certifcate`, expected `certificate` or `key`",
            ),
            (
                "data = \"a\"\nallow_networks = [\"10.0.0\"]",
                "line 2: \"10.0.0\" is no address or network; give one like",
            ),
            (
                "\n[sign_in]\nway = \"password\"",
                "line 3: unknown value `password`, expected one of `local`, `name`",
            ),
            (
                "listen = \"here\"",
                "line 1: this is no address with a port; give one like 127.0.0.1:4400",
            ),
            (
                "[limits]\nmessages = -1",
                "line 2: invalid value: integer `-1`, expected a whole number from 1",
            ),
            (
                "[log]\nformat = \"xml\"",
                "line 2: unknown value `xml`, expected one of `auto`, `text`, `json`",
            ),
            (
                "keep_messages_days = 0",
                "line 1: invalid value: integer `0`, expected a whole number from 1",
            ),
            (
                "shutdown_seconds = 1.5",
                "line 1: invalid type: floating point `1.5`, expected a whole number",
            ),
            (
                "allow_networks = \"10.1.0.0/16\"",
                "line 1: invalid type: string \"10.1.0.0/16\", expected a list, such as [\"...\"]",
            ),
            (
                "listen = 4400",
                "line 1: invalid type: integer `4400`, expected an address with a port, such as",
            ),
            (
                "data = 5",
                "line 1: invalid type: integer `5`, expected text in quotes",
            ),
            ("log.format = 5", "line 1: expected text in quotes"),
            (
                "sign_in = \"name\"",
                "line 1: invalid type: string \"name\", expected a section with settings of its own",
            ),
            ("listen = 127.0.0.1:4400", UNQUOTED),
            ("allow_networks = [fd00::/8]", UNQUOTED),
            ("log.filter = info", UNQUOTED),
            ("group = 2020-founders", UNQUOTED),
            ("embed.to_everyone = True", UNQUOTED),
            ("data = \"a\"\ndata = \"b\"", "line 2: duplicate key"),
            ("data", "line 1: "),
        ] {
            let problem = Config::parse(text).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
            assert!(!problem.contains('\n'), "{problem}");
        }
    }

    #[test]
    fn what_belongs_together_is_given_together() {
        let config = Config::parse("tls.key = \"k.pem\"").unwrap();
        assert_eq!(
            config.builder().unwrap_err(),
            "tls.key needs tls.certificate too"
        );
    }

    #[test]
    fn a_proxy_is_one_that_can_be_used() {
        for (text, expected) in [
            (
                "egress.no_proxy = [\"a.example\"]",
                "egress.no_proxy needs egress.proxy too",
            ),
            (
                "egress.proxy = \"socks5://user:s3cret@a.example\"",
                "egress.proxy: the proxy has the scheme socks5; it must be http or https",
            ),
            (
                "egress = { proxy = \"http://a.example\", no_proxy = [] }",
                "egress.no_proxy is empty: name one at least, or leave it out",
            ),
        ] {
            let config = Config::parse(text).unwrap();
            assert_eq!(config.builder().unwrap_err(), expected);
        }
        let config = Config::parse("egress.proxy = \"http://user:s3cret@a.example:3128\"").unwrap();
        assert!(!format!("{:?}", config.builder().unwrap()).contains("s3cret"));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn a_secret_stands_in_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "s3cret\n").unwrap();
        let here = Hidden("s3cret".into());
        let both = secret("metrics.token", Some(&here), Some(&file)).unwrap_err();
        assert_eq!(
            both,
            "metrics.token and metrics.token_file are both set: keep one"
        );
        for (here, file) in [(Some(&here), None), (None, Some(file.as_path()))] {
            let read = secret("metrics.token", here, file).unwrap().unwrap();
            assert_eq!(read.expose(), "s3cret");
        }
        fs::write(&file, "\n").unwrap();
        let empty = secret("metrics.token", None, Some(&file)).unwrap_err();
        assert_eq!(empty, "metrics.token is empty");
        let missing = secret("metrics.token", None, Some(&folder.path().join("none")));
        assert!(missing.unwrap_err().starts_with("metrics.token_file: "));
        assert!(!format!("{:?}", here).contains("s3cret"));
    }
}
