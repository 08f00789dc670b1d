use super::Parent;

/// Which traces are recorded. Only where a trace comes in, or begins: what follows goes by what was decided there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Whether who sends a `traceparent` has decided.
    pub heeds_parent: bool,
    /// So many of those that nobody has decided on: from 0, none, to 1, all.
    pub ratio: f64,
}

/// The standard names, as in `OTEL_TRACES_SAMPLER`.
const NAMES: [(&str, bool, Option<f64>); 6] = [
    ("always_on", false, Some(1.0)),
    ("always_off", false, Some(0.0)),
    ("traceidratio", false, None),
    ("parentbased_always_on", true, Some(1.0)),
    ("parentbased_always_off", true, Some(0.0)),
    ("parentbased_traceidratio", true, None),
];

impl Sampler {
    /// By its standard name; `ratio` is what counts where the name says so.
    pub fn named(name: &str, ratio: f64) -> Result<Sampler, String> {
        let found = NAMES.iter().find(|(known, _, _)| *known == name);
        let (_, heeds_parent, fixed) = found.ok_or_else(|| {
            let known: Vec<_> = NAMES.iter().map(|(name, _, _)| *name).collect();
            format!("expected one of {}, found {name:?}", known.join(", "))
        })?;
        if !(0.0..=1.0).contains(&ratio) {
            return Err(format!("expected a ratio from 0 to 1, found {ratio}"));
        }
        Ok(Sampler { heeds_parent: *heeds_parent, ratio: fixed.unwrap_or(ratio) })
    }

    /// Whether a trace is recorded that came with `sent`, or begins here. By the trace's id, so that all who have the same
    /// ratio decide alike.
    pub(super) fn takes(&self, trace: [u8; 16], sent: Option<Parent>) -> bool {
        match sent {
            Some(sent) if self.heeds_parent => sent.is_sampled(),
            _ => {
                let [.., a, b, c, d, e, f, g, h] = trace;
                let place = u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1;
                #[expect(clippy::cast_precision_loss, reason = "one in 2^53 is close enough")]
                let share = place as f64 / (1_u64 << 63) as f64;
                share < self.ratio
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(n: u64) -> [u8; 16] {
        (u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1 << 100).to_be_bytes()
    }

    #[test]
    fn a_ratio_takes_about_so_many_and_a_higher_one_the_same_and_more() {
        let (few, many) = (Sampler::named("traceidratio", 0.1).unwrap(), Sampler::named("traceidratio", 0.3).unwrap());
        let taken = |s: Sampler| (0..10_000).filter(|n| s.takes(trace(*n), None)).count();
        assert!((900..1_100).contains(&taken(few)) && (2_800..3_200).contains(&taken(many)));
        assert!((0..10_000).all(|n| !few.takes(trace(n), None) || many.takes(trace(n), None)));
    }

    #[test]
    fn names_say_what_counts() {
        let parent = |flags| Some(Parent { trace: trace(7), span: [1; 8], flags });
        for (name, alone, sent, sent_unsampled) in [
            ("always_on", true, true, true),
            ("always_off", false, false, false),
            ("traceidratio", true, true, true),
            ("parentbased_always_on", true, true, false),
            ("parentbased_always_off", false, true, false),
            ("parentbased_traceidratio", true, true, false),
        ] {
            let sampler = Sampler::named(name, 1.0).unwrap();
            let taken = [None, parent(1), parent(0)].map(|sent| sampler.takes(trace(7), sent));
            assert_eq!(taken, [alone, sent, sent_unsampled], "{name}");
        }
        assert!(Sampler::named("sometimes", 1.0).unwrap_err().contains("parentbased_traceidratio"));
        assert!(Sampler::named("traceidratio", 1.5).is_err() && Sampler::named("traceidratio", f64::NAN).is_err());
    }
}
