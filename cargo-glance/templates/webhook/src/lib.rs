//! Shows the broken projects of a build server, which reports each build with a signed webhook.

mod delivery;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use glance_sdk::prelude::*;

/// The metadata for the glance's condition.
#[derive(Serialize, GlanceMetadata)]
pub struct Broken {
    broken: u32,
    /// Whether no build was reported since the program started.
    is_waiting: bool,
}

/// Shows the number of broken projects; hidden if there are none, after the first report.
#[glance(key = "{{ name }}", name = "{{ title }}", icon = "/icon.svg",
         audience = "room", when(broken > 0 || is_waiting))]
pub async fn {{ glance }}(State(builds): State<Builds>) -> GlanceData<Broken> {
    builds.data()
}

/// The state that the glance and the webhook share. Store it in a database if it must survive a
/// restart.
#[derive(Clone)]
pub struct Builds {
    /// Without a key, every delivery is refused.
    key: Option<Arc<hmac::Key>>,
    reports: Arc<Mutex<Reports>>,
}

/// The reports of the build server.
#[derive(Default)]
struct Reports {
    broken: BTreeSet<String>,
    has_any: bool,
}

impl Builds {
    /// Accepts only deliveries that are signed with this secret, and none without a secret.
    pub fn new(secret: Option<&str>) -> Self {
        let key = |secret: &str| Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
        Self {
            key: secret.map(key),
            reports: Arc::default(),
        }
    }

    fn data(&self) -> GlanceData<Broken> {
        let (broken, is_waiting) = {
            let reports = self.reports();
            (reports.broken.len(), !reports.has_any)
        };
        let broken = u32::try_from(broken).unwrap_or(u32::MAX);
        let data = match broken {
            _ if self.key.is_none() => GlanceData::new(label!("Set WEBHOOK_SECRET to start")),
            0 if is_waiting => GlanceData::new(label!("No builds yet")),
            1 => GlanceData::new(label!("<b>1</b> broken project"))
                .lozenge(Lozenge::Error, "BROKEN"),
            _ => GlanceData::new(label!("<b>{broken}</b> broken projects"))
                .lozenge(Lozenge::Error, "BROKEN"),
        };
        data.metadata(Broken { broken, is_waiting })
    }

    fn reports(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates the add-on.
pub fn add_on(builds: Builds) -> AddOn<Builds> {
    AddOn::new("com.example.{{ name }}", "{{ title }}")
        .description("Shows broken projects.")
        .state(builds)
        .glance::<{{ glance }}>()
        .route("/hooks/builds", post(delivery::receive))
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg"))
}
