//! The common arguments of the attribute macros.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr, Path, Token};

use crate::Errors;

/// Parses a comma-separated list of `name ...`; the caller parses the part after each name.
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

/// Creates the error for an unknown argument, with the known ones.
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

/// A text argument: a string literal, or a constant whose value only rustc knows.
pub(crate) enum Text {
    Literal(LitStr),
    Constant(Expr),
}

impl Text {
    /// Returns the value, if it is known to the macro.
    pub(crate) fn value(&self) -> Option<String> {
        match self {
            Self::Literal(literal) => Some(literal.value()),
            Self::Constant(_) => None,
        }
    }
}

impl ToTokens for Text {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(literal) => literal.to_tokens(tokens),
            Self::Constant(constant) => constant.to_tokens(tokens),
        }
    }
}

const KEY_RULE: &str = "a key must have 1 to 40 letters, digits, `_`, `-` or `.`";

/// Reports a literal that is not a valid key.
pub(crate) fn check_key(key: Option<&Text>, errors: &mut Errors) {
    if let Some(text) = key.and_then(Text::value)
        && !text.is_empty()
        && !is_extension_key(&text)
    {
        errors.at(key, KEY_RULE);
    }
}

/// Makes rustc check a constant that must be a valid key.
pub(crate) fn assert_key(key: Option<&Text>, krate: &Path) -> Option<TokenStream> {
    let Some(Text::Constant(key)) = key else {
        return None;
    };
    Some(quote_spanned! {key.span()=>
        const _: () = ::core::assert!(#krate::validate::is_extension_key(#key), #KEY_RULE);
    })
}

/// Reports a literal that is too long for a name.
pub(crate) fn check_name(name: Option<&Text>, errors: &mut Errors) {
    if let Some(text) = name.and_then(Text::value)
        && text.encode_utf16().count() > 100
    {
        errors.at(name, "a name must have at most 100 characters");
    }
}

pub(crate) fn text(
    slot: &mut Option<Text>,
    name: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<()> {
    input.parse::<Token![=]>()?;
    let value = input.parse::<Expr>()?;
    let text = match (literal(&value), is_constant(&value)) {
        (Some(literal), _) => Text::Literal(literal.clone()),
        (None, true) => Text::Constant(value),
        (None, false) => {
            let stand_in = LitStr::new("_", value.span());
            errors.at(
                value,
                format!("`{name}` must be a string literal or the name of a constant"),
            );
            Text::Literal(stand_in)
        }
    };
    set(slot, text, name, errors);
    Ok(())
}

/// Returns whether the expression is a path, or a macro such as `concat!`.
fn is_constant(value: &Expr) -> bool {
    match value {
        Expr::Group(group) => is_constant(&group.expr),
        Expr::Path(_) | Expr::Macro(_) => true,
        _ => false,
    }
}

/// Returns the string literal itself: another macro may wrap it in invisible groups.
pub(crate) fn literal(value: &Expr) -> Option<&LitStr> {
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

/// Skips an unknown argument, so that the rest is still checked.
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
