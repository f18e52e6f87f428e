//! `#[glance]`: keeps the function, and generates a type with the same name.

mod args;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path, ReturnType, Type, parse_quote};

use crate::args::{Text, assert_key};
use crate::builtin::Carried;
use crate::function::{Argument, Extraction, Function, Kind, ungrouped};
use crate::{Errors, located, when};
use args::{Args, Audience};

const GLANCE: Kind = Kind {
    attribute: "glance",
    what: "a glance",
    extractor: "`GlanceQuery`, `State<T>`",
    caller: "hosts ask for one glance by its key",
};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    GLANCE.expand(&item, errors, |function, errors| {
        generate(&args, function, errors)
    })
}

fn generate(args: &Args, function: &Function, errors: &mut Errors) -> Option<TokenStream> {
    let krate = args
        .krate
        .clone()
        .unwrap_or_else(|| parse_quote!(::glance_sdk));
    let signature = &function.sig;
    if !GLANCE.is_free(function, errors) {
        return None;
    }
    let checked = GLANCE.arguments(function, errors);
    let answer = answer(function, errors);

    let name = &signature.ident;
    let visibility = &function.vis;
    let Carried { on_name, on_rest } = Carried::of(&function.attrs);
    let answers = answer.map(|answer| answers(answer, &krate));
    let metadata = match answer {
        Some(answer) => {
            let krate = located(&krate, answer.span());
            quote_spanned! {answer.span()=>
                type Metadata = <#answer as #krate::glance::GlanceAnswer>::Metadata;
            }
        }
        None => quote!(type Metadata = #krate::metadata::NoMetadata;),
    };
    let descriptor = descriptor(args, &krate);
    let keys = [&args.key, &args.target].map(|key| assert_key(key.as_ref(), &krate));
    let checks = keys.into_iter().chain([args.assert_max_age()]);
    let checks = checks.flatten().map(|check| quote!(#on_rest #check));
    let checks = quote!(#(#checks)*);
    let when = args
        .when
        .as_ref()
        .map(|condition| when::lower(condition, &krate, errors))
        .filter(|_| answer.is_some());
    let when = when.map(|test| {
        quote! {
            fn when() -> ::core::option::Option<#krate::metadata::Test> {
                ::core::option::Option::Some(#test)
            }
        }
    });
    let personal = (args.audience != Some(Audience::Room)).then(|| {
        quote! {
            #on_rest
            #[automatically_derived]
            #[allow(trivial_bounds)]
            impl #krate::glance::PersonalGlance for #name where #answers {}
        }
    });
    let handler = match (checked, answer) {
        (Some(arguments), Some(answer)) => handler(name, &arguments, answer, args.audience, &krate),
        _ => unreachable_handler(name, &krate),
    };

    Some(quote! {
        #on_name
        #[allow(non_camel_case_types)]
        #visibility struct #name {}

        #on_rest
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl #krate::glance::Glance for #name where #answers {
            #descriptor
            #metadata
            #when
        }

        #personal

        #checks

        #krate::__server_half! { #on_rest #handler }
    })
}

/// Returns the bound with the span of the return type. Each implementation repeats and assumes it,
/// so that a wrong type is reported only once.
fn answers(answer: &Type, krate: &Path) -> TokenStream {
    let krate = located(krate, answer.span());
    quote_spanned!(answer.span()=> #answer: #krate::glance::GlanceAnswer,)
}

fn handler(
    name: &Ident,
    arguments: &[Argument<'_>],
    answer: &Type,
    audience: Option<Audience>,
    krate: &Path,
) -> TokenStream {
    let answers = answers(answer, krate);
    let fails_with_response = {
        let krate = located(krate, answer.span());
        quote_spanned! {answer.span()=>
            <#answer as #krate::glance::GlanceAnswer>::Error: #krate::glance::HandlerError
        }
    };
    let mut extraction = Extraction::new(arguments, krate);
    if audience == Some(Audience::Room) {
        extraction.check_for_room(krate);
    }
    let Extraction {
        bounds,
        statements,
        values,
        ..
    } = &extraction;
    let query = quote_spanned! {Span::call_site().located_at(name.span())=>
        async fn query(
            __parts: &mut #krate::axum::http::request::Parts,
            __state: &__S,
        ) -> ::core::result::Result<
            #krate::model::GlanceData<Self::Metadata>,
            #krate::axum::response::Response,
        >
    };
    let implementation = quote! {
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl<__S> #krate::glance::GlanceHandler<__S> for #name
        where
            __S: ::core::marker::Send + ::core::marker::Sync + 'static,
            #bounds
            #answers
            #fails_with_response
        {
            #query {
                let _ = (&__parts, __state);
                #statements
                let __answer: #answer = #name(#values).await;
                match #krate::glance::GlanceAnswer::into_result(__answer) {
                    ::core::result::Result::Ok(data) => ::core::result::Result::Ok(data),
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
        impl<__S: ::core::marker::Send + ::core::marker::Sync> #krate::glance::GlanceHandler<__S> for #name {
            async fn query(
                _: &mut #krate::axum::http::request::Parts,
                _: &__S,
            ) -> ::core::result::Result<
                #krate::model::GlanceData<Self::Metadata>,
                #krate::axum::response::Response,
            > {
                ::core::unreachable!()
            }
        }
    }
}

/// Returns the return type, or `None` if it cannot be named outside the function.
fn answer<'f>(function: &'f Function, errors: &mut Errors) -> Option<&'f Type> {
    let signature = &function.sig;
    let expected = "a glance must return `GlanceData<M>`, or a `Result` of it";
    match &signature.output {
        ReturnType::Default => errors.at(&signature.ident, expected),
        ReturnType::Type(_, answer) => match ungrouped(answer) {
            Type::ImplTrait(_) => errors.at(answer, expected),
            _ if signature.generics.params.is_empty() => return Some(answer),
            _ => {}
        },
    }
    None
}

fn descriptor(args: &Args, krate: &Path) -> TokenStream {
    let text = |text: &Option<Text>| match text {
        Some(text) => quote!(#text),
        None => quote!(""),
    };
    let (key, name, icon) = (text(&args.key), text(&args.name), text(&args.icon));
    let with_2x = args.icon_2x.as_ref().map(|url| quote!(.with_2x(#url)));
    let target = args.target.as_ref().map(|key| {
        quote!(glance.target = ::core::option::Option::Some(::core::convert::From::from(#key));)
    });
    let weight = args.weight.as_ref().map(|weight| {
        quote! {
            let weight: ::core::primitive::i64 = #weight;
            glance.weight = ::core::option::Option::Some(weight);
        }
    });
    let audience = args.audience.map(|audience| {
        let audience = match audience {
            Audience::Person => quote!(Person),
            Audience::Room => quote!(Room),
        };
        quote! {
            glance.audience = ::core::option::Option::Some(#krate::model::Audience::#audience);
        }
    });
    let max_age = args.max_age.as_ref().map(|age| {
        quote! {
            let age: ::core::primitive::i64 = #age;
            glance.max_age = ::core::option::Option::Some(age);
        }
    });
    let conditions = args.conditions.as_ref().map(|conditions| {
        quote! {
            glance.conditions = ::core::option::Option::Some(
                ::core::iter::FromIterator::from_iter(#conditions),
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
            #audience
            #max_age
            #conditions
            glance
        }
    }
}
