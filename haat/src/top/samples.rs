//! The text format of Prometheus, read.

use std::collections::{BTreeMap, BTreeSet};

/// Samples by metric name.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples(BTreeMap<String, Vec<Sample>>);

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    labels: Vec<(String, String)>,
    value: f64,
}

/// Labels with what they must hold.
pub(super) type Where<'a> = &'a [(&'a str, &'a str)];

impl Sample {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn fits(&self, wanted: Where) -> bool {
        wanted.iter().all(|(name, value)| self.label(name) == Some(value))
    }
}

impl Samples {
    /// Lines that are none are passed over.
    pub(super) fn parse(text: &str) -> Samples {
        let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        for (name, sample) in text.lines().filter_map(sample) {
            samples.entry(name.to_owned()).or_default().push(sample);
        }
        Samples(samples)
    }

    /// Whether haat said this.
    pub(super) fn are_ours(&self) -> bool {
        self.0.keys().any(|name| name.starts_with("haat_"))
    }

    /// The sum of the samples whose labels hold this; `None` where there is none.
    pub(super) fn sum(&self, name: &str, wanted: Where) -> Option<f64> {
        let mut fitting = self.of(name, wanted).map(|s| s.value).peekable();
        fitting.peek()?;
        Some(fitting.sum())
    }

    /// The largest of them.
    pub(super) fn max(&self, name: &str, wanted: Where) -> Option<f64> {
        self.of(name, wanted).map(|s| s.value).reduce(f64::max)
    }

    /// What a label holds in the samples of these metrics, in order.
    pub(super) fn values(&self, names: &[&str], label: &str) -> Vec<&str> {
        let all = names.iter().filter_map(|name| self.0.get(*name)).flatten();
        all.filter_map(|s| s.label(label)).filter(|value| !value.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What two labels hold together.
    pub(super) fn pairs(&self, name: &str, (one, other): (&str, &str)) -> Vec<(&str, &str)> {
        let both = |s: &'_ &Sample| s.label(one).is_some() && s.label(other).is_some();
        let pairs = self.of(name, &[]).filter(both).filter_map(|s| Some((s.label(one)?, s.label(other)?)));
        pairs.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Of a histogram: how many samples were at most so large, by that bound, in order.
    pub(super) fn buckets(&self, name: &str, wanted: Where) -> Vec<(f64, f64)> {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for sample in self.of(&format!("{name}_bucket"), wanted) {
            let Some(bound) = sample.label("le").and_then(|le| le.parse::<f64>().ok()) else { continue };
            match buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, count)) => *count += sample.value,
                None => buckets.push((bound, sample.value)),
            }
        }
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets
    }

    fn of<'a>(&'a self, name: &str, wanted: Where<'a>) -> impl Iterator<Item = &'a Sample> + use<'a> {
        self.0.get(name).into_iter().flatten().filter(move |s| s.fits(wanted))
    }
}

/// The bound below which a share of the samples lies, as Prometheus' `histogram_quantile` says it; `None` without any.
pub(super) fn quantile(share: f64, buckets: &[(f64, f64)]) -> Option<f64> {
    let total = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
    let rank = share * total;
    let place = buckets.iter().position(|(_, count)| *count >= rank)?;
    let (bound, count) = buckets[place];
    let (below, before) = place.checked_sub(1).map_or((0.0, 0.0), |p| buckets[p]);
    if bound.is_infinite() {
        return Some(below);
    }
    let inside = count - before;
    Some(if inside > 0.0 { below + (bound - below) * (rank - before) / inside } else { bound })
}

/// `name{label="value",…} value`, a comment or nothing.
fn sample(line: &str) -> Option<(&str, Sample)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (name, rest) = line.split_at(line.find(['{', ' '])?);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name, Sample { labels, value }))
}

/// What stands before the closing brace, and what stands behind it.
fn labels(mut text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        text = text.trim_start_matches([',', ' ']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = text.split_once("=\"")?;
        let (mut value, mut chars) = (String::new(), quoted.char_indices());
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, plain) => value.push(plain),
            }
        };
        labels.push((name.trim().to_owned(), value));
        text = &quoted[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a_total What.\n# TYPE a_total counter\na_total{service=\"orders\",x=\"} {\\\"\\n\"} 3\na_total{service=\"cart\"} 4 1700000000\n\n\
        b 1.5\nbad{} x\nbad{a=\"} 1\nh_bucket{route=\"/a\",le=\"0.1\"} 50\nh_bucket{route=\"/a\",le=\"1\"} 90\nh_bucket{route=\"/b\",le=\"1\"} 10\n\
        h_bucket{route=\"/a\",le=\"+Inf\"} 100\nh_bucket{route=\"/b\",le=\"0.1\"} 0\nh_bucket{route=\"/b\",le=\"+Inf\"} 10\n";

    #[test]
    fn samples_are_found_by_their_labels() {
        let samples = Samples::parse(TEXT);
        assert_eq!((samples.sum("a_total", &[]), samples.sum("a_total", &[("service", "cart")])), (Some(7.0), Some(4.0)));
        assert_eq!((samples.sum("a_total", &[("x", "} {\"\n")]), samples.max("a_total", &[])), (Some(3.0), Some(4.0)));
        assert_eq!((samples.sum("b", &[]), samples.sum("b", &[("x", "y")]), samples.sum("bad", &[])), (Some(1.5), None, None));
        assert_eq!(samples.values(&["a_total", "none"], "service"), ["cart", "orders"]);
        assert_eq!(samples.pairs("a_total", ("service", "x")), [("orders", "} {\"\n")]);
        assert!(!samples.are_ours() && Samples::parse("haat_a 1").are_ours());
    }

    #[test]
    fn quantiles_are_where_their_share_is() {
        let samples = Samples::parse(TEXT);
        assert_eq!(samples.buckets("h", &[]), [(0.1, 50.0), (1.0, 100.0), (f64::INFINITY, 110.0)]);
        let of_a = samples.buckets("h", &[("route", "/a")]);
        assert_eq!((quantile(0.5, &of_a), quantile(0.25, &of_a), quantile(0.99, &of_a)), (Some(0.1), Some(0.05), Some(1.0)));
        assert!(quantile(0.7, &of_a).is_some_and(|q| (q - 0.55).abs() < 1e-9));
        assert_eq!((quantile(0.5, &[]), quantile(0.5, &[(1.0, 0.0), (f64::INFINITY, 0.0)])), (None, None));
    }
}
