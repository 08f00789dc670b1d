//! Reads counters out of `/metrics`.

use std::collections::BTreeMap;

/// The sums of all samples by metric name, over their labels.
pub fn sums(text: &str) -> BTreeMap<&str, f64> {
    let mut sums = BTreeMap::new();
    for (name, value) in text.lines().filter_map(sample) {
        *sums.entry(name).or_default() += value;
    }
    sums
}

/// `name{labels} value`, a comment or nothing.
fn sample(line: &str) -> Option<(&str, f64)> {
    if line.starts_with('#') {
        return None;
    }
    let name_end = line.find(['{', ' '])?;
    let value = line.rsplit_once('}').map_or(&line[name_end..], |(_, rest)| rest);
    Some((&line[..name_end], value.split_whitespace().next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_over_their_labels() {
        let text =
            "# TYPE a_total counter\na_total{service=\"orders\",x=\"} {\"} 3\na_total{service=\"cart\"} 4\n\nb 1.5 1700000000\nbad{} x\n";
        assert_eq!(sums(text).into_iter().collect::<Vec<_>>(), [("a_total", 7.0), ("b", 1.5)]);
    }
}
