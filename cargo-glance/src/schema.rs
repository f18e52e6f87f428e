//! `cargo glance schema`: JSON Schemas for editors and for programs in other languages.

use crate::print;

/// Print the JSON Schema of a descriptor or of glance data, for editors and other languages.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance schema descriptor >descriptor.schema.json
  cargo glance schema glance-data | ajv validate -s /dev/stdin -d data.json")]
pub(crate) struct Arguments {
    /// The kind of document.
    #[arg(value_enum)]
    of: Document,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Document {
    /// A capabilities descriptor.
    Descriptor,
    /// The data in the response to a glance's query.
    GlanceData,
}

pub(crate) fn run(arguments: &Arguments) {
    let schema = match arguments.of {
        Document::Descriptor => glance_sdk::schema::descriptor(),
        Document::GlanceData => glance_sdk::schema::glance_data(),
    };
    print::line(format_args!("{schema:#}"));
}
