//! Letters into a PDF, one after the other, whatever their templates.
//!
//! What a template's letters share is written when its first letter comes; fonts and the roots of all trees at the end.
//! In between, letters are written in *windows*: those of one template in a window are *groups*, which are made side by
//! side on all threads of the rayon pool that the caller runs in, and written in their order. So the bytes do not depend
//! on the number of threads, and memory holds a window and, of what was written, where it is.

mod end;
mod group;
mod letter;
mod outline;
mod shared;
mod window;

use std::borrow::BorrowMut;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use crate::fonts::{Fonts, OBJECTS_A_FONT};
use crate::glyphs::Glyphs;
use crate::letter_writer::LetterWriter;
use crate::output::{ObjectStream, Output};
use crate::template::Template;
pub use letter::{Letter, StampError};
use outline::Outline;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use shared::Registered;

/// Letters of the first window: few, so that the first pages are there soon.
const FIRST_WINDOW: usize = 100;
/// Letters of all others: many, so that there are enough of each template to make groups of.
const WINDOW: usize = 1600;

// Objects that every PDF has.
const CATALOG: u32 = 1;
const PAGES: u32 = 2;
const INFO: u32 = 3;
const METADATA: u32 = 4;
const STRUCTURE: u32 = 5;
const DOCUMENT: u32 = 6;
const PARENTS: u32 = 7;
const BOOKMARKS: u32 = 8;
const FIRST_FONT: u32 = 9;

/// A PDF that letters are written into, with a writer that is its own or its caller's.
pub struct Document<'f, W, T = LetterWriter<'f>> {
    output: Output<W>,
    writer: T,
    /// Small objects, which are written at the end, together.
    closing: ObjectStream,
    fonts: &'f Fonts,
    /// Whether the letters are many, so that each has a part of its own in the structure.
    is_merged: bool,
    window: usize,
    waiting: Vec<Letter>,
    next_number: u32,
    next_page: u32,
    templates: HashMap<u64, Arc<Registered>>,
    glyphs: Glyphs,
    roles: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The template that says what the document is called.
    first: Option<Arc<Template>>,
    /// The nodes of each window in the trees of pages, and of which tag each sequence belongs to.
    nodes: Vec<(u32, u32)>,
    parts: Vec<u32>,
    outline: Outline,
}

impl<'f, W: Write> Document<'f, W> {
    /// A PDF of many letters.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn merged(out: W, fonts: &'f Fonts) -> Result<Self, StampError> {
        Self::new(out, fonts, LetterWriter::new(fonts), true)
    }

    /// A PDF of one letter.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn of_one(out: W, writer: &mut LetterWriter<'f>, letter: Letter) -> Result<W, StampError> {
        let mut document = Document::new(out, writer.fonts, writer, false)?;
        document.waiting.push(letter);
        document.finish()
    }
}

impl<'f, W: Write, T: BorrowMut<LetterWriter<'f>>> Document<'f, W, T> {
    fn new(out: W, fonts: &'f Fonts, writer: T, is_merged: bool) -> Result<Self, StampError> {
        Ok(Self {
            output: Output::new(out)?,
            writer,
            closing: ObjectStream::default(),
            fonts,
            is_merged,
            window: FIRST_WINDOW,
            waiting: Vec::new(),
            next_number: FIRST_FONT + OBJECTS_A_FONT * fonts.faces().len() as u32,
            next_page: 0,
            templates: HashMap::new(),
            glyphs: Glyphs::default(),
            roles: BTreeMap::new(),
            first: None,
            nodes: Vec::new(),
            parts: Vec::new(),
            outline: Outline::default(),
        })
    }

    /// Adds a letter. Most calls only keep it; each so many write.
    ///
    /// # Errors
    /// It cannot be written, or a late value does not fit; the PDF is of no use then.
    pub fn add(&mut self, letter: Letter) -> Result<(), StampError> {
        self.waiting.push(letter);
        if self.waiting.len() == self.window {
            self.write_waiting()?;
            self.window = WINDOW;
        }
        Ok(())
    }

    fn take_number(&mut self) -> u32 {
        self.take_numbers(1)
    }

    /// The first of some numbers that follow each other.
    fn take_numbers(&mut self, count: u32) -> u32 {
        let first = self.next_number;
        self.next_number = first.saturating_add(count);
        first
    }

    fn write_waiting(&mut self) -> Result<(), StampError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let window = self.place()?;
        // PDF numbers objects up to 8,388,607 for small readers, and up to ten digits for all others.
        if self.next_number >= i32::MAX as u32 {
            return Err(StampError::TooMany);
        }
        let made: Vec<_> = match window.groups.as_slice() {
            [only] => vec![only.make(window.pages_node, self.writer.borrow_mut())],
            groups => groups
                .par_iter()
                .map_init(
                    || LetterWriter::new(self.fonts),
                    |writer, group| group.make(window.pages_node, writer),
                )
                .collect(),
        };
        let mut titles = Vec::with_capacity(made.len());
        for (group, made) in window.groups.iter().zip(made) {
            let made = made?;
            self.output.objects(&made.bytes, made.offsets)?;
            self.output.in_stream(&made.in_stream, group.stream);
            self.glyphs.add_all(&made.glyphs);
            titles.push(made.bookmarks);
        }
        self.write_nodes(&window)?;
        self.write_bookmarks(&window, &mut titles)?;
        self.nodes.push((window.pages_node, window.parents_node));
        for (group, at) in window.letters() {
            if self.is_merged {
                self.parts.push(group.part(at));
            } else {
                let roots = group.template.roots.iter();
                self.parts
                    .extend(roots.map(|root| group.element(*root, at)));
            }
        }
        Ok(())
    }

    /// Writes an object stream, if anything is in it.
    fn write_object_stream(&mut self, stream: ObjectStream) -> io::Result<()> {
        if stream.is_empty() {
            return Ok(());
        }
        let number = self.take_number();
        let packed = stream.finish();
        let mut data = Vec::new();
        let deflater = &mut self.writer.borrow_mut().deflater;
        deflater.append(&packed.data, &mut data);
        self.output.stream(number, &packed.entries, &data)?;
        self.output.in_stream(&packed.numbers, number);
        Ok(())
    }
}
