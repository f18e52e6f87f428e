//! `when(...)`: translates a Boolean expression into calls that rustc checks against the metadata's
//! type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{BinOp, Expr, ExprBinary, ExprPath, Ident, Member, Path, UnOp};

use crate::{Errors, located};

const HOST_CONDITIONS: [(&str, &str, &str); 4] = [
    ("room", "is_public", "RoomIsPublic"),
    ("user", "is_admin", "UserIsAdmin"),
    ("user", "is_guest", "UserIsGuest"),
    ("user", "is_room_owner", "UserIsRoomOwner"),
];

/// Returns an expression of type `Test`, for an implementation of `Glance`.
pub(crate) fn lower(condition: &Expr, krate: &Path, errors: &mut Errors) -> TokenStream {
    match test(condition, krate, errors) {
        Some(test) => test,
        // The error is reported; a valid test avoids further errors.
        None => quote!(#krate::metadata::Test::All(::std::vec::Vec::new())),
    }
}

fn test(condition: &Expr, krate: &Path, errors: &mut Errors) -> Option<TokenStream> {
    refuse_attributes(condition, errors)?;
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
            let attribute = attribute(condition, krate, errors)?;
            Some(quote_spanned!(condition.span()=> #attribute.holds()))
        }
        Expr::Assign(assign) => {
            errors.at(assign.eq_token, "`=` assigns; compare with `==`");
            None
        }
        Expr::Lit(literal) => {
            errors.at(
                literal,
                "a condition must test a field of the metadata, as in `count > 0`",
            );
            None
        }
        other => {
            errors.at(
                other,
                "a condition must have only fields of the metadata, comparisons, `&&`, `||`, `!` and \
                 parentheses; compute anything else into a field of the metadata",
            );
            None
        }
    }
}

/// Returns `None` if the expression has attributes, which the translation would lose.
fn refuse_attributes(expression: &Expr, errors: &mut Errors) -> Option<()> {
    let attributes = match expression {
        Expr::Paren(syn::ExprParen { attrs, .. })
        | Expr::Group(syn::ExprGroup { attrs, .. })
        | Expr::Unary(syn::ExprUnary { attrs, .. })
        | Expr::Binary(syn::ExprBinary { attrs, .. })
        | Expr::Path(syn::ExprPath { attrs, .. })
        | Expr::Field(syn::ExprField { attrs, .. }) => attrs.first(),
        _ => None,
    };
    match attributes {
        Some(attribute) => {
            errors.at(
                attribute,
                "a condition cannot have attributes: remove this one, or put `#[cfg]` on the function",
            );
            None
        }
        None => Some(()),
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
        // Translates both sides, so that an error in each is reported.
        let (left, right) = (
            test(&binary.left, krate, errors),
            test(&binary.right, krate, errors),
        );
        let (left, right) = (left?, right?);
        return Some(quote!(#krate::metadata::Test::#join(#left, #right)));
    }
    if let Some(side) = [&binary.left, &binary.right]
        .into_iter()
        .find(|side| is_host_condition(side))
    {
        errors.at(
            side,
            "a condition of the host must stand alone, or after `!`",
        );
        return None;
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
                "a condition must compare with `==`, `!=`, `<`, `<=`, `>` or `>=` and join with `&&` \
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
    if !flipped && is_field(value) {
        errors.at(
            value,
            "a condition must compare a field with a literal or a constant; to compare it with \
             another field or a variable, compute a `bool` field of the metadata",
        );
        return None;
    }
    let method = Ident::new(method, binary.op.span());
    let attribute = attribute(field, krate, errors)?;
    Some(quote_spanned!(binary.op.span()=> #attribute.#method(#value)))
}

/// Returns the calls for a field: `a.b` becomes `attributes().a().b()`. All tokens have the span of
/// the field; a variable for the attributes could not, because it needs hygiene.
fn attribute(field: &Expr, krate: &Path, errors: &mut Errors) -> Option<TokenStream> {
    refuse_attributes(field, errors)?;
    match field {
        Expr::Paren(paren) => attribute(&paren.expr, krate, errors),
        Expr::Group(group) => attribute(&group.expr, krate, errors),
        Expr::Path(path) => match path.path.get_ident() {
            Some(name) => {
                let krate = located(krate, name.span());
                Some(quote_spanned! {name.span()=>
                    <Self::Metadata as #krate::metadata::GlanceMetadata>::attributes().#name()
                })
            }
            None => {
                errors.at(
                    path,
                    "a condition must compare fields of the metadata, but this is a path; \
                        write the field on the left and the value on the right",
                );
                None
            }
        },
        Expr::Field(access) => {
            let parent = attribute(&access.base, krate, errors)?;
            match &access.member {
                Member::Named(name) => Some(quote_spanned!(name.span()=> #parent.#name())),
                Member::Unnamed(index) => {
                    errors.at(index, "fields of the metadata must have names");
                    None
                }
            }
        }
        other => {
            errors.at(
                other,
                "the left side of a comparison must be a field of the metadata; compute anything else \
                 into a field of its own",
            );
            None
        }
    }
}

/// Returns whether this can only be the value of a comparison: `0 < count` means `count > 0`.
fn is_value(side: &Expr) -> bool {
    match side {
        Expr::Lit(_) => true,
        Expr::Path(path) => is_constant(&path.path),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && is_value(&unary.expr),
        Expr::Paren(paren) => is_value(&paren.expr),
        Expr::Group(group) => is_value(&group.expr),
        _ => false,
    }
}

/// Returns whether this looks like a field, on the side of the value.
fn is_field(side: &Expr) -> bool {
    match side {
        Expr::Path(path) => !is_constant(&path.path),
        Expr::Field(access) => is_field(&access.base),
        Expr::Paren(paren) => is_field(&paren.expr),
        Expr::Group(group) => is_field(&group.expr),
        _ => false,
    }
}

/// Returns whether this looks like a constant or a variant: a path, or a name with an initial
/// capital.
fn is_constant(path: &Path) -> bool {
    path.segments.len() > 1
        || path.get_ident().is_some_and(|name| {
            let name = name.to_string();
            name.trim_start_matches('_').starts_with(char::is_uppercase)
        })
}

fn is_host_condition(side: &Expr) -> bool {
    match side {
        Expr::Path(path) => known_host_condition(&path.path).is_some(),
        Expr::Paren(paren) => is_host_condition(&paren.expr),
        Expr::Group(group) => is_host_condition(&group.expr),
        _ => false,
    }
}

/// Returns the variant of `ConditionName` if the path names a condition of the host.
fn known_host_condition(path: &Path) -> Option<&'static str> {
    let mut names = path.segments.iter().map(|segment| &segment.ident);
    let (of, is) = (names.next()?, names.next()?);
    let known = HOST_CONDITIONS
        .iter()
        .find(|(a, b, _)| of == a && is == b)
        .filter(|_| names.next().is_none());
    known.map(|(_, _, variant)| *variant)
}

fn host_condition(path: &ExprPath, krate: &Path, errors: &mut Errors) -> Option<TokenStream> {
    if let Some(name) = known_host_condition(&path.path) {
        let name = Ident::new(name, path.span());
        return Some(quote!(#krate::metadata::Test::Host(#krate::model::ConditionName::#name)));
    }
    let written: Vec<String> = path
        .path
        .segments
        .iter()
        .map(|s| s.ident.to_string())
        .collect();
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
