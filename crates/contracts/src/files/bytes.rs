//! How much goes over the wire at once.

use std::io::Write;

use serde::Serialize;

/// About how many bytes a page of an export has; one row may come on top.
const PAGE_BYTES: usize = 2 << 20;

/// How long something is as JSON.
pub fn size(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    // Counting does not fail.
    serde_json::to_writer(&mut count, value).map_or(usize::MAX, |()| count.0)
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The first rows, until they are about 2 MB, and the id of the last where there are more; a row may say nothing.
pub fn page<I, T: Serialize>(rows: impl IntoIterator<Item = (I, Option<T>)>, is_more: bool) -> (Vec<T>, Option<I>) {
    let (mut page, mut bytes, mut last) = (Vec::new(), 0, None);
    let mut rows = rows.into_iter().peekable();
    while let Some((id, row)) = rows.next() {
        last = Some(id);
        bytes += row.as_ref().map_or(0, size);
        page.extend(row);
        if bytes >= PAGE_BYTES && rows.peek().is_some() {
            return (page, last);
        }
    }
    (page, last.filter(|_| is_more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_it_is_large_enough() {
        let row = |bytes: usize| Some("x".repeat(bytes - 2));
        assert_eq!(size(&row(7)), 7);
        let ends = |rows: Vec<(u8, Option<String>)>, is_more| {
            let (page, last) = page(rows, is_more);
            (page.len(), last)
        };
        assert_eq!(ends(vec![(1, row(9)), (2, None), (3, row(9))], false), (2, None));
        assert_eq!(ends(vec![(1, row(9)), (2, None)], true), (1, Some(2)));
        assert_eq!(ends(vec![(1, row(9)), (2, row(PAGE_BYTES)), (3, row(9))], false), (2, Some(2)));
        assert_eq!(ends(vec![(1, row(PAGE_BYTES))], false), (1, None));
        assert_eq!(ends(Vec::new(), true), (0, None));
    }
}
