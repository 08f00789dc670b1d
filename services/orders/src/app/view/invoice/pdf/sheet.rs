//! Pages that are written from top to bottom, and the file that they become.

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use rustybuzz::Face;
use rustybuzz::ttf_parser::GlyphId;
use subsetter::GlyphRemapper;

use super::super::fonts::{Fonts, Glyph, MissingLetters, Run, helvetica_width};

/// A4, in points.
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
const MARGIN: f32 = 50.0;
/// Where lines of text begin and end.
pub(super) const LEFT: f32 = MARGIN;
pub(super) const RIGHT: f32 = WIDTH - MARGIN;
/// Smaller letters cannot be read.
const SIZE_MIN: f32 = 5.0;

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Grey,
    Bold,
}

/// Pages in the making.
pub(super) struct Sheet<'f> {
    fonts: &'f Fonts,
    /// The glyphs that are used, per font.
    used: Vec<GlyphRemapper>,
    pages: Vec<Content>,
    /// Where the next text stands, from the bottom of the page.
    pub y: f32,
}

impl<'f> Sheet<'f> {
    pub fn new(fonts: &'f Fonts) -> Sheet<'f> {
        Sheet { fonts, used: Vec::new(), pages: vec![Content::new()], y: HEIGHT - MARGIN - 15.0 }
    }

    /// Goes on further down.
    pub fn down(&mut self, points: f32) {
        self.y -= points;
    }

    /// Begins another page where so much no longer fits.
    pub fn room(&mut self, points: f32) {
        if self.y - points < MARGIN {
            self.pages.push(Content::new());
            self.y = HEIGHT - MARGIN - 15.0;
        }
    }

    /// A line from `from` to the right margin; the next text stands below it.
    pub fn rule(&mut self, from: f32, width: f32) {
        let y = self.y;
        self.page().save_state().set_stroke_gray(0.6).set_line_width(width).move_to(from, y).line_to(RIGHT, y).stroke().restore_state();
        self.y -= 14.0;
    }

    /// A text that begins at `x`.
    pub fn text(&mut self, x: f32, style: Style, size: f32, text: &str) -> Result<(), MissingLetters> {
        let runs = self.fonts.runs(text)?;
        let (mut x, y) = (x, self.y);
        self.page().set_fill_gray(if style == Style::Grey { 0.35 } else { 0.0 });
        for run in &runs {
            match run {
                Run::Plain(bytes) => {
                    let font = if style == Style::Bold { Name(b"HB") } else { Name(b"H") };
                    let page = self.page();
                    page.begin_text().set_font(font, size).next_line(x, y).show(Str(bytes)).end_text();
                }
                Run::Shaped { font, glyphs, text } => self.shaped(*font, glyphs, text, (x, y), size),
            }
            x += width(run, size);
        }
        Ok(())
    }

    /// A text that ends at `x`.
    pub fn text_to(&mut self, x: f32, style: Style, size: f32, text: &str) -> Result<(), MissingLetters> {
        let width = self.width(text, size)?;
        self.text(x - width, style, size, text)
    }

    /// A text in lines of at most `width`, between words. A word that is longer is a line of smaller letters.
    pub fn wrapped(&self, text: &str, width: f32, size: f32) -> Result<Vec<(String, f32)>, MissingLetters> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let longer = lines.last().map(|l| format!("{l} {word}"));
            match longer {
                Some(longer) if self.width(&longer, size)? <= width => *lines.last_mut().expect("it is there") = longer,
                _ => lines.push(word.to_owned()),
            }
        }
        let fit = |line: String| {
            let natural = self.width(&line, size)?;
            let fitting = if natural > width { (size * width / natural).max(SIZE_MIN) } else { size };
            Ok((line, fitting))
        };
        lines.into_iter().map(fit).collect()
    }

    fn width(&self, text: &str, size: f32) -> Result<f32, MissingLetters> {
        Ok(self.fonts.runs(text)?.iter().map(|run| width(run, size)).sum())
    }

    fn shaped(&mut self, font: usize, glyphs: &[Glyph], text: &str, (x, y): (f32, f32), size: f32) {
        if self.used.len() <= font {
            self.used.resize_with(font + 1, GlyphRemapper::new);
        }
        let ids: Vec<[u8; 2]> = glyphs.iter().map(|g| self.used[font].remap(g.id).to_be_bytes()).collect();
        let page = self.page();
        page.begin_marked_content_with_properties(Name(b"Span")).properties().actual_text(TextStr(text));
        page.begin_text().set_font(Name(font_name(font).as_bytes()), size);
        let mut at = x;
        for (glyph, id) in glyphs.iter().zip(&ids) {
            let place = [1.0, 0.0, 0.0, 1.0, at + glyph.dx * size / 1_000.0, y + glyph.dy * size / 1_000.0];
            page.set_text_matrix(place).show(Str(id));
            at += glyph.advance * size / 1_000.0;
        }
        page.end_text().end_marked_content();
    }

    fn page(&mut self) -> &mut Content {
        self.pages.last_mut().expect("there is always a page")
    }

    /// The file.
    pub fn finish(self, title: &str) -> Vec<u8> {
        let mut next = 1;
        let mut id = || {
            next += 1;
            Ref::new(next - 1)
        };
        let (catalog, tree, helvetica, bold, info) = (id(), id(), id(), id(), id());
        let embedded: Vec<(usize, Ref)> = (0..self.used.len()).filter(|f| self.used[*f].num_gids() > 1).map(|f| (f, id())).collect();
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree).lang(TextStr("en"));
        pdf.document_info(info).title(TextStr(title)).producer(TextStr("haat"));
        for (font, name) in [(helvetica, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        let places: Vec<(Ref, Ref)> = self.pages.iter().map(|_| (id(), id())).collect();
        pdf.pages(tree).kids(places.iter().map(|(page, _)| *page)).count(i32::try_from(places.len()).unwrap_or(i32::MAX));
        for (content, (page_id, content_id)) in self.pages.into_iter().zip(places) {
            let mut page = pdf.page(page_id);
            page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(content_id);
            let mut resources = page.resources();
            let mut fonts = resources.fonts();
            fonts.pair(Name(b"H"), helvetica).pair(Name(b"HB"), bold);
            for (font, font_id) in &embedded {
                fonts.pair(Name(font_name(*font).as_bytes()), *font_id);
            }
            fonts.finish();
            resources.finish();
            page.finish();
            pdf.stream(content_id, &content.finish());
        }
        for (font, font_id) in embedded {
            embed(&mut pdf, self.fonts.data(font), &self.used[font], [font_id, id(), id(), id()]);
        }
        pdf.finish()
    }
}

fn font_name(font: usize) -> String {
    format!("F{font}")
}

fn width(run: &Run, size: f32) -> f32 {
    let thousandths: f32 = match run {
        Run::Plain(bytes) => bytes.iter().map(|b| helvetica_width(*b)).sum(),
        Run::Shaped { glyphs, .. } => glyphs.iter().map(|g| g.advance).sum(),
    };
    thousandths * size / 1_000.0
}

/// Writes the glyphs of a font that are used, as a composite font whose characters are the glyphs (PDF 1.7, 9.7).
fn embed(pdf: &mut Pdf, data: &[u8], used: &GlyphRemapper, [font, cid_font, descriptor, file]: [Ref; 4]) {
    let Some(face) = Face::from_slice(data, 0) else { return };
    // Fonts for which this fails were left out when they were read.
    let Ok(subset) = subsetter::subset(data, 0, used) else { return };
    let scale = 1_000.0 / face.units_per_em() as f32;
    let name = Name(b"HAATIN+Letters");
    let outlines = if subset.starts_with(b"OTTO") { CidFontType::Type0 } else { CidFontType::Type2 };
    let system = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
    pdf.type0_font(font).base_font(name).encoding_predefined(Name(b"Identity-H")).descendant_font(cid_font);
    let mut cid = pdf.cid_font(cid_font);
    cid.subtype(outlines).base_font(name).system_info(system).font_descriptor(descriptor).default_width(0.0);
    if outlines == CidFontType::Type2 {
        cid.cid_to_gid_map_predefined(Name(b"Identity"));
    }
    let advance = |gid: u16| f32::from(face.glyph_hor_advance(GlyphId(gid)).unwrap_or(0)) * scale;
    cid.widths().consecutive(0, used.remapped_gids().map(advance));
    cid.finish();
    let bounds = face.global_bounding_box();
    let [left, bottom, right, top] = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|edge| f32::from(edge) * scale);
    let mut described = pdf.font_descriptor(descriptor);
    described.name(name).flags(FontFlags::SYMBOLIC).bbox(Rect::new(left, bottom, right, top)).italic_angle(0.0);
    described.ascent(f32::from(face.ascender()) * scale).descent(f32::from(face.descender()) * scale);
    described.cap_height(f32::from(face.capital_height().unwrap_or(face.ascender())) * scale).stem_v(80.0);
    match outlines {
        CidFontType::Type0 => described.font_file3(file),
        CidFontType::Type2 => described.font_file2(file),
    };
    described.finish();
    let mut stream = pdf.stream(file, &subset);
    match outlines {
        CidFontType::Type0 => drop(stream.pair(Name(b"Subtype"), Name(b"OpenType"))),
        CidFontType::Type2 => drop(stream.pair(Name(b"Length1"), i32::try_from(subset.len()).unwrap_or(i32::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fonts::tests::square;
    use super::*;

    #[test]
    fn text_is_wrapped_between_words_and_long_words_shrink() {
        let fonts = Fonts::default();
        let sheet = Sheet::new(&fonts);
        let lines = sheet.wrapped("  one two\tthree \n four", 50.0, 10.0).unwrap();
        assert_eq!(lines, [("one two".into(), 10.0), ("three four".into(), 10.0)]);
        let lines = sheet.wrapped("i mmmmmmmmmm i", 41.65, 10.0).unwrap();
        let sizes: Vec<_> = lines.iter().map(|(text, size)| (text.as_str(), size.round())).collect();
        assert_eq!(sizes, [("i", 10.0), ("mmmmmmmmmm", 5.0), ("i", 10.0)]);
    }

    #[test]
    fn letters_are_embedded_once_and_say_what_they_are() {
        let fonts = square();
        let mut sheet = Sheet::new(&fonts);
        sheet.text(LEFT, Style::Plain, 10.0, "2 ক").unwrap();
        sheet.text_to(RIGHT, Style::Bold, 10.0, "কক").unwrap();
        sheet.room(10_000.0);
        sheet.text(LEFT, Style::Plain, 10.0, "second page").unwrap();
        let file = sheet.finish("INV-1");
        let text = String::from_utf8_lossy(&file);
        assert_eq!((text.matches("/Type0").count(), text.matches("/FontFile2").count(), text.matches("/ActualText").count()), (1, 1, 2));
        assert!(text.contains("/Count 2") && text.contains("(second page) Tj"), "{text}");
        assert!(Sheet::new(&fonts).text(LEFT, Style::Plain, 10.0, "খ").is_err());
    }
}
