//! Enums whose variants serde writes as text, for comparisons.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{DataEnum, DeriveInput, Fields, Variant};

use super::attributes::{Container, for_each, ignore, known, serialized_name};
use crate::builtin::Carried;
use crate::{Errors, located, rename};

pub(super) fn generate(
    item: &DeriveInput,
    data: &DataEnum,
    container: &Container,
    errors: &mut Errors,
) -> TokenStream {
    let mut seen: Vec<(String, &Variant)> = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            errors.at(
                &variant.fields,
                "hosts compare text, but a variant with data is not text: move the data to a \
                 field of the metadata",
            );
        }
        let text = text(variant, container, errors);
        if let Some((_, other)) = seen.iter().find(|(seen, _)| *seen == text) {
            errors.at(
                &variant.ident,
                format!(
                "`{}` is also written as \"{text}\", so hosts cannot distinguish them: rename one",
                    other.ident
                ),
            );
        }
        seen.push((text, variant));
    }

    let name = &item.ident;
    let krate = &container.krate;
    let written = {
        let krate = located(krate, name.span());
        quote_spanned!(name.span()=> #krate::metadata::written::<#name>(&literal))
    };
    let lints = Carried::of(&item.attrs).on_rest;
    quote! {
        #lints
        const _: () = {
            #[automatically_derived]
            impl #krate::metadata::Attribute for #name {
                type At = #krate::metadata::Attr<#name>;
                type Null = #krate::metadata::Never;
                fn at(path: #krate::metadata::Path) -> Self::At {
                    #krate::metadata::Attr::at(path)
                }
            }

            #[automatically_derived]
            impl #krate::metadata::Comparable for #name {
                type Literal = #name;
                fn wire(literal: #name) -> ::core::option::Option<#krate::metadata::Wire> {
                    #written
                }
            }
        };
    }
}

/// Returns the text that serde writes for the variant, according to its attributes.
fn text(variant: &Variant, container: &Container, errors: &mut Errors) -> String {
    let mut renamed = None;
    for_each(
        &variant.attrs,
        "serde",
        errors,
        |meta, errors| match known(meta).as_str() {
            "rename" => {
                renamed = serialized_name(meta)?;
                Ok(())
            }
            "alias" | "bound" | "borrow" | "deserialize_with" | "other" | "rename_all"
            | "skip_deserializing" => ignore(meta),
            "skip" | "skip_serializing" => {
                errors.at(
                    &meta.path,
                        "serde fails to serialize this variant, and thereby the whole glance: remove this, or \
                         the variant",
                );
                ignore(meta)
            }
            other => {
                errors.at(
                    &meta.path,
                    format!(
                        "conditions cannot follow `serde({other})`, which changes the text that a \
                         host tests: remove it"
                    ),
                );
                ignore(meta)
            }
        },
    );
    for_each(&variant.attrs, "glance", errors, |meta, errors| {
        errors.at(&meta.path, "on a variant there is no `glance` attribute");
        ignore(meta)
    });
    let plain = variant.ident.unraw().to_string();
    match (renamed, &container.rename_all) {
        (Some(renamed), _) => renamed.value(),
        // serde reports unknown rules.
        (None, Some(rule)) => rename::variant(&rule.value(), &plain).unwrap_or(plain),
        (None, None) => plain,
    }
}
