//! Several runtime glances of one kind, for example one per deployment.

use std::fmt;
use std::marker::PhantomData;

use crate::glance::Glance;
use crate::model::{self, Icon, Target, Text};
use crate::validate::is_extension_key;
use crate::{Error, ErrorKind, Result};

/// An instance of the runtime glance `G`, with an id such as the number of a deployment.
///
/// Its key consists of the glance's key, a dot and the id. One function answers the queries of all
/// instances; it receives the id as an argument: [`InstanceId`](crate::extract::InstanceId). An
/// instance has the name, icon, target and weight of the glance unless it sets its own.
///
/// ```no_run
/// use glance_sdk::client::{Client, Instance};
/// use glance_sdk::extract::InstanceId;
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "deploy", name = "Deployment", icon = "/deploy.svg")]
/// async fn deploy(query: GlanceQuery, InstanceId(id): InstanceId) -> GlanceData {
///     GlanceData::new(label!("Deployment {id} is running in room {}", query.room_id()))
/// }
///
/// # async fn example(client: Client) -> glance_sdk::Result<()> {
/// let instance = Instance::<deploy>::new(1234)?.name("Deployment 1234");
/// client.room(42).glances().create_instance(&instance).await?;
/// let done = GlanceData::new(label!("Deployment 1234 is <b>done</b>"));
/// client.room(42).push_instance(&instance, done).await?;
/// client.room(42).glances().remove(instance.key()).await?;
/// # Ok(()) }
/// # let add_on = AddOn::new("com.example.deploys", "Deployments").runtime_glance::<deploy>();
/// ```
pub struct Instance<G> {
    key: String,
    id_at: usize,
    name: Option<Text>,
    icon: Option<Icon>,
    target: Option<Target>,
    weight: Option<i64>,
    kind: PhantomData<fn() -> G>,
}

impl<G: Glance> Instance<G> {
    /// Creates the instance with this id.
    ///
    /// ```
    /// use glance_sdk::client::Instance;
    /// use glance_sdk::extract::InstanceId;
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "ticket", name = "Ticket", icon = "/ticket.svg")]
    /// async fn ticket(InstanceId(id): InstanceId) -> GlanceData {
    ///     GlanceData::new(label!("Ticket {id}"))
    /// }
    ///
    /// let instance = Instance::<ticket>::new(17)?;
    /// assert_eq!((instance.key(), instance.id()), ("ticket.17", "17"));
    /// assert!(Instance::<ticket>::new("seventeen/a").is_err());
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Invalid`] if the id cannot be part of a key: it contains other
    /// characters than `a-z A-Z 0-9 _ - .`, or consists of dots, or the key would have more than 40
    /// characters.
    pub fn new(id: impl fmt::Display) -> Result<Self> {
        let id = id.to_string();
        let key = format!("{}.{id}", G::KEY);
        if id.chars().all(|character| character == '.') || !is_extension_key(&key) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{id:?} is not a valid id of an instance of the glance `{}`: use at most {} of the \
                 characters a-z A-Z 0-9 _ - .",
                    G::KEY,
                    40usize.saturating_sub(G::KEY.len() + 1)
                ),
            ));
        }
        Ok(Self {
            id_at: key.len() - id.len(),
            key,
            name: None,
            icon: None,
            target: None,
            weight: None,
            kind: PhantomData,
        })
    }

    /// Returns the key of the instance: the glance's key, a dot and the id.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the id, as its query receives it.
    pub fn id(&self) -> &str {
        &self.key[self.id_at..]
    }

    /// Sets the name of the instance.
    #[must_use]
    pub fn name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the icon of the instance.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Sets the target that a click opens.
    #[must_use]
    pub fn target(mut self, target: impl Into<Target>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Sets the weight of the instance, by which hosts sort glances in ascending order from the
    /// top.
    #[must_use]
    pub fn weight(mut self, weight: i64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Returns the descriptor entry, based on the glance's entry.
    pub(super) fn descriptor(&self, mut kind: model::Glance) -> model::Glance {
        kind.key.clone_from(&self.key);
        if let Some(query_url) = &mut kind.query_url {
            query_url.push('/');
            query_url.push_str(self.id());
        }
        if let Some(name) = &self.name {
            kind.name = name.clone();
        }
        if let Some(icon) = &self.icon {
            kind.icon = icon.clone();
        }
        if let Some(target) = &self.target {
            kind.target = Some(target.clone());
        }
        kind.weight = self.weight.or(kind.weight);
        kind
    }
}

impl<G> Clone for Instance<G> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            id_at: self.id_at,
            name: self.name.clone(),
            icon: self.icon.clone(),
            target: self.target.clone(),
            weight: self.weight,
            kind: PhantomData,
        }
    }
}

impl<G> fmt::Debug for Instance<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
