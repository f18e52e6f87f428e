//! The arguments of `#[glance(...)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr, Path, Token, parenthesized};

use crate::Errors;
use crate::args::{Text, check_key, check_name, each, literal, set, text, unknown, value};

const KNOWN: &str = "`key`, `name`, `icon`, `icon_2x`, `target`, `weight`, `audience`, `max_age`, \
                     `when(...)`, `conditions`, `crate`";

const MAX_AGE_RULE: &str = "`max_age` must be 1 to 86400 seconds (a day)";

/// The people who see the same data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    Person,
    Room,
}

#[derive(Default)]
pub(crate) struct Args {
    pub(crate) key: Option<Text>,
    pub(crate) name: Option<Text>,
    pub(crate) icon: Option<Text>,
    pub(crate) icon_2x: Option<Text>,
    pub(crate) target: Option<Text>,
    pub(crate) weight: Option<Expr>,
    pub(crate) audience: Option<Audience>,
    pub(crate) max_age: Option<Expr>,
    pub(crate) when: Option<Expr>,
    pub(crate) conditions: Option<Expr>,
    pub(crate) krate: Option<Path>,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
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
            "key" => text(&mut self.key, name, input, errors),
            "name" => text(&mut self.name, name, input, errors),
            "icon" => text(&mut self.icon, name, input, errors),
            "icon_2x" => text(&mut self.icon_2x, name, input, errors),
            "target" => text(&mut self.target, name, input, errors),
            "weight" => value(&mut self.weight, name, input, errors),
            "audience" => self.audience(name, input, errors),
            "max_age" => value(&mut self.max_age, name, input, errors),
            "conditions" => value(&mut self.conditions, name, input, errors),
            "crate" => value(&mut self.krate, name, input, errors),
            "when" => {
                if !input.peek(syn::token::Paren) {
                    return Err(
                        input.error("write the condition in parentheses: `when(count > 0)`")
                    );
                }
                let inner;
                parenthesized!(inner in input);
                if inner.is_empty() {
                    errors.at(
                        name,
                        "the condition is empty; leave `when` out to show the glance always",
                    );
                    return Ok(());
                }
                let expression = inner.parse()?;
                if !inner.is_empty() {
                    return Err(
                        inner.error("one condition is expected; join several with `&&` or `||`")
                    );
                }
                set(&mut self.when, expression, name, errors);
                Ok(())
            }
            _ => unknown(name, KNOWN, input, errors),
        }
    }

    /// Parses the audience, which must be a literal: it decides what the macro generates.
    fn audience(
        &mut self,
        name: &Ident,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        input.parse::<Token![=]>()?;
        let value = input.parse::<Expr>()?;
        match literal(&value).map(LitStr::value).as_deref() {
            Some("person") => set(&mut self.audience, Audience::Person, name, errors),
            Some("room") => set(&mut self.audience, Audience::Room, name, errors),
            _ => errors.at(value, "`audience` must be `\"room\"` or `\"person\"`"),
        }
        Ok(())
    }

    fn check(&self, errors: &mut Errors) {
        for (name, argument) in [
            ("key", &self.key),
            ("name", &self.name),
            ("icon", &self.icon),
        ] {
            match argument {
                None => errors.add(syn::Error::new(
                    Span::call_site(),
                    format!("the glance needs `{name} = \"...\"`"),
                )),
                Some(text) if text.value().is_some_and(|text| text.is_empty()) => {
                    errors.at(text, format!("`{name}` is empty; fill it in"));
                }
                Some(_) => {}
            }
        }
        check_key(self.key.as_ref(), errors);
        check_key(self.target.as_ref(), errors);
        check_name(self.name.as_ref(), errors);
        if let Some(age) = &self.max_age
            && self.audience != Some(Audience::Room)
        {
            let message = "`max_age` needs `audience = \"room\"`: hosts query other glances for each person \
                           who opens the room";
            errors.at(age, message);
        }
    }

    /// Makes rustc check the range of the age, which may be any constant expression.
    pub(crate) fn assert_max_age(&self) -> Option<TokenStream> {
        let age = self.max_age.as_ref()?;
        Some(quote_spanned! {age.span()=>
            const _: () = {
                let age: ::core::primitive::i64 = #age;
                ::core::assert!(1 <= age && age <= 86_400, #MAX_AGE_RULE);
            };
        })
    }
}
