//! Pictures of people: what may be one, and how large it is, by what its first bytes say.
//!
//! Formats: PNG (third edition, 5.2 and 11.2.1), JPEG (ITU-T T.81, annex B), WebP (RFC 9649). Only headers are read;
//! nothing is decoded here.

use crate::error::Error;

/// The largest picture, in bytes.
pub const PHOTO_BYTES_MAX: usize = 512 * 1024;
/// The longest side, in pixels.
const SIDE_MAX: u32 = 4_096;

/// What a picture may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
}

impl ImageKind {
    const ALL: [ImageKind; 3] = [ImageKind::Png, ImageKind::Jpeg, ImageKind::Webp];

    /// Its media type; as stored and served.
    pub fn as_str(self) -> &'static str {
        match self {
            ImageKind::Png => "image/png",
            ImageKind::Jpeg => "image/jpeg",
            ImageKind::Webp => "image/webp",
        }
    }

    /// From a media type, in any case and without parameters.
    pub fn parse(text: &str) -> Option<ImageKind> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        ImageKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(essence))
    }

    /// By the bytes with which every file of the kind begins.
    fn of(content: &[u8]) -> Option<ImageKind> {
        match content {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(ImageKind::Png),
            [0xff, 0xd8, 0xff, ..] => Some(ImageKind::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ImageKind::Webp),
            _ => None,
        }
    }

    /// Width and height; `None` where the header does not say.
    fn sides(self, content: &[u8]) -> Option<(u32, u32)> {
        match self {
            ImageKind::Png => png_sides(content),
            ImageKind::Jpeg => jpeg_sides(content),
            ImageKind::Webp => webp_sides(content),
        }
    }
}

/// A picture of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// What it is.
    pub kind: ImageKind,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// As it was sent.
    pub content: Vec<u8>,
}

impl Photo {
    /// A picture that is what it is said to be.
    pub fn read(said: ImageKind, content: Vec<u8>) -> Result<Photo, Error> {
        let wrong = |detail: String| Err(Error::InvalidImage(detail));
        match ImageKind::of(&content) {
            Some(kind) if kind == said => {}
            Some(kind) => return wrong(format!("the body is said to be {}, and begins as {} does", said.as_str(), kind.as_str())),
            None => return wrong(format!("the body is said to be {}, and does not begin as one", said.as_str())),
        }
        let Some((width, height)) = said.sides(&content) else {
            return wrong(format!("the header of the {} does not say how large it is", said.as_str()));
        };
        let fits = |side: u32| (1..=SIDE_MAX).contains(&side);
        if !fits(width) || !fits(height) {
            return wrong(format!("expected 1 to {SIDE_MAX} pixels a side, found {width} × {height}"));
        }
        Ok(Photo { kind: said, width, height, content })
    }
}

/// The first chunk is the header.
fn png_sides(content: &[u8]) -> Option<(u32, u32)> {
    let header = content.get(8..33)?;
    let is_header = header.starts_with(&[0, 0, 0, 13, b'I', b'H', b'D', b'R']);
    is_header.then(|| Some((big_32(header, 8)?, big_32(header, 12)?)))?
}

/// The sides stand in the frame header, behind segments of any length.
fn jpeg_sides(content: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        if *content.get(at)? != 0xff {
            return None;
        }
        // Any number of fill bytes may come before a marker.
        while *content.get(at)? == 0xff {
            at += 1;
        }
        let marker = *content.get(at)?;
        at += 1;
        match marker {
            // Markers without a segment.
            0x01 | 0xd0..=0xd7 => continue,
            // The picture itself begins or ends, and no frame header has come.
            0x00 | 0xd8..=0xda => return None,
            // A frame header; these three of the row are tables.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((big_16(content, at + 5)?, big_16(content, at + 3)?));
            }
            _ => {}
        }
        let length = big_16(content, at)? as usize;
        at += if length < 2 { return None } else { length };
    }
}

/// The first chunk says which of three forms it is.
fn webp_sides(content: &[u8]) -> Option<(u32, u32)> {
    if (little(content, 4, 4)? as usize).checked_add(8)? > content.len() {
        return None;
    }
    match content.get(12..16)? {
        b"VP8 " => {
            let is_key_frame = content.get(20)? & 1 == 0 && content.get(23..26)? == [0x9d, 0x01, 0x2a];
            is_key_frame.then(|| Some((little(content, 26, 2)? & 0x3fff, little(content, 28, 2)? & 0x3fff)))?
        }
        b"VP8L" => {
            let bits = little(content, 21, 4)?;
            (*content.get(20)? == 0x2f).then_some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((little(content, 24, 3)? + 1, little(content, 27, 3)? + 1)),
        _ => None,
    }
}

fn big_16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(bytes.get(at..at + 2)?.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

fn big_32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(big_16(bytes, at)? << 16 | big_16(bytes, at + 2)?)
}

fn little(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    Some(bytes.get(at..at + length)?.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        file.extend(width.to_be_bytes());
        file.extend(height.to_be_bytes());
        file.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        file
    }

    /// With a comment and fill bytes before the frame header.
    fn jpeg(marker: u8, width: u16, height: u16) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8, 0xff, 0xfe, 0, 6, 0xff, 0xc0, 1, 2, 0xff, 0xff, 0xff, marker, 0, 11, 8];
        file.extend(height.to_be_bytes());
        file.extend(width.to_be_bytes());
        file.extend([1, 1, 0x11, 0]);
        file
    }

    fn webp(chunk: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF".to_vec();
        file.extend((12 + data.len() as u32).to_le_bytes());
        file.extend(b"WEBP");
        file.extend(chunk);
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    fn sides(kind: ImageKind, file: Vec<u8>) -> Option<(u32, u32)> {
        Photo::read(kind, file).ok().map(|photo| (photo.width, photo.height))
    }

    #[test]
    fn sides_are_read_from_the_headers_of_each_format() {
        let lossless = (640 - 1u32) | (480 - 1) << 14;
        let cases = [
            (ImageKind::Png, png(640, 480), Some((640, 480))),
            (ImageKind::Png, png(4_096, 1), Some((4_096, 1))),
            (ImageKind::Png, png(4_097, 1), None),
            (ImageKind::Png, png(1, 0), None),
            (ImageKind::Png, png(u32::MAX, u32::MAX), None),
            (ImageKind::Png, png(640, 480)[..32].to_vec(), None),
            (ImageKind::Jpeg, jpeg(0xc0, 640, 480), Some((640, 480))),
            (ImageKind::Jpeg, jpeg(0xc2, 640, 480), Some((640, 480))),
            (ImageKind::Jpeg, jpeg(0xc4, 640, 480), None),
            (ImageKind::Jpeg, jpeg(0xda, 640, 480), None),
            (ImageKind::Jpeg, jpeg(0xc0, 640, 0), None),
            (ImageKind::Jpeg, jpeg(0xc0, 5_000, 5_000), None),
            (ImageKind::Jpeg, vec![0xff, 0xd8, 0xff, 0xe0, 0, 1, 0, 0, 0, 0], None),
            (ImageKind::Jpeg, vec![0xff; 100], None),
            (ImageKind::Webp, webp(b"VP8 ", &[0, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1]), Some((640, 480))),
            (ImageKind::Webp, webp(b"VP8 ", &[1, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1]), None),
            (ImageKind::Webp, webp(b"VP8L", &[&[0x2f][..], &lossless.to_le_bytes()].concat()), Some((640, 480))),
            (ImageKind::Webp, webp(b"VP8L", &[&[0x2e][..], &lossless.to_le_bytes()].concat()), None),
            (ImageKind::Webp, webp(b"VP8X", &[0, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]), Some((640, 480))),
            (ImageKind::Webp, webp(b"VP8X", &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0]), None),
            (ImageKind::Webp, webp(b"ICCP", &[0; 20]), None),
            (ImageKind::Webp, webp(b"VP8X", &[0; 10])[..29].to_vec(), None),
        ];
        for (i, (kind, file, expected)) in cases.into_iter().enumerate() {
            assert_eq!(sides(kind, file), expected, "case {i}");
        }
    }

    #[test]
    fn a_picture_is_what_it_is_said_to_be() {
        for said in ImageKind::ALL {
            for (found, file) in ImageKind::ALL.into_iter().zip([png(1, 1), jpeg(0xc0, 1, 1), webp(b"VP8X", &[0; 10])]) {
                assert_eq!(sides(said, file).is_some(), said == found, "{found:?} as {said:?}");
            }
            for other in [&b""[..], b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"%PDF-1.7"] {
                assert!(sides(said, other.to_vec()).is_none(), "{other:?} as {said:?}");
            }
        }
        for (text, expected) in [
            ("image/png", Some(ImageKind::Png)),
            ("Image/JPEG; q=1", Some(ImageKind::Jpeg)),
            ("image/webp", Some(ImageKind::Webp)),
            ("image/svg+xml", None),
            ("image/pngx", None),
            ("text/html", None),
            ("", None),
        ] {
            assert_eq!(ImageKind::parse(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_headers_fail(kind in 0..3usize, rest in proptest::collection::vec(any::<u8>(), 0..64), cut in 0..40usize) {
            let begin = [png(1, 1), jpeg(0xc0, 1, 1), webp(b"VP8 ", &[0; 10])][kind].clone();
            let file = [&begin[..cut.min(begin.len())], &rest].concat();
            if let Ok(photo) = Photo::read(ImageKind::ALL[kind], file) {
                prop_assert!((1..=SIDE_MAX).contains(&photo.width) && (1..=SIDE_MAX).contains(&photo.height));
            }
        }
    }
}
