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

/// A histogram's buckets: upper bound, and how many samples lie at or below it. For each set of other labels, as text.
pub fn histograms(text: &str, name: &str) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut found: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let prefix = format!("{name}_bucket{{");
    for line in text.lines().filter(|line| line.starts_with(&prefix)) {
        let Some((labels, value)) = line[prefix.len()..].rsplit_once("} ") else { continue };
        let (bounds, others): (Vec<&str>, Vec<&str>) = labels.split(',').partition(|label| label.starts_with("le="));
        let bound = bounds.first().and_then(|b| b.trim_start_matches("le=").trim_matches('"').replace("+Inf", "inf").parse().ok());
        if let Some((bound, count)) = bound.zip(value.trim().parse().ok()) {
            found.entry(others.join(",")).or_default().push((bound, count));
        }
    }
    found
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
    fn buckets_are_found_by_their_other_labels() {
        let text =
            "h_seconds_bucket{a=\"x\",b=\"y\",le=\"0.005\"} 3\nh_seconds_bucket{a=\"x\",b=\"y\",le=\"+Inf\"} 4\nh_seconds_sum{a=\"x\"} 1\n";
        let found = histograms(text, "h_seconds");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [("a=\"x\",b=\"y\"".to_owned(), vec![(0.005, 3.0), (f64::INFINITY, 4.0)])]);
    }

    #[test]
    fn samples_are_summed_over_their_labels() {
        let text =
            "# TYPE a_total counter\na_total{service=\"orders\",x=\"} {\"} 3\na_total{service=\"cart\"} 4\n\nb 1.5 1700000000\nbad{} x\n";
        assert_eq!(sums(text).into_iter().collect::<Vec<_>>(), [("a_total", 7.0), ("b", 1.5)]);
    }
}
