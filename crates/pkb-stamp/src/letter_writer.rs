//! What letters are written with: made once for a thread.

use crate::deflate::Deflater;
use crate::fonts::Fonts;
use crate::shaper::Shaper;

/// What one thread writes letters with, one after the other: to make a new one takes as long as a good part of a letter.
pub struct LetterWriter<'f> {
    pub(crate) fonts: &'f Fonts,
    pub(crate) shaper: Shaper<'f>,
    pub(crate) deflater: Deflater,
}

impl<'f> LetterWriter<'f> {
    /// A writer for letters in these fonts.
    #[must_use]
    pub fn new(fonts: &'f Fonts) -> Self {
        Self {
            fonts,
            shaper: Shaper::new(fonts),
            deflater: Deflater::new(),
        }
    }
}
