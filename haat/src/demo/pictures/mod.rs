//! The pictures of the demo marketplace: drawn from what a product is and which colours it has. A picture's name says all
//! of it, so that the same name is the same picture for ever, and none of them is stored.

mod colours;
mod style;

use std::fmt::Write as _;

pub use colours::{Colour, Ground};

/// What can be drawn, as symbols that name their colours by class: see [`style`].
const MOTIFS: [&str; 5] = [
    include_str!("clothes.svg"),
    include_str!("feet.svg"),
    include_str!("house.svg"),
    include_str!("things.svg"),
    include_str!("words.svg"),
];

/// How many patterns cloth and walls can have.
pub const PATTERNS: u8 = 7;

/// From how far one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// All of it.
    Whole,
    /// What it is made of.
    Close,
}

/// A picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture<'a> {
    /// The symbol.
    pub motif: &'a str,
    /// Its main colour.
    pub main: Colour,
    /// The colour of its details.
    pub accent: Colour,
    /// Before what it stands.
    pub ground: Ground,
    /// Of its cloth or walls; below [`PATTERNS`].
    pub pattern: u8,
    /// From how far.
    pub view: View,
}

impl Picture<'_> {
    /// The last part of its address.
    pub fn name(&self) -> String {
        let close = if self.view == View::Close { ".close" } else { "" };
        format!("{}.{}.{}.{}.{}{close}.svg", self.motif, self.main.as_str(), self.accent.as_str(), self.ground.as_str(), self.pattern)
    }

    /// The picture with this name, if there is one.
    pub fn named(name: &str) -> Option<Picture<'_>> {
        let mut parts = name.strip_suffix(".svg")?.split('.');
        let mut next = || parts.next();
        let (motif, main, accent, ground) = (next()?, Colour::parse(next()?)?, Colour::parse(next()?)?, Ground::parse(next()?)?);
        let pattern = next()?.parse().ok().filter(|n| *n < PATTERNS)?;
        let view = match next() {
            None => View::Whole,
            Some("close") => View::Close,
            Some(_) => return None,
        };
        let picture = Picture { motif, main, accent, ground, pattern, view };
        (parts.next().is_none() && symbol(motif).is_some() && picture.name() == name).then_some(picture)
    }

    /// The drawing.
    pub fn svg(&self) -> String {
        let mut out = String::with_capacity(9_000);
        out.push_str(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800">"#);
        let drawn = style::write(&mut out, self).and_then(|()| self.scene(&mut out));
        drawn.expect("a string takes whatever is written");
        out.push_str("</svg>\n");
        out
    }

    fn scene(&self, out: &mut String) -> std::fmt::Result {
        let motif = symbol(self.motif).unwrap_or_default();
        out.push_str(r#"<rect width="800" height="800" fill="url(#g)"/>"#);
        match self.view {
            View::Whole => {
                out.push_str(self.ground.scenery());
                out.push_str(r##"<ellipse cx="400" cy="702" rx="250" ry="26" class="f"/>"##);
                write!(out, "<g>{motif}</g>")
            }
            View::Close => {
                out.push_str(r##"<path d="M0 560 L800 300 V800 H0 Z" fill="#fff" fill-opacity=".35"/>"##);
                write!(out, r#"<g transform="translate(400 380) rotate(-8) scale(1.7) translate(-400 -410)">{motif}</g>"#)
            }
        }
    }
}

/// What stands between the tags of a symbol.
fn symbol(id: &str) -> Option<&'static str> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return None;
    }
    let begin = format!("<symbol id=\"{id}\">\n");
    MOTIFS.iter().find_map(|file| file.split_once(&begin)?.1.split_once("</symbol>")).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAREE: Picture =
        Picture { motif: "saree", main: Colour::Indigo, accent: Colour::Gold, ground: Ground::Fashion, pattern: 3, view: View::Whole };

    #[test]
    fn a_name_is_one_picture_and_the_same_for_ever() {
        let close = Picture { view: View::Close, ..SAREE };
        assert_eq!(
            (SAREE.name(), close.name()),
            ("saree.indigo.gold.fashion.3.svg".into(), "saree.indigo.gold.fashion.3.close.svg".into())
        );
        for picture in [SAREE, close] {
            assert_eq!(Picture::named(&picture.name()), Some(picture));
            assert_eq!(picture.svg(), picture.svg());
        }
        assert_ne!(SAREE.svg(), close.svg());
        assert_ne!(SAREE.svg(), Picture { main: Colour::Leaf, ..SAREE }.svg());
    }

    #[test]
    fn other_names_are_no_pictures() {
        for name in [
            "",
            ".svg",
            "saree.svg",
            "saree.indigo.gold.fashion.3",
            "saree.indigo.gold.fashion.03.svg",
            "saree.indigo.gold.fashion.7.svg",
            "saree.indigo.gold.fashion.3.far.svg",
            "saree.indigo.gold.fashion.3.close.close.svg",
            "saree.blue.gold.fashion.3.svg",
            "nothing.indigo.gold.fashion.3.svg",
            "\"><script>.indigo.gold.fashion.3.svg",
        ] {
            assert_eq!(Picture::named(name), None, "{name}");
        }
    }

    #[test]
    fn every_class_that_a_motif_names_has_a_style() {
        let sheet = SAREE.svg();
        for motif in MOTIFS {
            for class in motif.split("class=\"").skip(1).filter_map(|rest| rest.split('"').next()).flat_map(str::split_whitespace) {
                assert!(sheet.contains(&format!(".{class}{{")), "{class}");
            }
        }
    }
}
