//! A file as it is read: which format it has, and how far it was read.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Result as IoResult, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use clap::ValueEnum;

/// How much is read at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// How a file of products is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Shopify's product CSV.
    ShopifyCsv,
    /// A JSON object on each line.
    Jsonl,
    /// A row per variant, under haat's own names.
    Csv,
}

/// An open file, or the standard input for `-`.
pub struct Source {
    input: BufReader<Box<dyn Read + Send>>,
    /// What can be read from its beginning again.
    file: Option<File>,
    /// How large it is, where that is known.
    pub bytes: Option<u64>,
    /// How much of it was read.
    pub read: Arc<AtomicU64>,
}

impl Source {
    /// Opens `path`.
    pub fn open(path: &Path) -> anyhow::Result<Source> {
        let read = Arc::new(AtomicU64::new(0));
        let (input, file, bytes): (Box<dyn Read + Send>, _, _) = if path == Path::new("-") {
            (Box::new(std::io::stdin()), None, None)
        } else {
            let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            let about = file.metadata()?;
            let again = if about.is_file() { Some(file.try_clone()?) } else { None };
            (Box::new(file), again, about.is_file().then_some(about.len()))
        };
        let counted: Box<dyn Read + Send> = Box::new(Counted { file: input, read: read.clone() });
        Ok(Source { input: BufReader::with_capacity(BUFFER, counted), file, bytes, read })
    }

    /// The format, by the file's name and how it begins.
    pub fn format(&mut self, path: &Path) -> anyhow::Result<Format> {
        let begins = self.input.fill_buf().with_context(|| format!("cannot read {}", path.display()))?;
        let begins = begins.strip_prefix("\u{feff}".as_bytes()).unwrap_or(begins).trim_ascii_start();
        let name = path.to_string_lossy().to_lowercase();
        if begins.starts_with(b"{") || name.ends_with(".jsonl") || name.ends_with(".ndjson") {
            return Ok(Format::Jsonl);
        }
        let header = String::from_utf8_lossy(begins.split(|b| *b == b'\n').next().unwrap_or_default()).into_owned();
        let has = |wanted: &str| header.split(',').any(|cell| cell.trim().trim_matches('"') == wanted);
        if has("Handle") && has("Variant Price") {
            return Ok(Format::ShopifyCsv);
        }
        if has("handle") || name.ends_with(".csv") {
            return Ok(Format::Csv);
        }
        bail!("{} does not show what it is: say --format shopify-csv, jsonl or csv", path.display())
    }

    /// The whole of it.
    pub fn into_input(self) -> BufReader<Box<dyn Read + Send>> {
        self.input
    }
}

/// A file that is looked through before it is read.
pub struct Twice {
    file: File,
    /// How large it is.
    pub bytes: u64,
    /// How much of it was read.
    pub position: Arc<AtomicU64>,
}

impl Source {
    /// What cannot be read from its beginning again goes through a temporary file.
    pub fn twice(mut self) -> anyhow::Result<Twice> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut copy = tempfile::tempfile().context("cannot make a temporary file")?;
                std::io::copy(&mut self.input, &mut copy).context("cannot copy what is read to a temporary file")?;
                copy
            }
        };
        let bytes = file.metadata()?.len();
        Ok(Twice { file, bytes, position: Arc::default() })
    }
}

impl Twice {
    /// The whole of it, not counted.
    pub fn looked_through(&self) -> anyhow::Result<BufReader<Box<dyn Read + Send>>> {
        self.beginning(Arc::default())
    }

    /// The whole of it.
    pub fn read(&self) -> anyhow::Result<BufReader<Box<dyn Read + Send>>> {
        self.beginning(self.position.clone())
    }

    fn beginning(&self, read: Arc<AtomicU64>) -> anyhow::Result<BufReader<Box<dyn Read + Send>>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(BufReader::with_capacity(BUFFER, Box::new(Counted { file: Box::new(file), read })))
    }
}

struct Counted {
    file: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A table with other names for its columns, as `rename` says.
pub fn renamed(mut input: impl BufRead + Send + 'static, rename: impl Fn(&str) -> String) -> IoResult<Box<dyn BufRead + Send>> {
    let mut header = Vec::new();
    // A quoted name can hold a line's end: the header is over where no quote is open.
    loop {
        let before = header.len();
        input.read_until(b'\n', &mut header)?;
        let is_open = header.iter().filter(|b| **b == b'"').count() % 2 == 1;
        if header.len() == before || !is_open {
            break;
        }
    }
    let text = String::from_utf8_lossy(&header).into_owned();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut writer = csv::Writer::from_writer(Vec::new());
    if let Some(record) = reader.records().next() {
        writer.write_record(record?.iter().map(|name| rename(name.trim())))?;
    }
    let line = writer.into_inner().map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(Box::new(std::io::Cursor::new(line).chain(input)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_shows_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let cases = [
            ("a.txt", " {\"handle\": 1}", Some(Format::Jsonl)),
            ("a.ndjson", "", Some(Format::Jsonl)),
            ("a.csv", "\u{feff}Handle,Title,\"Variant Price\"\r\n", Some(Format::ShopifyCsv)),
            ("a.csv", "sku,cost\n", Some(Format::Csv)),
            ("a", "handle,title,price\n", Some(Format::Csv)),
            ("a", "x,y\n", None),
        ];
        for (name, text, expected) in cases {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let mut source = Source::open(&path).unwrap();
            assert_eq!(source.format(&path).ok(), expected, "{name} {text:?}");
            let mut all = String::new();
            source.into_input().read_to_string(&mut all).unwrap();
            assert_eq!(all, text);
        }
    }

    #[test]
    fn columns_get_other_names_and_rows_stay() {
        let text = "Name,\"Unit\nPrice\",x\n\"a,b\",\"1\n2\",3\n";
        let mut out = String::new();
        let rename = |name: &str| if name == "Unit\nPrice" { "price".into() } else { name.to_lowercase() };
        renamed(BufReader::new(text.as_bytes()), rename).unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(out, "name,price,x\n\"a,b\",\"1\n2\",3\n");
    }
}
