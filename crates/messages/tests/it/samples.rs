//! Where the sample files lie: beside the project, never in it.

use std::path::PathBuf;

/// Returns the path of a sample, such as `iso8583/unionpay_pos__pay_request.hex`.
pub(crate) fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples").join(name);
    assert!(path.exists(), "no sample at {}: the tests need ../shared beside the project", path.display());
    path
}

#[test]
fn samples_lie_beside_the_project() {
    assert!(path("INDEX.md").is_file());
}
