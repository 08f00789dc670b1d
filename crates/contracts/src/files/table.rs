//! A CSV table whose consecutive rows of one name belong together; holds no more than one such group.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;

use csv::{ByteRecord, StringRecord};

use super::RowError;
use crate::{Currency, Money};

/// How many rows can be one product.
const ROWS_MAX: usize = 1_000;

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Line in the file, from 1, where it begins.
    pub line: u64,
    cells: StringRecord,
}

/// Names whose rows do not stand together, with the first two lines where they begin.
#[derive(Clone, Debug, Default)]
pub struct Apart(BTreeMap<u64, (u64, u64)>);

impl Apart {
    fn of(&self, name: &str, within: &str) -> Option<&(u64, u64)> {
        self.0.get(&hash(&(name, within))).or_else(|| self.0.get(&hash(&name)))
    }
}

fn hash(name: &impl Hash) -> u64 {
    let mut hash = DefaultHasher::new();
    name.hash(&mut hash);
    hash.finish()
}

/// Where names were, while a table is gone through.
#[derive(Default)]
struct Places(BTreeMap<u64, (u64, Option<u64>)>);

impl Places {
    fn note(&mut self, key: u64, line: u64) {
        let again = |(_, second): &mut (u64, Option<u64>)| *second = second.or(Some(line));
        self.0.entry(key).and_modify(again).or_insert((line, None));
    }

    fn several(self) -> impl Iterator<Item = (u64, (u64, u64))> {
        self.0.into_iter().filter_map(|(key, (first, second))| Some((key, (first, second?))))
    }
}

/// Which rows belong together: those of one name, within another column's word where a row says one.
#[derive(Clone, Copy, Debug)]
pub struct By {
    /// The column of the name.
    pub name: &'static str,
    /// The column that tells equal names apart.
    pub within: Option<&'static str>,
}

/// Goes through a table group by group.
pub struct Table<R: Read> {
    csv: csv::Reader<R>,
    columns: Vec<String>,
    by: By,
    apart: Apart,
    ahead: Option<Result<Row, (Row, RowError)>>,
    is_over: bool,
}

impl<R: Read> Table<R> {
    /// Reads the header. `required` are the columns without which it is not a table of `what`.
    pub fn new(input: R, what: &str, required: &[&str], by: By) -> Result<Table<R>, RowError> {
        let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let header = csv.headers().map_err(|e| unreadable(&e))?;
        let columns: Vec<String> = header.iter().map(|c| c.trim().trim_start_matches('\u{feff}').to_owned()).collect();
        let twice = columns.iter().enumerate().find(|(place, name)| !name.is_empty() && columns[..*place].contains(name));
        if let Some((_, name)) = twice {
            return Err(RowError::new(1, name, "the header names this column twice"));
        }
        match required.iter().find(|name| !columns.iter().any(|c| c == *name)) {
            Some(missing) => Err(RowError::new(1, *missing, format!("{what} has this column"))),
            None => Ok(Table { csv, columns, by, apart: Apart::default(), ahead: None, is_over: false }),
        }
    }

    /// Goes through all of it and says whose rows do not stand together.
    pub fn apart(mut self) -> Apart {
        let (mut names, mut keys, mut bare) = (Places::default(), Places::default(), BTreeSet::new());
        let mut open: Option<(String, String)> = None;
        while let Some(Ok(next)) = self.next_row() {
            let row = next.as_ref().unwrap_or_else(|(row, _)| row);
            let (name, within) = self.key(row);
            if open.as_ref().is_some_and(|open| goes_on(open, name, within)) {
                continue;
            }
            open = None;
            if name.is_empty() {
                continue;
            }
            names.note(hash(&name), row.line);
            if within.is_empty() {
                bare.insert(hash(&name));
            } else {
                keys.note(hash(&(name, within)), row.line);
            }
            open = Some((name.to_owned(), within.to_owned()));
        }
        Apart(keys.several().chain(names.several().filter(|(key, _)| bare.contains(key))).collect())
    }

    /// Refuses each group of these names.
    pub fn refusing(self, apart: Apart) -> Table<R> {
        Table { apart, ..self }
    }

    fn key<'a>(&self, row: &'a Row) -> (&'a str, &'a str) {
        (self.cell(row, self.by.name), self.by.within.map_or("", |column| self.cell(row, column)))
    }

    /// The names of the columns, as the file has them.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Bytes of the file that have been read.
    pub fn position(&self) -> u64 {
        self.csv.position().byte()
    }

    /// The next rows that belong together; never none. A bad row spoils its group and no other.
    pub fn next_group(&mut self) -> Option<Result<Vec<Row>, Vec<RowError>>> {
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        let mut open: Option<(String, String)> = None;
        loop {
            let next = match self.next_row() {
                Some(Ok(next)) => next,
                Some(Err(e)) => {
                    errors.push(e);
                    break;
                }
                None => break,
            };
            let row = next.as_ref().unwrap_or_else(|(row, _)| row);
            let (name, within) = self.key(row);
            match &open {
                Some(open) if goes_on(open, name, within) => {}
                Some(_) => {
                    self.ahead = Some(next);
                    break;
                }
                None if name.is_empty() => {
                    return Some(Err(vec![RowError::new(row.line, self.by.name, "a row names what it belongs to")]));
                }
                None => {
                    errors.extend(self.stands_apart(row, name, within));
                    open = Some((name.to_owned(), within.to_owned()));
                }
            }
            match next {
                Ok(row) if rows.len() == ROWS_MAX => {
                    errors = vec![RowError::new(row.line, self.by.name, "at most 1,000 rows belong together")]
                }
                Ok(row) => rows.push(row),
                Err((_, e)) => errors.push(e),
            }
        }
        match (rows.is_empty(), errors.is_empty()) {
            (true, true) => None,
            (false, true) => Some(Ok(rows)),
            _ => Some(Err(errors)),
        }
    }

    fn stands_apart(&self, row: &Row, name: &str, within: &str) -> Option<RowError> {
        let (first, second) = self.apart.of(name, within)?;
        let reason = format!(
            "rows that belong together stand together: {name:?} begins in line {first} and again in line {second}; nothing of it is taken"
        );
        Some(RowError::new(row.line, self.by.name, reason))
    }

    /// What stands in a row's column; empty where there is no such column.
    pub fn cell<'a>(&self, row: &'a Row, column: &str) -> &'a str {
        let place = self.columns.iter().position(|c| c == column);
        place.and_then(|i| row.cells.get(i)).unwrap_or("").trim()
    }

    /// An amount such as 1299.00.
    pub fn money(&self, row: &Row, column: &str, currency: Currency) -> Result<Money, RowError> {
        let text = self.cell(row, column);
        Money::parse(text, currency).map_err(|e| RowError::new(row.line, column, format!("{text:?}: {e}")))
    }

    /// The next row that says anything, or with what is wrong with it; an error where the file cannot be read any further.
    #[allow(clippy::type_complexity, reason = "the three ends of a row, used by one caller")]
    fn next_row(&mut self) -> Option<Result<Result<Row, (Row, RowError)>, RowError>> {
        if let Some(row) = self.ahead.take() {
            return Some(Ok(row));
        }
        let mut record = ByteRecord::new();
        while !self.is_over {
            match self.csv.read_byte_record(&mut record) {
                Ok(true) if record.iter().all(|cell| cell.trim_ascii().is_empty()) => {}
                Ok(true) => return Some(Ok(self.as_text(&record))),
                Ok(false) => self.is_over = true,
                Err(e) => {
                    self.is_over = true;
                    return Some(Err(unreadable(&e)));
                }
            }
        }
        None
    }

    fn as_text(&self, record: &ByteRecord) -> Result<Row, (Row, RowError)> {
        let line = record.position().map_or(0, csv::Position::line);
        let broken = record.iter().position(|cell| std::str::from_utf8(cell).is_err());
        let row = Row { line, cells: record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect() };
        let behind = record.iter().skip(self.columns.len()).any(|cell| !cell.trim_ascii().is_empty());
        if behind && broken.is_none() {
            let (cells, columns) = (record.len(), self.columns.len());
            let reason = format!("{cells} cells, and the header names {columns}: a comma within a cell asks for quotes around it");
            return Err((row, RowError::new(line, "", reason)));
        }
        let Some(place) = broken else { return Ok(row) };
        let column = self.columns.get(place).map_or("", String::as_str);
        Err((row, RowError::new(line, column, "the text is not UTF-8")))
    }
}

/// Whether a row belongs to the group that is open.
fn goes_on((open_name, open_within): &(String, String), name: &str, within: &str) -> bool {
    open_name == name && (within.is_empty() || open_within == within)
}

fn unreadable(e: &csv::Error) -> RowError {
    RowError::new(e.position().map_or(0, csv::Position::line), "", format!("the file cannot be read here: {e}"))
}
