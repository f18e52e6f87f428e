//! The arguments of `#[glance(...)]`.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr, Path, Token, parenthesized};

use crate::Errors;

const KNOWN: &str =
    "`key`, `name`, `icon`, `icon_2x`, `target`, `weight`, `when(...)`, `conditions`, `crate`";

#[derive(Default)]
pub(crate) struct Args {
    pub(crate) key: Option<LitStr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) icon: Option<LitStr>,
    pub(crate) icon_2x: Option<LitStr>,
    pub(crate) target: Option<LitStr>,
    pub(crate) weight: Option<Expr>,
    pub(crate) when: Option<Expr>,
    pub(crate) conditions: Option<Expr>,
    pub(crate) krate: Option<Path>,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let name = input.call(Ident::parse_any)?;
                args.argument(&name, input, errors)?;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.add(error);
        }
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
            _ => {
                errors.at(
                    name,
                    format!("unknown argument `{name}`; there are {KNOWN}"),
                );
                skip(input)
            }
        }
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
                Some(text) if text.value().is_empty() => {
                    errors.at(text, format!("`{name}` is empty; fill it in"));
                }
                Some(_) => {}
            }
        }
        for key in [&self.key, &self.target].into_iter().flatten() {
            let text = key.value();
            if !text.is_empty() && !is_extension_key(&text) {
                errors.at(key, "a key has 1 to 40 letters, digits, `_`, `-` or `.`");
            }
        }
        if let Some(name) = &self.name
            && name.value().encode_utf16().count() > 100
        {
            errors.at(name, "a name has at most 100 characters");
        }
    }
}

fn text(
    slot: &mut Option<LitStr>,
    name: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<()> {
    input.parse::<Token![=]>()?;
    match input.parse::<Expr>()? {
        Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(literal),
            ..
        }) => {
            set(slot, literal, name, errors);
        }
        other => {
            let stand_in = LitStr::new("_", other.span());
            errors.at(other, format!("`{name}` is a string literal"));
            set(slot, stand_in, name, errors);
        }
    }
    Ok(())
}

fn value<T: syn::parse::Parse>(
    slot: &mut Option<T>,
    name: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<()> {
    input.parse::<Token![=]>()?;
    let parsed = input.parse()?;
    set(slot, parsed, name, errors);
    Ok(())
}

fn set<T>(slot: &mut Option<T>, value: T, name: &Ident, errors: &mut Errors) {
    if slot.is_some() {
        errors.at(name, format!("`{name}` is given twice"));
    }
    *slot = Some(value);
}

/// Passes over an unknown argument, so that what follows it is still checked.
fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn is_extension_key(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
