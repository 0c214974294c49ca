//! Helps and errors word for word. `TRYCMD=overwrite cargo test -p suanpan --test it help` writes them
//! anew, to be read in review.

#[test]
fn helps_and_errors_are_as_in_their_golden_files() {
    trycmd::TestCases::new().env("NO_COLOR", "1").case("tests/cmd/*.trycmd");
}
