//! The function of an attribute macro: checks its arguments, and extracts them from a request.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Path, Signature, Type, Visibility, token};

use crate::builtin::{presence, refuse_expectations};
use crate::{Errors, located};

/// A function whose body is not parsed: while its author types, the type beside it stays, so that
/// rust-analyzer understands the rest of the program.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let function = Self {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
        };
        // Another macro may wrap the body in an invisible group.
        if !input.peek(token::Brace) && input.cursor().group(Delimiter::None).is_none() {
            return Err(input.error("expected the body of the function"));
        }
        input.parse::<TokenTree>()?;
        match input.is_empty() {
            true => Ok(function),
            false => Err(input.error("expected nothing after the body of the function")),
        }
    }
}

/// The kind of item that an attribute generates, in the words of its messages.
pub(crate) struct Kind {
    /// The name of the attribute, without `#[]`.
    pub(crate) attribute: &'static str,
    /// The kind with its article.
    pub(crate) what: &'static str,
    /// Examples of arguments.
    pub(crate) extractor: &'static str,
    /// The caller, which explains why the function cannot be generic.
    pub(crate) caller: &'static str,
}

impl Kind {
    /// Returns the unchanged function, the generated items, and all errors.
    pub(crate) fn expand(
        &self,
        item: &TokenStream,
        mut errors: Errors,
        generate: impl FnOnce(&Function, &mut Errors) -> Option<TokenStream>,
    ) -> TokenStream {
        let generated = match syn::parse2::<Function>(item.clone()) {
            Ok(function) => {
                refuse_expectations(&function.attrs, &mut errors);
                generate(&function, &mut errors)
            }
            Err(_) => {
                let attribute = self.attribute;
                errors.at(item, format!("`#[{attribute}]` must be on an `async fn`"));
                None
            }
        };
        let errors = errors.into_tokens();
        quote! { #item #generated #errors }
    }

    /// Returns whether the function has no `self`.
    pub(crate) fn is_free(&self, function: &Function, errors: &mut Errors) -> bool {
        let receiver = function.sig.receiver();
        if let Some(receiver) = receiver {
            let what = self.what;
            errors.at(
                receiver,
                format!("{what} must be a free function; pass data with `State<T>`"),
            );
        }
        receiver.is_none()
    }

    /// Returns the arguments, or `None` if the function cannot be called with extractors.
    pub(crate) fn arguments<'f>(
        &self,
        function: &'f Function,
        errors: &mut Errors,
    ) -> Option<Vec<Argument<'f>>> {
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
                format!("{what} must be an `async fn`: add `async`"),
            );
        }
        if !signature.generics.params.is_empty() {
            refuse(
                &signature.generics,
                format!("{what} cannot be generic: {caller}"),
            );
        }
        let mut arguments = Vec::new();
        for input in &signature.inputs {
            let FnArg::Typed(argument) = input else {
                continue;
            };
            match ungrouped(&argument.ty) {
                Type::Reference(reference) => refuse(
                    &reference.and_token,
                    "an argument must be an extractor, taken by value: remove the `&`".to_owned(),
                ),
                Type::ImplTrait(ty) => refuse(
                    ty,
                    format!(
                        "an argument must be an extractor of a type with a name: {extractor} or \
                         another `FromRequestParts`"
                    ),
                ),
                _ => arguments.push(Argument {
                    ty: &argument.ty,
                    presence: presence(&argument.attrs),
                }),
            }
        }
        good.then_some(arguments)
    }
}

/// An argument of the function.
pub(crate) struct Argument<'f> {
    pub(crate) ty: &'f Type,
    /// The predicate of its `#[cfg]`, under which the argument exists.
    pub(crate) presence: Option<TokenStream>,
}

/// Returns the type itself: another macro may wrap it in invisible groups.
pub(crate) fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        ty => ty,
    }
}

/// The parts of an `impl<__S>` that extract the function's arguments from a request.
pub(crate) struct Extraction {
    /// Items beside the `impl`: the types of arguments with a `#[cfg]`, and checks.
    items: TokenStream,
    /// The type of each argument.
    types: Vec<TokenStream>,
    /// The bound of each argument, with the span of its type.
    pub(crate) bounds: TokenStream,
    /// Statements that extract from `__parts` and `__state`, in a function whose `Err` is a response.
    pub(crate) statements: TokenStream,
    /// The extracted values, as arguments of the function.
    pub(crate) values: TokenStream,
}

impl Extraction {
    pub(crate) fn new(arguments: &[Argument<'_>], krate: &Path) -> Self {
        let mut extraction = Self {
            items: TokenStream::new(),
            types: Vec::new(),
            bounds: TokenStream::new(),
            statements: TokenStream::new(),
            values: TokenStream::new(),
        };
        for (index, argument) in arguments.iter().enumerate() {
            extraction.add(index, argument, krate);
        }
        extraction
    }

    fn add(&mut self, index: usize, argument: &Argument<'_>, krate: &Path) {
        let place = argument.ty.span();
        let value = format_ident!("__argument_{index}");
        let ty = match &argument.presence {
            None => {
                self.values.extend(quote!(#value,));
                argument.ty.to_token_stream()
            }
            Some(present) => {
                // A bound cannot have a `#[cfg]` itself; `()` can be extracted everywhere.
                let (alias, ty) = (
                    format_ident!("__Argument{index}", span = place),
                    argument.ty,
                );
                self.items.extend(quote! {
                    #[cfg(#present)]
                    type #alias = #ty;
                    #[cfg(not(#present))]
                    type #alias = ();
                });
                self.values.extend(quote!(#[cfg(#present)] #value,));
                quote!(#alias)
            }
        };
        let at_place = located(krate, place);
        self.bounds.extend(quote_spanned! {place=>
            #ty: #at_place::glance::HandlerArgument<__S>,
        });
        self.statements.extend(quote! {
            let #value = match <#ty as #krate::axum::extract::FromRequestParts<__S>>
                ::from_request_parts(__parts, __state).await
            {
                ::core::result::Result::Ok(extracted) => extracted,
                ::core::result::Result::Err(rejection) => {
                    return ::core::result::Result::Err(
                        #krate::axum::response::IntoResponse::into_response(rejection),
                    );
                }
            };
        });
        self.types.push(ty);
    }

    /// Makes rustc check that no argument depends on the person who looks.
    pub(crate) fn check_for_room(&mut self, krate: &Path) {
        for ty in &self.types {
            let place = ty.span();
            let krate = located(krate, place);
            self.items.extend(quote_spanned! {place=>
                const _: () = #krate::glance::check_room_argument::<#ty>();
            });
        }
    }

    /// Returns the `impl` with its items, in a scope of its own.
    pub(crate) fn enclose(&self, implementation: TokenStream) -> TokenStream {
        let items = &self.items;
        if items.is_empty() {
            return implementation;
        }
        quote! {
            const _: () = {
                #items
                #implementation
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(source: &str) -> syn::Result<Function> {
        syn::parse_str(source)
    }

    #[test]
    fn invalid_body_is_not_an_error() {
        for body in [
            "{ query. }",
            "{ let x = ; }",
            "{}",
            "{ new syntax => here }",
        ] {
            let source =
                format!("/// Docs.\npub async fn builds(query: GlanceQuery) -> GlanceData {body}");
            let function = parse(&source).unwrap();
            assert_eq!(function.sig.ident, "builds");
            assert_eq!(function.attrs.len(), 1);
        }
    }

    #[test]
    fn other_items_are_refused() {
        for source in [
            "struct Builds;",
            "async fn builds();",
            "async fn builds() {} {}",
            "",
        ] {
            assert!(parse(source).is_err(), "{source}");
        }
    }
}
