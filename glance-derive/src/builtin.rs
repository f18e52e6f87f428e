//! Copies the built-in attributes of a function, a field or an argument to the items that a macro
//! generates for it.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

use crate::Errors;

/// Attributes for generated items. Attributes in neither list apply only to the original item.
#[derive(Default)]
pub(crate) struct Carried {
    /// For the item that users name; includes documentation and deprecation.
    pub(crate) on_name: TokenStream,
    /// For the items that users do not name.
    pub(crate) on_rest: TokenStream,
}

impl Carried {
    pub(crate) fn of(attributes: &[Attribute]) -> Self {
        let mut carried = Self::default();
        for attribute in attributes {
            let (on_name, on_rest) = carry(&attribute.meta);
            carried.on_name.extend(quote!(#(#[#on_name])*));
            carried.on_rest.extend(quote!(#(#[#on_rest])*));
        }
        carried
    }
}

/// Returns the attributes to copy for this one, without `#[]`.
fn carry(attribute: &Meta) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let both = |tokens: TokenStream| (vec![tokens.clone()], vec![tokens]);
    if is(attribute, "cfg") || is(attribute, "allow") {
        both(quote!(#attribute))
    } else if is(attribute, "expect") {
        // rustc checks the expectation on the original item.
        match attribute {
            Meta::List(list) => {
                let lints = &list.tokens;
                both(quote!(allow(#lints)))
            }
            _ => Default::default(),
        }
    } else if is(attribute, "doc") {
        (vec![quote!(#attribute)], Vec::new())
    } else if is(attribute, "deprecated") {
        (vec![quote!(#attribute)], vec![quote!(allow(deprecated))])
    } else if let Some((predicate, conditional)) = cfg_attr(attribute) {
        let (mut on_name, mut on_rest) = (Vec::new(), Vec::new());
        for attribute in &conditional {
            let (name, rest) = carry(attribute);
            on_name.extend(name.iter().map(|attr| quote!(cfg_attr(#predicate, #attr))));
            on_rest.extend(rest.iter().map(|attr| quote!(cfg_attr(#predicate, #attr))));
        }
        (on_name, on_rest)
    } else {
        Default::default()
    }
}

/// Refuses `expect(dead_code)` on a function: the generated type uses it, so the expectation is
/// never met.
pub(crate) fn refuse_expectations(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes {
        refuse_expectation(&attribute.meta, errors);
    }
}

fn refuse_expectation(attribute: &Meta, errors: &mut Errors) {
    if let Some((_, conditional)) = cfg_attr(attribute) {
        for attribute in &conditional {
            refuse_expectation(attribute, errors);
        }
    }
    let Meta::List(list) = attribute else {
        return;
    };
    if !is(attribute, "expect") {
        return;
    }
    for token in list.tokens.clone() {
        if let TokenTree::Ident(lint) = &token
            && lint == "dead_code"
        {
            errors.at(
                lint,
                "`dead_code` cannot be expected here: it must be allowed",
            );
        }
    }
}

/// Returns the `#[cfg]` predicate of an item with these attributes, or `None` if it always exists.
pub(crate) fn presence(attributes: &[Attribute]) -> Option<TokenStream> {
    let predicates: Vec<_> = attributes
        .iter()
        .flat_map(|attribute| predicates(&attribute.meta))
        .collect();
    (!predicates.is_empty()).then(|| quote!(all(#(#predicates),*)))
}

fn predicates(attribute: &Meta) -> Vec<TokenStream> {
    if let Meta::List(list) = attribute
        && is(attribute, "cfg")
    {
        return vec![list.tokens.clone()];
    }
    let Some((predicate, conditional)) = cfg_attr(attribute) else {
        return Vec::new();
    };
    conditional
        .iter()
        .flat_map(predicates)
        .map(|inner| quote!(any(not(#predicate), #inner)))
        .collect()
}

/// Returns the predicate of a `cfg_attr`, and its attributes. rustc reports an invalid one.
fn cfg_attr(attribute: &Meta) -> Option<(Meta, Vec<Meta>)> {
    let Meta::List(list) = attribute else {
        return None;
    };
    if !is(attribute, "cfg_attr") {
        return None;
    }
    let all = Punctuated::<Meta, Token![,]>::parse_terminated
        .parse2(list.tokens.clone())
        .ok()?;
    let mut all = all.into_iter();
    Some((all.next()?, all.collect()))
}

fn is(attribute: &Meta, name: &str) -> bool {
    attribute.path().is_ident(name)
}
