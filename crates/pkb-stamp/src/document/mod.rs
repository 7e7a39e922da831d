//! Letters into a PDF, one after the other, whatever their templates.
//!
//! What a template's letters share is written when its first letter comes; fonts and the roots of all trees at the end.
//! In between, letters are written in *windows*: those of one template in a window are *groups*, which are made side by
//! side on all threads of the rayon pool that the caller runs in, and written in their order. So the bytes do not depend
//! on the number of threads, and memory holds a window and, of what was written, where it is.

mod group;
mod outline;

use std::borrow::BorrowMut;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use thiserror::Error;

use crate::deflate::{deflated, deflated_thoroughly};
use crate::fitting::{Fitted, Misfit, Value};
use crate::fonts::{Fonts, OBJECTS_A_FONT};
use crate::glyphs::Glyphs;
use crate::output::{ObjectStream, Output};
use crate::syntax::{integer, put, reference, references, string, text_string};
use crate::template::field::{Word, Words};
use crate::template::{SharedPart, Template, Unstampable};
use crate::tools::Tools;
use group::{Group, Placed};
use outline::Outline;

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

/// A PDF cannot be written.
#[derive(Debug, Error)]
pub enum StampError {
    /// The output cannot be written.
    #[error("failed to write the PDF")]
    Io(#[from] io::Error),
    /// A value that is known late does not fit. Those that are known early are checked by [`Template::fit`].
    #[error("a letter cannot be stamped: {0}")]
    Misfit(#[from] Misfit),
    /// Templates that cannot stand in one PDF.
    #[error("letters cannot stand in one PDF: {0}")]
    Apart(Unstampable),
    /// A font cannot be divided.
    #[error("a font cannot be embedded")]
    Font,
    /// A PDF has at least one page.
    #[error("there are no letters")]
    Empty,
    /// More objects than PDF can number.
    #[error("too many letters for one PDF")]
    TooMany,
}

/// A letter to be written.
pub struct Letter {
    /// Its template.
    pub template: Arc<Template>,
    /// Its values, set.
    pub fitted: Fitted,
    /// Values that are known late: words by the names of their slots.
    pub late: Vec<(&'static str, String)>,
    /// Pictures that are known late.
    pub late_pictures: Vec<(&'static str, crate::Bitmap)>,
}

impl Letter {
    /// A letter that is as its template is, which has no slots.
    #[must_use]
    pub fn as_it_is(template: Arc<Template>) -> Self {
        Self {
            fitted: template.unfitted(),
            template,
            late: Vec::new(),
            late_pictures: Vec::new(),
        }
    }

    fn late<'a>(&'a self, slot: &str) -> Option<Value<'a>> {
        let text = self
            .late
            .iter()
            .find(|(name, _)| *name == slot)
            .map(|(_, text)| Value::Text(text));
        let picture = || self.late_pictures.iter().find(|(name, _)| *name == slot);
        text.or_else(|| picture().map(|(_, picture)| Value::Picture(picture)))
    }

    /// Words of a tag or bookmark, which are known late or belong to the template.
    fn words(&self, words: &Words) -> Result<String, Misfit> {
        let mut text = String::new();
        for word in words {
            text.push_str(match word {
                Word::Fixed(fixed) => fixed,
                Word::Slot(slot) => match self.late(slot) {
                    Some(Value::Text(value)) => value,
                    _ => return Err(Misfit::NoValue),
                },
            });
        }
        Ok(text)
    }
}

/// A PDF that letters are written into, with tools that are its own or its caller's.
pub struct Document<'f, W, T = Tools<'f>> {
    output: Output<W>,
    tools: T,
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

/// Where the shared objects of a template are.
#[derive(Debug, Default)]
struct Registered {
    /// Resources and content of each page.
    pages: Vec<(u32, u32)>,
}

/// Letters with their numbers.
struct Window {
    groups: Vec<Group>,
    /// Group and place in it, in the order of the letters.
    order: Vec<(usize, u32)>,
    pages_node: u32,
    parents_node: u32,
}

impl Window {
    /// Each letter: its group, and its place in it.
    fn letters(&self) -> impl Iterator<Item = (&Group, u32)> {
        let letters = self.order.iter();
        letters.filter_map(|(group, at)| Some((self.groups.get(*group)?, *at)))
    }
}

impl<'f, W: Write> Document<'f, W> {
    /// A PDF of many letters.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn merged(out: W, fonts: &'f Fonts) -> Result<Self, StampError> {
        Self::new(out, fonts, Tools::new(fonts), true)
    }

    /// A PDF of one letter.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn of_one(out: W, tools: &mut Tools<'f>, letter: Letter) -> Result<W, StampError> {
        let mut document = Document::new(out, tools.fonts, tools, false)?;
        document.waiting.push(letter);
        document.finish()
    }
}

impl<'f, W: Write, T: BorrowMut<Tools<'f>>> Document<'f, W, T> {
    fn new(out: W, fonts: &'f Fonts, tools: T, is_merged: bool) -> Result<Self, StampError> {
        Ok(Self {
            output: Output::new(out)?,
            tools,
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

    /// Writes what is left, and the end of the PDF.
    ///
    /// # Errors
    /// It cannot be written, or there are no letters.
    pub fn finish(mut self) -> Result<W, StampError> {
        self.write_waiting()?;
        let first = self.first.clone().ok_or(StampError::Empty)?;
        self.write_fonts()?;
        let has_bookmarks = self.outline.finish(&mut self.closing);
        self.write_trees();
        let document = &first.document;
        self.closing.next(INFO).extend_from_slice(&document.info);
        let mut catalog = Vec::new();
        put(
            &mut catalog,
            format_args!("<</Type/Catalog/Pages {PAGES} 0 R/Metadata {METADATA} 0 R/Lang"),
        );
        text_string(&mut catalog, &document.language);
        put(
            &mut catalog,
            format_args!("/StructTreeRoot {STRUCTURE} 0 R"),
        );
        catalog.extend_from_slice(&document.catalog);
        if has_bookmarks {
            put(&mut catalog, format_args!("/Outlines {BOOKMARKS} 0 R"));
        }
        catalog.extend_from_slice(b">>");
        self.closing.next(CATALOG).extend_from_slice(&catalog);
        let closing = std::mem::take(&mut self.closing);
        self.write_object_stream(closing)?;
        let instance = self.output.digest();
        let metadata = String::from_utf8_lossy(&document.metadata).into_owned();
        let metadata = with_value(&metadata, "xmpTPg:NPages", &self.next_page.to_string());
        let metadata = with_value(&metadata, "xmpMM:InstanceID", &instance);
        let id = value_of(&metadata, "xmpMM:DocumentID")
            .unwrap_or(&instance)
            .to_owned();
        let mut body = Vec::new();
        put(
            &mut body,
            format_args!(
                "<</Type/Metadata/Subtype/XML/Length {}>>\nstream\n{metadata}\nendstream",
                metadata.len()
            ),
        );
        self.output.object(METADATA, &body)?;
        let mut trailer = format!("/Root {CATALOG} 0 R/Info {INFO} 0 R/ID[").into_bytes();
        string(&mut trailer, id.as_bytes());
        string(&mut trailer, instance.as_bytes());
        trailer.push(b']');
        Ok(self.output.finish(
            self.next_number,
            &String::from_utf8_lossy(&trailer),
            &mut self.tools.borrow_mut().deflater,
        )?)
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
            [only] => vec![only.make(window.pages_node, self.tools.borrow_mut())],
            groups => groups
                .par_iter()
                .map_init(
                    || Tools::new(self.fonts),
                    |tools, group| group.make(window.pages_node, tools),
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

    /// Puts the letters that wait into groups, gives them their numbers, and writes what their templates share.
    fn place(&mut self) -> Result<Window, StampError> {
        let mut groups: Vec<Group> = Vec::new();
        let mut open: HashMap<u64, usize> = HashMap::new();
        let mut order = Vec::with_capacity(self.waiting.len());
        for letter in std::mem::take(&mut self.waiting) {
            let shared = self.registered(&letter.template)?;
            let known = open.get(&letter.template.id).copied();
            let place = match known.filter(|at| groups.get(*at).is_some_and(Group::has_room)) {
                Some(at) => at,
                None => {
                    groups.push(Group::new(letter.template.clone(), shared, self.is_merged));
                    groups.len() - 1
                }
            };
            open.insert(letter.template.id, place);
            let page = self.next_page;
            self.next_page += letter.template.pages.len() as u32;
            if let Some(group) = groups.get_mut(place) {
                order.push((place, group.letters.len() as u32));
                group.letters.push(Placed { letter, page });
            }
        }
        for group in &mut groups {
            self.next_number = group.number_from(self.next_number);
        }
        Ok(Window {
            groups,
            order,
            pages_node: self.take_number(),
            parents_node: self.take_number(),
        })
    }

    /// The nodes of a window in the trees of pages, and of which tag each sequence belongs to.
    fn write_nodes(&mut self, window: &Window) -> io::Result<()> {
        let mut own = ObjectStream::default();
        let stream = if self.is_merged {
            &mut own
        } else {
            &mut self.closing
        };
        let pages = stream.next(window.pages_node);
        put(pages, format_args!("<</Type/Pages/Parent {PAGES} 0 R/Kids"));
        let of_letter = |(group, at): (&Group, u32)| -> Vec<u32> {
            (0..group.template.pages.len() as u32)
                .map(|page| group.page(page, at))
                .collect()
        };
        references(pages, window.letters().flat_map(of_letter));
        let count = window
            .letters()
            .map(|(group, _)| group.template.pages.len());
        put(pages, format_args!("/Count {}>>", count.sum::<usize>()));
        let parents = stream.next(window.parents_node);
        let mut keys = window
            .letters()
            .flat_map(|(group, at)| group.parents(at))
            .peekable();
        let first = keys.peek().map_or(0, |(key, _)| *key);
        let mut last = first;
        let mut numbers = Vec::new();
        for (key, list) in keys {
            integer(&mut numbers, key.into());
            numbers.push(b' ');
            reference(&mut numbers, list);
            numbers.push(b' ');
            last = key;
        }
        put(parents, format_args!("<</Limits[{first} {last}]/Nums["));
        parents.extend(numbers);
        parents.extend_from_slice(b"]>>");
        self.write_object_stream(own)
    }

    fn write_bookmarks(&mut self, window: &Window, titles: &mut [Vec<Vec<u8>>]) -> io::Result<()> {
        let mut own = Vec::new();
        for (group, at) in &window.order {
            let title = titles
                .get_mut(*group)
                .and_then(|all| all.get_mut(*at as usize));
            own.extend(title.map(std::mem::take).filter(|title| !title.is_empty()));
        }
        if own.is_empty() {
            return Ok(());
        }
        let first = self.take_numbers(own.len() as u32);
        let stream = self.outline.add(own, first, &mut self.closing);
        self.write_object_stream(stream)
    }

    /// Writes what the letters of a template share, once.
    fn registered(&mut self, template: &Arc<Template>) -> Result<Arc<Registered>, StampError> {
        if let Some(known) = self.templates.get(&template.id) {
            return Ok(known.clone());
        }
        for (role, stands_for) in &template.roles {
            let known = self
                .roles
                .entry(role.clone())
                .or_insert_with(|| stands_for.clone());
            if known != stands_for {
                return Err(StampError::Apart(Unstampable::because(
                    "their tags have other meanings",
                )));
            }
        }
        let first_object = self.next_number;
        self.next_number = self
            .next_number
            .saturating_add(template.objects.len() as u32);
        let shared = |parts: &[SharedPart], out: &mut Vec<u8>| {
            for part in parts {
                match part {
                    SharedPart::Bytes(bytes) => out.extend_from_slice(bytes),
                    SharedPart::Object(place) => reference(out, first_object + place),
                    SharedPart::Font(face) => {
                        reference(out, FIRST_FONT + OBJECTS_A_FONT * *face as u32)
                    }
                }
            }
        };
        let mut body = Vec::new();
        for ((parts, data), number) in template.objects.iter().zip(first_object..) {
            body.clear();
            shared(parts, &mut body);
            if let Some(data) = data {
                body.extend_from_slice(b"\nstream\n");
                body.extend_from_slice(data);
                body.extend_from_slice(b"\nendstream");
            }
            if data.is_some() {
                self.output.object(number, &body)?;
            } else {
                self.closing.next(number).extend_from_slice(&body);
            }
        }
        let mut registered = Registered::default();
        for page in &template.pages {
            let (resources, content) = (self.take_number(), self.take_number());
            body.clear();
            shared(&page.resources, &mut body);
            self.closing.next(resources).extend_from_slice(&body);
            self.output.stream(content, "", &page.content)?;
            registered.pages.push((resources, content));
        }
        // A font is there as soon as a template names it.
        for page in &template.pages {
            self.glyphs.add_all(&page.glyphs);
        }
        self.first.get_or_insert_with(|| template.clone());
        let registered = Arc::new(registered);
        self.templates.insert(template.id, registered.clone());
        Ok(registered)
    }

    fn write_fonts(&mut self) -> Result<(), StampError> {
        for (face, glyphs) in std::mem::take(&mut self.glyphs).each() {
            let font = self.fonts.face(face).ok_or(StampError::Font)?;
            let own;
            // A letter alone has what most letters have: to divide a font takes longer than the rest of the letter.
            let parts = self.first.as_ref().map(|template| &template.parts);
            let parts = parts.filter(|_| !self.is_merged);
            let embedded = match parts.and_then(|parts| parts.with(face, font, glyphs)) {
                Some(common) => common,
                None => {
                    let deflate = if self.is_merged {
                        deflated_thoroughly
                    } else {
                        deflated
                    };
                    own = font.embedded(glyphs, deflate).ok_or(StampError::Font)?;
                    &own
                }
            };
            let first = FIRST_FONT + OBJECTS_A_FONT * face as u32;
            for (object, number) in embedded.objects(first).into_iter().zip(first..) {
                match object.data {
                    Some(data) => self.output.stream(
                        number,
                        &String::from_utf8_lossy(&object.dictionary),
                        data,
                    )?,
                    None => self
                        .closing
                        .next(number)
                        .extend_from_slice(&object.dictionary),
                }
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
        let deflater = &mut self.tools.borrow_mut().deflater;
        deflater.append(&packed.data, &mut data);
        self.output.stream(number, &packed.entries, &data)?;
        self.output.in_stream(&packed.numbers, number);
        Ok(())
    }

    /// The roots of the trees of pages, tags, and which tag each sequence belongs to.
    fn write_trees(&mut self) {
        let pages = self.closing.next(PAGES);
        pages.extend_from_slice(b"<</Type/Pages/Kids");
        references(pages, self.nodes.iter().map(|(pages, _)| *pages));
        put(pages, format_args!("/Count {}>>", self.next_page));
        let structure = self.closing.next(STRUCTURE);
        structure.extend_from_slice(b"<</Type/StructTreeRoot/RoleMap<<");
        for (role, stands_for) in &self.roles {
            for name in [role, stands_for] {
                structure.push(b'/');
                structure.extend_from_slice(name);
            }
        }
        put(
            structure,
            format_args!(
                ">>/K[{DOCUMENT} 0 R]/ParentTree {PARENTS} 0 R/ParentTreeNextKey {}>>",
                self.next_page
            ),
        );
        let document = self.closing.next(DOCUMENT);
        put(
            document,
            format_args!("<</Type/StructElem/S/Document/P {STRUCTURE} 0 R/K"),
        );
        references(document, self.parts.iter().copied());
        document.extend_from_slice(b">>");
        let parents = self.closing.next(PARENTS);
        parents.extend_from_slice(b"<</Kids");
        references(parents, self.nodes.iter().map(|(_, parents)| *parents));
        parents.extend_from_slice(b">>");
    }
}

/// The value of an XML element.
fn value_of<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>"))
        .map(|(value, _)| value)
}

/// XML with another value for an element.
fn with_value(xml: &str, name: &str, value: &str) -> String {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    match value_of(xml, name) {
        Some(old) => xml.replacen(
            &format!("{start}{old}{end}"),
            &format!("{start}{value}{end}"),
            1,
        ),
        None => xml.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_the_metadata_is_replaced() {
        let xml = "<a><x:N>12</x:N><x:M>y</x:M></a>";
        assert_eq!(
            with_value(xml, "x:N", "50000"),
            "<a><x:N>50000</x:N><x:M>y</x:M></a>"
        );
        assert_eq!(with_value(xml, "x:Q", "50000"), xml);
    }
}
