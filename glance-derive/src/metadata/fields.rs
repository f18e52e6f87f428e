//! Structs with named fields: generates one method per field.
//!
//! `#[glance(untested)]` excludes a field from conditions, regardless of its serde attributes.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Field, Fields, Ident, LitStr, Path, Type};

use super::attributes::{Container, for_each, ignore, known, serialized_name};
use crate::builtin::Carried;
use crate::{Errors, located, rename};

pub(super) fn generate(
    item: &DeriveInput,
    fields: &Fields,
    container: &Container,
    errors: &mut Errors,
) -> TokenStream {
    let fields: Vec<_> = fields
        .iter()
        .filter_map(|field| Member::read(field, container, errors))
        .collect();
    let written: Vec<_> = fields
        .iter()
        .filter_map(|member| member.wire.as_deref())
        .collect();
    for (index, member) in fields.iter().enumerate() {
        let seen = fields[..index]
            .iter()
            .find(|other| member.wire.is_some() && other.wire == member.wire);
        if let Some(other) = seen {
            errors.at(
                member.name,
                format!(
                    "`{}` is written under the same name, so a host sees only one of them: rename one",
                    other.name
                ),
            );
        }
    }

    let krate = &container.krate;
    let name = &item.ident;
    let visibility = &item.vis;
    let attributes = format_ident!("{name}Attributes");
    let methods = fields.iter().map(|member| member.method(visibility, krate));
    let asserted = fields.iter().filter_map(|member| member.never_null(krate));
    let apart = apart(&fields, krate);
    let flattened = fields
        .iter()
        .filter(|member| matches!(member.kind, Kind::Flattened))
        .map(|member| member.names(member.field.ty.span(), krate));
    let lints = Carried::of(&item.attrs).on_rest;
    quote! {
        #lints
        const _: () = {
            #[doc = concat!("The attributes of [`", stringify!(#name), "`].")]
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

            #[automatically_derived]
            impl #krate::metadata::Flattened for #name {
                type At = #attributes;
                const NAMES: #krate::metadata::Names = #krate::metadata::Names {
                    own: &[#(#written),*],
                    flattened: &[#(#flattened),*],
                };
                fn beside(path: #krate::metadata::Path) -> #attributes {
                    #attributes { path }
                }
            }

            #[allow(dead_code)]
            fn check() {
                fn never_null<T: #krate::metadata::NeverNull>() {}
                fn null_is_skipped<T: #krate::metadata::NullIsSkipped>() {}
                #(#asserted)*
            }

            #(#apart)*
        };
    }
}

/// Generates assertions that refuse a flattened field with a duplicate name.
fn apart(fields: &[Member<'_>], krate: &Path) -> Vec<TokenStream> {
    let flattened = |member: &&Member<'_>| matches!(member.kind, Kind::Flattened);
    let mut checks = Vec::new();
    for (index, member) in fields.iter().enumerate().filter(|(_, m)| flattened(m)) {
        let others = member.names(member.name.span(), krate);
        for own in fields {
            let (Some(wire), place) = (&own.wire, own.name.span()) else {
                continue;
            };
            let message = format!(
                "the flattened field `{}` writes the name \"{wire}\" too, so a host sees only one \
                 of them: rename one",
                member.name
            );
            checks.push(quote_spanned! {place=>
                const _: () = ::core::assert!(!#others.has(#wire), #message);
            });
        }
        for earlier in fields[..index].iter().filter(flattened) {
            let place = member.name.span();
            let earlier_names = earlier.names(place, krate);
            let message = format!(
                "the flattened fields `{}` and `{}` write the same name, so a host sees only one \
                 of them: rename one, or flatten only one",
                earlier.name, member.name
            );
            checks.push(quote_spanned! {place=>
                const _: () = ::core::assert!(!#earlier_names.meets(&#others), #message);
            });
        }
    }
    checks
}

/// A field, and its use in conditions.
struct Member<'f> {
    field: &'f Field,
    name: &'f Ident,
    /// Its own name in JSON, if it has one.
    wire: Option<String>,
    kind: Kind,
}

enum Kind {
    Tested { null: Null },
    Flattened,
    Untestable,
}

/// The check for a `null` that serde may write for the field.
#[derive(Clone, Copy, Default)]
enum Null {
    #[default]
    Never,
    SkippedIfNone,
    /// An error was reported already.
    Unchecked,
}

impl<'f> Member<'f> {
    fn read(field: &'f Field, container: &Container, errors: &mut Errors) -> Option<Self> {
        let name = field.ident.as_ref()?;
        let untested = is_untested(field, errors);
        let serde = Serde::read(field, untested, errors);
        let plain = name.unraw().to_string();
        let wire = match (&serde.renamed, &container.rename_all) {
            (Some(renamed), _) => renamed.value(),
            // serde reports unknown rules.
            (None, Some(rule)) => rename::field(&rule.value(), &plain).unwrap_or(plain),
            (None, None) => plain,
        };
        let kind = match (serde.skipped || untested, serde.flattened) {
            (true, _) => Kind::Untestable,
            (false, true) => Kind::Flattened,
            (false, false) => Kind::Tested { null: serde.null },
        };
        let wire = (!serde.skipped && !serde.flattened).then_some(wire);
        // Untested fields are checked too: the name `a.b` would hide the path of a tested field.
        if let (Some(wire), Some(renamed)) = (&wire, &serde.renamed)
            && (wire.is_empty() || wire.contains(['.', '[', ']']))
        {
            errors.at(
                renamed,
                "hosts treat this name as a path; use one without `.`, `[` and `]`",
            );
        }
        Some(Self {
            field,
            name,
            wire,
            kind,
        })
    }

    fn method(&self, visibility: &syn::Visibility, krate: &Path) -> TokenStream {
        let Self {
            field, name, wire, ..
        } = self;
        let carried = Carried::of(&field.attrs).on_name;
        let ty = &field.ty;
        let krate = located(krate, ty.span());
        match self.kind {
            Kind::Tested { .. } => quote_spanned! {ty.span()=>
                #carried
                #visibility fn #name(&self) -> <#ty as #krate::metadata::Attribute>::At {
                    <#ty as #krate::metadata::Attribute>::at(self.path.field(#wire))
                }
            },
            Kind::Flattened => quote_spanned! {ty.span()=>
                #carried
                #visibility fn #name(&self) -> <#ty as #krate::metadata::Flattened>::At {
                    <#ty as #krate::metadata::Flattened>::beside(
                        ::core::clone::Clone::clone(&self.path),
                    )
                }
            },
            // The type depends on the lifetime, so that rustc checks the bound when a condition
            // calls the method.
            Kind::Untestable => quote! {
                #carried
                #visibility fn #name<'a>(&'a self) -> #krate::metadata::Untestable
                where
                    #krate::metadata::Untestable: #krate::metadata::Testable<'a>,
                {
                    ::core::unreachable!()
                }
            },
        }
    }

    /// Generates the check that refuses a field which may be written as `null`.
    fn never_null(&self, krate: &Path) -> Option<TokenStream> {
        let Kind::Tested { null } = self.kind else {
            return None;
        };
        // All tokens have the same span, so that rustc merges its errors with those of the method.
        let place = self.field.ty.span();
        let (ty, krate) = (located(&self.field.ty, place), located(krate, place));
        let check = match null {
            Null::Never => quote_spanned!(place=> never_null),
            Null::SkippedIfNone => quote_spanned!(place=> null_is_skipped),
            Null::Unchecked => return None,
        };
        Some(quote_spanned!(place=>
            let _ = #check::<<#ty as #krate::metadata::Attribute>::Null>;
        ))
    }

    /// Returns the names that the flattened field writes.
    fn names(&self, place: Span, krate: &Path) -> TokenStream {
        let ty: &Type = &self.field.ty;
        let (ty, krate) = (located(ty, ty.span()), located(krate, place));
        quote_spanned!(place=> <#ty as #krate::metadata::Flattened>::NAMES)
    }
}

fn is_untested(field: &Field, errors: &mut Errors) -> bool {
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
    untested
}

/// The serde attributes of a field.
#[derive(Default)]
struct Serde {
    renamed: Option<LitStr>,
    skipped: bool,
    null: Null,
    flattened: bool,
}

impl Serde {
    fn read(field: &Field, untested: bool, errors: &mut Errors) -> Self {
        let mut serde = Self::default();
        for_each(&field.attrs, "serde", errors, |meta, errors| {
            match known(meta).as_str() {
                "rename" => {
                    serde.renamed = serialized_name(meta)?;
                    Ok(())
                }
                "skip" | "skip_serializing" => {
                    serde.skipped = true;
                    Ok(())
                }
                "flatten" => {
                    serde.flattened = true;
                    if untested {
                        errors.at(
                            &meta.path,
                            "a flattened field that is not tested may write the name of a tested \
                         one: remove `flatten`, or `untested`",
                        );
                    }
                    Ok(())
                }
                "skip_serializing_if" => {
                    let condition: LitStr = meta.value()?.parse()?;
                    if is_none(&condition) {
                        serde.null = Null::SkippedIfNone;
                    } else if !untested {
                        serde.null = Null::Unchecked;
                        errors.at(
                            condition,
                            "a condition would treat the skipped value as a missing one; \
                             only \"Option::is_none\" is supported. Or add `#[glance(untested)]`",
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
                         field, or serialize it differently"
                        ));
                    }
                    ignore(meta)
                }
            }
        });
        serde
    }
}

/// Returns whether this is the path of `Option::is_none`.
fn is_none(condition: &LitStr) -> bool {
    condition.parse::<Path>().is_ok_and(|path| {
        let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        matches!(
            names.as_slice(),
            ["Option", "is_none"] | ["std" | "core", "option", "Option", "is_none"]
        )
    })
}
