//! `label!`: a format string whose interpolated values are escaped.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Ident, LitStr, Path, Token, parse_quote};

const TAGS: [&str; 4] = ["b", "strong", "em", "i"];
const MAX_UNITS: usize = 1000;

pub(crate) struct Input {
    /// The path of `glance_sdk`, from `crate = path,` before the literal.
    krate: Path,
    literal: LitStr,
    arguments: Vec<(Option<Ident>, Expr)>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let krate = if input.peek(Token![crate]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            let krate = input.parse()?;
            input.parse::<Token![,]>()?;
            krate
        } else {
            parse_quote!(::glance_sdk)
        };
        let literal = input.parse().map_err(|error| {
            syn::Error::new(
                error.span(),
                "a label must start with a string literal: `label!(\"<b>{count}</b> open\")`",
            )
        })?;
        let mut arguments = Vec::new();
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name = if input.peek(Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
                let name = input.parse()?;
                input.parse::<Token![=]>()?;
                Some(name)
            } else {
                None
            };
            if let Some(attribute) = input.call(Attribute::parse_outer)?.first() {
                return Err(syn::Error::new_spanned(
                    attribute,
                    "an argument of a label cannot have attributes: remove this one",
                ));
            }
            arguments.push((name, input.parse()?));
        }
        Ok(Self {
            krate,
            literal,
            arguments,
        })
    }
}

pub(crate) fn expand(input: Input) -> syn::Result<TokenStream> {
    let Input {
        krate,
        literal,
        arguments,
    } = input;
    let refuse = |message: String| syn::Error::new(literal.span(), message);
    let pieces = split(&literal.value()).map_err(refuse)?;
    check_html(&pieces).map_err(refuse)?;

    let bound: Vec<Ident> = arguments
        .iter()
        .enumerate()
        .map(|(i, (_, value))| {
            let place = Span::mixed_site().located_at(value.span());
            format_ident!("argument_{i}", span = place)
        })
        .collect();
    let mut used = vec![false; arguments.len()];
    let mut next = 0;
    let mut format = String::new();
    let mut values = Vec::new();
    for piece in &pieces {
        let Piece::Value { name, spec } = piece else {
            if let Piece::Text(text) = piece {
                format.push_str(&text.replace('{', "{{").replace('}', "}}"));
            }
            continue;
        };
        format.push_str("{}");
        let index = match name.as_str() {
            "" => {
                next += 1;
                Some(next - 1)
            }
            digits if digits.starts_with(|c: char| c.is_ascii_digit()) => Some(
                digits
                    .parse()
                    .map_err(|_| refuse(format!("`{{{name}}}` is not an argument")))?,
            ),
            name => arguments
                .iter()
                .position(|(of, _)| of.as_ref().is_some_and(|of| of == name)),
        };
        let value = match index {
            Some(index) => {
                *used.get_mut(index).ok_or_else(|| {
                    refuse(format!(
                        "the literal takes {} arguments or more; given: {}",
                        index + 1,
                        arguments.len()
                    ))
                })? = true;
                let bound = &bound[index];
                quote!(#bound)
            }
            None => {
                let captured = syn::parse_str::<Ident>(name).map_err(|_| {
                    refuse(format!(
                        "`{{{name}}}` is not a variable; write `{{}}` and give the value as an argument"
                    ))
                })?;
                let captured = Ident::new(&captured.to_string(), literal.span());
                quote!(#captured)
            }
        };
        let inner = LitStr::new(&format!("{{{spec}}}"), Span::call_site());
        values.push(quote!(#krate::label::Escaped(
            ::core::format_args!(#inner, #value)
        )));
    }
    if let Some(unused) = used.iter().position(|used| !used) {
        return Err(syn::Error::new_spanned(
            &arguments[unused].1,
            "this argument is not used in the label",
        ));
    }
    let expressions = arguments.iter().map(|(_, expression)| expression);
    let format = LitStr::new(&format, literal.span());
    Ok(quote! {
        match (#(&#expressions,)*) {
            (#(#bound,)*) => #krate::model::Label::html(::std::format!(#format, #(#values),*)),
        }
    })
}

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    /// `{name:spec}`; `spec` includes its colon.
    Value {
        name: String,
        spec: String,
    },
}

fn split(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err("a `}` without its `{`; write `}}` for the character".to_owned());
        }
        let end = after
            .find('}')
            .ok_or("a `{` without its `}`; write `{{` for the character")?;
        let inside = &after[..end];
        let (name, spec) = inside
            .find(':')
            .map_or((inside, ""), |colon| inside.split_at(colon));
        if spec.contains(['$', '*']) {
            return Err(format!(
                "`{{{inside}}}` takes its width from an argument; write a number, or format the value first"
            ));
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Value {
            name: name.trim().to_owned(),
            spec: spec.to_owned(),
        });
        rest = &after[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Allows only tags that hosts keep, closed in order, and no value inside a tag.
fn check_html(pieces: &[Piece]) -> Result<(), String> {
    let keeps = "hosts keep <b>, <strong>, <em> and <i>, without attributes";
    let mut units = 0;
    let mut open: Vec<&str> = Vec::new();
    for piece in pieces {
        let Piece::Text(text) = piece else {
            units += 1;
            continue;
        };
        units += text.encode_utf16().count();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('<') {
            let Some(end) = rest[at..].find('>') else {
                return Err(format!(
                    "a `<` without its `>`; write `&lt;` for the character. Of tags {keeps}"
                ));
            };
            let tag = &rest[at + 1..at + end];
            let name = tag.strip_prefix('/').unwrap_or(tag);
            let Some(name) = TAGS.into_iter().find(|known| *known == name) else {
                return Err(format!("hosts drop `<{tag}>`: {keeps}"));
            };
            if !tag.starts_with('/') {
                open.push(name);
            } else if open.pop() != Some(name) {
                return Err(format!(
                    "`</{name}>` closes a tag that is not open; {keeps}"
                ));
            }
            rest = &rest[at + end + 1..];
        }
    }
    if let Some(name) = open.pop() {
        return Err(format!("`<{name}>` is not closed; add `</{name}>`"));
    }
    match units {
        0 => Err("a label must have at least one character".to_owned()),
        1..=MAX_UNITS => Ok(()),
        _ => Err(format!(
            "a label must have at most {MAX_UNITS} UTF-16 units, this one has {units}; shorten it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_string_is_split_like_in_format() {
        let value = |name: &str, spec: &str| Piece::Value {
            name: name.into(),
            spec: spec.into(),
        };
        assert_eq!(
            split("<b>{}</b> of {total:>3} {{x}}{0}").unwrap(),
            [
                Piece::Text("<b>".into()),
                value("", ""),
                Piece::Text("</b> of ".into()),
                value("total", ":>3"),
                Piece::Text(" {x}".into()),
                value("0", ""),
            ]
        );
    }

    #[test]
    fn unsupported_html_is_refused() {
        let check = |text: &str| split(text).and_then(|pieces| check_html(&pieces));
        for good in [
            "<b>{}</b>",
            "<i><em>x</em></i>",
            "a > b &amp; c",
            "{}",
            "<strong>x</strong>",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "<a href='x'>y</a>",
            "<B>x</B>",
            "<b>x",
            "x</b>",
            "<b><i>x</b></i>",
            "a < b",
            "<{}>",
            "<b class='x'>y</b>",
            "<br>",
            "<script>x</script>",
            "}",
            "{",
            "{:1$}",
            "{x",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"x".repeat(1001)).is_err());
    }
}
