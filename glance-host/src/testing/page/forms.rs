//! The forms of a page, as a browser would submit them.

use std::cell::RefCell;

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// A form with its fields.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// The URL that receives it; empty means the page itself.
    pub(super) action: String,
    pub(super) is_post: bool,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    value: String,
    /// Whether a field is submitted without a given value: an unchecked box and a button are not.
    is_sent: bool,
}

impl Form {
    /// Returns the forms of a page.
    pub(super) fn all(html: &str) -> Vec<Self> {
        let tokenizer = Tokenizer::new(Reader::default(), TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(html.into());
        // The tokenizer pauses after scripts only, and this sink reports none.
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink.0.into_inner().forms
    }

    /// Returns whether it has fields with all these names.
    pub(super) fn has(&self, given: &[(&str, &str)]) -> bool {
        let has = |name| self.fields.iter().any(|field| field.name == name);
        given.iter().all(|(name, _)| has(*name))
    }

    /// Returns the submitted fields: these values, and the page's values of all other fields.
    pub(super) fn fill(&self, given: &[(&str, &str)]) -> Vec<(String, String)> {
        let is_given = |field: &&Field| given.iter().any(|(name, _)| *name == field.name);
        let of_page = self
            .fields
            .iter()
            .filter(|field| field.is_sent && !is_given(field));
        let of_page = of_page.map(|field| (field.name.clone(), field.value.clone()));
        let given = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        of_page.chain(given).collect()
    }
}

#[derive(Default)]
struct Reader(RefCell<Read>);

#[derive(Default)]
struct Read {
    forms: Vec<Form>,
    is_in_form: bool,
    /// The name of the open `select`, and whether one of its options is chosen already.
    select: Option<(String, bool)>,
    /// Whether text belongs to the last field.
    collects_text: bool,
    /// Whether a leading line feed of a text area, which does not count, may follow.
    skips_line_feed: bool,
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut read = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => read.text(&text),
            Token::TagToken(tag) => return read.tag(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Read {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let is_start = tag.kind == TagKind::StartTag;
        match &*tag.name {
            "form" if is_start => {
                self.is_in_form = true;
                self.forms.push(Form {
                    action: attribute(tag, "action").unwrap_or_default(),
                    is_post: attribute(tag, "method")
                        .is_some_and(|method| method.eq_ignore_ascii_case("post")),
                    fields: Vec::new(),
                });
            }
            "form" => self.is_in_form = false,
            "input" if is_start => {
                self.input(tag);
            }
            "button" if is_start => {
                self.add(tag, attribute(tag, "value"), false);
            }
            "textarea" if is_start => {
                self.collects_text = self.add(tag, None, true);
                self.skips_line_feed = true;
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            "textarea" => {
                self.collects_text = false;
                self.skips_line_feed = false;
            }
            "select" if is_start => {
                self.select = attribute(tag, "name").map(|name| (name, false));
            }
            "select" => {
                self.end_option();
                self.select = None;
            }
            "option" => {
                self.end_option();
                if is_start {
                    self.option(tag);
                }
            }
            "script" if is_start => return TokenSinkResult::RawData(RawKind::ScriptData),
            "style" if is_start => return TokenSinkResult::RawData(RawKind::Rawtext),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn text(&mut self, text: &str) {
        let skips_line_feed = std::mem::take(&mut self.skips_line_feed);
        let text = match text.strip_prefix('\n') {
            Some(rest) if skips_line_feed => rest,
            _ => text,
        };
        if self.collects_text
            && let Some(field) = self.fields().and_then(|fields| fields.last_mut())
        {
            field.value.push_str(text);
        }
    }

    fn input(&mut self, tag: &Tag) -> bool {
        let kind = attribute(tag, "type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let value = attribute(tag, "value");
        match kind.as_str() {
            "checkbox" | "radio" => {
                let is_checked = attribute(tag, "checked").is_some();
                self.add(
                    tag,
                    Some(value.unwrap_or_else(|| "on".to_owned())),
                    is_checked,
                )
            }
            "submit" | "button" | "image" | "reset" => self.add(tag, value, false),
            _ => self.add(tag, value, true),
        }
    }

    /// Handles an option: the selected one counts, or the first.
    fn option(&mut self, tag: &Tag) {
        let Some((name, is_chosen)) = self.select.clone() else {
            return;
        };
        let is_marked = attribute(tag, "selected").is_some();
        let value = attribute(tag, "value");
        let Some(fields) = self.fields() else { return };
        if is_marked && !is_chosen {
            fields.retain(|field| field.name != name);
        }
        if (is_marked && !is_chosen) || !fields.iter().any(|field| field.name == name) {
            let has_value = value.is_some();
            fields.push(Field {
                name,
                value: value.unwrap_or_default(),
                is_sent: true,
            });
            self.collects_text = !has_value;
        }
        if let Some((_, is_chosen)) = &mut self.select {
            *is_chosen |= is_marked;
        }
    }

    /// Uses the trimmed text of an option without a value as its value.
    fn end_option(&mut self) {
        if self.select.is_none() || !std::mem::take(&mut self.collects_text) {
            return;
        }
        if let Some(field) = self.fields().and_then(|fields| fields.last_mut()) {
            field.value = field.value.trim().to_owned();
        }
    }

    /// Returns whether a field is open.
    fn add(&mut self, tag: &Tag, value: Option<String>, is_sent: bool) -> bool {
        let name = attribute(tag, "name").filter(|name| !name.is_empty());
        let is_disabled = attribute(tag, "disabled").is_some();
        if let (Some(name), Some(fields), false) = (name, self.fields(), is_disabled) {
            fields.push(Field {
                name,
                value: value.unwrap_or_default(),
                is_sent,
            });
            return true;
        }
        false
    }

    /// Returns the fields of the open form.
    fn fields(&mut self) -> Option<&mut Vec<Field>> {
        let form = self.forms.last_mut().filter(|_| self.is_in_form)?;
        Some(&mut form.fields)
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    let found = tag
        .attrs
        .iter()
        .find(|attribute| &*attribute.name.local == name)?;
    Some(found.value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(html: &str, given: &[(&str, &str)]) -> Vec<String> {
        let forms = Form::all(html);
        let form = forms.iter().find(|form| form.has(given)).unwrap();
        let values = form.fill(given).into_iter();
        values
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn first_line_feed_of_a_text_area_is_ignored() {
        for (html, expected) in [
            (
                "<form><textarea name=a>\n\n b\n</textarea></form>",
                "a=\n b\n",
            ),
            ("<form><textarea name=a>\r\nb</textarea></form>", "a=b"),
            ("<form><textarea name=a></textarea>\n</form>", "a="),
            (
                "<form><input name=a value=1><textarea name=b disabled>2</textarea></form>",
                "a=1",
            ),
        ] {
            assert_eq!(filled(html, &[]), [expected], "{html}");
        }
    }

    #[test]
    fn forms_are_submitted_as_a_browser_does() {
        let page = r#"<input name="outside" value="0"><script>"<form><input name=no>"</script>
            <form action="/a"><input name="q"></form>
            <form method="POST" action="/b?x=1&amp;y=2">
              <input type=hidden name="token" value="a&quot;b">
              <input name="text" value="old"><input name="off" disabled value="1">
              <input type="checkbox" name="yes" checked><input type="checkbox" name="no">
              <input type="radio" name="colour" value="red"><input type="radio" name="colour" value="blue" checked>
              <select name="size"><option value="s">S<option value="m" selected>M<option value="l">L</select>
              <select name="first"><option value="1">1</option><option value="2">2</option></select>
              <select name="word"><option> One <option selected>Two</select>
              <textarea name="note">a &lt; b</textarea>
              <button name="do" value="save">Save</button><button>Plain</button>
            </form>"#;
        let forms = Form::all(page);
        assert_eq!(forms.len(), 2);
        assert!(!forms[0].is_post && forms[1].is_post);
        assert_eq!(forms[1].action, "/b?x=1&y=2");
        assert_eq!(filled(page, &[]), ["q="]);
        assert_eq!(
            filled(page, &[("text", "new"), ("do", "save"), ("no", "on")]),
            [
                "token=a\"b",
                "yes=on",
                "colour=blue",
                "size=m",
                "first=1",
                "word=Two",
                "note=a < b",
                "text=new",
                "do=save",
                "no=on",
            ]
        );
    }
}
