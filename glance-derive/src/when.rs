//! `when(...)`: a Boolean expression becomes calls that rustc checks against the metadata's type.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{BinOp, Expr, ExprBinary, ExprPath, Ident, Member, Path, UnOp};

use crate::Errors;

const HOST_CONDITIONS: [(&str, &str, &str); 4] = [
    ("room", "is_public", "RoomIsPublic"),
    ("user", "is_admin", "UserIsAdmin"),
    ("user", "is_guest", "UserIsGuest"),
    ("user", "is_room_owner", "UserIsRoomOwner"),
];

/// A block of type `Test`, in an implementation of `Glance`.
pub(crate) fn lower(condition: &Expr, krate: &Path, errors: &mut Errors) -> TokenStream {
    let root = root(Span::call_site());
    match test(condition, krate, errors) {
        Some(test) => quote!({
            let #root = <Self::Metadata as #krate::metadata::GlanceMetadata>::attributes();
            let _ = &#root;
            #test
        }),
        // The error is reported; a test all the same, so that it stays the only one.
        None => quote!(#krate::metadata::Test::All(::std::vec::Vec::new())),
    }
}

/// The variable that holds all attributes. Only this macro's own tokens see it, wherever the
/// names in the condition come from.
fn root(place: Span) -> Ident {
    Ident::new("attributes", Span::mixed_site().located_at(place))
}

fn test(condition: &Expr, krate: &Path, errors: &mut Errors) -> Option<TokenStream> {
    match condition {
        Expr::Paren(paren) => test(&paren.expr, krate, errors),
        Expr::Group(group) => test(&group.expr, krate, errors),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
            let inner = test(&unary.expr, krate, errors)?;
            Some(quote!(::core::ops::Not::not(#inner)))
        }
        Expr::Binary(binary) => joined_or_compared(binary, krate, errors),
        Expr::Path(path) if path.path.segments.len() > 1 => host_condition(path, krate, errors),
        Expr::Path(_) | Expr::Field(_) => {
            let attribute = attribute(condition, errors)?;
            Some(quote_spanned!(condition.span()=> #attribute.holds()))
        }
        Expr::Assign(assign) => {
            errors.at(assign.eq_token, "`=` assigns; compare with `==`");
            None
        }
        Expr::Lit(literal) => {
            errors.at(
                literal,
                "a condition tests a field of the metadata, as in `count > 0`",
            );
            None
        }
        other => {
            errors.at(
                other,
                "a condition has fields of the metadata, comparisons, `&&`, `||`, `!` and \
                 parentheses; compute anything else into a field of the metadata",
            );
            None
        }
    }
}

fn joined_or_compared(
    binary: &ExprBinary,
    krate: &Path,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let joined = match binary.op {
        BinOp::And(_) => Some(quote!(and)),
        BinOp::Or(_) => Some(quote!(or)),
        _ => None,
    };
    if let Some(join) = joined {
        // Both sides, so that an error in each is reported.
        let (left, right) = (
            test(&binary.left, krate, errors),
            test(&binary.right, krate, errors),
        );
        let (left, right) = (left?, right?);
        return Some(quote!(#krate::metadata::Test::#join(#left, #right)));
    }
    let flipped = is_value(&binary.left) && !is_value(&binary.right);
    let method = match (binary.op, flipped) {
        (BinOp::Eq(_), _) => "equals",
        (BinOp::Ne(_), _) => "differs_from",
        (BinOp::Lt(_), false) | (BinOp::Gt(_), true) => "less_than",
        (BinOp::Gt(_), false) | (BinOp::Lt(_), true) => "greater_than",
        (BinOp::Le(_), false) | (BinOp::Ge(_), true) => "at_most",
        (BinOp::Ge(_), false) | (BinOp::Le(_), true) => "at_least",
        _ => {
            let operator = binary.op;
            errors.at(
                operator,
                "a condition compares with `==`, `!=`, `<`, `<=`, `>` or `>=` and joins with `&&` \
                 or `||`; compute anything else into a field of the metadata",
            );
            return None;
        }
    };
    let (field, value) = if flipped {
        (&binary.right, &binary.left)
    } else {
        (&binary.left, &binary.right)
    };
    let method = Ident::new(method, binary.op.span());
    let attribute = attribute(field, errors)?;
    Some(quote_spanned!(binary.op.span()=> #attribute.#method(#value)))
}

/// The calls that reach a field: `a.b` becomes `attributes.a().b()`.
fn attribute(field: &Expr, errors: &mut Errors) -> Option<TokenStream> {
    match field {
        Expr::Paren(paren) => attribute(&paren.expr, errors),
        Expr::Group(group) => attribute(&group.expr, errors),
        Expr::Path(path) => match path.path.get_ident() {
            Some(name) => {
                let root = root(name.span());
                Some(quote_spanned!(name.span()=> #root.#name()))
            }
            None => {
                errors.at(
                    path,
                    "a condition compares fields of the metadata, and this is a path; \
                                 write the field on the left and the value on the right",
                );
                None
            }
        },
        Expr::Field(access) => {
            let parent = attribute(&access.base, errors)?;
            match &access.member {
                Member::Named(name) => Some(quote_spanned!(name.span()=> #parent.#name())),
                Member::Unnamed(index) => {
                    errors.at(index, "fields of the metadata have names");
                    None
                }
            }
        }
        other => {
            errors.at(
                other,
                "the left side of a comparison is a field of the metadata; compute anything else \
                 into a field of its own",
            );
            None
        }
    }
}

/// Whether this can only be the value of a comparison: `0 < count` is `count > 0`.
fn is_value(side: &Expr) -> bool {
    match side {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && is_value(&unary.expr),
        Expr::Paren(paren) => is_value(&paren.expr),
        Expr::Group(group) => is_value(&group.expr),
        _ => false,
    }
}

fn host_condition(path: &ExprPath, krate: &Path, errors: &mut Errors) -> Option<TokenStream> {
    let written: Vec<String> = path
        .path
        .segments
        .iter()
        .map(|s| s.ident.to_string())
        .collect();
    let known = HOST_CONDITIONS
        .iter()
        .find(|(of, is, _)| matches!(written.as_slice(), [a, b] if a == of && b == is));
    match known {
        Some((_, _, name)) => {
            let name = Ident::new(name, path.span());
            Some(quote!(#krate::metadata::Test::Host(#krate::model::ConditionName::#name)))
        }
        None => {
            let list: Vec<String> = HOST_CONDITIONS
                .iter()
                .map(|(of, is, _)| format!("`{of}::{is}`"))
                .collect();
            errors.at(
                path,
                format!(
                    "no host condition `{}`; there are {}",
                    written.join("::"),
                    list.join(", ")
                ),
            );
            None
        }
    }
}
