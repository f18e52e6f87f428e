//! Asks for the template of a new add-on.

use std::io::{self, BufRead, Read as _, Write};

use clap::ValueEnum;

use super::template::Template;
use crate::error::CommandError;

/// The number of attempts to answer with a valid template.
const ATTEMPTS: usize = 3;

/// The maximum length of an answer, in bytes.
const MAX_ANSWER: u64 = 100;

/// Lists the templates and reads a number or a name. An empty answer selects the first.
///
/// # Errors
///
/// Returns an error if nobody answers, or if no answer is a template.
pub(super) fn template(
    mut input: impl BufRead,
    output: impl Write,
) -> Result<Template, CommandError> {
    let failed =
        |what: String| CommandError::new("no-template", what, "choose one with --template");
    match ask(&mut input, output) {
        Ok(Some(template)) => Ok(template),
        Ok(None) => Err(failed("no template was chosen".to_owned())),
        Err(cause) => Err(failed(format!("cannot read the answer ({cause})"))),
    }
}

fn ask(input: &mut impl BufRead, mut output: impl Write) -> io::Result<Option<Template>> {
    let templates = Template::value_variants();
    writeln!(output, "Which template should the add-on use?")?;
    for (number, template) in templates.iter().enumerate() {
        let (name, help) = (template.name(), template.help());
        writeln!(output, "  {}  {name:9} {help}", number + 1)?;
    }
    for _ in 0..ATTEMPTS {
        write!(output, "Number or name [1]: ")?;
        output.flush()?;
        let mut answer = String::new();
        if input.by_ref().take(MAX_ANSWER).read_line(&mut answer)? == 0 {
            writeln!(output)?;
            return Ok(None);
        }
        let answer = answer.trim();
        let chosen = match answer.parse::<usize>() {
            Ok(number) => number.checked_sub(1).and_then(|at| templates.get(at)),
            Err(_) if answer.is_empty() => templates.first(),
            Err(_) => templates.iter().find(|template| template.name() == answer),
        };
        if let Some(template) = chosen {
            return Ok(Some(*template));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_name_or_empty_answer_selects_template() {
        for (answers, expected) in [
            ("\n", Some(Template::Minimal)),
            ("3\n", Some(Template::Webhook)),
            (" runtime \n", Some(Template::Runtime)),
            ("0\nsix\npush\n", Some(Template::Push)),
            ("6\n7\n8\n1\n", None),
            ("", None),
        ] {
            let mut shown = Vec::new();
            let chosen = template(answers.as_bytes(), &mut shown);
            assert_eq!(chosen.ok(), expected, "{answers:?}");
            let shown = String::from_utf8(shown).unwrap();
            assert!(
                shown.contains("  4  settings  A panel with a form"),
                "{shown}"
            );
        }
    }
}
