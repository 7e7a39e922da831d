//! Letters of one template that are numbered and written together.
//!
//! Objects of the same kind have numbers that follow each other: the first element of all letters, then the second of
//! all, and so on, and stand in that order in an object stream. Neighbours differ in the last digits of their references
//! only then, which deflates to a sixth less than the objects of each letter by itself do.

use std::sync::Arc;

use super::{DOCUMENT, Letter, Registered};
use crate::fitting::Misfit;
use crate::glyphs::Glyphs;
use crate::letter_writer::LetterWriter;
use crate::output::{ObjectStream, deflated_stream};
use crate::syntax::{integer, put, reference, references, text_string};
use crate::template::{Part, Template};

/// Letters of a group at most. A round number: what changes in the references of a full group is the last digits, and the
/// others change all at once.
const TOGETHER: usize = 400;

/// A letter with its place.
pub(super) struct Placed {
    pub letter: Letter,
    /// Of its first page among all pages.
    pub page: u32,
}

/// Letters of one template.
pub(super) struct Group {
    pub template: Arc<Template>,
    shared: Arc<Registered>,
    is_merged: bool,
    pub letters: Vec<Placed>,
    /// Number of the first object. Each kind of object has as many numbers as there are letters, in this order: contents
    /// of pages that have any, pages, part, elements, lists of which element each sequence of a page belongs to.
    first: u32,
    /// Number of the object stream.
    pub stream: u32,
}

/// What a group is in the file.
#[derive(Default)]
pub(super) struct Made {
    pub bytes: Vec<u8>,
    /// Number and place of the objects that stand by themselves.
    pub offsets: Vec<(u32, u64)>,
    /// Numbers of those in the object stream.
    pub in_stream: Vec<(u32, u32)>,
    pub glyphs: Glyphs,
    /// Title and destination for each letter; empty if it has no bookmark.
    pub bookmarks: Vec<Vec<u8>>,
}

impl Group {
    pub(super) const fn new(
        template: Arc<Template>,
        shared: Arc<Registered>,
        is_merged: bool,
    ) -> Self {
        Self {
            template,
            shared,
            is_merged,
            letters: Vec::new(),
            first: 0,
            stream: 0,
        }
    }

    pub(super) const fn has_room(&self) -> bool {
        self.letters.len() < TOGETHER
    }

    /// Gives its objects numbers from `next` on, and says which is the next after them.
    pub(super) fn number_from(&mut self, next: u32) -> u32 {
        self.stream = next;
        self.first = next.saturating_add(1);
        if self.letters.len() == TOGETHER {
            self.first = self.first.next_multiple_of(TOGETHER as u32);
        }
        self.number(self.lists() + self.listed().count() as u32, 0)
    }

    const fn number(&self, kind: u32, letter: u32) -> u32 {
        let numbers = kind.saturating_mul(self.letters.len() as u32);
        self.first.saturating_add(numbers).saturating_add(letter)
    }

    /// The pages that have content of their own.
    fn written(&self) -> impl Iterator<Item = usize> {
        let pages = self.template.pages.iter().enumerate();
        pages.filter_map(|(at, page)| (!page.fields.is_empty()).then_some(at))
    }

    /// The content of a page of a letter, if it has any of its own.
    fn content(&self, page: u32, letter: u32) -> Option<u32> {
        let kind = self.written().position(|at| at == page as usize)?;
        Some(self.number(kind as u32, letter))
    }

    /// A page of a letter.
    pub(super) fn page(&self, page: u32, letter: u32) -> u32 {
        self.number(self.written().count() as u32 + page, letter)
    }

    /// What all tags of a letter are below, in a PDF of many letters.
    pub(super) fn part(&self, letter: u32) -> u32 {
        self.page(self.template.pages.len() as u32, letter)
    }

    /// A tag of a letter.
    pub(super) fn element(&self, at: u32, letter: u32) -> u32 {
        let before = self.template.pages.len() as u32 + u32::from(self.is_merged);
        self.page(before + at, letter)
    }

    /// The kind of the first list.
    fn lists(&self) -> u32 {
        let pages = self.written().count() + self.template.pages.len();
        (pages + self.template.elements.len()) as u32 + u32::from(self.is_merged)
    }

    /// The pages whose sequences belong to tags.
    fn listed(&self) -> impl Iterator<Item = (u32, &[Option<u32>])> {
        let pages = (0..).zip(&self.template.pages);
        pages.filter_map(|(at, page)| Some((at, page.parents.as_deref()?)))
    }

    /// The pages of a letter that have tags: their place among all pages, and the list of which tag each sequence
    /// belongs to.
    pub(super) fn parents(&self, letter: u32) -> impl Iterator<Item = (u32, u32)> {
        let first = self.letters.get(letter as usize).map_or(0, |own| own.page);
        let lists = (self.lists()..).zip(self.listed());
        lists.map(move |(kind, (page, _))| (first + page, self.number(kind, letter)))
    }

    fn each(&self) -> impl Iterator<Item = (u32, &Placed)> {
        (0..).zip(&self.letters)
    }

    /// Makes its objects.
    pub(super) fn make(
        &self,
        pages_node: u32,
        writer: &mut LetterWriter<'_>,
    ) -> Result<Made, Misfit> {
        let LetterWriter {
            shaper, deflater, ..
        } = writer;
        let mut made = Made::default();
        let mut content = Vec::new();
        let mut late = self.template.unfitted();
        for (at, Placed { letter, .. }) in self.each() {
            late.clear();
            self.template
                .fit_late(&mut late, shaper, &|slot| letter.late(slot))?;
            for page in self.written() {
                let Some(number) = self.content(page as u32, at) else {
                    continue;
                };
                content.clear();
                deflater.append_both(
                    letter.fitted.pages.get(page).map_or(&[], Vec::as_slice),
                    late.pages.get(page).map_or(&[], Vec::as_slice),
                    &mut content,
                );
                made.offsets.push((number, made.bytes.len() as u64));
                deflated_stream(&mut made.bytes, number, "", &content);
            }
            for (face, glyph) in letter.fitted.glyphs.iter().chain(&late.glyphs) {
                made.glyphs.add(usize::from(*face), *glyph);
            }
        }
        let packed = self.objects(pages_node)?.finish();
        content.clear();
        deflater.append(&packed.data, &mut content);
        made.offsets.push((self.stream, made.bytes.len() as u64));
        deflated_stream(&mut made.bytes, self.stream, &packed.entries, &content);
        made.in_stream = packed.numbers;
        for (at, Placed { letter, .. }) in self.each() {
            let mut own = Vec::new();
            if let Some((title, destination)) = &self.template.bookmark {
                own.extend_from_slice(b"/Title");
                text_string(&mut own, &letter.words(title)?);
                own.extend_from_slice(b"/Dest");
                self.write_parts(destination, at, letter, &mut own)?;
            }
            made.bookmarks.push(own);
        }
        Ok(made)
    }

    fn objects(&self, pages_node: u32) -> Result<ObjectStream, Misfit> {
        let mut stream = self.stream_with_room();
        for page in 0..self.template.pages.len() as u32 {
            for (at, placed) in self.each() {
                let out = stream.next(self.page(page, at));
                self.write_page(page, at, placed, pages_node, out);
            }
        }
        if self.is_merged {
            for (at, _) in self.each() {
                let out = stream.next(self.part(at));
                put(out, format_args!("<</S/Part/P {DOCUMENT} 0 R/Lang"));
                text_string(out, &self.template.document.language);
                out.extend_from_slice(b"/K");
                let roots = self.template.roots.iter();
                references(out, roots.map(|root| self.element(*root, at)));
                out.extend_from_slice(b">>");
            }
        }
        for (element, parts) in (0..).zip(&self.template.elements) {
            for (at, placed) in self.each() {
                let out = stream.next(self.element(element, at));
                self.write_parts(parts, at, &placed.letter, out)?;
            }
        }
        for (kind, (_, list)) in (self.lists()..).zip(self.listed()) {
            for (at, _) in self.each() {
                let out = stream.next(self.number(kind, at));
                out.push(b'[');
                for element in list {
                    match element {
                        Some(element) => reference(out, self.element(*element, at)),
                        None => out.extend_from_slice(b"null"),
                    }
                    out.push(b' ');
                }
                out.push(b']');
            }
        }
        Ok(stream)
    }

    /// A stream with room for all that is written of the letters.
    fn stream_with_room(&self) -> ObjectStream {
        const A_REFERENCE: usize = 13;
        const A_PAGE: usize = 200;
        let part = |part: &Part| match part {
            Part::Bytes(bytes) => bytes.len(),
            Part::Words(_) => 2 * A_REFERENCE,
            Part::Element(_) | Part::Page(_) | Part::Parent => A_REFERENCE,
        };
        let elements = self.template.elements.iter().flatten().map(part);
        let lists = self
            .listed()
            .map(|(_, list)| A_REFERENCE * (list.len() + 1));
        let pages = self.template.pages.len() * A_PAGE;
        let roots = A_PAGE + A_REFERENCE * self.template.roots.len();
        let bytes = pages + roots + elements.sum::<usize>() + lists.sum::<usize>();
        let objects = self.template.elements.len() + 3 * self.template.pages.len() + 1;
        ObjectStream::with_room(bytes * self.letters.len(), objects * self.letters.len())
    }

    fn write_page(&self, at: u32, letter: u32, placed: &Placed, node: u32, out: &mut Vec<u8>) {
        let Some(page) = self.template.pages.get(at as usize) else {
            return;
        };
        let shared = self.shared.pages.get(at as usize).copied();
        let (resources, shared) = shared.unwrap_or_default();
        put(out, format_args!("<</Type/Page/Parent {node} 0 R"));
        out.extend_from_slice(&page.boxes);
        put(
            out,
            format_args!("/Resources {resources} 0 R/Tabs/S/Contents"),
        );
        match self.content(at, letter) {
            Some(own) => references(out, [shared, own]),
            None => {
                out.push(b' ');
                reference(out, shared);
            }
        }
        if page.parents.is_some() {
            out.extend_from_slice(b"/StructParents ");
            integer(out, (placed.page + at).into());
        }
        out.extend_from_slice(b">>");
    }

    fn write_parts(
        &self,
        parts: &[Part],
        at: u32,
        letter: &Letter,
        out: &mut Vec<u8>,
    ) -> Result<(), Misfit> {
        for part in parts {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Element(element) => reference(out, self.element(*element, at)),
                Part::Page(page) => reference(out, self.page(*page, at)),
                Part::Parent if self.is_merged => reference(out, self.part(at)),
                Part::Parent => reference(out, DOCUMENT),
                Part::Words(words) => text_string(out, &letter.words(words)?),
            }
        }
        Ok(())
    }
}
