//! Black and white pictures, such as square codes and barcodes, painted into a page.
//!
//! A picture is painted as an image of one bit a module, in the content of the page itself: an object of its own would
//! take more room than the picture. Readers look for the end of such an image by its letters, `EI`: a picture whose bits
//! happen to be these is written in hexadecimal digits.

use crate::syntax::put;

/// A black and white picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    columns: usize,
    rows: usize,
    /// Row by row, each filled up to a whole byte; a bit is set where it is white.
    bits: Vec<u8>,
}

impl Bitmap {
    /// A picture from one byte a module, row by row: what is below 128 is black. `None` if the number of bytes is not
    /// that of the modules, or there are none.
    #[must_use]
    pub fn from_luma(columns: usize, luma: &[u8]) -> Option<Self> {
        if columns == 0 || luma.is_empty() || !luma.len().is_multiple_of(columns) {
            return None;
        }
        let row = |row: &[u8]| -> Vec<u8> {
            let byte = |eight: &[u8]| {
                let bits = eight.iter().zip(0..).filter(|(grey, _)| **grey >= 128);
                bits.fold(0_u8, |byte, (_, at)| byte | 0x80 >> at)
            };
            row.chunks(8).map(byte).collect()
        };
        Some(Self {
            columns,
            rows: luma.len() / columns,
            bits: luma.chunks(columns).flat_map(row).collect(),
        })
    }

    /// Whether a picture of one byte a module looks the same.
    pub(crate) fn is_like(&self, columns: usize, luma: &[u8]) -> bool {
        Self::from_luma(columns, luma).as_ref() == Some(self)
    }

    /// Paints the picture into the unit square.
    pub(crate) fn paint(&self, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        put(
            out,
            format_args!("BI/W {}/H {}/BPC 1/CS/G", self.columns, self.rows),
        );
        if !self.bits.windows(2).any(|pair| pair == b"EI") {
            out.extend_from_slice(b" ID ");
            out.extend_from_slice(&self.bits);
            out.extend_from_slice(b"\nEI");
            return;
        }
        out.extend_from_slice(b"/F/AHx ID ");
        for byte in &self.bits {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        out.extend_from_slice(b">\nEI");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_painted_row_by_row_with_a_bit_for_each_white_module() {
        let luma = [0, 255, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0];
        let picture = Bitmap::from_luma(9, &luma).unwrap();
        let mut out = Vec::new();
        picture.paint(&mut out);
        assert_eq!(out, b"BI/W 9/H 2/BPC 1/CS/G ID \x40\x80\x80\x00\nEI");
        assert!(picture.is_like(9, &luma) && !picture.is_like(6, &luma));
    }

    #[test]
    fn a_picture_whose_bits_look_like_its_end_is_written_in_digits() {
        let bits = |byte: u8| (0..8).map(move |at| if byte & 0x80 >> at == 0 { 0 } else { 255 });
        let luma: Vec<u8> = b"EI".iter().flat_map(|byte| bits(*byte)).collect();
        let mut out = Vec::new();
        Bitmap::from_luma(16, &luma).unwrap().paint(&mut out);
        assert_eq!(out, b"BI/W 16/H 1/BPC 1/CS/G/F/AHx ID 4549>\nEI");
    }

    #[test]
    fn bytes_that_are_no_rectangle_are_no_picture() {
        assert!(Bitmap::from_luma(2, &[0, 0, 0]).is_none());
        assert!(Bitmap::from_luma(0, &[]).is_none());
    }
}
