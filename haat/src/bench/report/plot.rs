//! Lines over two axes, as SVG that stands in a page.

use std::fmt::Write;

use kit::http::escape;

const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;
/// The page has so many colours for lines.
pub const COLOURS: usize = 9;

/// A line of points from left to right.
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// How far apart values lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// By their difference, from 0 on.
    Linear,
    /// By their ratio.
    Log,
}

/// What is drawn.
pub struct Plot<'a> {
    pub title: &'a str,
    /// What stands below the horizontal axis.
    pub across: &'a str,
    /// In what values are measured.
    pub unit: &'a str,
    pub scale: Scale,
    /// Marks of the horizontal axis; round numbers where there are none.
    pub marks: &'a [(f64, &'a str)],
    /// Up to here the background is darker, with a word in it.
    pub shaded: Option<(f64, &'a str)>,
    pub lines: Vec<Line>,
}

struct Frame {
    x_max: f64,
    y_min: f64,
    y_max: f64,
    scale: Scale,
}

impl Frame {
    fn x(&self, x: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (x / self.x_max).clamp(0.0, 1.0)
    }

    fn y(&self, y: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => y / self.y_max,
            Scale::Log => (y.max(self.y_min) / self.y_min).log10() / (self.y_max / self.y_min).log10(),
        };
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - part.clamp(0.0, 1.0))
    }
}

impl Plot<'_> {
    /// A figure with its caption and legend; nothing where there is nothing to draw.
    pub fn figure(&self) -> String {
        let mut out = String::new();
        if self.lines.iter().all(|line| line.points.len() < 2) {
            return out;
        }
        put(&mut out, format_args!("<figure><figcaption>{}</figcaption><p class=legend>", escape(self.title)));
        for (index, line) in self.lines.iter().enumerate() {
            put(&mut out, format_args!("<span><i class=c{}></i>{}</span>", index % COLOURS, escape(&line.name)));
        }
        put(&mut out, format_args!("</p><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img aria-label=\"{}\">", escape(self.title)));
        let frame = self.frame();
        self.axes(&mut out, &frame);
        for (index, line) in self.lines.iter().enumerate() {
            draw(&mut out, &frame, line, index % COLOURS);
        }
        out += "</svg></figure>\n";
        out
    }

    fn frame(&self) -> Frame {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x_max = points().map(|p| p.0).fold(0.0, f64::max).max(1e-9);
        let highest = points().map(|p| p.1).fold(0.0, f64::max);
        let lowest = points().map(|p| p.1).filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min);
        match self.scale {
            Scale::Linear => {
                let step = round_step(highest);
                Frame { x_max, y_min: 0.0, y_max: step * (highest / step).ceil().max(1.0), scale: self.scale }
            }
            Scale::Log => {
                let y_min = 10f64.powf(lowest.min(highest.max(0.01)).log10().floor());
                Frame { x_max, y_min, y_max: 10f64.powf(highest.max(y_min * 1.01).log10().ceil()), scale: self.scale }
            }
        }
    }

    fn axes(&self, out: &mut String, frame: &Frame) {
        let bottom = HEIGHT - BOTTOM;
        if let Some((until, word)) = self.shaded.filter(|(until, _)| *until > 0.0) {
            let width = frame.x(until) - LEFT;
            put(out, format_args!("<rect class=shade x={LEFT} y={TOP} width={width:.1} height={:.1} />", bottom - TOP));
            put(out, format_args!("<text x={:.1} y={:.1}>{}</text>", LEFT + 4.0, TOP + 12.0, escape(word)));
        }
        for y in self.heights(frame) {
            let at = frame.y(y);
            put(out, format_args!("<path class=grid d=\"M{LEFT} {at:.1}H{:.1}\" />", WIDTH - RIGHT));
            put(out, format_args!("<text class=end x={:.1} y={:.1}>{}</text>", LEFT - 6.0, at + 4.0, number(y)));
        }
        let round: Vec<(f64, String)> = match self.marks {
            [] => steps(frame.x_max, round_step(frame.x_max)).map(|x| (x, number(x))).collect(),
            marks => marks.iter().filter(|(x, _)| *x <= frame.x_max).map(|(x, name)| (*x, (*name).to_owned())).collect(),
        };
        for (x, name) in round {
            let at = frame.x(x);
            put(out, format_args!("<path class=grid d=\"M{at:.1} {TOP}V{bottom:.1}\" />"));
            put(out, format_args!("<text class=mid x={at:.1} y={:.1}>{name}</text>", bottom + 14.0));
        }
        put(out, format_args!("<text class=mid x={:.1} y={:.1}>{}</text>", f64::midpoint(LEFT, WIDTH), HEIGHT - 4.0, escape(self.across)));
        let middle = f64::midpoint(TOP, bottom);
        put(out, format_args!("<text class=mid transform=\"translate(11 {middle:.1}) rotate(-90)\">{}</text>", escape(self.unit)));
    }

    fn heights(&self, frame: &Frame) -> Vec<f64> {
        match frame.scale {
            Scale::Linear => steps(frame.y_max, round_step(frame.y_max)).collect(),
            Scale::Log => {
                let decades = (frame.y_max / frame.y_min).log10().round() as i32;
                (0..=decades).map(|n| frame.y_min * 10f64.powi(n)).collect()
            }
        }
    }
}

fn draw(out: &mut String, frame: &Frame, line: &Line, colour: usize) {
    put(out, format_args!("<path class=\"line c{colour}\" d=\""));
    for (index, (x, y)) in line.points.iter().enumerate() {
        put(out, format_args!("{}{:.1} {:.1}", if index == 0 { 'M' } else { 'L' }, frame.x(*x), frame.y(*y)));
    }
    out.push_str("\" />");
}

fn steps(up_to: f64, step: f64) -> impl Iterator<Item = f64> {
    (0..=(up_to / step + 1e-9).floor() as u32).map(move |n| f64::from(n) * step)
}

/// 1, 2 or 5 times a power of ten, so that about five of it reach `up_to`.
fn round_step(up_to: f64) -> f64 {
    let rough = (up_to / 5.0).max(1e-6);
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough * 0.999).unwrap_or(rough)
}

/// A number as short as it can be.
pub fn number(value: f64) -> String {
    let plain = |value: f64, digits: usize| {
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    match value.abs() {
        v if v >= 1e6 => format!("{} M", plain(value / 1e6, 2)),
        v if v >= 10_000.0 => format!("{} k", plain(value / 1e3, 1)),
        v if v >= 100.0 => plain(value, 0),
        v if v >= 1.0 => plain(value, 2),
        _ => plain(value, 3),
    }
}

fn put(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        for (up_to, step) in [(10.0, 2.0), (437.0, 100.0), (0.9, 0.2), (15_300.0, 5_000.0)] {
            assert!((round_step(up_to) - step).abs() < 1e-9, "{up_to}: {}", round_step(up_to));
        }
    }

    #[test]
    fn numbers_are_short() {
        let cases = [(0.0, "0"), (0.25, "0.25"), (3.0, "3"), (1.5, "1.5"), (250.4, "250"), (12_500.0, "12.5 k"), (2_000_000.0, "2 M")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn points_lie_within_the_frame() {
        let line = Line { name: "a < b".into(), points: vec![(0.0, 0.0), (1.0, 3.0), (2.0, 100.0)] };
        let plot = Plot { title: "T", across: "s", unit: "ms", scale: Scale::Log, marks: &[], shaded: Some((1.0, "w")), lines: vec![line] };
        let text = plot.figure();
        assert!(text.contains("a &lt; b") && !text.contains("NaN") && !text.contains("inf"), "{text}");
        let frame = plot.frame();
        assert_eq!((frame.y_min, frame.y_max, frame.x(2.0), frame.y(100.0)), (1.0, 100.0, WIDTH - RIGHT, TOP));
        assert_eq!(Plot { lines: Vec::new(), ..plot }.figure(), "");
    }
}
