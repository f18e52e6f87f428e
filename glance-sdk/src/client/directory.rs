//! Rooms and people: who is where.

use super::Client;
use super::list::List;
use super::push::{Room, User};
use crate::Result;
use crate::model::webhook;
use crate::model::{RoomDetails, UserDetails};

impl Client {
    /// The rooms of the group that the add-on may see. It needs the scope `view_group`.
    pub fn rooms(&self) -> List<webhook::Room> {
        List::new(self, ["room"])
    }

    /// The people of the group. It needs the scope `view_group`.
    pub fn users(&self) -> List<webhook::User> {
        List::new(self, ["user"])
    }
}

impl Room<'_> {
    /// What the host knows of the room. It needs the scope `view_group` or `view_room`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is no such room.
    pub async fn get(&self) -> Result<RoomDetails> {
        self.client.read(&["room", &self.room]).await
    }

    /// Who is in the room now. It needs the scope `view_group` or `view_room`.
    pub fn participants(&self) -> List<UserDetails> {
        List::new(self.client, ["room", &self.room, "participant"])
    }

    /// Who may enter the room; private rooms have such a list. It needs the scope `view_group` or
    /// `view_room`.
    pub fn members(&self) -> List<UserDetails> {
        List::new(self.client, ["room", &self.room, "member"])
    }
}

impl User<'_> {
    /// What the host knows of the person. It needs the scope `view_group`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is no such person.
    pub async fn get(&self) -> Result<UserDetails> {
        self.client.read(&["user", &self.user]).await
    }
}
