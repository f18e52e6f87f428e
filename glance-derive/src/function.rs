//! The function under an attribute: what its arguments may be, and how they are had from a request.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ItemFn, Path, Type};

use crate::{Errors, located};

/// What an attribute makes of a function, in the words of its messages.
pub(crate) struct Kind {
    /// Without `#[]`.
    pub(crate) attribute: &'static str,
    /// With its article.
    pub(crate) what: &'static str,
    /// What an argument may be, for example.
    pub(crate) extractor: &'static str,
    /// Who calls it, and hence why it is not generic.
    pub(crate) caller: &'static str,
}

impl Kind {
    /// The function as it is, what is generated beside it, and all errors.
    pub(crate) fn expand(
        &self,
        item: &TokenStream,
        mut errors: Errors,
        generate: impl FnOnce(&ItemFn, &mut Errors) -> Option<TokenStream>,
    ) -> TokenStream {
        let generated = match syn::parse2::<ItemFn>(item.clone()) {
            Ok(function) => generate(&function, &mut errors),
            Err(_) => {
                let attribute = self.attribute;
                errors.at(item, format!("`#[{attribute}]` goes on an `async fn`"));
                None
            }
        };
        let errors = errors.into_tokens();
        quote! { #item #generated #errors }
    }

    /// Whether it has no `self`.
    pub(crate) fn is_free(&self, function: &ItemFn, errors: &mut Errors) -> bool {
        let receiver = function.sig.receiver();
        if let Some(receiver) = receiver {
            let what = self.what;
            errors.at(
                receiver,
                format!("{what} is a free function; what it needs comes by `State<T>`"),
            );
        }
        receiver.is_none()
    }

    /// The types of the arguments, or `None` where the function cannot be called with extractors.
    pub(crate) fn arguments<'f>(
        &self,
        function: &'f ItemFn,
        errors: &mut Errors,
    ) -> Option<Vec<&'f Type>> {
        let Self {
            what,
            extractor,
            caller,
            ..
        } = self;
        let signature = &function.sig;
        let mut good = true;
        let mut refuse = |place: &dyn ToTokens, message: String| {
            errors.at(place, message);
            good = false;
        };
        if signature.asyncness.is_none() {
            refuse(
                &signature.fn_token,
                format!("{what} is an `async fn`: add `async`"),
            );
        }
        if !signature.generics.params.is_empty() {
            refuse(
                &signature.generics,
                format!("{what} cannot be generic: {caller}"),
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
                    "arguments are extractors and taken by value: remove the `&`".to_owned(),
                ),
                Type::ImplTrait(ty) => refuse(
                    ty,
                    format!(
                        "an argument is an extractor of a type with a name: {extractor} or \
                         another `FromRequestParts`"
                    ),
                ),
                ty => types.push(ty),
            }
        }
        good.then_some(types)
    }
}

/// For the extractors of an `impl<__S>`: the bound of each, at its word; a name for each; and how
/// to have them from `__parts` and `__state`, in a function whose `Err` is a response.
pub(crate) fn extract(arguments: &[&Type], krate: &Path) -> (TokenStream, Vec<Ident>, TokenStream) {
    let bounds = arguments.iter().map(|ty| {
        let krate = located(krate, ty.span());
        quote_spanned!(ty.span()=> #ty: #krate::axum::extract::FromRequestParts<__S>,)
    });
    let names: Vec<_> = (0..arguments.len())
        .map(|i| format_ident!("__argument_{i}"))
        .collect();
    let extracted = arguments.iter().zip(&names).map(|(ty, argument)| {
        quote! {
            let #argument = match <#ty as #krate::axum::extract::FromRequestParts<__S>>
                ::from_request_parts(__parts, __state).await
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
    let (bounds, extracted) = (bounds.collect(), extracted.collect());
    (bounds, names, extracted)
}
