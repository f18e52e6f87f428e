//! `#[glance]`: the function as it is, and a type of the same name.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ItemFn, ReturnType, Type, parse_quote};

use crate::Errors;
use crate::args::Args;
use crate::when;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let generated = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => generate(&args, &function, &mut errors),
        Err(_) => {
            errors.at(&item, "`#[glance]` goes on an `async fn`");
            None
        }
    };
    let errors = errors.into_tokens();
    quote! { #item #generated #errors }
}

fn generate(args: &Args, function: &ItemFn, errors: &mut Errors) -> Option<TokenStream> {
    let krate = args
        .krate
        .clone()
        .unwrap_or_else(|| parse_quote!(::glance_sdk));
    let signature = &function.sig;
    let argument_types = check_signature(function, errors)?;
    let ReturnType::Type(_, answer) = &signature.output else {
        errors.at(
            &signature.ident,
            "a glance answers with `GlanceData<M>`, or a `Result` of it",
        );
        return None;
    };

    let name = &signature.ident;
    let visibility = &function.vis;
    let documentation = function
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("doc"));
    let answers = quote_spanned!(answer.span()=> <#answer as #krate::glance::GlanceAnswer>);
    let descriptor = descriptor(args, &krate);
    let when = args
        .when
        .as_ref()
        .map(|condition| when::lower(condition, &krate, errors));
    let when = when.map(|test| {
        quote! {
            fn when() -> ::core::option::Option<#krate::metadata::Test> {
                ::core::option::Option::Some(#test)
            }
        }
    });

    let bounds = argument_types
        .iter()
        .map(|ty| quote_spanned!(ty.span()=> #ty: #krate::axum::extract::FromRequestParts<__S>));
    let arguments: Vec<_> = (0..argument_types.len())
        .map(|i| format_ident!("__argument_{i}"))
        .collect();
    let extract = argument_types.iter().zip(&arguments).map(|(ty, argument)| {
        quote! {
            let #argument = match <#ty as #krate::axum::extract::FromRequestParts<__S>>
                ::from_request_parts(&mut __parts, &__state).await
            {
                ::core::result::Result::Ok(extracted) => extracted,
                ::core::result::Result::Err(rejection) => {
                    return ::core::result::Result::Err(
                        #krate::axum::response::IntoResponse::into_response(rejection),
                    );
                }
            };
        }
    });

    Some(quote! {
        #(#documentation)*
        #[allow(non_camel_case_types)]
        #visibility struct #name {}

        #[automatically_derived]
        impl #krate::glance::Glance for #name {
            #descriptor
            type Metadata = #answers::Metadata;
            #when
        }

        #krate::__server_half! {
            #[automatically_derived]
            impl<__S> #krate::glance::GlanceHandler<__S> for #name
            where
                __S: ::core::marker::Send + ::core::marker::Sync + 'static,
                #(#bounds,)*
                #answers::Error: #krate::axum::response::IntoResponse,
            {
                async fn query(
                    mut __parts: #krate::axum::http::request::Parts,
                    __state: __S,
                ) -> ::core::result::Result<
                    #krate::model::GlanceData<Self::Metadata>,
                    #krate::axum::response::Response,
                > {
                    let _ = (&mut __parts, &__state);
                    #(#extract)*
                    #answers::into_result(#name(#(#arguments),*).await)
                        .map_err(#krate::axum::response::IntoResponse::into_response)
                }
            }
        }
    })
}

/// The types of the arguments, or `None` where there is nothing to generate from.
fn check_signature<'f>(function: &'f ItemFn, errors: &mut Errors) -> Option<Vec<&'f Type>> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        errors.at(signature.fn_token, "a glance is an `async fn`: add `async`");
        return None;
    }
    if !signature.generics.params.is_empty() {
        errors.at(
            &signature.generics,
            "a glance cannot be generic: hosts ask for one glance by its key",
        );
        return None;
    }
    let mut types = Vec::new();
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                errors.at(
                    receiver,
                    "a glance is a free function; what it needs comes by `State<T>`",
                );
                return None;
            }
            FnArg::Typed(argument) => match &*argument.ty {
                Type::Reference(reference) => {
                    errors.at(
                        reference,
                        "arguments are extractors and taken by value: remove the `&`",
                    );
                    return None;
                }
                ty => types.push(ty),
            },
        }
    }
    Some(types)
}

fn descriptor(args: &Args, krate: &syn::Path) -> TokenStream {
    let text = |literal: &Option<syn::LitStr>| match literal {
        Some(literal) => quote!(#literal),
        None => quote!(""),
    };
    let (key, name, icon) = (text(&args.key), text(&args.name), text(&args.icon));
    let with_2x = args.icon_2x.as_ref().map(|url| quote!(.with_2x(#url)));
    let target = args.target.as_ref().map(|key| {
        quote!(glance.target = ::core::option::Option::Some(#krate::model::Target::from(#key));)
    });
    let weight = args
        .weight
        .as_ref()
        .map(|weight| quote!(glance.weight = ::core::option::Option::Some(#weight);));
    let conditions = args.conditions.as_ref().map(|conditions| {
        quote! {
            glance.conditions = ::core::option::Option::Some(
                ::core::iter::IntoIterator::into_iter(#conditions).collect(),
            );
        }
    });
    quote! {
        const KEY: &'static str = #key;

        #[allow(unused_mut)]
        fn descriptor() -> #krate::model::Glance {
            let mut glance = #krate::model::Glance::new(
                #key,
                #name,
                #krate::model::Icon::new(#icon)#with_2x,
            );
            #target
            #weight
            #conditions
            glance
        }
    }
}
