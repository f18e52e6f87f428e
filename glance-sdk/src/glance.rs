//! The traits that `#[glance]` implements.
//!
//! ```
//! use glance_sdk::glance::Glance;
//! use glance_sdk::prelude::*;
//!
//! #[glance(key = "hello", name = "Hello", icon = "/hello.svg", weight = 10)]
//! async fn hello() -> GlanceData {
//!     GlanceData::new(label!("Hello"))
//! }
//!
//! assert_eq!(hello::KEY, "hello");
//! assert_eq!(hello::descriptor().weight, Some(10));
//! assert!(hello::when().is_none());
//! ```

use crate::metadata::{GlanceMetadata, Test};
use crate::model::{self, GlanceData};

/// The static half of a glance: its key, its descriptor entry and the type of its metadata.
///
/// `#[glance]` implements this trait for a struct with the name of the function. To do without the
/// macro, implement this trait and `GlanceHandler`, whose documentation has a complete example.
///
/// ```
/// use glance_sdk::glance::Glance;
/// use glance_sdk::metadata::NoMetadata;
/// use glance_sdk::model::{self, Icon};
///
/// struct Clock;
///
/// impl Glance for Clock {
///     const KEY: &'static str = "clock";
///     type Metadata = NoMetadata;
///
///     fn descriptor() -> model::Glance {
///         model::Glance::new(Self::KEY, "Clock", Icon::new("/clock.svg")).weight(10)
///     }
/// }
/// ```
pub trait Glance: 'static {
    /// The glance's key.
    const KEY: &'static str;

    /// The metadata that conditions may test.
    type Metadata: GlanceMetadata;

    /// Returns the descriptor entry, without `queryUrl`. URLs may be relative to the add-on's base
    /// URL; the add-on makes them absolute.
    fn descriptor() -> model::Glance;

    /// Returns the condition under which hosts show the glance, or `None` to show it always. Hosts
    /// also require the raw conditions of the descriptor entry.
    ///
    /// ```
    /// use glance_sdk::glance::Glance;
    /// use glance_sdk::prelude::*;
    ///
    /// #[derive(Serialize, GlanceMetadata)]
    /// struct Incidents { open: u32 }
    ///
    /// #[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > 0))]
    /// async fn incidents() -> GlanceData<Incidents> {
    ///     GlanceData::new(label!("<b>4</b> incidents")).metadata(Incidents { open: 4 })
    /// }
    ///
    /// assert_eq!(incidents::when(), Some(Incidents::attributes().open().greater_than(0)));
    /// ```
    fn when() -> Option<Test> {
        None
    }
}

/// A glance whose data may differ per person, so that it can be pushed to one person.
///
/// `#[glance]` implements this trait, except with `audience = "room"`: everyone in a room sees the
/// data of such a glance, and hosts refuse pushes to one person. Implement it for a glance that you
/// write without the macro, unless its descriptor entry has [`Audience::Room`](model::Audience::Room).
///
/// ```
/// use glance_sdk::glance::{Glance, PersonalGlance};
/// use glance_sdk::metadata::NoMetadata;
/// use glance_sdk::model::{self, Icon};
///
/// struct Reviews;
///
/// impl Glance for Reviews {
///     const KEY: &'static str = "reviews";
///     type Metadata = NoMetadata;
///
///     fn descriptor() -> model::Glance {
///         model::Glance::new(Self::KEY, "Reviews", Icon::new("/reviews.svg"))
///     }
/// }
///
/// impl PersonalGlance for Reviews {}
/// ```
#[diagnostic::on_unimplemented(
    message = "the glance `{Self}` cannot be pushed to one person: everyone in a room sees the same data",
    label = "this glance has `audience = \"room\"`, or does not implement `PersonalGlance`",
    note = "push it to the room or to the group, or remove `audience = \"room\"`",
    note = "a glance without `#[glance]` implements `PersonalGlance` if its data differs per person"
)]
pub trait PersonalGlance: Glance {}

/// Returns the complete descriptor entry of a glance, with the path of its query and the conditions
/// of `when`.
#[cfg(feature = "client")]
pub(crate) fn entry(
    mut glance: model::Glance,
    when: Option<Test>,
) -> std::result::Result<model::Glance, String> {
    glance.query_url = Some(query_path(&glance.key));
    if let Some(when) = when {
        let conditions = when
            .lower()
            .map_err(|cause| format!("the condition of the glance `{}`: {cause}", glance.key))?;
        glance.conditions.get_or_insert_default().extend(conditions);
    }
    Ok(glance)
}

/// Returns the path of a glance's query.
#[cfg(feature = "client")]
pub(crate) fn query_path(key: &str) -> String {
    format!("/glance/{key}")
}

/// The dynamic half of a glance: it answers the host's query, in an add-on with state `S`.
///
/// ```
/// use glance_sdk::axum::extract::FromRequestParts;
/// use glance_sdk::axum::http::request::Parts;
/// use glance_sdk::axum::response::Response;
/// use glance_sdk::extract::GlanceQuery;
/// use glance_sdk::glance::{Glance, GlanceHandler};
/// use glance_sdk::metadata::NoMetadata;
/// use glance_sdk::model::{self, GlanceData, Icon, Label};
///
/// struct Clock;
///
/// impl Glance for Clock {
///     const KEY: &'static str = "clock";
///     type Metadata = NoMetadata;
///
///     fn descriptor() -> model::Glance {
///         model::Glance::new(Self::KEY, "Clock", Icon::new("/clock.svg"))
///     }
/// }
///
/// impl<S: Send + Sync> GlanceHandler<S> for Clock {
///     async fn query(parts: &mut Parts, state: &S) -> Result<GlanceData, Response> {
///         let query = GlanceQuery::from_request_parts(parts, state).await?;
///         Ok(GlanceData::new(Label::text(query.time_zone().unwrap_or("UTC"))))
///     }
/// }
///
/// let add_on = glance_sdk::AddOn::new("com.example.clock", "Clock").glance::<Clock>();
/// # add_on.build("https://clock.example.com").unwrap();
/// ```
#[cfg(feature = "server")]
#[diagnostic::on_unimplemented(
    message = "the glance `{Self}` cannot be answered by an add-on with state `{S}`",
    note = "each argument of its function must be an extractor: `GlanceQuery`, `State<T>`, or \
            another `FromRequestParts<{S}>`"
)]
pub trait GlanceHandler<S>: Glance {
    /// Answers a query whose signed request was verified. Extractors find the request in `parts`.
    fn query(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> impl Future<
        Output = std::result::Result<GlanceData<Self::Metadata>, axum::response::Response>,
    > + Send;
}

/// An argument of a `#[glance]` or `#[webhook]` function in an add-on with state `S`. Every
/// [`FromRequestParts`](axum::extract::FromRequestParts) is one.
#[cfg(feature = "server")]
#[diagnostic::on_unimplemented(
    message = "a handler in an add-on with state `{S}` cannot take `{Self}`",
    label = "this handler cannot be added here",
    note = "handlers get the state that the add-on has when they are added: call `.state(...)` before \
            `.glance` and `.webhook`",
    note = "an argument is `GlanceQuery`, `State<T>`, `Installations` or another `FromRequestParts<{S}>`"
)]
pub trait HandlerArgument<S>: axum::extract::FromRequestParts<S> {}

#[cfg(feature = "server")]
#[diagnostic::do_not_recommend]
impl<S, T: axum::extract::FromRequestParts<S>> HandlerArgument<S> for T {}

/// An argument of a `#[glance]` function with `audience = "room"`: its value does not depend on the
/// person who looks.
///
/// A host may query such a glance once for everyone in a room, in its own name. Its function takes
/// [`RoomQuery`](crate::extract::RoomQuery), [`State`](axum::extract::State) and other values of the
/// add-on, but not [`GlanceQuery`](crate::extract::GlanceQuery),
/// [`SignedRequest`](crate::extract::SignedRequest) or [`Viewer`](crate::extract::Viewer), which
/// name the person, nor an extractor of the raw request, which contains their token.
///
/// | argument | value |
/// |---|---|
/// | [`RoomQuery`](crate::extract::RoomQuery) | the room and the installation |
/// | [`InstanceId`](crate::extract::InstanceId) | a part of the glance's key |
/// | [`State`](axum::extract::State), [`BaseUrl`](crate::BaseUrl), [`Installations`](crate::client::Installations), [`Pusher`](crate::client::Pusher) | belong to the add-on, not to a request |
///
/// Implement it for your own extractor if everyone in a room gets an equal value:
///
/// ```
/// use glance_sdk::axum::extract::FromRequestParts;
/// use glance_sdk::axum::http::request::Parts;
/// use glance_sdk::axum::response::Response;
/// use glance_sdk::glance::RoomArgument;
/// use glance_sdk::prelude::*;
///
/// /// The repository that a room follows.
/// struct Repository(String);
///
/// impl RoomArgument for Repository {}
///
/// impl<S: Send + Sync> FromRequestParts<S> for Repository {
///     type Rejection = Response;
///
///     async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
///         let query = RoomQuery::from_request_parts(parts, state).await?;
///         Ok(Self(format!("repository-{}", query.room_id())))
///     }
/// }
///
/// #[glance(key = "builds", name = "Builds", icon = "/build.svg", audience = "room")]
/// async fn builds(Repository(name): Repository) -> GlanceData {
///     GlanceData::new(label!("<b>{name}</b> is green"))
/// }
/// ```
///
/// Other extractors do not compile:
///
/// ```compile_fail
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "hello", name = "Hello", icon = "/hello.svg", audience = "room")]
/// async fn hello(query: GlanceQuery) -> GlanceData {
///     GlanceData::new(label!("Hello, user {}", query.user_id().map_or(0, UserId::get)))
/// }
/// ```
#[cfg(feature = "server")]
#[diagnostic::on_unimplemented(
    message = "a glance with `audience = \"room\"` cannot take `{Self}`: everyone in the room sees the \
               same data",
    label = "this argument may depend on the person",
    note = "`RoomQuery` has the room and the installation of the query, but not the person",
    note = "an extractor of your own that does not depend on the person may implement `RoomArgument`",
    note = "if people see different data, remove `audience = \"room\"`"
)]
pub trait RoomArgument {}

#[cfg(feature = "server")]
impl<T> RoomArgument for axum::extract::State<T> {}

#[cfg(feature = "server")]
impl RoomArgument for crate::BaseUrl {}

#[cfg(feature = "server")]
impl RoomArgument for crate::client::Installations {}

#[cfg(feature = "server")]
impl RoomArgument for crate::client::Pusher {}

#[cfg(feature = "server")]
impl RoomArgument for crate::extract::InstanceId {}

/// The type of an argument whose `#[cfg]` does not hold.
#[cfg(feature = "server")]
#[diagnostic::do_not_recommend]
impl RoomArgument for () {}

/// Checks an argument of a glance with `audience = "room"`.
#[doc(hidden)]
#[cfg(feature = "server")]
pub const fn check_room_argument<T: RoomArgument>() {}

/// The error of a `#[glance]` or `#[webhook]` function: [`Failure`](crate::Failure), or another
/// [`IntoResponse`](axum::response::IntoResponse).
///
/// ```
/// use glance_sdk::axum::http::StatusCode;
/// use glance_sdk::axum::response::{IntoResponse, Response};
/// use glance_sdk::prelude::*;
///
/// struct FarmIsDown;
///
/// impl IntoResponse for FarmIsDown {
///     fn into_response(self) -> Response {
///         StatusCode::SERVICE_UNAVAILABLE.into_response()
///     }
/// }
///
/// #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
/// async fn builds() -> Result<GlanceData, FarmIsDown> {
///     Err(FarmIsDown)
/// }
/// ```
#[cfg(feature = "server")]
#[diagnostic::on_unimplemented(
    message = "a handler cannot fail with `{Self}`",
    label = "this error is not an HTTP response",
    note = "return `Result<_, Failure>`: `?` turns any error into a `Failure`",
    note = "or implement `IntoResponse` for `{Self}`"
)]
pub trait HandlerError {
    /// Converts the error into the response.
    fn into_response(self) -> axum::response::Response;
}

#[cfg(feature = "server")]
#[diagnostic::do_not_recommend]
impl<E: axum::response::IntoResponse> HandlerError for E {
    fn into_response(self) -> axum::response::Response {
        axum::response::IntoResponse::into_response(self)
    }
}

/// The return type of a `#[glance]` function: [`GlanceData`], or a `Result` with it.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "hello", name = "Hello", icon = "/hello.svg")]
/// async fn hello() -> GlanceData {
///     GlanceData::new(label!("Hello"))
/// }
///
/// #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
/// async fn builds() -> Result<GlanceData, Failure> {
///     let broken: u32 = "2".parse()?;
///     Ok(GlanceData::new(label!("<b>{broken}</b> broken builds")))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a glance cannot answer with `{Self}`",
    label = "return `GlanceData<M>` or `Result<GlanceData<M>, E>`"
)]
pub trait GlanceAnswer {
    /// The metadata type of the data.
    type Metadata: GlanceMetadata;
    /// The error type; in an add-on with a server it must implement `IntoResponse`.
    type Error;

    /// Returns the data or the error.
    ///
    /// # Errors
    ///
    /// Returns the error of the function.
    fn into_result(self) -> std::result::Result<GlanceData<Self::Metadata>, Self::Error>;
}

impl<M: GlanceMetadata> GlanceAnswer for GlanceData<M> {
    type Metadata = M;
    type Error = std::convert::Infallible;

    fn into_result(self) -> std::result::Result<Self, Self::Error> {
        Ok(self)
    }
}

impl<M: GlanceMetadata, E> GlanceAnswer for std::result::Result<GlanceData<M>, E> {
    type Metadata = M;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

/// Emits the server half of `#[glance]`; without the feature `server` it emits nothing.
#[doc(hidden)]
#[cfg(feature = "server")]
#[macro_export]
macro_rules! __server_half {
    ($($tokens:tt)*) => { $($tokens)* };
}

#[doc(hidden)]
#[cfg(not(feature = "server"))]
#[macro_export]
macro_rules! __server_half {
    ($($tokens:tt)*) => {};
}
