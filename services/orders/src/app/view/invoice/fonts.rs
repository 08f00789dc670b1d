//! Letters for PDF files. Every reader has Helvetica, with the letters of Windows-1252; for others a font from the
//! machine is embedded, its glyphs chosen and placed as the script wants it.

use std::path::PathBuf;

use rustybuzz::{Face, UnicodeBuffer};
use subsetter::GlyphRemapper;

/// The fonts that the configuration names and that are there.
#[derive(Debug, Default)]
pub(crate) struct Fonts(Vec<Vec<u8>>);

/// A stretch of text in one font.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Run {
    /// In Helvetica, as Windows-1252.
    Plain(Vec<u8>),
    /// In an embedded font.
    Shaped {
        /// Which.
        font: usize,
        glyphs: Vec<Glyph>,
        /// What it says, for readers that copy or speak it.
        text: String,
    },
}

/// A glyph and where the next one begins, in thousandths of the font's size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Glyph {
    pub id: u16,
    pub advance: f32,
    pub dx: f32,
    pub dy: f32,
}

/// Letters that no font here has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no font on this machine has {0}: ask for text/html, or have a font installed and named under services.orders.invoice_fonts")]
pub(crate) struct MissingLetters(String);

impl Fonts {
    /// Reads what is there; a file that is not a font says so in the log and is left out.
    pub fn load(paths: &[PathBuf]) -> Fonts {
        let mut fonts = Vec::new();
        for path in paths {
            let Ok(data) = std::fs::read(path) else { continue };
            let can_be_cut = || subsetter::subset(&data, 0, &GlyphRemapper::new()).is_ok();
            if Face::from_slice(&data, 0).is_some() && can_be_cut() {
                fonts.push(data);
            } else {
                tracing::warn!(path = %path.display(), "not a font that can be embedded");
            }
        }
        Fonts(fonts)
    }

    /// The bytes of a font.
    pub(super) fn data(&self, font: usize) -> &[u8] {
        self.0.get(font).map_or(&[], Vec::as_slice)
    }

    /// A text in the fonts that have its letters.
    pub(super) fn runs(&self, text: &str) -> Result<Vec<Run>, MissingLetters> {
        let (mut runs, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            let plain = windows_1252(first).is_some();
            let end = rest.find(|c| windows_1252(c).is_some() != plain).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            runs.push(if plain { Run::Plain(run.chars().filter_map(windows_1252).collect()) } else { self.shaped(run)? });
            rest = after;
        }
        Ok(runs)
    }

    fn shaped(&self, text: &str) -> Result<Run, MissingLetters> {
        let faces = self.0.iter().enumerate().filter_map(|(n, data)| Some((n, Face::from_slice(data, 0)?)));
        let mut able = faces.filter(|(_, face)| text.chars().all(|c| joins(c) || face.glyph_index(c).is_some()));
        let (font, face) = able.next().ok_or_else(|| MissingLetters(self.letters_without(text)))?;
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        let shaped = rustybuzz::shape(&face, &[], buffer);
        let scale = 1_000.0 / face.units_per_em() as f32;
        let glyph = |(info, place): (&rustybuzz::GlyphInfo, &rustybuzz::GlyphPosition)| Glyph {
            id: u16::try_from(info.glyph_id).unwrap_or(0),
            advance: place.x_advance as f32 * scale,
            dx: place.x_offset as f32 * scale,
            dy: place.y_offset as f32 * scale,
        };
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).map(glyph).collect();
        Ok(Run::Shaped { font, glyphs, text: text.to_owned() })
    }

    /// The first letters that are nowhere, or all where each is somewhere but no font has all.
    fn letters_without(&self, text: &str) -> String {
        let somewhere = |c: char| self.0.iter().filter_map(|data| Face::from_slice(data, 0)).any(|face| face.glyph_index(c).is_some());
        let nowhere: String = text.chars().filter(|c| !somewhere(*c)).take(8).collect();
        if nowhere.is_empty() { text.chars().take(8).collect() } else { nowhere }
    }
}

/// The joiners of scripts: they shape what is beside them and show nothing.
fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// A letter's byte in Windows-1252, which PDF calls WinAnsiEncoding; none for control characters and everything else.
fn windows_1252(c: char) -> Option<u8> {
    /// From 0x80 on; a space where nothing is.
    const HIGH: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";
    match c {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).ok(),
        // The minus sign is not among them; what stands for it in print is the dash of its width.
        '−' => Some(0x96),
        c => HIGH.chars().position(|h| h == c).and_then(|place| u8::try_from(0x80 + place).ok()),
    }
}

/// The width of a byte of Windows-1252 in Helvetica, in thousandths of its size (Adobe's metrics of the core fonts).
pub(super) fn helvetica_width(byte: u8) -> f32 {
    /// From the space to the tilde.
    #[rustfmt::skip]
    const ASCII: [u16; 95] = [
        278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
        556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
        1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
        667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
        333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
        556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
    ];
    /// What is wider than a digit, as the widest of it.
    const WIDE: f32 = 1_000.0;
    match byte {
        0x20..=0x7e => f32::from(ASCII[usize::from(byte - 0x20)]),
        0x85 | 0x89 | 0x8c | 0x97 | 0x99 | 0xc6 => WIDE,
        0xc0..=0xde => 722.0,
        _ => 556.0,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A TrueType font of 1,000 units whose one letter, ক, is a square.
    pub fn square() -> Fonts {
        let be = |words: &[u16]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        let mut glyf = be(&[1, 0, 0, 500, 500, 3, 0]);
        glyf.extend([0x01, 0x01, 0x01, 0x01]);
        glyf.extend(be(&[0, 500, 0, (-500i16) as u16, 0, 0, 500, 0]));
        let end = glyf.len() as u16;
        let mut cmap = be(&[0, 1, 3, 1, 0, 12]);
        cmap.extend(be(&[4, 32, 0, 4, 4, 1, 0, 0x995, 0xffff, 0, 0x995, 0xffff, 1u16.wrapping_sub(0x995), 1, 0, 0]));
        let head = be(&[1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, 1_000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 500, 0, 8, 2, 0, 0]);
        let mut hhea = be(&[1, 0, 800, (-200i16) as u16, 0, 600, 0, 0, 500, 1]);
        hhea.extend(be(&[0; 7]));
        hhea.extend(be(&[2]));
        let mut maxp = be(&[1, 0, 2, 4, 1]);
        maxp.extend(be(&[0; 11]));
        let hmtx = be(&[600, 0, 600, 0]);
        let loca = be(&[0, 0, end / 2]);
        let tables: [(&[u8; 4], Vec<u8>); 7] =
            [(b"cmap", cmap), (b"glyf", glyf), (b"head", head), (b"hhea", hhea), (b"hmtx", hmtx), (b"loca", loca), (b"maxp", maxp)];
        let mut font = be(&[1, 0, 7, 64, 2, 48]);
        let mut at = 12 + 16 * tables.len();
        for (tag, data) in &tables {
            font.extend(*tag);
            font.extend([0; 4]);
            font.extend((at as u32).to_be_bytes());
            font.extend((data.len() as u32).to_be_bytes());
            at += data.len().next_multiple_of(4);
        }
        for (_, data) in &tables {
            font.extend(data);
            font.resize(font.len().next_multiple_of(4), 0);
        }
        Fonts(vec![font])
    }

    #[test]
    fn other_letters_are_taken_from_a_font_that_has_them() {
        let runs = square().runs("2 কক").unwrap();
        let glyph = Glyph { id: 1, advance: 600.0, dx: 0.0, dy: 0.0 };
        assert_eq!(runs, [Run::Plain(b"2 ".to_vec()), Run::Shaped { font: 0, glyphs: vec![glyph, glyph], text: "কক".into() }]);
        assert!(square().runs("কখ").unwrap_err().to_string().contains("no font on this machine has খ:"));
        assert!(subsetter::subset(square().data(0), 0, &GlyphRemapper::new_from_glyphs(&[1])).is_ok());
    }

    #[test]
    fn letters_that_every_reader_has_need_no_font() {
        let runs = Fonts::default().runs("Café – 5 € × 2…").unwrap();
        assert_eq!(runs, [Run::Plain(b"Caf\xe9 \x96 5 \x80 \xd7 2\x85".to_vec())]);
        assert_eq!(windows_1252('Ÿ'), Some(0x9f));
        assert_eq!(windows_1252('Ž'), Some(0x8e));
        assert_eq!([windows_1252('\u{7f}'), windows_1252('\n'), windows_1252('\u{81}')], [None; 3]);
    }

    #[test]
    fn letters_that_no_font_has_are_named_and_not_replaced() {
        let missing = Fonts::default().runs("Jamdani জামদানি").unwrap_err();
        assert!(missing.to_string().contains("জামদানি"), "{missing}");
    }

    #[test]
    fn what_is_no_font_is_left_out() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(Fonts::load(&[here.join("Cargo.toml"), here.join("no such file")]).0.len(), 0);
    }
}
