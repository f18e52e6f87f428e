//! `#[derive(GlanceMetadata)]`: one method per field, with serde's names.
//!
//! A serde attribute that would make a condition mean something else than it says is a compile
//! error; `#[glance(untested)]` on the field takes it out of conditions.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Field, Fields, Ident, LitStr, Path, parse_quote};

use crate::{Errors, located, rename};

pub(crate) fn expand(item: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let container = Container::read(&item.attrs, &mut errors);
    let generated = fields(item, &mut errors).map(|fields| {
        let fields: Vec<_> = fields
            .iter()
            .filter_map(|field| Tested::read(field, &container, &mut errors))
            .collect();
        generate(item, &container.krate, &fields)
    });
    let errors = errors.into_tokens();
    quote! { #generated #errors }
}

fn fields<'i>(item: &'i DeriveInput, errors: &mut Errors) -> Option<&'i Fields> {
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "glance metadata cannot be generic");
        return None;
    }
    match &item.data {
        Data::Struct(data) if matches!(data.fields, Fields::Named(_)) => Some(&data.fields),
        _ => {
            errors.at(
                &item.ident,
                "glance metadata is a struct with named fields: a host wants a JSON object",
            );
            None
        }
    }
}

fn generate(item: &DeriveInput, krate: &Path, fields: &[Tested<'_>]) -> TokenStream {
    let name = &item.ident;
    let visibility = &item.vis;
    let attributes = format_ident!("{name}Attributes");
    let methods = fields.iter().map(|tested| {
        let Tested {
            field, name, wire, ..
        } = tested;
        let (ty, documentation) = (
            &field.ty,
            field.attrs.iter().filter(|a| a.path().is_ident("doc")),
        );
        let krate = located(krate, ty.span());
        let at = quote_spanned!(ty.span()=> <#ty as #krate::metadata::Attribute>::At);
        let reach = quote_spanned!(ty.span()=> <#ty as #krate::metadata::Attribute>::at);
        quote_spanned! {ty.span()=>
            #(#documentation)*
            #visibility fn #name(&self) -> #at {
                #reach(self.path.field(#wire))
            }
        }
    });
    let asserted = fields.iter().map(
        |Tested {
             field,
             skipped_if_none,
             ..
         }| {
            // Wholly at one place, so that rustc finds its errors equal to those of the method.
            let place = field.ty.span();
            let (ty, krate) = (located(&field.ty, place), located(krate, place));
            let check = if *skipped_if_none {
                quote_spanned!(place=> null_is_skipped)
            } else {
                quote_spanned!(place=> never_null)
            };
            quote_spanned!(place=> let _ = #check::<<#ty as #krate::metadata::Attribute>::Null>;)
        },
    );
    quote! {
        const _: () = {
            #[doc = concat!("What conditions may test of [`", stringify!(#name), "`].")]
            #[derive(::core::fmt::Debug)]
            #[allow(dead_code)]
            #visibility struct #attributes {
                path: #krate::metadata::Path,
            }

            #[automatically_derived]
            #[allow(dead_code, private_interfaces)]
            impl #attributes {
                #(#methods)*
            }

            #[automatically_derived]
            impl #krate::metadata::Attribute for #name {
                type At = #attributes;
                type Null = #krate::metadata::Never;
                fn at(path: #krate::metadata::Path) -> #attributes {
                    #attributes { path }
                }
            }

            #[automatically_derived]
            impl #krate::metadata::GlanceMetadata for #name {}

            #[allow(dead_code)]
            fn check() {
                fn never_null<T: #krate::metadata::NeverNull>() {}
                fn null_is_skipped<T: #krate::metadata::NullIsSkipped>() {}
                #(#asserted)*
            }
        };
    }
}

/// What the struct's own attributes say.
struct Container {
    rename_all: Option<LitStr>,
    krate: Path,
}

impl Container {
    fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
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
                    errors.at(&meta.path, format!(
                        "conditions cannot follow `serde({other})`: it changes the object that a host tests"
                    ));
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
                        format!("unknown argument `{other}`; on a struct there is `crate`"),
                    );
                    ignore(meta)
                }
            }
        });
        container
    }
}

/// A field that conditions may test.
struct Tested<'f> {
    field: &'f Field,
    name: &'f Ident,
    wire: String,
    skipped_if_none: bool,
}

impl<'f> Tested<'f> {
    /// `None` where the field is skipped, untested, or in error.
    fn read(field: &'f Field, container: &Container, errors: &mut Errors) -> Option<Self> {
        let name = field.ident.as_ref()?;
        let mut untested = false;
        for_each(
            &field.attrs,
            "glance",
            errors,
            |meta, errors| match known(meta).as_str() {
                "untested" => {
                    untested = true;
                    Ok(())
                }
                other => {
                    errors.at(
                        &meta.path,
                        format!("unknown argument `{other}`; on a field there is `untested`"),
                    );
                    ignore(meta)
                }
            },
        );
        let mut renamed = None;
        let mut skipped = false;
        let mut skipped_if_none = false;
        for_each(&field.attrs, "serde", errors, |meta, errors| {
            match known(meta).as_str() {
                "rename" => {
                    renamed = serialized_name(meta)?;
                    Ok(())
                }
                "skip" | "skip_serializing" => {
                    skipped = true;
                    Ok(())
                }
                "skip_serializing_if" => {
                    let condition: LitStr = meta.value()?.parse()?;
                    skipped_if_none = condition
                        .value()
                        .replace(' ', "")
                        .ends_with("Option::is_none");
                    if !skipped_if_none && !untested {
                        errors.at(
                            condition,
                            "a condition would take the skipped value for a missing one; \
                            only \"Option::is_none\" can be followed. Or add `#[glance(untested)]`",
                        );
                    }
                    Ok(())
                }
                "default" | "alias" | "deserialize_with" | "skip_deserializing" | "borrow"
                | "bound" => ignore(meta),
                other => {
                    if !untested {
                        errors.at(&meta.path, format!(
                            "conditions cannot follow `serde({other})`: add `#[glance(untested)]` to the \
                             field, or write it another way"
                        ));
                    }
                    ignore(meta)
                }
            }
        });
        if untested || skipped {
            return None;
        }
        let plain = name.unraw().to_string();
        let wire = match (&renamed, &container.rename_all) {
            (Some(renamed), _) => renamed.value(),
            // An unknown rule is serde's to report.
            (None, Some(rule)) => rename::field(&rule.value(), &plain).unwrap_or(plain),
            (None, None) => plain,
        };
        if let Some(renamed) = &renamed
            && (wire.is_empty() || wire.contains(['.', '[', ']']))
        {
            errors.at(
                renamed,
                "a host would take this name for a path; use one without `.`, `[` and `]`",
            );
        }
        Some(Self {
            field,
            name,
            wire,
            skipped_if_none,
        })
    }
}

fn for_each(
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

fn known(meta: &ParseNestedMeta<'_>) -> String {
    meta.path
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Passes over the value of an attribute that does not matter here.
fn ignore(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let inner;
        syn::parenthesized!(inner in meta.input);
        inner.parse::<TokenStream>()?;
    }
    Ok(())
}

/// The name in `rename = "..."` or `rename(serialize = "...")`.
fn serialized_name(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<LitStr>> {
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
