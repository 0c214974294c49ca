//! Layouts that a person wrote: read from files, and put beside the formats that come with the program.

use crate::cli::LayoutArgs;
use crate::error::Trouble;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use suanpan_formats::limits::LAYOUT_BYTES_MAX;
use suanpan_formats::{Catalogue, Layout};

/// Returns all formats: those that come with the program and those of layouts. A layout takes the place of
/// a format with the same id.
pub(crate) fn catalogue(args: &LayoutArgs) -> Result<Catalogue, Trouble> {
    let mut catalogue = Catalogue::built_in();
    for path in &args.layout {
        catalogue.add(Arc::new(read(path)?)).map_err(|layout| {
            Trouble::new("layout_twice", format!("two layouts have the id {}", layout.id()))
                .at(path.display().to_string())
                .next("give each its own id, or name one of them only")
        })?;
    }
    Ok(catalogue)
}

/// Reads a layout from a file.
pub(crate) fn read(path: &Path) -> Result<Layout, Trouble> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| Trouble::io("open", path, error))?;
    let read = file.take(LAYOUT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Trouble::io("read", path, error))?;
    let name = path.display();
    let text = String::from_utf8(bytes)
        .map_err(|_| Trouble::new("layout_wrong", "the layout is not UTF-8 text").at(name.to_string()))?;
    Layout::parse(&text).map_err(|error| {
        let place = match error.line {
            0 => name.to_string(),
            line => format!("{name}:{line}:{}", error.column),
        };
        Trouble::new("layout_wrong", error.message)
            .at(place)
            .next("docs/reference/layouts.md says what a layout may have")
    })
}
