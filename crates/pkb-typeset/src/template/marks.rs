//! `[marks]` of `template.toml`: what people and machines read to fill envelopes rightly.

use serde::{Deserialize, Serialize};

/// How the running number of a letter is printed on its sheets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberMark {
    /// `000123`.
    #[default]
    Plain,
    /// `000123/000250`: with the number of the last letter of the same file, so that whoever has the file in hand sees
    /// whether a sheet is missing at its end.
    OfFile,
    /// Not at all.
    None,
}

/// A code of the running number that a machine reads, on the first page of a letter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Barcode {
    /// None.
    #[default]
    None,
    /// Code 128 (ISO/IEC 15417), 30 mm wide.
    Code128,
    /// Data Matrix (ISO/IEC 16022), 8 mm wide.
    DataMatrix,
}

/// One line of an optical mark set. A machine that fills envelopes reads the lines of each sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OmrLine {
    /// On every sheet: begins the set ("gate").
    Always,
    /// On the first sheet of a letter.
    FirstSheet,
    /// On the last sheet of a letter ("end of group").
    LastSheet,
    /// On sheets of every other letter: the running number, in binary.
    Count1,
    /// Second bit of the running number.
    Count2,
    /// Third bit.
    Count4,
    /// If the lines before it are an odd number ("parity").
    EvenParity,
    /// Never: an empty place.
    Never,
}

/// What marks the sheets bear, and where, in mm from the top left corner.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Marks {
    /// The running number.
    pub number: NumberMark,
    /// Right end and top of the running number.
    pub number_at: [f64; 2],
    /// The code of the running number.
    pub barcode: Barcode,
    /// Left and top of the code.
    pub barcode_at: [f64; 2],
    /// The lines of the optical mark set, from the top down.
    pub omr: Vec<OmrLine>,
    /// Left end and top of the first line.
    pub omr_at: [f64; 2],
    /// Length of a line.
    pub omr_length: f64,
    /// From one line to the next.
    pub omr_pitch: f64,
    /// Whether sheets are printed on both sides: then every letter has an even number of pages.
    pub duplex: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            number: NumberMark::Plain,
            number_at: [192.0, 287.0],
            barcode: Barcode::None,
            barcode_at: [130.0, 80.0],
            omr: Vec::new(),
            omr_at: [6.0, 100.0],
            omr_length: 8.0,
            omr_pitch: 4.233,
            duplex: false,
        }
    }
}

impl Marks {
    /// Which lines of the optical mark set a sheet has. `letter` is the running number; sheets are counted from 1.
    #[must_use]
    pub fn omr_lines(&self, letter: u64, sheet: usize, sheets: usize) -> Vec<bool> {
        let mut lines = Vec::with_capacity(self.omr.len());
        for line in &self.omr {
            let is_printed = match line {
                OmrLine::Always => true,
                OmrLine::FirstSheet => sheet == 1,
                OmrLine::LastSheet => sheet == sheets,
                OmrLine::Count1 => letter & 1 != 0,
                OmrLine::Count2 => letter & 2 != 0,
                OmrLine::Count4 => letter & 4 != 0,
                OmrLine::EvenParity => lines.iter().filter(|line| **line).count() % 2 == 1,
                OmrLine::Never => false,
            };
            lines.push(is_printed);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_sheet_say_where_it_is_and_are_an_even_number() {
        let marks = Marks {
            omr: vec![
                OmrLine::Always,
                OmrLine::LastSheet,
                OmrLine::Count1,
                OmrLine::Count2,
                OmrLine::Count4,
                OmrLine::EvenParity,
            ],
            ..Marks::default()
        };
        assert_eq!(
            marks.omr_lines(5, 1, 2),
            [true, false, true, false, true, true]
        );
        assert_eq!(
            marks.omr_lines(5, 2, 2),
            [true, true, true, false, true, false]
        );
        for letter in 0..20 {
            let lines = marks.omr_lines(letter, 1, 1);
            assert_eq!(lines.iter().filter(|line| **line).count() % 2, 0);
        }
    }
}
