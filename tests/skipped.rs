//! Reports checks that cannot run on this machine. Each crate with such checks includes this file.

use std::fs::OpenOptions;
use std::io::Write;

/// Reports that the current test skips a check, and why. The report goes to standard error, past the capture of
/// libtest, and into the file `GLANCE_SKIPPED`, which `.ci/run` counts.
///
/// # Panics
///
/// Panics if the file cannot be written.
#[allow(clippy::expect_used)]
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    // libtest names a test's thread after the test.
    let line = format!("skipped: {}: {why}\n", thread.name().unwrap_or("?"));
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(file) = std::env::var_os("GLANCE_SKIPPED") {
        let file = OpenOptions::new().append(true).create(true).open(file);
        // One write for each line, because several programs append at once.
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file GLANCE_SKIPPED cannot be written");
    }
}
