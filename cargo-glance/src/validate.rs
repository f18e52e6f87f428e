//! `cargo glance validate FILE|URL`: what is wrong with a descriptor, and where in its text.

mod place;

use std::fmt::Write as _;
use std::io::Read as _;
use std::time::Duration;

use glance_sdk::egress::reqwest::Method;
use glance_sdk::egress::reqwest::header::ACCEPT;
use glance_sdk::egress::{CallError, Timeouts};
use glance_sdk::json::{self, Document};
use glance_sdk::printable::printable;
use glance_sdk::validate::{self, Problem, Severity};
use serde_json::{Value, json};

use crate::http;
use crate::print;
use place::shown;

/// More than any descriptor has.
const MAX_BYTES: usize = 1024 * 1024;

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A file, an http or https address, or - for standard input.
    #[arg(value_name = "FILE|URL")]
    source: String,
    /// What it is.
    #[arg(long, value_enum, default_value_t = Kind::Descriptor)]
    kind: Kind,
    /// Print the problems as JSON.
    #[arg(long)]
    json: bool,
    /// Fail for warnings too.
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// A capabilities descriptor.
    Descriptor,
    /// A glance, as it is created at runtime.
    Glance,
    /// The data that a glance's query answers.
    GlanceData,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), String> {
    let Arguments {
        source,
        kind,
        json,
        strict,
    } = arguments;
    let bytes = read(&source).await?;
    let document = Document::read(&bytes).map_err(|cause| match json {
        true => format!("{source} is no JSON: {cause}"),
        false => {
            let text = json::decode(&bytes);
            format!(
                "{source} is no JSON\n{}",
                shown(cause.place(), &source, &text, &cause.to_string())
            )
        }
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
    match problems.iter().filter(fails).count() {
        0 => Ok(()),
        1 => Err(format!("{source} has a problem")),
        count => Err(format!("{source} has {count} problems")),
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

async fn read(source: &str) -> Result<Vec<u8>, String> {
    let bytes = if source == "-" {
        let mut bytes = Vec::new();
        let limit = MAX_BYTES as u64 + 1;
        let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
        read.map_err(|cause| format!("standard input cannot be read: {cause}"))?;
        bytes
    } else if source.starts_with("http://") || source.starts_with("https://") {
        fetch(source).await?
    } else {
        let file = std::fs::File::open(source);
        let limit = MAX_BYTES as u64 + 1;
        let mut bytes = Vec::new();
        file.and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|cause| format!("{source} cannot be read: {cause}"))?;
        bytes
    };
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "{source} has more than {MAX_BYTES} bytes; that is no descriptor"
        ));
    }
    Ok(bytes)
}

async fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let failed = |cause: CallError| format!("{url} {cause}");
    let parsed = url
        .parse()
        .map_err(|cause| format!("{url} is no URL: {cause}"))?;
    let client = http::client()?;
    let request = client.request(Method::GET, parsed);
    let request = request.header(ACCEPT, "application/json").build();
    let request = request.map_err(|cause| cause.without_url().to_string())?;
    let answer = client.send(request, Timeouts::within(TIMEOUT)).await;
    let answer = answer.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!("{url} answered {}", answer.status()));
    }
    answer.read(MAX_BYTES).await.map_err(failed)
}
