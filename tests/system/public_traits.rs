//! Tests that public types have the traits that users expect: missing ones are compile errors.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

use glance_host::testing::{Fault, FaultHost, Party, TestRoom};
use glance_host::viewer::{LineState, ShownStatus, Sidebar};
use glance_sdk::addon::{Built, Server};
use glance_sdk::client::{Client, Installations, Method, Pusher, Stream, To};
use glance_sdk::model::{
    Color, ConditionName, Event, GroupId, InstallationData, Lozenge, OauthId, RoomId, Scope,
    Secret, UserId,
};
use glance_sdk::store::{Endpoints, Installation, InstallationStore};
use glance_sdk::{AddOn, Error, ErrorKind, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;

const fn shared<T: Debug + Send + Sync + 'static>() {}
const fn value<T: Debug + Clone + PartialEq + Send + Sync + 'static>() {}
const fn key<T: Debug + Copy + Eq + Hash + Send + Sync + 'static>() {}
const fn cheap_clone<T: Debug + Clone + Send + Sync + 'static>() {}
const fn wire<T: Serialize + DeserializeOwned>() {}

const fn numeric_id<T>()
where
    T: Copy + Ord + Hash + Debug + Display + FromStr + From<u64> + Into<u64>,
    T: TryFrom<i64> + TryInto<i64> + Serialize + DeserializeOwned,
{
}

const fn text<T>()
where
    T: Clone + Eq + Hash + Debug + Display + FromStr + AsRef<str>,
    T: From<String> + for<'a> From<&'a str> + Serialize + DeserializeOwned,
{
}

const _: () = {
    numeric_id::<RoomId>();
    numeric_id::<UserId>();
    numeric_id::<GroupId>();
    text::<OauthId>();
    text::<Color>();
    text::<ConditionName>();
    text::<Event>();
    text::<Lozenge>();
    text::<Scope>();
    value::<Secret>();
    value::<InstallationData>();
    value::<Installation>();
    value::<Endpoints>();
    wire::<Endpoints>();
    wire::<InstallationData>();
    shared::<AddOn<fn()>>();
    shared::<Server>();
    cheap_clone::<Built>();
    cheap_clone::<Client>();
    cheap_clone::<Installations>();
    cheap_clone::<Pusher>();
    key::<To>();
    key::<Method>();
    key::<ErrorKind>();
    shared::<Error>();
    shared::<Failure>();
    value::<Sidebar>();
    value::<LineState>();
    value::<ShownStatus>();
    value::<Party>();
    shared::<FaultHost>();
    cheap_clone::<Fault>();
    cheap_clone::<TestRoom>();
};

/// An implementation needs no other crate for the traits.
#[expect(dead_code)]
fn traits_are_reexported<T>(stream: impl Stream<Item = T>, store: &dyn InstallationStore) {
    #[glance_sdk::store::async_trait]
    trait Asynchronous {
        async fn runs(&self);
    }
    #[glance_host::storage::async_trait]
    impl Asynchronous for () {
        async fn runs(&self) {}
    }
    drop((stream, store));
}

#[test]
fn debug_output_has_no_secrets() {
    let data = InstallationData::new(
        "id".into(),
        "topsecret".into(),
        "https://a.example",
        1.into(),
    );
    let endpoints = Endpoints::new("https://a.example/token", "https://a.example/v2/");
    let installation = Installation::new(data, endpoints);
    assert_eq!(installation, installation.clone());
    let add_on = AddOn::new("com.example.builds", "Builds").state("topsecret");
    let shown = format!("{installation:?} {add_on:?}");
    assert!(!shown.contains("topsecret"), "{shown}");
    assert!(shown.contains("com.example.builds"), "{shown}");
}
