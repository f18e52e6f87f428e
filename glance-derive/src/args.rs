//! What the arguments of the attribute macros have in common.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr, Token};

use crate::Errors;

/// Reads `name ...` again and again, with commas between; what follows a name is the caller's.
pub(crate) fn each(
    tokens: TokenStream,
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let name = input.call(Ident::parse_any)?;
            read(&name, input, errors)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        errors.add(error);
    }
}

/// An argument that there is not, with those that there are.
pub(crate) fn unknown(
    name: &Ident,
    known: &str,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<()> {
    errors.at(
        name,
        format!("unknown argument `{name}`; there are {known}"),
    );
    skip(input)
}

/// Whether a key that is given has the form of one.
pub(crate) fn check_key(key: Option<&LitStr>, errors: &mut Errors) {
    if let Some(key) = key {
        let text = key.value();
        if !text.is_empty() && !is_extension_key(&text) {
            errors.at(
                key,
                "a key must have 1 to 40 letters, digits, `_`, `-` or `.`",
            );
        }
    }
}

/// Whether a name is short enough.
pub(crate) fn check_name(name: Option<&LitStr>, errors: &mut Errors) {
    if let Some(name) = name
        && name.value().encode_utf16().count() > 100
    {
        errors.at(name, "a name must have at most 100 characters");
    }
}

pub(crate) fn text(
    slot: &mut Option<LitStr>,
    name: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<()> {
    input.parse::<Token![=]>()?;
    let value = input.parse::<Expr>()?;
    let literal = match literal(&value) {
        Some(literal) => literal.clone(),
        None => {
            let stand_in = LitStr::new("_", value.span());
            errors.at(value, format!("`{name}` must be a string literal"));
            stand_in
        }
    };
    set(slot, literal, name, errors);
    Ok(())
}

/// The string literal itself: another macro hands in its own inside invisible groups.
fn literal(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Group(group) if group.attrs.is_empty() => literal(&group.expr),
        Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(literal),
            attrs,
        }) if attrs.is_empty() => Some(literal),
        _ => None,
    }
}

pub(crate) fn value<T: syn::parse::Parse>(
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

pub(crate) fn set<T>(slot: &mut Option<T>, value: T, name: &Ident, errors: &mut Errors) {
    if slot.is_some() {
        errors.at(name, format!("`{name}` is given twice"));
    }
    *slot = Some(value);
}

/// Passes over an unknown argument, so that what follows it is still checked.
pub(crate) fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

pub(crate) fn is_extension_key(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
