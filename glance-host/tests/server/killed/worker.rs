//! An add-on and a person that change this and that until the host is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::ledger::{Done, Thing};
use super::{Chance, Group, session};
use crate::browser::Browser;
use crate::process::Server;

/// How many glances, actions and webhooks each add-on has or has not.
const KEYS: u64 = 5;

pub(super) struct Worker {
    server: Arc<Server>,
    group: Group,
    /// The name of the add-on; it has the person's as well.
    name: String,
    chance: Chance,
    /// The add-on of an earlier round that is removed sooner or later.
    old: Option<String>,
    token: String,
    ann: Browser,
    person: u64,
    browser: Browser,
    room: Option<u64>,
    /// The values of things that have one.
    values: BTreeMap<Thing, String>,
    /// The things that the current request changes, and their owners.
    at: Vec<(String, Thing)>,
}

/// Returns the error of an answer that says so. A redirect is the answer to a form.
async fn accepted(request: RequestBuilder) -> reqwest::Result<reqwest::Response> {
    request.send().await?.error_for_status()
}

fn named(key: &str, name: &str) -> Value {
    let icon = "https://example.com/i.png";
    json!({ "key": key, "name": { "value": name }, "icon": { "url": icon, "url@2x": icon } })
}

impl Worker {
    pub(super) fn new(
        server: Arc<Server>,
        group: Group,
        name: String,
        chance: Chance,
        old: Option<String>,
    ) -> Self {
        Self {
            ann: group.ann(&server),
            browser: server.browser(),
            server,
            group,
            name,
            chance,
            old,
            token: String::new(),
            person: 0,
            room: None,
            values: BTreeMap::new(),
            at: Vec::new(),
        }
    }

    /// Works until the host is gone.
    pub(super) async fn work(mut self) {
        let gone = self.work_on().await.unwrap_err();
        assert!(gone.status().is_none(), "{}: {gone}", self.name);
        for (whose, thing) in self.at {
            self.group.ledger.add(&whose, Done::Unknown(thing));
        }
    }

    async fn work_on(&mut self) -> reqwest::Result<()> {
        self.at = vec![(self.name.clone(), Thing::Installation)];
        let url = self.group.add_on.url(&self.name);
        let status = self.ann.install(1, &url).await?;
        assert!(status.is_success(), "{status}");
        self.done(Thing::Installation, Some("yes".to_owned()));
        self.request_token().await?;
        self.sign_in().await?;
        let path = format!("/v2/user/@{}", self.name);
        let person = self.server.get(&self.group.token, &path).await?;
        self.person = person["id"].as_u64().unwrap();
        for step in 0.. {
            self.step(step).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: u64) -> reqwest::Result<()> {
        let key = self.chance.below(KEYS);
        let name = &self.name;
        let text = format!("{name} says {step}");
        match self.chance.below(19) {
            0 => self.request_token().await,
            1 => {
                let (path, old) = (
                    format!("/v2/oauth/token/{}", self.token),
                    self.token.clone(),
                );
                let request = self.request(Method::DELETE, &old, &path);
                self.change(Thing::Token(old), None, request).await?;
                self.request_token().await
            }
            2 | 3 => {
                let (thing, value) = (Thing::Glance(key), format!("Step {step}"));
                let body = named(&format!("glance-{key}"), &value);
                self.toggle(thing, value, &body).await
            }
            4 => {
                let (thing, value) = (Thing::Action(key), format!("Step {step}"));
                let mut body = named(&format!("action-{key}"), &value);
                body["location"] = "hipchat.input.action".into();
                body["target"] = "panel".into();
                self.toggle(thing, value, &body).await
            }
            5 => {
                let (thing, value) = (Thing::Webhook(key), format!("Step {step}"));
                let url = "https://example.invalid/hook";
                let body = json!({ "key": format!("webhook-{key}"), "name": value, "url": url,
                                   "event": "room_topic_change", "authentication": "jwt" });
                self.toggle(thing, value, &body).await
            }
            6 => self.push("declared-0", "/v2/addon/ui/room/1", step).await,
            7 => {
                let path = "/v2/addon/ui/room/1/user/@Ann";
                self.push("declared-1", path, step).await
            }
            8 => {
                let token = &self.token;
                self.server.notify(token, &text).await?;
                self.add(Done::Said(text));
                Ok(())
            }
            9 => {
                let path = "/v2/room/1/message";
                let request = self.request(Method::POST, &self.token, path);
                accepted(request.json(&json!({ "message": text }))).await?;
                self.add(Done::Said(text));
                Ok(())
            }
            10 => {
                let path = "/v2/user/@Ann/message";
                let request = self.request(Method::POST, &self.token, path);
                let body = json!({ "message": text, "message_format": "text" });
                accepted(request.json(&body)).await?;
                self.add(Done::Told(text));
                Ok(())
            }
            11 | 12 => self.change_room(step).await,
            13 => self.change_membership().await,
            14 if self.is_signed_in() => {
                let request = self.browser.request(Method::POST, "/rooms/1/timeline");
                accepted(request.json(&json!({ "text": text }))).await?;
                self.add(Done::Said(text));
                Ok(())
            }
            15 if self.is_signed_in() => {
                let request = self.browser.request(Method::POST, "/sign-out");
                self.change(self.session(), None, request).await?;
                self.browser.cookies.clear();
                Ok(())
            }
            14 | 15 if !self.has(&Thing::IsRemoved(self.person)) => self.sign_in().await,
            16 if !self.has(&Thing::IsRemoved(self.person)) => {
                let thing = Thing::IsAdmin(self.person);
                let (role, value) = match self.has(&thing) {
                    true => ("member", None),
                    false => ("admin", Some("yes".to_owned())),
                };
                let path = format!("/people/{}/role", self.person);
                let request = self.ann.request(Method::POST, &path);
                self.change(thing, value, request.form(&[("role", role)]))
                    .await
            }
            17 => self.remove_or_restore_person().await,
            18 => self.remove_old().await,
            // The person is removed and can do nothing.
            _ => Ok(()),
        }
    }

    fn has(&self, thing: &Thing) -> bool {
        self.values.contains_key(thing)
    }

    fn request(&self, method: Method, token: &str, path: &str) -> RequestBuilder {
        let request = self.server.client.request(method, self.server.url(path));
        request.bearer_auth(token)
    }

    fn add(&self, done: Done) {
        self.group.ledger.add(&self.name, done);
    }

    /// Notes that the host acknowledged a change.
    fn done(&mut self, thing: Thing, value: Option<String>) {
        self.at.clear();
        match &value {
            Some(value) => drop(self.values.insert(thing.clone(), value.clone())),
            None => drop(self.values.remove(&thing)),
        }
        self.add(Done::Set(thing, value));
    }

    /// Changes a thing.
    async fn change(
        &mut self,
        thing: Thing,
        value: Option<String>,
        request: RequestBuilder,
    ) -> reqwest::Result<()> {
        self.at = vec![(self.name.clone(), thing.clone())];
        accepted(request).await?;
        self.done(thing, value);
        Ok(())
    }

    /// Deletes things that go together.
    async fn delete_all(
        &mut self,
        things: Vec<Thing>,
        request: RequestBuilder,
    ) -> reqwest::Result<()> {
        let all = things.iter().cloned();
        self.at = all.map(|thing| (self.name.clone(), thing)).collect();
        accepted(request).await?;
        for thing in things {
            self.done(thing, None);
        }
        Ok(())
    }

    /// Creates or replaces an extension, or deletes it.
    async fn toggle(&mut self, thing: Thing, value: String, body: &Value) -> reqwest::Result<()> {
        let path = thing.path();
        let (request, value) = match self.has(&thing) && self.chance.below(2) == 0 {
            true => (self.request(Method::DELETE, &self.token, &path), None),
            false => {
                let request = self.request(Method::PUT, &self.token, &path).json(body);
                (request, Some(value))
            }
        };
        self.change(thing, value, request).await
    }

    async fn request_token(&mut self) -> reqwest::Result<()> {
        let (id, secret) = self.group.add_on.installation(&self.name);
        self.token = self.server.token(&id, &secret).await?;
        self.done(Thing::Token(self.token.clone()), Some("yes".to_owned()));
        Ok(())
    }

    async fn push(&mut self, key: &'static str, path: &str, number: u64) -> reqwest::Result<()> {
        let label = format!("{} pushed {key} {number}.", self.name);
        let label = json!({ "type": "html", "value": label });
        let body = json!({ "glance": [{ "key": key, "content": { "label": label } }] });
        let request = self.request(Method::POST, &self.token, path);
        accepted(request.json(&body)).await?;
        self.add(Done::Pushed { key, number });
        Ok(())
    }

    /// Creates a private room, changes its topic, archives it, or deletes it.
    async fn change_room(&mut self, step: u64) -> reqwest::Result<()> {
        let topic = format!("Step {step}");
        let value = |is_archived: bool| Some(format!("\"{topic}\" {is_archived}"));
        let Some(room) = self.room else {
            let name = format!("{} {step}", self.name);
            let body = json!({ "name": name, "privacy": "private", "topic": topic });
            let request = self.request(Method::POST, &self.group.token, "/v2/room");
            let created = accepted(request.json(&body)).await?;
            let created: Value = created.json().await?;
            let room = created["id"].as_u64().unwrap();
            self.room = Some(room);
            self.done(Thing::Room(room), value(false));
            return Ok(());
        };
        let thing = Thing::Room(room);
        let is_archived = self.values[&thing].ends_with("true");
        let path = thing.path();
        match self.chance.below(3) {
            0 => {
                let request = self.request(Method::DELETE, &self.group.token, &path);
                let person = self.person;
                let all = [thing, Thing::Member { room, person }];
                let all = all.into_iter().filter(|thing| self.has(thing));
                let all: Vec<_> = all.collect();
                self.delete_all(all, request).await?;
                self.room = None;
                Ok(())
            }
            1 if !is_archived => {
                let request = self.request(Method::PUT, &self.group.token, &path);
                let request = request.json(&json!({ "topic": topic, "is_archived": true }));
                self.change(thing, value(true), request).await
            }
            _ => {
                let request = self.request(Method::PUT, &self.group.token, &path);
                let request = request.json(&json!({ "topic": topic, "is_archived": false }));
                self.change(thing, value(false), request).await
            }
        }
    }

    async fn change_membership(&mut self) -> reqwest::Result<()> {
        let (Some(room), person) = (self.room, self.person) else {
            return Ok(());
        };
        if self.has(&Thing::IsRemoved(person)) {
            return Ok(());
        }
        let thing = Thing::Member { room, person };
        let (method, value) = match self.has(&thing) {
            true => (Method::DELETE, None),
            false => (Method::PUT, Some("yes".to_owned())),
        };
        let request = self.request(method, &self.group.token, &thing.path());
        self.change(thing, value, request).await
    }

    fn is_signed_in(&self) -> bool {
        self.has(&self.session())
    }

    fn session(&self) -> Thing {
        Thing::Session(session(&self.browser))
    }

    async fn sign_in(&mut self) -> reqwest::Result<()> {
        let request = self.browser.request(Method::POST, "/sign-in");
        let form = [("name", &*self.name), ("to", "/")];
        let (status, _, page) = self.browser.send(request.form(&form)).await?;
        assert_eq!(status, 303, "{page}");
        self.done(self.session(), Some("yes".to_owned()));
        Ok(())
    }

    /// Removes the person, which ends their session and their role in the same transaction, or lets them come back.
    async fn remove_or_restore_person(&mut self) -> reqwest::Result<()> {
        let (person, thing) = (self.person, Thing::IsRemoved(self.person));
        let is_removed = !self.has(&thing);
        let path = format!("/people/{person}/removed");
        let request = self.ann.request(Method::POST, &path);
        let request = request.form(&[("removed", is_removed)]);
        let session = self.session();
        let member = self.room.map(|room| Thing::Member { room, person });
        let member = member.filter(|member| self.has(member));
        let role = Thing::IsAdmin(person);
        let all = [session.clone(), role.clone(), thing.clone()];
        let all = all.into_iter().chain(member.clone());
        self.at = all.map(|thing| (self.name.clone(), thing)).collect();
        accepted(request).await?;
        if is_removed {
            self.done(thing, Some("yes".to_owned()));
            for thing in [session, role] {
                if self.has(&thing) {
                    self.done(thing, None);
                }
            }
            self.browser.cookies.clear();
            // No list contains a removed person, who stays a member.
            if let Some(member) = member {
                self.add(Done::Unknown(member));
            }
        } else {
            self.done(thing, None);
            if let Some(member) = member {
                self.done(member, Some("yes".to_owned()));
            }
        }
        Ok(())
    }

    /// Removes the add-on of an earlier round.
    async fn remove_old(&mut self) -> reqwest::Result<()> {
        let Some(old) = self.old.clone() else {
            return Ok(());
        };
        if !self.group.ledger.is_installed(&old) {
            return Ok(());
        }
        let (id, _) = self.group.add_on.installation(&old);
        self.at = vec![(old.clone(), Thing::Installation)];
        let path = format!("/rooms/1/integrations/{id}/remove");
        accepted(self.ann.request(Method::POST, &path)).await?;
        self.at.clear();
        self.old = None;
        let removed = Done::Set(Thing::Installation, None);
        self.group.ledger.add(&old, removed);
        Ok(())
    }
}
