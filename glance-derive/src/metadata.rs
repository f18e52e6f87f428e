//! `#[derive(GlanceMetadata)]`: the attributes of a struct or an enum for conditions, with serde's
//! names.
//!
//! A serde attribute that would change the meaning of a condition is a compile error.

mod attributes;
mod fields;
mod variants;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields};

use crate::Errors;
use attributes::Container;

pub(crate) fn expand(item: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let generated = generate(item, &mut errors);
    let errors = errors.into_tokens();
    quote! { #generated #errors }
}

fn generate(item: &DeriveInput, errors: &mut Errors) -> Option<TokenStream> {
    let becomes = match &item.data {
        Data::Enum(_) => "text",
        Data::Struct(_) | Data::Union(_) => "object",
    };
    let container = Container::read(&item.attrs, becomes, errors);
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "glance metadata cannot be generic");
        return None;
    }
    match &item.data {
        Data::Struct(data) if matches!(data.fields, Fields::Named(_)) => {
            Some(fields::generate(item, &data.fields, &container, errors))
        }
        Data::Enum(data) => Some(variants::generate(item, data, &container, errors)),
        Data::Struct(_) | Data::Union(_) => {
            errors.at(
                &item.ident,
                "glance metadata must be a struct with named fields, because hosts need a JSON \
                 object; an attribute of it may be an enum whose variants have no data",
            );
            None
        }
    }
}
