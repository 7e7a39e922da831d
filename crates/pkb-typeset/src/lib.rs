//! Letter templates, and letters laid out by them. Knows no record: [`letter_fields::LetterFields`] become tagged PDFs.
//!
//! * The words and where they stand: [`template`], [`fonts`].
//! * From values to a PDF: [`typesetter`], which lays a page out with Typst once and lets pkb-stamp fill it where that is possible.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod fonts;
pub mod letter_fields;
pub mod template;
pub mod typesetter;
