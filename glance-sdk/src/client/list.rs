//! Paginated lists of a host.

use std::collections::HashSet;

use futures_util::stream::{self, TryStreamExt};
use reqwest::Url;
use serde::de::DeserializeOwned;

/// The trait that [`List::stream`] returns an implementation of.
pub use futures_util::stream::Stream;

use super::Client;
use crate::model::Page;
use crate::{Error, ErrorKind, Result};

/// The limit on pages, which no list exceeds; the client does not follow a host further.
const MOST_PAGES: usize = 10_000;

/// A paginated list of a host. The client requests each page when it is needed.
///
/// ```no_run
/// use futures_util::TryStreamExt as _;
/// use glance_sdk::client::{Client, Include};
///
/// # async fn example(client: Client) -> glance_sdk::Result<()> {
/// let mut rooms = std::pin::pin!(client.rooms().include(Include::Archived).stream());
/// while let Some(room) = rooms.try_next().await? {
///     println!("{}", room.name.unwrap_or_default());
/// }
/// let people = client.room(42).participants().all().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is asked for before `stream` or `all`"]
pub struct List<T> {
    client: Client,
    first: Result<Url>,
    item: std::marker::PhantomData<fn() -> T>,
}

/// Entries that a list contains only on request. Lists without such entries ignore it.
///
/// ```
/// use glance_sdk::client::Include;
///
/// # use glance_host::Host;
/// # use glance_sdk::AddOn;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = host.install_everywhere(AddOn::new("com.example.builds", "Builds")).await;
/// # let client = add_on.client().await;
/// # let mut archived = host.room("old").await;
/// # archived.change(|room| room.is_archived = true).await;
/// let all = client.rooms().include(Include::Archived).all().await?;
/// assert_eq!(all.len(), client.rooms().all().await?.len() + 1);
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Include {
    /// Archived rooms.
    Archived,
    /// Guests among the users.
    Guests,
    /// Deleted users.
    Deleted,
    /// Participants who are not online.
    Offline,
}

impl<T: DeserializeOwned + Send> List<T> {
    pub(super) fn new<'p>(client: &Client, path: impl IntoIterator<Item = &'p str>) -> Self {
        let path: Vec<_> = path.into_iter().collect();
        Self {
            client: client.clone(),
            first: client.url(&path),
            item: std::marker::PhantomData,
        }
    }

    /// Includes entries that the list omits by default.
    pub fn include(self, what: Include) -> Self {
        let name = match what {
            Include::Archived => "include-archived",
            Include::Guests => "include-guests",
            Include::Deleted => "include-deleted",
            Include::Offline => "include-offline",
        };
        self.query(name, "true")
    }

    /// Skips this many entries.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = host.install_everywhere(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # host.room("dev").await;
    /// let all = client.rooms().all().await?;
    /// let rest = client.rooms().skip(1).all().await?;
    /// assert_eq!((all.len(), rest.len()), (2, 1));
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn skip(self, entries: u64) -> Self {
        self.query("start-index", &entries.to_string())
    }

    /// Sets the number of entries per page. The default is 100; hosts have a maximum of their own.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = host.install_everywhere(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # host.room("dev").await;
    /// let rooms = client.rooms().page_size(1).all().await?;
    /// assert_eq!(rooms.len(), 2, "one page after the other");
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn page_size(self, entries: u32) -> Self {
        self.query("max-results", &entries.to_string())
    }

    fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.first {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Returns the entries as a stream, page after page. The stream ends after the first error.
    ///
    /// ```no_run
    /// use std::pin::pin;
    ///
    /// use futures_util::TryStreamExt as _;
    /// use glance_sdk::client::Client;
    ///
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// let mut users = pin!(client.users().stream());
    /// while let Some(user) = users.try_next().await? {
    ///     if user.mention_name.as_deref() == Some("ann") {
    ///         break; // The host is asked for no further page.
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Yields the errors of any call, and [`ErrorKind::BadAnswer`] if the address of the next page
    /// is outside the host's API (which would otherwise receive the token), repeats a page, or
    /// exceeds the limit on pages.
    pub fn stream(self) -> impl Stream<Item = Result<T>> + Send + use<T> {
        let start = Walk {
            client: self.client,
            next: Some(self.first),
            seen: HashSet::new(),
        };
        let pages = stream::try_unfold(start, async |mut walk: Walk| {
            let items = walk.page::<T>().await?;
            Ok::<_, Error>(items.map(|items| (items, walk)))
        });
        pages
            .map_ok(|items| stream::iter(items.into_iter().map(Ok)))
            .try_flatten()
    }

    /// Returns the entries of all pages.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let rooms = client.rooms().all().await?;
    /// assert_eq!(rooms.len(), 1);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`stream`](Self::stream), and discards the previous entries.
    pub async fn all(self) -> Result<Vec<T>> {
        self.stream().try_collect().await
    }
}

/// The position in the list.
struct Walk {
    client: Client,
    next: Option<Result<Url>>,
    seen: HashSet<Url>,
}

impl Walk {
    /// Returns the entries of the next page, or `None` after the last.
    async fn page<T: DeserializeOwned>(&mut self) -> Result<Option<Vec<T>>> {
        let Some(url) = self.next.take().transpose()? else {
            return Ok(None);
        };
        let page: Page<T> = self.client.read_at(&url).await?;
        let next = page.links.and_then(|links| links.next);
        // An empty page is the last, even if it names a next page.
        if let (Some(next), false) = (next, page.items.is_empty()) {
            let next = self.follow(&url, &next);
            self.next = Some(next);
        }
        self.seen.insert(url);
        Ok(Some(page.items))
    }

    fn follow(&self, from: &Url, next: &str) -> Result<Url> {
        let wrong = |what: &str| {
            let mut from = from.clone();
            from.set_query(None);
            let message = format!("the list at {from} continues at {next:?}, {what}");
            Err(Error::new(ErrorKind::BadAnswer, message))
        };
        let Ok(url) = from.join(next) else {
            return wrong("which is not a URL");
        };
        let api = self.client.url(&[])?;
        if url.origin() != api.origin() || !url.username().is_empty() {
            return wrong("which is outside the host's API");
        }
        if self.seen.contains(&url) || url == *from {
            return wrong("which is a page that it already had");
        }
        if self.seen.len() + 1 >= MOST_PAGES {
            return wrong("which exceeds the limit on pages");
        }
        Ok(url)
    }
}
