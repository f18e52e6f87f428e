//! The macros of `glance-sdk`, where they are documented.

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

/// Makes a glance of an `async fn`: its descriptor entry and the answer to its signed query.
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
/// The function stays what it is, and its built-in attributes reach what belongs to it: a `#[cfg]` on the
/// function or on an argument, `#[allow]`, `#[expect]`, `#[deprecated]` and documentation. Beside it
/// stands a type of the same name, so that one `use` brings both; `AddOn::glance::<incidents>()` registers it, and `push::<incidents>(data)` takes
/// its data only. A function named like its crate, such as `on_call` in `src/lib.rs` of the crate `on_call`, is
/// found by tests and other crates; where they write `use on_call::{add_on, on_call};` the compiler says E0432,
/// because the name of the crate comes into its own way: write `use ::on_call::{add_on, on_call};`. Its arguments are extractors: `GlanceQuery`, `State<T>`, or any other
/// `FromRequestParts`. It returns `GlanceData<M>`, or a `Result` of it whose error is `Failure` or
/// another `IntoResponse`.
///
/// | argument | meaning |
/// |---|---|
/// | `key = "..."` | required, like the other texts a literal or a constant; 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on |
/// | `name = "..."` | required; shown where there is no data |
/// | `icon = "..."` | required; an address, absolute or from the add-on's base URL |
/// | `icon_2x = "..."` | the icon for dense screens; the same where absent |
/// | `target = "..."` | the key of the web panel, dialog or external page that a click opens |
/// | `weight = n` | sorts glances, ascending from the top; 100 where absent |
/// | `when(...)` | when it shows: an expression over the fields of the metadata |
/// | `conditions = expr` | raw conditions, an `impl IntoIterator<Item = Condition>` |
/// | `crate = path` | where `glance_sdk` is found under another name |
///
/// # `when`
///
/// An ordinary Boolean expression, checked by rustc against the metadata's type: fields
/// (`a.b.c` nests), `&&`, `||`, `!`, parentheses, `==`, `!=`, and for numbers `<`, `<=`, `>` and
/// `>=`. A `bool` field may stand alone. What the host knows by itself is written as a path:
/// `room::is_public`, `user::is_admin`, `user::is_guest`, `user::is_room_owner`. The right side
/// of a comparison is any Rust expression of the field's type: a literal, a constant, or of an
/// enum a variant, `state == State::Open`. On a field that is missing every comparison is false,
/// and `!=` is true. `glance_sdk::metadata::GlanceMetadata` says what a field may be.
#[proc_macro_attribute]
pub fn glance(args: TokenStream, item: TokenStream) -> TokenStream {
    glance::expand(args.into(), item.into()).into()
}

/// Makes a webhook of an `async fn`: its descriptor entry and the answer to the host's calls.
///
/// ```
/// use glance_sdk::model::webhook::RoomMessage;
/// use glance_sdk::model::{Color, Notification};
/// use glance_sdk::prelude::*;
///
/// /// Says which build is asked for.
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
/// The first argument is what happened; the others are extractors: `State<T>`, `Installations`, or
/// any other `FromRequestParts`. What the function returns is the answer: nothing, a `Notification`
/// that the host writes into the room, or an `Option` or `Result` of these.
///
/// Every call is signed, and its body must agree with its token; see `WebhookRequest`.
///
/// | argument | meaning |
/// |---|---|
/// | `event = E` | required; one of the ten types of `model::webhook` that implement `RoomEvent` |
/// | `pattern = "..."` | a regular expression, Python's, that a message must match; for `RoomMessage` and `RoomNotification` |
/// | `key = "..."` | a literal or a constant: 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on; the function's name where absent |
/// | `name = "..."` | a name for people |
/// | `crate = path` | where `glance_sdk` is found under another name |
///
/// A host takes up to 10 webhooks a room.
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

/// Makes a label; documented at `glance_sdk::label`.
#[proc_macro]
pub fn label(input: TokenStream) -> TokenStream {
    let expanded = syn::parse(input).and_then(label::expand);
    expanded
        .unwrap_or_else(|error| {
            // A label all the same, so that this stays the only error.
            let error = error.into_compile_error();
            quote!({ #error; ::glance_sdk::model::Label::html("") })
        })
        .into()
}

/// The same tokens, for errors that stand at `place`.
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

/// Errors found so far: all are reported at once, each at its word.
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
