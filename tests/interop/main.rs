//! Add-ons on the frameworks of others, and clients of others, against the real host.
//!
//! `README.md` says what they are. What is not installed is skipped, unless `GLANCE_INTEROP` names it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod clients;
mod program;
mod secure;
#[path = "../skipped.rs"]
mod skipped;
mod tally;

use tally::{Forgers, Tally};

#[tokio::test]
async fn atlassian_connect_express() {
    let add_on = Tally {
        folder: "express",
        descriptor: "/atlassian-connect.json",
        // A promise is rejected unseen.
        forgers: Forgers::Unanswered,
        ..Tally::default()
    };
    add_on.comes_and_goes().await;
}

#[tokio::test]
async fn ac_koa() {
    let add_on = Tally {
        folder: "koa",
        descriptor: "/addon/capabilities",
        // The framework has answered before the add-on is told.
        answers_webhooks: false,
        creates_webhooks: true,
        ..Tally::default()
    };
    add_on.comes_and_goes().await;
}

#[tokio::test]
async fn ac_flask() {
    let add_on = Tally {
        folder: "flask",
        descriptor: "/",
        checks_credentials: true,
        ..Tally::default()
    };
    add_on.comes_and_goes().await;
}

#[tokio::test]
async fn aiohttp() {
    let add_on = Tally {
        folder: "aiohttp",
        descriptor: "/",
        // An exception is caught by nobody.
        forgers: Forgers::Fail,
        creates_webhooks: true,
        ..Tally::default()
    };
    add_on.comes_and_goes().await;
}
