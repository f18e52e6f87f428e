//! Shows the broken projects of a build server, which reports each build by a signed webhook.

mod delivery;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use glance_sdk::prelude::*;

/// What the glance's condition tests.
#[derive(Serialize, GlanceMetadata)]
pub struct Broken {
    broken: u32,
}

/// Shows how many projects are broken; hidden while there are none.
#[glance(key = "{{ name }}", name = "{{ title }}", icon = "/icon.svg", when(broken > 0))]
pub async fn {{ glance }}(State(builds): State<Builds>) -> GlanceData<Broken> {
    builds.data()
}

/// What the glance and the webhook share. Keep what must outlive the program in a database.
#[derive(Clone)]
pub struct Builds {
    key: Arc<hmac::Key>,
    broken: Arc<Mutex<BTreeSet<String>>>,
}

impl Builds {
    /// Believes deliveries that are signed with this secret.
    pub fn new(secret: &str) -> Self {
        Self {
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())),
            broken: Arc::default(),
        }
    }

    fn data(&self) -> GlanceData<Broken> {
        let broken = u32::try_from(self.broken().len()).unwrap_or(u32::MAX);
        let label = match broken {
            1 => label!("<b>1</b> broken project"),
            _ => label!("<b>{broken}</b> broken projects"),
        };
        GlanceData::new(label)
            .lozenge(Lozenge::Error, "BROKEN")
            .metadata(Broken { broken })
    }

    fn broken(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The add-on.
pub fn add_on(builds: Builds) -> AddOn<Builds> {
    AddOn::new("com.example.{{ name }}", "{{ title }}")
        .description("Shows broken projects.")
        .state(builds)
        .glance::<{{ glance }}>()
        .route("/hooks/builds", post(delivery::receive))
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg"))
}
