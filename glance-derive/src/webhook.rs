//! `#[webhook]`: keeps the function, and generates a type with the same name.

mod args;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, LitStr, Path, ReturnType, Type, parse_quote};

use crate::args::{assert_key, is_extension_key};
use crate::builtin::Carried;
use crate::function::{Argument, Extraction, Function, Kind, ungrouped};
use crate::{Errors, located};
use args::Args;

const WEBHOOK: Kind = Kind {
    attribute: "webhook",
    what: "a webhook",
    extractor: "`State<T>`, `Installations`",
    caller: "a host calls it for one event",
};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    WEBHOOK.expand(&item, errors, |function, errors| {
        generate(&args, function, errors)
    })
}

fn generate(args: &Args, function: &Function, errors: &mut Errors) -> Option<TokenStream> {
    let krate = args
        .krate
        .clone()
        .unwrap_or_else(|| parse_quote!(::glance_sdk));
    if !WEBHOOK.is_free(function, errors) {
        return None;
    }
    let checked = WEBHOOK.arguments(function, errors);
    let answer = answer(function, errors);
    let name = &function.sig.ident;
    let key = key(args, name, errors)?;
    let event = args.event.as_ref()?;

    let handler = match (checked.as_deref(), answer) {
        (Some([first, ..]), _) if first.presence.is_some() => {
            errors.at(
                first.ty,
                "a webhook's first argument must always exist: put its `#[cfg]` on the function",
            );
            unreachable_handler(name, &krate)
        }
        (Some([first, arguments @ ..]), Some(answer)) => {
            handler(name, event, first.ty, arguments, &answer, &krate)
        }
        (Some([]), _) => {
            errors.at(
                name,
                "a webhook must take the event as its first argument: `WebhookRequest<E>`",
            );
            unreachable_handler(name, &krate)
        }
        _ => unreachable_handler(name, &krate),
    };
    let visibility = &function.vis;
    let Carried { on_name, on_rest } = Carried::of(&function.attrs);
    let descriptor = descriptor(args, event, &krate);
    let check = assert_key(args.key.as_ref(), &krate).map(|check| quote!(#on_rest #check));
    Some(quote! {
        #on_name
        #[allow(non_camel_case_types)]
        #visibility struct #name {}

        #on_rest
        #[automatically_derived]
        impl #krate::webhook::Webhook for #name {
            const KEY: &'static str = #key;
            type Event = #event;
            #descriptor
        }

        #check

        #krate::__server_half! { #on_rest #handler }
    })
}

/// Returns the key, by default the function's name.
fn key(args: &Args, name: &Ident, errors: &mut Errors) -> Option<TokenStream> {
    if let Some(key) = &args.key {
        return Some(quote!(#key));
    }
    let key = name.unraw().to_string();
    if !is_extension_key(&key) {
        errors.at(
            name,
            "this name cannot be the webhook's key, which must have 1 to 40 letters, digits or `_`; \
             add `key = \"...\"`",
        );
        return None;
    }
    let key = LitStr::new(&key, name.span());
    Some(quote!(#key))
}

/// Returns the return type, or `None` if it cannot be named outside the function.
fn answer(function: &Function, errors: &mut Errors) -> Option<Type> {
    match &function.sig.output {
        ReturnType::Default => Some(parse_quote!(())),
        ReturnType::Type(_, answer) => match ungrouped(answer) {
            Type::ImplTrait(_) => {
                errors.at(
                    answer,
                    "a webhook must return `()`, a `Notification`, or an `Option` or `Result` \
                 of these",
                );
                None
            }
            _ => Some((**answer).clone()),
        },
    }
}

fn descriptor(args: &Args, event: &Path, krate: &Path) -> TokenStream {
    let name = args.name.as_ref().map(|name| {
        quote! {
            webhook.name = ::core::option::Option::Some(::core::convert::From::from(#name));
        }
    });
    let pattern = args.pattern.as_ref().map(|pattern| {
        let check = {
            let krate = located(krate, event.span());
            quote_spanned! {event.span()=>
                const fn has_text<E: #krate::webhook::TextEvent>() {}
                const { has_text::<#event>() };
            }
        };
        quote! {
            #check
            webhook.pattern = ::core::option::Option::Some(::core::convert::From::from(#pattern));
        }
    });
    quote! {
        #[allow(unused_mut)]
        fn descriptor() -> #krate::model::Webhook {
            let mut webhook = #krate::model::Webhook::new(
                <#event as #krate::model::webhook::RoomEvent>::EVENT,
                "",
            );
            webhook.key = ::core::option::Option::Some(::core::convert::From::from(
                <Self as #krate::webhook::Webhook>::KEY,
            ));
            #name
            #pattern
            webhook
        }
    }
}

fn handler(
    name: &Ident,
    event: &Path,
    first: &Type,
    arguments: &[Argument<'_>],
    answer: &Type,
    krate: &Path,
) -> TokenStream {
    let extraction = Extraction::new(arguments, krate);
    let Extraction {
        bounds,
        statements,
        values,
        ..
    } = &extraction;
    let answers = {
        let krate = located(krate, answer.span());
        quote_spanned! {answer.span()=>
            #answer: #krate::webhook::WebhookAnswer,
            <#answer as #krate::webhook::WebhookAnswer>::Error: #krate::glance::HandlerError
        }
    };
    let bind_event = quote_spanned!(first.span()=> let __event: #first = __request;);
    let implementation = quote! {
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl<__S> #krate::webhook::WebhookHandler<__S> for #name
        where
            __S: ::core::marker::Send + ::core::marker::Sync + 'static,
            #bounds
            #answers
        {
            async fn call(
                __request: #krate::extract::WebhookRequest<#event>,
                __parts: &mut #krate::axum::http::request::Parts,
                __state: &__S,
            ) -> ::core::result::Result<
                ::core::option::Option<#krate::model::Notification>,
                #krate::axum::response::Response,
            > {
                let _ = (&__parts, __state);
                #bind_event
                #statements
                let __answer: #answer = #name(__event, #values).await;
                match #krate::webhook::WebhookAnswer::into_result(__answer) {
                    ::core::result::Result::Ok(answer) => ::core::result::Result::Ok(answer),
                    ::core::result::Result::Err(error) => {
                        ::core::result::Result::Err(
                            #krate::glance::HandlerError::into_response(error),
                        )
                    }
                }
            }
        }
    };
    extraction.enclose(implementation)
}

/// Generates a handler for a function with a reported error, so that its registration causes no
/// further error.
fn unreachable_handler(name: &Ident, krate: &Path) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl<__S: ::core::marker::Send + ::core::marker::Sync> #krate::webhook::WebhookHandler<__S> for #name {
            async fn call(
                _: #krate::extract::WebhookRequest<Self::Event>,
                _: &mut #krate::axum::http::request::Parts,
                _: &__S,
            ) -> ::core::result::Result<
                ::core::option::Option<#krate::model::Notification>,
                #krate::axum::response::Response,
            > {
                ::core::unreachable!()
            }
        }
    }
}
