use std::fmt;

/// Where a piece of work hangs in a trace, as W3C trace context (level 1) writes it in `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace.
    pub trace: [u8; 16],
    /// The span that caused the work.
    pub span: [u8; 8],
    /// As sent; the lowest bit says that the trace is recorded.
    pub flags: u8,
}

const SAMPLED: u8 = 1;

impl Parent {
    /// Reads a header of version 00, or what later versions begin with.
    pub fn parse(text: &str) -> Option<Parent> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let ([version], [flags]) = (unhex::<1>(version)?, unhex::<1>(flags)?);
        let parent = Parent { trace: unhex(trace)?, span: unhex(span)?, flags };
        let known = version != 0xff && (version != 0 || parts.next().is_none());
        (known && parent.trace != [0; 16] && parent.span != [0; 8]).then_some(parent)
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED == SAMPLED
    }

    /// The same, recorded or not.
    pub(super) fn sampled(self, is: bool) -> Parent {
        let others = self.flags & !SAMPLED;
        Parent { flags: if is { others | SAMPLED } else { others }, ..self }
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace), u64::from_be_bytes(self.span));
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", self.flags)
    }
}

/// Lower-case digits, two for each byte.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn what_is_read_is_written_as_it_was() {
        for flags in ["00", "01", "03"] {
            let text = format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
            let parent = Parent::parse(&text).unwrap();
            assert_eq!((parent.to_string(), parent.is_sampled()), (text, flags != "00"));
        }
        let later = format!("cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later");
        assert_eq!(Parent::parse(&later).unwrap().to_string(), format!("00-{TRACE}-00f067aa0ba902b7-01"));
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        let zeros = "0".repeat(32);
        let wrong = [
            String::new(),
            TRACE.to_owned(),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-é"),
        ];
        for text in wrong {
            assert_eq!(Parent::parse(&text), None, "{text}");
        }
    }
}
