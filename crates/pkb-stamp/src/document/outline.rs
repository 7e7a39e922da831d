//! The bookmarks, one for each letter, written as the letters come.
//!
//! Each names the one after it, whose number is not known while it is the last: so that one waits for the next window.

use pdf_writer::writers;

use super::BOOKMARKS;
use crate::output::{ObjectStream, body};
use crate::syntax::{int, object_ref, put};

/// Bookmarks that are being written.
#[derive(Default)]
pub(super) struct Outline {
    first: Option<u32>,
    count: u32,
    /// The last one.
    waiting: Option<Bookmark>,
}

struct Bookmark {
    number: u32,
    before: Option<u32>,
    /// Title and destination.
    body: Vec<u8>,
}

impl Bookmark {
    fn write(&self, after: Option<u32>, out: &mut Vec<u8>) {
        put(out, format_args!("<</Parent {BOOKMARKS} 0 R"));
        if let Some(after) = after {
            put(out, format_args!("/Next {after} 0 R"));
        }
        if let Some(before) = self.before {
            put(out, format_args!("/Prev {before} 0 R"));
        }
        out.extend_from_slice(&self.body);
        out.extend_from_slice(b">>");
    }
}

impl Outline {
    /// Adds bookmarks, numbered from `first` on. Those that can be written now go into an object stream; the last one of
    /// those before them into `closing`, whose numbers need not follow each other.
    pub(super) fn add(
        &mut self,
        bodies: Vec<Vec<u8>>,
        first: u32,
        closing: &mut ObjectStream,
    ) -> ObjectStream {
        let mut stream = ObjectStream::default();
        self.first.get_or_insert(first);
        for (number, body) in (first..).zip(bodies) {
            let next = Bookmark {
                number,
                before: self.waiting.as_ref().map(|last| last.number),
                body,
            };
            match self.waiting.replace(next) {
                Some(last) if last.number < first => {
                    last.write(Some(number), closing.next(last.number));
                }
                Some(last) => last.write(Some(number), stream.next(last.number)),
                None => {}
            }
            self.count += 1;
        }
        stream
    }

    /// Writes the last bookmark and the root of all; says whether there are any.
    pub(super) fn finish(&mut self, closing: &mut ObjectStream) -> bool {
        let (Some(first), Some(last)) = (self.first, self.waiting.take()) else {
            return false;
        };
        last.write(None, closing.next(last.number));
        let root = body(|object| {
            let mut outline = object.start::<writers::Outline<'_>>();
            outline
                .first(object_ref(first))
                .last(object_ref(last.number));
            outline.count(int(self.count));
        });
        closing.add(BOOKMARKS, &root);
        true
    }
}
