//! What is shown, before it is known where: a head, and tables with titles.

use std::fmt::Write as _;

/// All of it.
pub(super) struct Page {
    /// One line.
    pub(super) head: String,
    pub(super) tables: Vec<Table>,
}

/// Rows below a line of names.
pub(super) struct Table {
    pub(super) title: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Row>,
}

/// A row: what it is about, then figures.
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) mood: Mood,
}

/// Whether somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Calm,
    /// It may pass.
    Busy,
    /// It does not go away by itself.
    Bad,
}

impl Row {
    pub(super) fn new(name: &str, figures: impl IntoIterator<Item = String>, mood: Mood) -> Row {
        Row { cells: std::iter::once(name.to_owned()).chain(figures).collect(), mood }
    }
}

impl Table {
    /// How wide each column is.
    pub(super) fn widths(&self) -> Vec<usize> {
        let cell = |row: &Row, place: usize| row.cells.get(place).map_or(0, |cell| cell.chars().count());
        let widest = |(place, name): (usize, &&str)| self.rows.iter().map(|row| cell(row, place)).chain([name.chars().count()]).max();
        self.columns.iter().enumerate().map(|place| widest(place).unwrap_or(0)).collect()
    }
}

impl Page {
    /// As lines for programs and files: each table after an empty line.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.head);
        for table in &self.tables {
            let widths = table.widths();
            let _ = writeln!(text, "\n{}", table.title);
            write_line(&mut text, table.columns.iter().copied(), &widths);
            for row in &table.rows {
                write_line(&mut text, row.cells.iter().map(String::as_str), &widths);
            }
            if table.rows.is_empty() {
                text.push_str("  none\n");
            }
        }
        text
    }
}

/// The first to the left, figures to the right.
fn write_line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>, widths: &[usize]) {
    for (place, (cell, width)) in cells.zip(widths).enumerate() {
        let _ = if place == 0 { write!(text, "  {cell:<width$}") } else { write!(text, "  {cell:>width$}") };
    }
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}

/// So many per second, or just so many; nothing is a dot.
pub(super) fn number(n: f64) -> String {
    match n.abs() {
        x if x < 0.05 => "·".into(),
        x if x < 9.95 => format!("{n:.1}"),
        x if x < 99_999.5 => format!("{n:.0}"),
        x if x < 9_999_500.0 => format!("{:.0}k", n / 1e3),
        _ => format!("{:.1}M", n / 1e6),
    }
}

/// A whole number; nothing is a dot.
pub(super) fn count(n: f64) -> String {
    if n == 0.0 { "·".into() } else { format!("{n:.0}") }
}

/// Seconds in the unit that fits.
pub(super) fn duration(seconds: Option<f64>) -> String {
    match seconds {
        None => "·".into(),
        Some(s) if s < 0.001 => format!("{:.0} us", s * 1e6),
        Some(s) if s < 0.1 => format!("{:.1} ms", s * 1e3),
        Some(s) if s < 1.0 => format!("{:.0} ms", s * 1e3),
        Some(s) if s < 120.0 => format!("{s:.1} s"),
        Some(s) if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        Some(s) if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        Some(s) => format!("{:.0} d", s / 86_400.0),
    }
}

/// Bytes in the unit that fits.
pub(super) fn bytes(n: f64) -> String {
    match n {
        n if n < 1_048_576.0 => format!("{:.0} KiB", n / 1_024.0),
        n if n < 10_737_418_240.0 => format!("{:.0} MiB", n / 1_048_576.0),
        n => format!("{:.1} GiB", n / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let numbers = [(0.0, "·"), (0.31, "0.3"), (12.4, "12"), (99_999.0, "99999"), (123_456.0, "123k"), (12_345_678.0, "12.3M")];
        assert!(numbers.iter().all(|(n, text)| number(*n) == *text), "{:?}", numbers.map(|(n, _)| number(n)));
        let times = [(0.000_25, "250 us"), (0.0042, "4.2 ms"), (0.25, "250 ms"), (3.0, "3.0 s"), (600.0, "10 min"), (90_000.0, "25.0 h")];
        assert!(times.iter().all(|(s, text)| duration(Some(*s)) == *text), "{:?}", times.map(|(s, _)| duration(Some(s))));
        assert_eq!(
            (duration(None), bytes(2_048.0), bytes(5e8), bytes(2e10)),
            ("·".into(), "2 KiB".into(), "477 MiB".into(), "18.6 GiB".into())
        );
    }

    #[test]
    fn text_has_columns() {
        let rows =
            vec![Row::new("orders", ["1.0".into(), "12".into()], Mood::Calm), Row::new("cart", ["100".into(), "·".into()], Mood::Bad)];
        let table = |rows| Table { title: "Requests", columns: &["service", "per s", "5xx"], rows };
        let text = Page { head: "haat".into(), tables: vec![table(rows), table(Vec::new())] }.text();
        let wanted = "haat\n\nRequests\n  service  per s  5xx\n  orders     1.0   12\n  cart       100    ·\n\nRequests\n  service  per s  5xx\n  none\n";
        assert_eq!(text, wanted);
    }
}
