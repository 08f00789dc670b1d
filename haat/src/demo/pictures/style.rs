//! The style sheet of a picture: what the classes of the motifs stand for.
//!
//! `a`, `b`, `c` are the main colour, in shade, in light; `d`, `e` the accent and its shade; `p` is the pattern; `f` a
//! shadow, `l` a gleam. The others are the colours of what is always the same: gold, wood, iron, paper, leaves.
//! A class with a digit draws lines.

use std::fmt::{Result, Write};

use super::Picture;

const FIXED: &str = ".g{fill:#e3b04b}.h{fill:#c9986a}.i{fill:#8a5a33}.k{fill:#2e2a33}.m{fill:#c9d2da}.n{fill:#8693a0}\
.w{fill:#fffaf2;stroke:#dfd2be;stroke-width:3}.f{fill:#1b1030;fill-opacity:.13}.l{fill:#fff;fill-opacity:.3}.p{fill:url(#p)}.v{fill:#4f9a5b}\
.x{fill:#2f6f43}.u{fill:#6db7e0}.o{fill:#f2913d}.y{fill:#f7cf4d}.r{fill:#cf4436}.y3{fill:#ffd76a;fill-opacity:.22}.w4{fill:#fffaf2;fill-opacity:.72}\
.bg{fill:#fff;fill-opacity:.75}.s,.t,.z,.w2,.w5,.k1,.k2,.k3,.m2,.a1,.a2,.b2,.d1,.d2,.e2,.t2,.s2,.s3,.s4,.v2{fill:none;stroke-linecap:round;stroke-linejoin:round}\
.z{stroke:#a8741c;stroke-width:4}.w2{stroke:#fffaf2;stroke-width:9}.w5{stroke:#fffaf2;stroke-width:22}.t2{stroke:#fffaf2;stroke-width:8}\
.k1{stroke:#2e2a33;stroke-width:16}.k2{stroke:#2e2a33;stroke-width:14}.k3{stroke:#2e2a33;stroke-width:9;stroke-opacity:.8}\
.m2{stroke:#c9d2da;stroke-width:12}.s2{stroke:#8a5a33;stroke-width:6;stroke-opacity:.6}.v2{stroke:#2f6f43;stroke-width:8}";

/// Widths that go before all others.
const WIDTHS: &str = ".thin{stroke-width:8}.wide{stroke-width:30}";

/// What cloth and walls can be covered with, in a field of 40 by 40.
const PATTERNS: [&str; super::PATTERNS as usize] = [
    "",
    r#"<circle cx="20" cy="20" r="5"/>"#,
    r#"<path d="M20 6 L34 20 L20 34 L6 20 Z"/>"#,
    r#"<path d="M0 18 H40 V24 H0 Z"/>"#,
    r#"<path d="M20 8 q12 10 0 24 q-12 -14 0 -24 Z"/>"#,
    r#"<path d="M20 10 l4 8 l9 1 l-7 6 l2 9 l-8 -5 l-8 5 l2 -9 l-7 -6 l9 -1 Z"/>"#,
    r#"<path d="M0 0 H6 V40 H0 Z M6 16 H40 V22 H6 Z"/>"#,
];

/// Writes the definitions and the style sheet of a picture.
pub fn write(out: &mut String, picture: &Picture) -> Result {
    let (main, accent) = (picture.main.shades(), picture.accent.shades());
    let (middle, edge) = picture.ground.colours();
    let pattern = PATTERNS.get(usize::from(picture.pattern)).copied().unwrap_or_default();
    write!(
        out,
        r##"<defs><radialGradient id="g" cx=".5" cy=".38" r=".8"><stop offset="0" stop-color="{middle}"/><stop offset="1" stop-color="{edge}"/></radialGradient><pattern id="p" width="40" height="40" patternUnits="userSpaceOnUse"><g fill="{light}" fill-opacity=".5">{pattern}</g></pattern></defs>"##,
        light = main.light,
    )?;
    write!(out, "<style>{FIXED}")?;
    for (class, colour) in [("a", main.plain), ("b", main.dark), ("c", main.light), ("d", accent.plain), ("e", accent.dark)] {
        write!(out, ".{class}{{fill:{colour}}}")?;
    }
    let lines = [
        ("s", main.dark, "4;stroke-opacity:.55"),
        ("t", main.light, "6"),
        ("e2", main.light, "8"),
        ("s3", main.light, "5;stroke-dasharray:14 10"),
        ("s4", main.light, "9"),
        ("b2", main.dark, "22"),
        ("a1", main.plain, "26"),
        ("a2", main.plain, "22"),
        ("d1", accent.plain, "22"),
        ("d2", accent.plain, "10"),
    ];
    for (class, colour, width) in lines {
        write!(out, ".{class}{{stroke:{colour};stroke-width:{width}}}")?;
    }
    write!(out, "{WIDTHS}</style>")
}
