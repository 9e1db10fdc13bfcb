//! Tables whose columns stand under each other, wide characters included.

use serde_json::Value;

use super::cell;

/// A column: its title, and where in a row's object its value is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// The heading.
    pub(crate) title: &'static str,
    /// The JSON pointer (RFC 6901) to the value.
    pub(crate) at: &'static str,
}

/// A column.
pub(crate) const fn column(title: &'static str, at: &'static str) -> Column {
    Column { title, at }
}

/// Rows of text under headings.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        Self { titles: titles.to_vec(), rows: Vec::new() }
    }

    /// A table of JSON objects.
    pub(crate) fn of(columns: &[Column], items: &[Value]) -> Self {
        let mut table = Self::new(&columns.iter().map(|column| column.title).collect::<Vec<_>>());
        for item in items {
            table.push(columns.iter().map(|column| cell(item.pointer(column.at))).collect());
        }
        table
    }

    /// Adds a row of cells, already [clean](super::clean).
    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The table, each line ended; no spaces at the end of a line.
    pub(crate) fn render(&self) -> String {
        let mut widths: Vec<usize> = self.titles.iter().map(|title| width(title)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(cell));
            }
        }
        let mut text = String::new();
        line(&mut text, self.titles.iter().copied(), &widths);
        for row in &self.rows {
            line(&mut text, row.iter().map(String::as_str), &widths);
        }
        text
    }
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>, widths: &[usize]) {
    let mut owed = 0;
    for (cell, widest) in cells.zip(widths) {
        text.extend(std::iter::repeat_n(' ', owed));
        text.push_str(cell);
        owed = widest.saturating_sub(width(cell)) + 2;
    }
    text.push('\n');
}

/// How many columns a terminal gives the text: two for East Asian wide characters and emoji, none
/// for combining marks (a close approximation of Unicode TR 11).
pub(crate) fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x0300..=0x036f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f
            | 0x2e80..=0x303e
            | 0x3041..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f300..=0x1f64f
            | 0x1f680..=0x1f6ff
            | 0x1f900..=0x1f9ff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::{Table, column, width};
    use serde_json::json;

    #[test]
    fn columns_stand_under_each_other() {
        let columns = [column("NAME", "/name"), column("AT", "/when/at"), column("N", "/n")];
        let items =
            [json!({"name": "段落2", "when": {"at": "now"}, "n": 1}), json!({"name": "long-name"})];
        // Two wide characters and a digit fill five columns.
        assert_eq!(
            Table::of(&columns, &items).render(),
            "NAME       AT   N\n段落2      now  1\nlong-name  -    -\n"
        );
    }

    #[test]
    fn an_empty_table_is_its_headings() {
        assert_eq!(Table::new(&["A", "B"]).render(), "A  B\n");
    }

    #[test]
    fn a_cell_cannot_break_its_line() {
        let columns = [column("T", "/t")];
        let text = Table::of(&columns, &[json!({"t": "a\nb\u{1b}[31m"})]).render();
        assert_eq!(text, "T\na\\nb\\u{1b}[31m\n");
    }

    #[test]
    fn widths_follow_the_terminal() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("商品"), 4);
        assert_eq!(width("e\u{301}"), 1);
    }
}
