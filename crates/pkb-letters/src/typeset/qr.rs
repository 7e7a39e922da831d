//! The square code (QR) of a join link, as a small grey image.

use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};
use thiserror::Error;

/// What a screen reader says in place of the square code. It holds no code and no link.
#[must_use]
pub fn alt_text(language: &str) -> &'static str {
    match language {
        "cy" => "Cod sgwâr (QR) sy'n agor y dudalen gofrestru",
        _ => "Square code (QR) that opens the registration page",
    }
}

/// White modules on each side. ISO/IEC 18004 asks for four.
const QUIET_ZONE: usize = 4;

/// The link does not fit into a square code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the join link is too long for a square code")]
pub struct LinkTooLong;

/// A square code: one byte a module, row by row, 0 is black and 255 white, with its quiet zone.
#[derive(Clone, PartialEq, Eq)]
pub struct SquareCode {
    side: usize,
    luma: Vec<u8>,
}

impl SquareCode {
    /// Draws the link with medium error correction (15% of the square may be damaged).
    ///
    /// # Errors
    ///
    /// When the link is longer than about 2,300 bytes.
    pub fn of(link: &str) -> Result<Self, LinkTooLong> {
        // The standard has eight masks, and readers take any. To try all of them for each patient takes a tenth of the
        // time of a letter, and links with random codes have no patterns that one of them would have to break up.
        let code = QrCode::encode_segments_advanced(
            &QrSegment::make_segments(link),
            QrCodeEcc::Medium,
            Version::MIN,
            Version::MAX,
            Some(Mask::new(2)),
            true,
        )
        .map_err(|_| LinkTooLong)?;
        let modules = usize::try_from(code.size()).unwrap_or_default();
        let side = modules + 2 * QUIET_ZONE;
        let mut luma = vec![255; side * side];
        for (y, row) in (0..code.size()).zip(luma.chunks_exact_mut(side).skip(QUIET_ZONE)) {
            for (x, module) in (0..code.size()).zip(row.iter_mut().skip(QUIET_ZONE)) {
                if code.get_module(x, y) {
                    *module = 0;
                }
            }
        }
        Ok(Self { side, luma })
    }

    /// Modules on one side, quiet zone included.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side
    }

    /// The modules, row by row.
    #[must_use]
    pub fn luma(&self) -> &[u8] {
        &self.luma
    }

    /// The modules, row by row, without a copy.
    #[must_use]
    pub fn into_luma(self) -> Vec<u8> {
        self.luma
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_code_has_a_white_border_of_four_modules_and_a_finder_in_its_corner() {
        let code = SquareCode::of("https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay").unwrap();
        assert_eq!(code.luma().len(), code.side() * code.side());
        assert!(
            code.luma()
                .iter()
                .take(4 * code.side())
                .all(|module| *module == 255)
        );
        let row: Vec<u8> = code
            .luma()
            .iter()
            .skip(4 * code.side())
            .take(13)
            .copied()
            .collect();
        assert_eq!(row, [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 255, row[12]]);
    }

    #[test]
    fn a_link_that_no_square_code_can_hold_is_an_error() {
        assert!(SquareCode::of(&"x".repeat(3_000)).is_err());
    }
}
