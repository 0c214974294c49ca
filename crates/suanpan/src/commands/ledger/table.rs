//! Columns for people.

use unicode_width::UnicodeWidthStr;

/// Lines of cells; numbers stand right, all else left.
pub(super) struct Table {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table; names that begin with `>` are of columns whose cells stand right.
    pub(super) fn new(header: &[&str]) -> Table {
        let right = header.iter().map(|name| name.starts_with('>')).collect();
        let names = header.iter().map(|name| name.trim_start_matches('>').to_owned()).collect();
        Table { right, rows: vec![names] }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Writes it with two blanks between columns.
    pub(super) fn write(&self) -> String {
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(&widths).zip(&self.right) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let pad = " ".repeat(width - cell.width());
                if *right {
                    line.push_str(&pad);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&pad);
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["account", ">balance"]);
        table.row(vec!["客户".to_owned(), "1.00".to_owned()]);
        table.row(vec!["merchant/1".to_owned(), "-12,345.00".to_owned()]);
        assert_eq!(table.write(), "account        balance\n客户              1.00\nmerchant/1  -12,345.00\n");
    }
}
