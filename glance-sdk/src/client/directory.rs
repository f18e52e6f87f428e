//! Rooms and people.

use super::Client;
use super::list::List;
use super::push::{Room, User};
use crate::Result;
use crate::model::webhook;
use crate::model::{RoomDetails, UserDetails};

impl Client {
    /// Lists the rooms of the group that the add-on may see. Requires the scope `view_group`.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = host.install_everywhere(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let rooms = client.rooms().all().await?;
    /// assert_eq!(rooms[0].name.as_deref(), Some("ops"));
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn rooms(&self) -> List<webhook::Room> {
        List::new(self, ["room"])
    }

    /// Lists the people of the group. Requires the scope `view_group`.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # host.user("ann", |_| ()).await;
    /// let users = client.users().all().await?;
    /// let ann = users.iter().find(|user| user.name.as_deref() == Some("ann"));
    /// assert!(ann.is_some());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn users(&self) -> List<webhook::User> {
        List::new(self, ["user"])
    }
}

impl Room<'_> {
    /// Reads the room's details. Requires the scope `view_group` or `view_room`.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let details = client.room(room_id).get().await?;
    /// assert_eq!(details.name.as_deref(), Some("ops"));
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the room does not exist.
    pub async fn get(&self) -> Result<RoomDetails> {
        self.client.read(&["room", &self.room]).await
    }

    /// Lists the people who are in the room now. Requires the scope `view_group` or `view_room`.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let _ann = room.viewer("ann").await;
    /// let participants = client.room(room_id).participants().all().await?;
    /// assert_eq!(participants[0].name.as_deref(), Some("ann"));
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn participants(&self) -> List<UserDetails> {
        List::new(self.client, ["room", &self.room, "participant"])
    }

    /// Lists the people who may enter the private room. Requires the scope `view_group` or
    /// `view_room`.
    pub fn members(&self) -> List<UserDetails> {
        List::new(self.client, ["room", &self.room, "member"])
    }
}

impl User<'_> {
    /// Reads the person's details. Requires the scope `view_group`.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let user_id = host.user("ann", |_| ()).await.id;
    /// let details = client.user(user_id).get().await?;
    /// assert_eq!(details.name.as_deref(), Some("ann"));
    /// println!("It is {} for her", details.timezone.unwrap_or_default());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the person does not exist.
    pub async fn get(&self) -> Result<UserDetails> {
        self.client.read(&["user", &self.user]).await
    }
}
