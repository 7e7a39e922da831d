//! The bookmarks, one for each letter, written as the letters come.
//!
//! Each names the one after it, whose number is not known while it is the last: so that one waits for the next window.

use std::io::{self, Write};

use super::BOOKMARKS;
use crate::output::{ObjectStream, Output};
use crate::syntax::put;

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
    /// Adds bookmarks, numbered from `first` on; the objects that can be written now stand in the object stream.
    pub(super) fn add<W: Write>(
        &mut self,
        bodies: Vec<Vec<u8>>,
        first: u32,
        output: &mut Output<W>,
    ) -> io::Result<ObjectStream> {
        let mut stream = ObjectStream::default();
        self.first.get_or_insert(first);
        for (number, body) in (first..).zip(bodies) {
            let next = Bookmark {
                number,
                before: self.waiting.as_ref().map(|last| last.number),
                body,
            };
            match self.waiting.replace(next) {
                // The last one of an earlier window: its number is not among these.
                Some(last) if last.number < first => write_alone(&last, Some(number), output)?,
                Some(last) => last.write(Some(number), stream.next(last.number)),
                None => {}
            }
            self.count += 1;
        }
        Ok(stream)
    }

    /// Writes the last bookmark and the root of all; says whether there are any.
    pub(super) fn finish<W: Write>(&mut self, output: &mut Output<W>) -> io::Result<bool> {
        let (Some(first), Some(last)) = (self.first, self.waiting.take()) else {
            return Ok(false);
        };
        write_alone(&last, None, output)?;
        let root = format!(
            "<</Type/Outlines/First {first} 0 R/Last {} 0 R/Count {}>>",
            last.number, self.count
        );
        output.object(BOOKMARKS, root.as_bytes())?;
        Ok(true)
    }
}

fn write_alone<W: Write>(
    bookmark: &Bookmark,
    after: Option<u32>,
    output: &mut Output<W>,
) -> io::Result<()> {
    let mut body = Vec::new();
    bookmark.write(after, &mut body);
    output.object(bookmark.number, &body)
}
