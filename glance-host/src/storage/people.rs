//! The storage of people, and of the identities with which they sign in.

use std::fmt;

use async_trait::async_trait;
use glance_sdk::model::UserId;

use super::{Effects, Result, SignInEffects};
use crate::model::{Identity, User};

/// Stores people.
#[async_trait]
pub trait PeopleStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the account for people without a name who look at rooms on other sites. The first call creates it. Only
    /// [`user`](Self::user) and [`users_by_id`](Self::users_by_id) find it, by its id, and nothing changes it.
    async fn embed_guest(&self) -> Result<User>;

    /// Returns the person with this id, removed or not.
    async fn user(&self, id: UserId) -> Result<Option<User>>;

    /// Returns all people who were not removed, by id.
    async fn users(&self) -> Result<Vec<User>>;

    /// Returns the people who were removed, by id.
    async fn removed_users(&self) -> Result<Vec<User>>;

    /// Lists people by id, without removed ones and without the first `skip`, and without guests unless
    /// `guests` is set.
    async fn list_users(&self, guests: bool, skip: u64, at_most: u32) -> Result<Vec<User>>;

    /// Returns the people with these ids, removed or not, by id.
    async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<User>>;

    /// Finds the people with these mention names in any case, by id, without removed ones.
    async fn users_mentioned(&self, names: &[String]) -> Result<Vec<User>>;

    /// Lists people whose mention name starts with these letters in any case, by mention name, without removed people
    /// and guests.
    async fn users_to_mention(&self, starts: &str, at_most: u32) -> Result<Vec<User>>;

    /// Finds the person with this email address, unless they were removed. Ignores the case of ASCII letters.
    async fn find_user_by_email(&self, email: &str) -> Result<Option<User>>;

    /// Returns the admin with the lowest id who was not removed.
    async fn first_admin(&self) -> Result<Option<User>>;

    /// Finds the person with this name, removed or not.
    async fn find_user(&self, name: &str) -> Result<Option<User>>;

    /// Finds or creates the person with this name.
    async fn get_or_create_user(&self, name: &str) -> Result<User>;

    /// Overwrites a person without comparing the current state, even if no admin remains. Decisions about people need
    /// [`change_person`](Self::change_person).
    async fn update_user(&self, user: &User) -> Result<()>;

    /// Replaces `before` by `after` if the stored person still equals `before`. If `after` is removed, this also does
    /// what [`remove_person`](Self::remove_person) does. The effects are those of [`PersonChange::Done`].
    async fn change_person(
        &self,
        before: &User,
        after: &User,
        effects: Effects,
    ) -> Result<PersonChange>;

    /// Removes a person: ends their admin role, and deletes their sessions and the private messages to them. Their
    /// memberships of rooms stay stored, in case an admin restores them. The effects are those of
    /// [`PersonChange::Done`].
    async fn remove_person(&self, id: UserId, effects: Effects) -> Result<PersonChange>;

    /// Changes a person's time zone and nothing else.
    async fn set_timezone(&self, user: UserId, timezone: &str) -> Result<()>;

    /// Finds or creates the person for this identity, and stores its attributes. Returns the person before and after; a
    /// new person has neither role nor email address before. A removed person does not change.
    async fn sign_in(&self, identity: &Identity, effects: SignInEffects) -> Result<SignedIn>;
}

/// A person who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The person as they were stored.
    pub before: User,
    /// The person as they are stored now.
    pub after: User,
}

/// The outcome of a change to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum PersonChange {
    /// The change is stored.
    Done,
    /// The stored person differs from `before`: read it and retry.
    Stale,
    /// Another person has the new name.
    NameTaken,
    /// The change would leave the group without an admin.
    LastAdmin,
    /// There is no such person, or the account is the host's own.
    Gone,
}
