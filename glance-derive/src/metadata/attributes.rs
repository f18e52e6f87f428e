//! Parses the parts of `#[serde(...)]` and `#[glance(...)]` that conditions depend on.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Path, parse_quote};

use crate::Errors;

/// The attributes of a struct or an enum.
pub(super) struct Container {
    pub(super) rename_all: Option<LitStr>,
    pub(super) krate: Path,
}

impl Container {
    /// Parses the attributes. `becomes` names the serialized form: an object or a text.
    pub(super) fn read(attrs: &[Attribute], becomes: &str, errors: &mut Errors) -> Self {
        let mut container = Self {
            rename_all: None,
            krate: parse_quote!(::glance_sdk),
        };
        for_each(attrs, "serde", errors, |meta, errors| {
            match known(meta).as_str() {
                "rename_all" => {
                    container.rename_all = serialized_name(meta)?;
                    Ok(())
                }
                "crate"
                | "default"
                | "deny_unknown_fields"
                | "bound"
                | "expecting"
                | "rename"
                | "rename_all_fields"
                | "from"
                | "try_from" => ignore(meta),
                other => {
                    errors.at(
                        &meta.path,
                        format!(
                            "conditions cannot follow `serde({other})`, which changes the \
                             {becomes} that a host tests: remove it"
                        ),
                    );
                    ignore(meta)
                }
            }
        });
        for_each(attrs, "glance", errors, |meta, errors| {
            match known(meta).as_str() {
                "crate" => {
                    container.krate = meta.value()?.parse()?;
                    Ok(())
                }
                other => {
                    errors.at(
                        &meta.path,
                        format!("unknown argument `{other}`; on the whole type there is `crate`"),
                    );
                    ignore(meta)
                }
            }
        });
        container
    }
}

pub(super) fn for_each(
    attrs: &[Attribute],
    of: &str,
    errors: &mut Errors,
    mut read: impl FnMut(&ParseNestedMeta<'_>, &mut Errors) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(of)) {
        if let Err(error) = attr.parse_nested_meta(|meta| read(&meta, errors)) {
            errors.add(error);
        }
    }
}

pub(super) fn known(meta: &ParseNestedMeta<'_>) -> String {
    meta.path
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Skips the value of an irrelevant attribute.
pub(super) fn ignore(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let inner;
        syn::parenthesized!(inner in meta.input);
        inner.parse::<TokenStream>()?;
    }
    Ok(())
}

/// Returns the name in `rename = "..."` or `rename(serialize = "...")`.
pub(super) fn serialized_name(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<LitStr>> {
    if meta.input.peek(syn::Token![=]) {
        return meta.value()?.parse().map(Some);
    }
    let mut serialized = None;
    meta.parse_nested_meta(|inner| {
        let name: LitStr = inner.value()?.parse()?;
        if inner.path.is_ident("serialize") {
            serialized = Some(name);
        }
        Ok(())
    })?;
    Ok(serialized)
}
