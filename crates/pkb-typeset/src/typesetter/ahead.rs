//! Letters are made and laid out while those before them are bound.

use std::{borrow::Borrow, sync::mpsc};

use super::{LaidOut, LetterFault, TypesetError, Typesetter};
use crate::letter_fields::LetterFields;

/// Letters that are laid out together; those of the first time are few, so that the first pages are there soon.
const CHUNK: usize = 400;
const FIRST_CHUNK: usize = 100;
/// Of those, how many may wait to be bound.
const CHUNKS_AHEAD: usize = 1;

/// A letter, and its pages or what is wrong with it.
pub type LaidOutLetter<L> = (L, Result<LaidOut, LetterFault>);

impl Typesetter {
    /// Whether so many letters are laid out while others are bound: few can be kept, and Typst's take longer to lay out
    /// than to bind.
    #[must_use]
    pub fn lays_out_ahead(&self, count: usize) -> bool {
        count > CHUNK && self.stamps(count)
    }

    /// Makes `count` letters of a file and lays them out, some at a time, while `bind` takes in those before them, in their
    /// order.
    ///
    /// # Errors
    ///
    /// The first of what `make` and `bind` say, or a bug in the typesetter.
    pub fn lay_out_ahead<L: Borrow<LetterFields> + Send, E: From<TypesetError> + Send>(
        &self,
        count: usize,
        make: impl Fn(usize) -> Result<L, E> + Sync,
        mut bind: impl FnMut(Vec<LaidOutLetter<L>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let places: Vec<usize> = (0..count).collect();
        let shapers = self.shapers(count);
        std::thread::scope(|scope| {
            let (sender, chunks) = mpsc::sync_channel(CHUNKS_AHEAD);
            let (places, make) = (&places, &make);
            scope.spawn(move || {
                let (first, others) = places.split_at(FIRST_CHUNK.min(count));
                for places in [first].into_iter().chain(others.chunks(CHUNK)) {
                    let chunk = self.lay_out_with(shapers.as_ref(), places, |place| make(*place));
                    let is_last = chunk.is_err();
                    // Nobody listens any more if a letter could not be bound.
                    if sender.send(chunk).is_err() || is_last {
                        break;
                    }
                }
            });
            chunks.into_iter().try_for_each(|chunk| bind(chunk?))
        })
    }
}
