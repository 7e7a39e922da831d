//! Stamps values into a page that was laid out once. See the README beside this crate's manifest for the method.
//!
//! ```text
//! probes: PDFs of one page with placeholder values          values of a letter
//!        |                                                         |
//!   Template::read  ->  what is shared | fields | tags  ->  Template::fit  ->  Fitted
//!                                                                  |
//!                                             Document::merged(…).add(Letter) … .finish()
//!                                             Document::of_one(Letter)
//! ```
//!
//! The crate knows nothing of letters but that they have pages, tags and a bookmark; and nothing of how the page was laid
//! out but how Typst's export writes PDFs.
//!
//! * [`template`]: reads probes.
//! * [`fitting`]: sets values into the fields of a template, or says why not.
//! * [`document`]: letters into a PDF.
//! * [`fonts`], [`shaper`], `line_cache`: what values are set in, and how; lines that were set lately.
//! * `letter_writer`: what a thread writes letters with; `text_writer`: lines written into pages.
//! * [`bitmap`]: pictures of black and white modules.
//! * `lexer`, `syntax`, `deflate`, `output`: PDF syntax read and written.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod bitmap;
mod deflate;
pub mod document;
pub mod fitting;
pub mod fonts;
mod glyphs;
mod letter_writer;
mod lexer;
mod line_cache;
mod output;
mod runs;
pub mod shaper;
mod syntax;
pub mod template;
mod text_writer;
mod unhinted;

pub use bitmap::Bitmap;
pub use document::{Document, Letter, StampError};
pub use fitting::{Fitted, Misfit, Value};
pub use fonts::Fonts;
pub use letter_writer::LetterWriter;
pub use shaper::Shaper;
pub use template::{Probe, ReadProbe, Template, Unstampable};
