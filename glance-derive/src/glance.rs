//! `#[glance]`: the function as it is, and a type of the same name.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ItemFn, Path, ReturnType, Type, parse_quote};

use crate::args::Args;
use crate::{Errors, located, when};

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
    if let Some(receiver) = signature.receiver() {
        errors.at(
            receiver,
            "a glance is a free function; what it needs comes by `State<T>`",
        );
        return None;
    }
    let checked = check_signature(function, errors);
    let answer = answer(function, errors);

    let name = &signature.ident;
    let visibility = &function.vis;
    let documentation = function
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("doc"));
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
    let handler = match (checked, answer) {
        (Some(arguments), Some(answer)) => handler(name, &arguments, answer, &krate),
        _ => unreachable_handler(name, &krate),
    };

    Some(quote! {
        #(#documentation)*
        #[allow(non_camel_case_types)]
        #visibility struct #name {}

        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl #krate::glance::Glance for #name where #answers {
            #descriptor
            #metadata
            #when
        }

        #krate::__server_half! { #handler }
    })
}

/// The bound that stands at the type of the answer. It is repeated on each implementation and
/// assumed inside, so that a wrong type is not reported once for each use.
fn answers(answer: &Type, krate: &Path) -> TokenStream {
    let krate = located(krate, answer.span());
    quote_spanned!(answer.span()=> #answer: #krate::glance::GlanceAnswer,)
}

fn handler(name: &Ident, arguments: &[&Type], answer: &Type, krate: &Path) -> TokenStream {
    let answers = answers(answer, krate);
    let fails_with_response = {
        let krate = located(krate, answer.span());
        quote_spanned! {answer.span()=>
            <#answer as #krate::glance::GlanceAnswer>::Error: #krate::axum::response::IntoResponse
        }
    };
    let bounds = arguments.iter().map(|ty| {
        let krate = located(krate, ty.span());
        quote_spanned!(ty.span()=> #ty: #krate::axum::extract::FromRequestParts<__S>)
    });
    let bound: Vec<_> = (0..arguments.len())
        .map(|i| format_ident!("__argument_{i}"))
        .collect();
    let extract = arguments.iter().zip(&bound).map(|(ty, argument)| {
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
    let query = quote_spanned! {Span::call_site().located_at(name.span())=>
        async fn query(
            mut __parts: #krate::axum::http::request::Parts,
            __state: __S,
        ) -> ::core::result::Result<
            #krate::model::GlanceData<Self::Metadata>,
            #krate::axum::response::Response,
        >
    };
    quote! {
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl<__S> #krate::glance::GlanceHandler<__S> for #name
        where
            __S: ::core::marker::Send + ::core::marker::Sync + 'static,
            #(#bounds,)*
            #answers
            #fails_with_response
        {
            #query {
                let _ = (&mut __parts, &__state);
                #(#extract)*
                let __answer: #answer = #name(#(#bound),*).await;
                match #krate::glance::GlanceAnswer::into_result(__answer) {
                    ::core::result::Result::Ok(data) => ::core::result::Result::Ok(data),
                    ::core::result::Result::Err(error) => {
                        ::core::result::Result::Err(
                            #krate::axum::response::IntoResponse::into_response(error),
                        )
                    }
                }
            }
        }
    }
}

/// For a function with a reported error, so that its registration adds no other.
fn unreachable_handler(name: &Ident, krate: &Path) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl<__S: ::core::marker::Send> #krate::glance::GlanceHandler<__S> for #name {
            async fn query(
                _: #krate::axum::http::request::Parts,
                _: __S,
            ) -> ::core::result::Result<
                #krate::model::GlanceData<Self::Metadata>,
                #krate::axum::response::Response,
            > {
                ::core::unreachable!()
            }
        }
    }
}

/// The types of the arguments, or `None` where the function cannot be called with extractors.
fn check_signature<'f>(function: &'f ItemFn, errors: &mut Errors) -> Option<Vec<&'f Type>> {
    let signature = &function.sig;
    let mut good = true;
    let mut refuse = |place: &dyn ToTokens, message| {
        errors.at(place, message);
        good = false;
    };
    if signature.asyncness.is_none() {
        refuse(
            &signature.fn_token,
            "a glance is an `async fn`: add `async`",
        );
    }
    if !signature.generics.params.is_empty() {
        refuse(
            &signature.generics,
            "a glance cannot be generic: hosts ask for one glance by its key",
        );
    }
    let mut types = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(argument) = input else {
            continue;
        };
        match &*argument.ty {
            Type::Reference(reference) => refuse(
                &reference.and_token,
                "arguments are extractors and taken by value: remove the `&`",
            ),
            Type::ImplTrait(ty) => refuse(
                ty,
                "an argument is an extractor of a type with a name: `GlanceQuery`, `State<T>` or \
                 another `FromRequestParts`",
            ),
            ty => types.push(ty),
        }
    }
    good.then_some(types)
}

/// The type of the answer, or `None` where it cannot be named outside the function.
fn answer<'f>(function: &'f ItemFn, errors: &mut Errors) -> Option<&'f Type> {
    let signature = &function.sig;
    let expected = "a glance answers with `GlanceData<M>`, or a `Result` of it";
    match &signature.output {
        ReturnType::Default => errors.at(&signature.ident, expected),
        ReturnType::Type(_, answer) => match &**answer {
            Type::ImplTrait(_) => errors.at(answer, expected),
            answer if signature.generics.params.is_empty() => return Some(answer),
            _ => {}
        },
    }
    None
}

fn descriptor(args: &Args, krate: &Path) -> TokenStream {
    let text = |literal: &Option<syn::LitStr>| match literal {
        Some(literal) => quote!(#literal),
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
            #conditions
            glance
        }
    }
}
