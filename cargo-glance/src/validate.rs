//! `cargo glance validate FILE|URL`: lists the problems of a descriptor, with their positions in
//! its text.

mod place;

use std::fmt::Write as _;

use glance_sdk::json::{self, Document};
use glance_sdk::printable::printable;
use glance_sdk::validate::{self, Problem, Severity};
use serde_json::{Value, json};

use crate::descriptor_source::{self, PLACEHOLDER_BASE_URL};
use crate::error::CommandError;
use crate::print;
use place::shown;

/// List the problems of a descriptor with their positions; fails if a host would refuse it.
///
/// A file may be a template: placeholders such as `{{localBaseUrl}}` are filled in before the
/// check, and listed on standard error. The content of a URL is checked unchanged.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance validate atlassian-connect.json --base-url https://standup.example.com
  cargo glance validate http://127.0.0.1:8080/ --strict
  curl -s http://127.0.0.1:8080/ | cargo glance validate - --json")]
pub(crate) struct Arguments {
    /// A file, an http or https URL, or - for standard input.
    #[arg(value_name = "FILE|URL")]
    source: String,
    /// The kind of document.
    #[arg(long, value_enum, default_value_t = Kind::Descriptor)]
    kind: Kind,
    /// Print the problems as JSON.
    #[arg(long)]
    json: bool,
    /// Fail for warnings too.
    #[arg(long)]
    strict: bool,
    /// The base URL of the add-on, for the placeholders of a template. The default is
    /// `https://add-on.example`.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// A capabilities descriptor.
    Descriptor,
    /// A glance for its creation at run time.
    Glance,
    /// The data in the response to a glance's query.
    GlanceData,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments {
        source,
        kind,
        json,
        strict,
        base_url,
    } = arguments;
    let base_url = base_url.as_deref().map(check_base_url).transpose()?;
    let mut bytes = descriptor_source::read(&source).await?;
    if !descriptor_source::is_url(&source) {
        let base_url = base_url.as_deref().unwrap_or(PLACEHOLDER_BASE_URL);
        let (filled, has_stand_in) = descriptor_source::fill(bytes, base_url, "checked");
        bytes = filled;
        if has_stand_in {
            print::error("note: --base-url sets the add-on's own address");
        }
    }
    let document = Document::read(&bytes).map_err(|cause| {
        let message = match json {
            true => format!("{source} is not JSON: {cause}"),
            false => {
                let text = json::decode(&bytes);
                let place = shown(cause.place(), &source, &text, &cause.to_string());
                format!("{source} is not JSON\n{}", place.trim_end())
            }
        };
        CommandError::new("not-json", message, "fix the JSON at this place")
    })?;
    let mut problems = validate::unusual(&document);
    problems.extend(match kind {
        Kind::Descriptor => validate::descriptor(document.value()),
        Kind::Glance => validate::glance(document.value()),
        Kind::GlanceData => validate::glance_data(document.value()),
    });
    if json {
        print::line(format_args!("{:#}", as_json(&problems, &document)));
    } else {
        let report = as_text(&problems, &source, &document);
        print::line(report.strip_suffix('\n').unwrap_or(&report));
    }
    let source = printable(&source);
    let fails = |problem: &&Problem| strict || problem.severity == Severity::Error;
    let message = match problems.iter().filter(fails).count() {
        0 => return Ok(()),
        1 => format!("{source} has a problem"),
        count => format!("{source} has {count} problems"),
    };
    let help = "fix the problems on standard output, and check again";
    Err(CommandError::new("invalid", message, help))
}

/// Returns the base URL without a trailing slash.
fn check_base_url(text: &str) -> Result<String, CommandError> {
    let url = text.parse::<reqwest::Url>().ok();
    let is_good = url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
    });
    match is_good {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(CommandError::new(
            "bad-base-url",
            format!("{text:?} is not a base URL"),
            "use one like https://standup.example.com, without a query",
        )),
    }
}

fn as_json(problems: &[Problem], document: &Document) -> Value {
    let placed = problems.iter().map(|problem| {
        let place = place_of(problem, document);
        json!({
            "pointer": problem.pointer,
            "code": problem.code,
            "severity": problem.severity,
            "message": problem.message,
            "line": place.line,
            "column": place.column,
        })
    });
    placed.collect()
}

fn place_of(problem: &Problem, document: &Document) -> json::Place {
    let place = problem.place;
    place.unwrap_or_else(|| document.place(&problem.pointer))
}

fn as_text(problems: &[Problem], source: &str, document: &Document) -> String {
    let mut report = String::new();
    for problem in problems {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let _ = writeln!(report, "{severity}[{}]: {}", problem.code, problem.message);
        let pointer = match problem.pointer.as_str() {
            "" => "the whole document",
            pointer => pointer,
        };
        let place = place_of(problem, document);
        report += &shown(place, source, document.text(), pointer);
        report.push('\n');
    }
    if problems.is_empty() {
        let _ = writeln!(report, "{source} has no problem.");
    }
    report
}
