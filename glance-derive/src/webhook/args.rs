//! The arguments of `#[webhook(...)]`.

use proc_macro2::{Span, TokenStream};
use syn::parse::ParseStream;
use syn::{Ident, Path};

use crate::Errors;
use crate::args::{Text, check_key, check_name, each, text, unknown, value};

const KNOWN: &str = "`event`, `pattern`, `key`, `name`, `crate`";

#[derive(Default)]
pub(super) struct Args {
    pub(super) event: Option<Path>,
    pub(super) pattern: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) name: Option<Text>,
    pub(super) krate: Option<Path>,
}

impl Args {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        each(tokens, errors, |name, input, errors| {
            args.argument(name, input, errors)
        });
        args.check(errors);
        args
    }

    fn argument(
        &mut self,
        name: &Ident,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        match name.to_string().as_str() {
            "event" => value(&mut self.event, name, input, errors),
            "pattern" => text(&mut self.pattern, name, input, errors),
            "key" => text(&mut self.key, name, input, errors),
            "name" => text(&mut self.name, name, input, errors),
            "crate" => value(&mut self.krate, name, input, errors),
            _ => unknown(name, KNOWN, input, errors),
        }
    }

    fn check(&self, errors: &mut Errors) {
        if self.event.is_none() {
            errors.add(syn::Error::new(
                Span::call_site(),
                "the webhook needs `event = ...`, for example `event = RoomMessage`",
            ));
        }
        for (name, argument) in [
            ("pattern", &self.pattern),
            ("key", &self.key),
            ("name", &self.name),
        ] {
            if let Some(text) = argument
                && text.value().is_some_and(|text| text.is_empty())
            {
                errors.at(text, format!("`{name}` is empty; fill it in or omit it"));
            }
        }
        check_key(self.key.as_ref(), errors);
        check_name(self.name.as_ref(), errors);
    }
}
