//! The QR code of a join link, as a small grey image.

use pkb_stamp::Bitmap;
use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};
use thiserror::Error;

/// White modules on each side. ISO/IEC 18004 asks for four.
const QUIET_ZONE: usize = 4;

/// The link does not fit into a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the join link is too long for a QR code")]
pub struct LinkTooLong;

/// A QR code with its quiet zone.
#[derive(Clone, PartialEq, Eq)]
pub struct QrSymbol(QrCode);

impl QrSymbol {
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
        Ok(Self(code))
    }

    /// Modules on one side, quiet zone included.
    #[must_use]
    pub fn side(&self) -> usize {
        self.inner_side() + 2 * QUIET_ZONE
    }

    fn inner_side(&self) -> usize {
        usize::try_from(self.0.size()).unwrap_or_default()
    }

    /// As a picture; `None` if it is none.
    #[must_use]
    pub fn bitmap(&self) -> Option<Bitmap> {
        let side = self.inner_side();
        // No side has more than 177 modules.
        Bitmap::framed(QUIET_ZONE, side, side, |column, row| {
            !self.0.get_module(column as i32, row as i32)
        })
    }

    /// Whether a module is white, by its column and row from the top left; outside all are.
    fn is_white(&self, column: usize, row: usize) -> bool {
        let inside = |at: usize| i32::try_from(at.checked_sub(QUIET_ZONE)?).ok();
        let place = inside(column).zip(inside(row));
        !place.is_some_and(|(x, y)| self.0.get_module(x, y))
    }

    /// One byte a module, row by row: 0 is black and 255 white.
    #[must_use]
    pub fn luma(&self) -> Vec<u8> {
        let side = self.side();
        let row = |row| (0..side).map(move |column| (column, row));
        let modules = (0..side).flat_map(row);
        modules
            .map(|(column, row)| if self.is_white(column, row) { 255 } else { 0 })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_has_a_white_border_of_four_modules_and_a_finder_in_its_corner() {
        let code = QrSymbol::of("https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay").unwrap();
        let luma = code.luma();
        assert_eq!(luma.len(), code.side() * code.side());
        assert!(
            luma.iter()
                .take(4 * code.side())
                .all(|module| *module == 255)
        );
        let row: Vec<u8> = luma
            .iter()
            .skip(4 * code.side())
            .take(13)
            .copied()
            .collect();
        assert_eq!(row, [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 255, row[12]]);
    }

    #[test]
    fn the_picture_of_a_qr_code_is_what_it_looks_like() {
        let code = QrSymbol::of("https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay").unwrap();
        assert_eq!(code.bitmap(), Bitmap::from_luma(code.side(), &code.luma()));
    }

    #[test]
    fn a_link_that_no_qr_code_can_hold_is_an_error() {
        assert!(QrSymbol::of(&"x".repeat(3_000)).is_err());
    }
}
