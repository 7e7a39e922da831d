//! Black and white pictures, such as QR codes and barcodes, painted into a page.
//!
//! A picture is painted as an image of one bit a module, in the content of the page itself: an object of its own would
//! take more room than the picture. Readers look for the end of such an image by its letters, `EI`: a picture whose bits
//! happen to be these is written in hexadecimal digits.
//!
//! White modules all around a picture, such as the quiet zone of a QR code, are not painted but for the innermost: the
//! page has a white ground there, which all letters share.

use crate::syntax::{number, put};

/// A black and white picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    /// White modules on each side that are not painted.
    margin: usize,
    /// Modules within.
    columns: usize,
    rows: usize,
    /// Row by row, each filled up to a whole byte; a bit is set where it is white.
    bits: Vec<u8>,
}

/// Where a picture is, as `cm` has it.
pub(crate) type Place = [f64; 6];

impl Bitmap {
    /// A picture from one byte a module, row by row: what is below 128 is black. `None` if the number of bytes is not
    /// that of the modules, or there are none.
    #[must_use]
    pub fn from_luma(columns: usize, luma: &[u8]) -> Option<Self> {
        if columns == 0 || luma.is_empty() || !luma.len().is_multiple_of(columns) {
            return None;
        }
        Self::from_modules(columns, luma.len() / columns, |x, y| {
            luma.get(y * columns + x).is_some_and(|grey| *grey >= 128)
        })
    }

    /// A picture of modules that are white or not, by column and row. `None` if there are none.
    #[must_use]
    pub fn from_modules(
        columns: usize,
        rows: usize,
        is_white: impl Fn(usize, usize) -> bool,
    ) -> Option<Self> {
        Self::framed(0, columns, rows, is_white)
    }

    /// The same, with so many white modules on each side besides those that are asked for.
    #[must_use]
    pub fn framed(
        frame: usize,
        columns: usize,
        rows: usize,
        is_white: impl Fn(usize, usize) -> bool,
    ) -> Option<Self> {
        if columns == 0 || rows == 0 {
            return None;
        }
        let is_frame_white = |at: usize| {
            (at..columns - at).all(|x| is_white(x, at) && is_white(x, rows - 1 - at))
                && (at..rows - at).all(|y| is_white(at, y) && is_white(columns - 1 - at, y))
        };
        let most = (columns.min(rows) - 1) / 2;
        let white = (0..most).take_while(|at| is_frame_white(*at)).count();
        // One white module stays, so that viewers do not blend black ones with what is around the picture.
        let margin = (frame + white).saturating_sub(1);
        let inner = |whole: usize| whole + 2 * frame - 2 * margin;
        let width = inner(columns).div_ceil(8);
        let mut bits = vec![0_u8; width * inner(rows)];
        // Places within the frame, by those within the margin; outside them are the modules of the frame.
        let within =
            |at: usize, whole: usize| (at + margin).checked_sub(frame).filter(|at| *at < whole);
        for (y, row) in bits.chunks_exact_mut(width).enumerate() {
            let y = within(y, rows);
            for x in 0..inner(columns) {
                let inside = within(x, columns).zip(y);
                let is_white = inside.is_none_or(|(x, y)| is_white(x, y));
                if let Some(byte) = row.get_mut(x / 8) {
                    *byte |= u8::from(is_white) << (7 - x % 8);
                }
            }
        }
        let (columns, rows) = (inner(columns), inner(rows));
        Some(Self {
            margin,
            columns,
            rows,
            bits,
        })
    }

    /// Whether a picture of one byte a module looks the same.
    pub(crate) fn is_like(&self, columns: usize, luma: &[u8]) -> bool {
        Self::from_luma(columns, luma).as_ref() == Some(self)
    }

    /// Whether it has white all around that it does not paint.
    pub(crate) const fn has_margin(&self) -> bool {
        self.margin > 0
    }

    /// Paints the picture, which has this place together with its margin.
    pub(crate) fn paint(&self, [a, b, c, d, e, f]: Place, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // The part of the whole that is within the margin.
        let part = |within: usize| {
            let whole = (within + 2 * self.margin) as f64;
            (within as f64 / whole, self.margin as f64 / whole)
        };
        let ((width, left), (height, below)) = (part(self.columns), part(self.rows));
        out.extend_from_slice(b"q");
        for value in [
            a * width,
            b * width,
            c * height,
            d * height,
            e + a * left + c * below,
            f + b * left + d * below,
        ] {
            out.push(b' ');
            number(out, value);
        }
        put(
            out,
            format_args!(" cm BI/W {}/H {}/BPC 1/CS/G", self.columns, self.rows),
        );
        if self.bits.windows(2).any(|pair| pair == b"EI") {
            out.extend_from_slice(b"/F/AHx ID ");
            for byte in &self.bits {
                let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
            out.extend_from_slice(b">\nEI\nQ");
        } else {
            out.extend_from_slice(b" ID ");
            out.extend_from_slice(&self.bits);
            out.extend_from_slice(b"\nEI\nQ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(picture: &Bitmap, place: Place) -> Vec<u8> {
        let mut out = Vec::new();
        picture.paint(place, &mut out);
        out
    }

    #[test]
    fn a_picture_is_painted_row_by_row_with_a_bit_for_each_white_module() {
        let luma = [0, 255, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0];
        let picture = Bitmap::from_luma(9, &luma).unwrap();
        assert_eq!(
            painted(&picture, [18.0, 0.0, 0.0, 4.0, 70.5, 9.0]),
            b"q 18 0 0 4 70.5 9 cm BI/W 9/H 2/BPC 1/CS/G ID \x40\x80\x80\x00\nEI\nQ"
        );
        assert!(picture.is_like(9, &luma) && !picture.is_like(6, &luma));
        assert!(!picture.has_margin());
    }

    #[test]
    fn what_is_white_all_around_is_left_to_the_ground() {
        // Three white modules on each side of a black and a white one, twice; one of the three is painted.
        let is_white = |x: usize, y: usize| !((3..5).contains(&y) && x == 3);
        let picture = Bitmap::from_modules(8, 8, is_white).unwrap();
        assert!(picture.has_margin());
        assert_eq!(
            painted(&picture, [80.0, 0.0, 0.0, 80.0, 100.0, 200.0]),
            b"q 40 0 0 40 120 220 cm BI/W 4/H 4/BPC 1/CS/G ID \xF0\xB0\xB0\xF0\nEI\nQ"
        );
        let luma: Vec<u8> = (0..64)
            .map(|at| if is_white(at % 8, at / 8) { 255 } else { 0 })
            .collect();
        assert!(picture.is_like(8, &luma));
        // A picture of nothing but white is still one.
        let white = Bitmap::from_modules(3, 2, |_, _| true).unwrap();
        assert_eq!(white.bits, [0xE0, 0xE0]);
    }

    #[test]
    fn a_picture_with_a_frame_is_the_picture_with_those_white_modules() {
        for frame in [0, 1, 4] {
            for is_white in [
                |x: usize, y: usize| (x * 7 + y * 3) % 5 > 1,
                |x: usize, y: usize| !((1..4).contains(&x) && y == 2),
                |_: usize, _: usize| true,
            ] {
                let (columns, rows) = (9, 5);
                let framed = Bitmap::framed(frame, columns, rows, is_white);
                let whole = Bitmap::from_modules(columns + 2 * frame, rows + 2 * frame, |x, y| {
                    let is_inside =
                        (frame..frame + columns).contains(&x) && (frame..frame + rows).contains(&y);
                    !is_inside || is_white(x - frame, y - frame)
                });
                assert_eq!(framed, whole, "{frame}");
            }
        }
    }

    #[test]
    fn a_picture_whose_bits_look_like_its_end_is_written_in_digits() {
        let bits = |byte: u8| (0..8).map(move |at| if byte & 0x80 >> at == 0 { 0 } else { 255 });
        let luma: Vec<u8> = b"EI".iter().flat_map(|byte| bits(*byte)).collect();
        let picture = Bitmap::from_luma(16, &luma).unwrap();
        assert_eq!(
            painted(&picture, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
            b"q 1 0 0 1 0 0 cm BI/W 16/H 1/BPC 1/CS/G/F/AHx ID 4549>\nEI\nQ"
        );
    }

    #[test]
    fn bytes_that_are_no_rectangle_are_no_picture() {
        assert!(Bitmap::from_luma(2, &[0, 0, 0]).is_none());
        assert!(Bitmap::from_luma(0, &[]).is_none());
    }
}
