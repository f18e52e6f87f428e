//! The macros of `glance-sdk`, which documents them.

mod args;
mod builtin;
mod function;
mod glance;
mod label;
mod metadata;
mod rename;
mod webhook;
mod when;

use proc_macro::TokenStream;
use quote::{ToTokens, quote};

/// Turns an `async fn` into a glance: a descriptor entry and the handler of its signed query.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[derive(Serialize, GlanceMetadata)]
/// #[serde(rename_all = "camelCase")]
/// struct Incidents { open: u32, is_configured: bool }
///
/// #[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", target = "incidents-panel",
///          when(is_configured && open > 0))]
/// async fn incidents(query: GlanceQuery) -> GlanceData<Incidents> {
///     let open = query.room_id().get() as u32;
///     GlanceData::new(label!("<b>{open}</b> incidents"))
///         .lozenge(Lozenge::Error, "OPEN")
///         .metadata(Incidents { open, is_configured: true })
/// }
///
/// # use glance_sdk::glance::Glance;
/// assert_eq!(incidents::KEY, "incidents");
/// ```
///
/// The function itself stays unchanged. Its built-in attributes also apply to the generated items:
/// a `#[cfg]` on the function or on an argument, `#[allow]`, `#[expect]`, `#[deprecated]` and
/// documentation. The macro generates a type with the same name, so that one `use` imports both;
/// `AddOn::glance::<incidents>()` registers it, and `push::<incidents>(data)` accepts only its
/// data. The arguments of the function are extractors: `GlanceQuery`, `State<T>`, or any other
/// `FromRequestParts`. It returns `GlanceData<M>`, or a `Result` of it whose error is `Failure` or
/// another `IntoResponse`.
///
/// A function may have the name of its crate, such as `on_call` in `src/lib.rs` of the crate `on_call`. For `use on_call::{add_on, on_call};` in tests and other crates, however, the compiler reports E0432, because the import shadows the name of the crate; write `use ::on_call::{add_on, on_call};` instead.
///
/// | argument | meaning |
/// |---|---|
/// | `key = "..."` | required; like the other texts a literal or a constant; 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on |
/// | `name = "..."` | required; shown if there is no data |
/// | `icon = "..."` | required; a URL, absolute or relative to the add-on's base URL |
/// | `icon_2x = "..."` | the icon for dense screens; default: the same |
/// | `target = "..."` | the key of the web panel, dialog or external page that a click opens |
/// | `weight = n` | the position: glances are sorted in ascending order from the top; default: 100 |
/// | `audience = "room"` | everyone in a room sees the same data; see below. Default: `"person"` |
/// | `max_age = n` | with `audience = "room"`: the age from which a host queries again, in whole seconds, 1 to 86400; see below. Default: 300 |
/// | `when(...)` | the condition: an expression over the fields of the metadata |
/// | `conditions = expr` | raw conditions, an `impl IntoIterator<Item = Condition>` |
/// | `crate = path` | the path of `glance_sdk`, if it has another name |
///
/// # `audience`
///
/// Many glances are the same for everyone in a room. With `audience = "room"` a host may query such a
/// glance once for the whole room, in its own name, and show everyone the same data. Conditions
/// (`when` and `conditions`) still differ per person. Other hosts query once per person, as ever.
///
/// rustc checks that the function does not see who looks: each argument must be a
/// `glance_sdk::glance::RoomArgument`, such as `RoomQuery`, `State<T>`, `Installations` and `Pusher`, or
/// an extractor of your own that implements it. `GlanceQuery`, `SignedRequest`, `Viewer` and
/// extractors of the raw request are none. A push to one person does not compile either.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "builds", name = "Builds", icon = "/builds.svg", audience = "room")]
/// async fn builds(query: RoomQuery, State(broken): State<u32>) -> GlanceData {
///     GlanceData::new(label!("<b>{broken}</b> broken builds in room {}", query.room_id()))
/// }
///
/// let add_on = AddOn::new("com.example.builds", "Builds").state(2).glance::<builds>();
/// # add_on.build("https://builds.example.com").unwrap();
/// ```
///
/// # `max_age`
///
/// A host stores the data of a glance with `audience = "room"`. It queries again when somebody opens the
/// room and the data is at least `max_age` seconds old: a constant `i64` from 1 to 86400 (a day), which
/// rustc checks; 300 by default. A push renews the data, so an add-on that pushes each change can choose
/// a day, and one that never pushes as few seconds as its data may be late. Until the answer arrives,
/// people see the old data. The host does not query while nobody opens the room.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "queue", name = "Queue", icon = "/queue.svg", audience = "room", max_age = 60)]
/// async fn queue(State(waiting): State<u32>) -> GlanceData {
///     GlanceData::new(label!("<b>{waiting}</b> builds wait"))
/// }
///
/// # use glance_sdk::glance::Glance;
/// assert_eq!(queue::descriptor().max_age, Some(60));
/// ```
///
/// # `when`
///
/// An ordinary Boolean expression, which rustc checks against the metadata's type: fields (`a.b.c`
/// for nested ones), `&&`, `||`, `!`, parentheses, `==`, `!=`, and for numbers `<`, `<=`, `>` and
/// `>=`. A `bool` field may stand alone. Paths test the host's own state: `room::is_public`,
/// `user::is_admin`, `user::is_guest`, `user::is_room_owner`. The right side of a comparison is any
/// Rust expression of the field's type: a literal, a constant, or a variant of an enum, as in
/// `state == State::Open`. For a missing field every comparison is false, and `!=` is true.
/// `glance_sdk::metadata::GlanceMetadata` lists the allowed types of fields.
#[proc_macro_attribute]
pub fn glance(args: TokenStream, item: TokenStream) -> TokenStream {
    glance::expand(args.into(), item.into()).into()
}

/// Turns an `async fn` into a webhook: a descriptor entry and the handler of the host's calls.
///
/// ```
/// use glance_sdk::model::webhook::RoomMessage;
/// use glance_sdk::model::{Color, Notification};
/// use glance_sdk::prelude::*;
///
/// /// Replies with the requested build.
/// #[webhook(event = RoomMessage, pattern = "^/build ")]
/// async fn build(said: WebhookRequest<RoomMessage>) -> Option<Notification> {
///     let what = said.item().message.message.strip_prefix("/build ")?;
///     Some(Notification::text(format!("Building {what}.")).color(Color::Green))
/// }
///
/// # use glance_sdk::webhook::Webhook;
/// assert_eq!(build::KEY, "build");
/// let _ = AddOn::new("com.example.builds", "Builds").webhook::<build>();
/// ```
///
/// The first argument is the event; the others are extractors: `State<T>`, `Installations`, or any
/// other `FromRequestParts`. The function returns the response: `()`, a `Notification` that the
/// host posts into the room, or an `Option` or `Result` of these.
///
/// Every call is signed, and its body must match its token; see `WebhookRequest`.
///
/// | argument | meaning |
/// |---|---|
/// | `event = E` | required; one of the ten types of `model::webhook` that implement `RoomEvent` |
/// | `pattern = "..."` | a regular expression in Python's syntax that a message must match; for `RoomMessage` and `RoomNotification` |
/// | `key = "..."` | a literal or a constant: 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on; default: the function's name |
/// | `name = "..."` | a name for people |
/// | `crate = path` | the path of `glance_sdk`, if it has another name |
///
/// A host accepts up to 10 webhooks per room.
#[proc_macro_attribute]
pub fn webhook(args: TokenStream, item: TokenStream) -> TokenStream {
    webhook::expand(args.into(), item.into()).into()
}

/// Derives `GlanceMetadata`; documented at `glance_sdk::metadata::GlanceMetadata`.
#[proc_macro_derive(GlanceMetadata, attributes(glance, serde))]
pub fn glance_metadata(item: TokenStream) -> TokenStream {
    match syn::parse(item) {
        Ok(item) => metadata::expand(&item).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// Creates a label; documented at `glance_sdk::label`.
#[proc_macro]
pub fn label(input: TokenStream) -> TokenStream {
    let expanded = syn::parse(input).and_then(label::expand);
    expanded
        .unwrap_or_else(|error| {
            // Returns a label despite the error, so that this stays the only error.
            let error = error.into_compile_error();
            quote!({ #error; ::glance_sdk::model::Label::html("") })
        })
        .into()
}

/// Returns the same tokens with the span `place`, for errors.
fn located(tokens: &impl ToTokens, place: proc_macro2::Span) -> proc_macro2::TokenStream {
    tokens
        .to_token_stream()
        .into_iter()
        .map(|mut token| {
            token.set_span(token.span().located_at(place));
            token
        })
        .collect()
}

/// The errors found so far. All of them are reported together, each at its own span.
#[derive(Default)]
struct Errors(Option<syn::Error>);

impl Errors {
    fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    fn at(&mut self, place: impl quote::ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(place, message));
    }

    fn into_tokens(self) -> Option<proc_macro2::TokenStream> {
        self.0.map(syn::Error::into_compile_error)
    }
}
