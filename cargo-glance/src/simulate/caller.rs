//! Acts for a host: for a temporary one, or for one that has installed the add-on.

use std::time::Duration;

use glance_host::calls::{CallLog, Purpose};
use glance_host::model::Room;
use glance_host::{Host, InstallError};
use glance_sdk::auth::{SigningKey, now, random_alphanumeric};
use glance_sdk::egress::{EgressPolicy, HttpClient, Proxies, Redirects};
use glance_sdk::model::{Claims, Context, Descriptor, Extra, GroupId, OauthId, RoomId, Secret};
use reqwest::Url;
use tokio::time::timeout;

use super::Common;
use super::exchange::Secrets;
use crate::error::CommandError;
use crate::{fetch, store_file};

/// The size limit, which no descriptor exceeds.
const MAX_DESCRIPTOR_BYTES: usize = 1024 * 1024;

/// The lifetime of a signed request, in seconds.
const SIGNED_FOR: i64 = 3600;

/// The time in which an add-on must learn of its removal.
const REMOVAL: Duration = Duration::from_secs(10);

/// The room of a temporary host.
const ROOM: &str = "Simulation";

pub(super) struct Caller {
    pub(super) client: HttpClient,
    pub(super) descriptor: Descriptor,
    pub(super) oauth_id: OauthId,
    pub(super) secret: Secret,
    /// The host's origin, as browsers write it.
    pub(super) origin: String,
    pub(super) token_url: String,
    /// The base URL of the REST API, with a trailing slash.
    pub(super) api_url: String,
    pub(super) room: RoomId,
    group: GroupId,
    user: u64,
    time_zone: String,
    /// The temporary host, if there is one.
    own: Option<Own>,
}

/// A host that exists for one simulation.
pub(super) struct Own {
    pub(super) host: Host,
    pub(super) log: CallLog,
    pub(super) room: Room,
}

impl Own {
    /// Starts a host that may call add-ons in any network, because the person typed the address.
    pub(super) async fn start() -> Result<Self, CommandError> {
        let everywhere = ["0.0.0.0/0", "::/0"]
            .into_iter()
            .filter_map(|all| all.parse().ok());
        let failed = |error| {
            CommandError::new(
                "no-host",
                format!("{error:#}"),
                "free a port of this machine",
            )
        };
        let log = CallLog::default();
        let host = Host::builder()
            .port(0)
            .allow_networks(everywhere)
            .call_log(&log)
            .start()
            .await
            .map_err(failed)?;
        let room = host.open_room(ROOM).await.map_err(failed)?;
        Ok(Self { host, log, room })
    }

    /// Installs an add-on in the room, or in the group if the add-on is for groups only.
    pub(super) async fn install(
        &self,
        descriptor: &str,
    ) -> Result<glance_host::model::Installed, CommandError> {
        let installed = match self.host.install(&self.room, descriptor).await {
            Err(InstallError::NotAllowed(_)) => self.host.install_global(descriptor).await,
            other => other,
        };
        installed.map_err(|error| {
            CommandError::new(
                "not-installed",
                format!("{error:#}"),
                "read the add-on's log; if it cannot call this machine, use --store",
            )
        })
    }

    /// Removes the add-on, and waits until the host has notified it.
    pub(super) async fn leave(
        self,
        oauth_id: &OauthId,
        has_callback: bool,
    ) -> Result<(), CommandError> {
        let mut calls = self.log.follow();
        let removed = self.host.uninstall(oauth_id).await;
        let removed = removed.map_err(|error| {
            CommandError::new(
                "no-host",
                format!("{error:#}"),
                "remove the installation by hand",
            )
        })?;
        if removed && has_callback {
            let removal = async { while calls.next().await.purpose != Purpose::Removal {} };
            timeout(REMOVAL, removal).await.map_err(|_| {
                CommandError::new(
                    "not-removed",
                    format!("the add-on did not respond to its removal; it may keep installation {oauth_id}"),
                    "remove the installation from the add-on's store: its host no longer exists",
                )
            })?;
        }
        self.host.shutdown().await;
        Ok(())
    }
}

impl Caller {
    pub(super) async fn new(common: &Common) -> Result<Self, CommandError> {
        let url = fetch::parse(&common.descriptor)?;
        let builder = HttpClient::builder(EgressPolicy::any_network())
            .user_agent(concat!("cargo-glance/", env!("CARGO_PKG_VERSION")))
            .redirects(Redirects::Checked)
            .proxies(Proxies::from_env());
        let client = builder
            .build()
            .map_err(|error| fetch::no_client(format!("{error:#}")))?;
        let Some(file) = &common.store else {
            return Self::own(common, client).await;
        };
        let store = store_file::open(file)?;
        let room = common.room.map(RoomId::from);
        let id = common.installation.as_deref();
        let installation = store_file::find(&*store, id, room).await?;
        let text = fetch::get(url.as_str(), "application/json", MAX_DESCRIPTOR_BYTES).await?;
        let descriptor = glance_sdk::json::from_slice(&text).map_err(|cause| {
            let what = format!("{url} does not serve a descriptor: {cause}");
            CommandError::new(
                "no-descriptor",
                what,
                "`cargo glance validate` has the details",
            )
        })?;
        let room = room.or(installation.room_id()).ok_or_else(|| {
            CommandError::new(
                "no-room",
                "this installation is for the whole group",
                "choose a room of the host with --room",
            )
        })?;
        Ok(Self {
            client,
            descriptor,
            oauth_id: installation.oauth_id().clone(),
            origin: installation.origin().unwrap_or_default(),
            token_url: installation.endpoints.token_url.clone(),
            api_url: installation.endpoints.api_url.clone(),
            room,
            group: installation.data.group_id,
            secret: installation.data.oauth_secret,
            user: common.user,
            time_zone: common.time_zone.clone(),
            own: None,
        })
    }

    async fn own(common: &Common, client: HttpClient) -> Result<Self, CommandError> {
        let own = Own::start().await?;
        let installed = own.install(&common.descriptor).await?;
        let group = own.host.state().group().await.map_err(|error| {
            CommandError::new("no-host", format!("{error:#}"), "start it again")
        })?;
        let base_url = own.host.base_url().to_owned();
        Ok(Self {
            client,
            descriptor: installed.descriptor,
            oauth_id: installed.oauth_id,
            secret: installed.oauth_secret,
            token_url: format!("{base_url}/v2/oauth/token"),
            api_url: format!("{base_url}/v2/"),
            origin: base_url,
            room: own.room.id,
            group: group.id,
            user: common.user,
            time_zone: common.time_zone.clone(),
            own: Some(own),
        })
    }

    /// Returns the temporary host, if there is one.
    pub(super) fn own_host(&self) -> Option<&Own> {
        self.own.as_ref()
    }

    /// Signs a token with the person and the room.
    pub(super) fn sign(&self) -> Result<String, CommandError> {
        let issued = now();
        let mut claims = Claims::new(self.oauth_id.clone(), issued, issued + SIGNED_FOR);
        claims.sub = Some(self.user.to_string());
        claims.prn = claims.sub.clone();
        let id = random_alphanumeric(20).map_err(|error| {
            CommandError::new("no-token", format!("{error:#}"), "start it again")
        })?;
        claims.jti = Some(id);
        let mut context = Context::default();
        context.room_id = Some(self.room);
        context.user_tz = Some(self.time_zone.clone());
        context.extra = Extra::from_iter([("group_id".to_owned(), self.group.get().into())]);
        claims.context = Some(context);
        Ok(SigningKey::new(&self.secret).sign(&claims))
    }

    /// Returns the URL with this token.
    pub(super) fn signed_url(&self, url: &str, token: &str) -> Result<Url, CommandError> {
        let mut url = fetch::parse(url)?;
        url.query_pairs_mut().append_pair("signed_request", token);
        Ok(url)
    }

    /// Returns the secrets that must not be printed.
    pub(super) fn secrets(&self, token: &str) -> Secrets {
        vec![
            (token.to_owned(), "{{signed}}"),
            (self.secret.expose().to_owned(), "{{secret}}"),
        ]
    }

    /// Removes the add-on from the temporary host.
    pub(super) async fn leave(self) -> Result<(), CommandError> {
        let installable = self.descriptor.capabilities.installable.as_ref();
        let has_callback = installable.is_some_and(|one| one.callback_url.is_some());
        match self.own {
            Some(own) => own.leave(&self.oauth_id, has_callback).await,
            None => Ok(()),
        }
    }
}
