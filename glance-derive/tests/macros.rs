//! The macros as an author meets them.

mod agreement;
mod lowering;

#[test]
fn what_should_compile_does_and_what_should_not_says_why() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
