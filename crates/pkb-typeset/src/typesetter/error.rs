//! Why letters cannot be typeset. No message holds a value of a patient.

use pkb_core::{Reason, Verdict};
use thiserror::Error;

use crate::template::geometry::Area;

/// What is wrong with one letter; the others are not concerned.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum LetterFault {
    /// The template fails with this letter although it works with the sample. What Typst says may hold the patient's
    /// values, so only the place is told.
    #[error("the template fails at {place} with this letter")]
    Template {
        /// File and line.
        place: String,
    },
    /// A join link does not fit into a QR code.
    #[error("the join link is too long for a QR code")]
    LinkTooLong,
    /// A character would be printed as an empty box.
    #[error("a character of this letter has no glyph in any font")]
    MissingGlyph,
    /// A code is not on the page in one piece.
    #[error("a code of this letter is broken or not printed")]
    CodeBroken,
    /// Something is printed where the envelope window, the barcode or the margin must stay clear.
    #[error("page {page} has something at {}, outside the areas that may be printed", millimetres(.at))]
    OutsideArea {
        /// Page of the letter, from 1.
        page: usize,
        /// Where.
        at: Area,
    },
    /// A bug in Typst, which some name or address brings out.
    #[error(
        "the typesetter stopped at this letter: its name or address has characters that it cannot print"
    )]
    Panicked,
    /// More pages than a letter may have.
    #[error("the letter is too long (pages: {pages})")]
    TooManyPages {
        /// How many.
        pages: usize,
    },
}

fn millimetres([left, top, right, bottom]: &Area) -> String {
    format!("{left:.0}-{right:.0} mm from the left and {top:.0}-{bottom:.0} mm from the top")
}

impl From<LetterFault> for Verdict {
    fn from(fault: LetterFault) -> Self {
        let reason = match fault {
            LetterFault::MissingGlyph => Reason::MissingGlyph,
            _ => Reason::DoesNotFit,
        };
        Self::with_detail(reason, fault.to_string())
    }
}

/// Nothing can be typeset.
#[derive(Debug, Error)]
pub enum TypesetError {
    /// The template fails with the sample letter, so with every letter.
    #[error("the template fails at {place}: {message}")]
    Template {
        /// File and line.
        place: String,
        /// What Typst says.
        message: String,
    },
    /// No letters were given; a PDF has at least one page.
    #[error("there are no letters to typeset")]
    NoLetters,
    /// The letters are laid out but cannot be a tagged PDF.
    #[error(
        "the letters cannot be written as accessible PDF (PDF/UA-1). Correct the template at {place}"
    )]
    Export {
        /// File and line.
        place: String,
    },
    /// The marks cannot be laid over the letters.
    #[error("the sheet marks (number, barcode, OMR) cannot be made: {0}")]
    Marks(String),
    /// The template cannot be stamped, and nothing else was wanted.
    #[error(
        "{place} cannot be stamped ({what}), because {reason}. What to do: use --engine auto or typst"
    )]
    NotStampable {
        /// The file of its words.
        place: String,
        /// Languages and print.
        what: String,
        /// Why.
        reason: String,
    },
    /// A letter that Typst laid out cannot stand in a file with stamped ones.
    #[error(
        "a letter cannot be in one file with stamped letters, because {0}. What to do: use --engine typst"
    )]
    CannotStandTogether(String),
    /// Stamped letters cannot be written.
    #[error("the letters cannot be stamped")]
    Stamp(#[source] pkb_stamp::StampError),
    /// The PDF cannot be written to where it goes.
    #[error("the letters cannot be written")]
    Write(#[from] std::io::Error),
    /// The threads could not be started.
    #[error("failed to start the typesetting threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A bug in Typst. What its panic says may hold values: a program's panic hook should tell the place only.
    #[error("typesetting ended in a bug")]
    Panicked,
    /// The data could not be handed to the template.
    #[error("failed to prepare the letter data")]
    Data,
}

impl From<pkb_stamp::StampError> for TypesetError {
    fn from(error: pkb_stamp::StampError) -> Self {
        match error {
            pkb_stamp::StampError::Io(error) => Self::Write(error),
            other => Self::Stamp(other),
        }
    }
}

impl From<TypesetError> for pkb_core::Fatal {
    /// What is to be done about it is to be done to the template.
    fn from(error: TypesetError) -> Self {
        Self::Usage(error.to_string())
    }
}
