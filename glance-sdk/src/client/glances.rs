//! Glances created at runtime, for one room or for the whole group.

use reqwest::Method;

use super::Client;
use super::push::{Group, Room};
use crate::Result;
use crate::model::Glance;
#[cfg(feature = "server")]
use crate::{Error, ErrorKind};

impl<'c> Room<'c> {
    /// The glances created at runtime in this room; at most 10.
    pub fn glances(self) -> Glances<'c> {
        let path = vec![
            "room".to_owned(),
            self.room,
            "extension".to_owned(),
            "glance".to_owned(),
        ];
        Glances {
            client: self.client,
            path,
        }
    }
}

impl<'c> Group<'c> {
    /// The global glances, created at runtime and shown in all rooms; at most 10.
    pub fn glances(self) -> Glances<'c> {
        Glances {
            client: self.client,
            path: vec!["extension".to_owned(), "glance".to_owned()],
        }
    }
}

/// Glances created at runtime in one place.
#[derive(Debug)]
pub struct Glances<'c> {
    client: &'c Client,
    path: Vec<String>,
}

impl Glances<'_> {
    /// Creates this glance, or replaces the one with its key. Its addresses must be absolute.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) where a restriction of the host forbids
    /// it: 10 glances a room and 10 global ones, and no global key that a room's glance has.
    pub async fn create(&self, glance: &Glance) -> Result<()> {
        self.client
            .send(Method::PUT, &self.at(&glance.key), Some(glance))
            .await
    }

    /// Creates the glance `G`, or replaces the one with its key. The add-on answers its query:
    /// [`AddOn::runtime_glance`](crate::AddOn::runtime_glance) registered it. Its addresses are
    /// made from the add-on's base URL as it is now; where that may change, create it again in
    /// [`AddOn::on_update`](crate::AddOn::on_update).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where it is not registered,
    /// otherwise those of [`create`](Self::create).
    #[cfg(feature = "server")]
    pub async fn create_registered<G: crate::glance::Glance>(&self) -> Result<()> {
        let mut registered = self.client.shared.runtime_glances.iter();
        match registered.find(|glance| glance.key == G::KEY) {
            Some(glance) => self.create(glance).await,
            None => Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "the glance {} is not registered; add it with AddOn::runtime_glance",
                    G::KEY
                ),
            )),
        }
    }

    /// The glance with this key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is none.
    pub async fn get(&self, key: &str) -> Result<Glance> {
        self.client.read(&self.at(key)).await
    }

    /// Removes the glance with this key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is none,
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) where the descriptor declares it.
    pub async fn remove(&self, key: &str) -> Result<()> {
        self.client
            .send(Method::DELETE, &self.at(key), None::<&()>)
            .await
    }

    fn at<'k>(&'k self, key: &'k str) -> Vec<&'k str> {
        self.path.iter().map(String::as_str).chain([key]).collect()
    }
}
