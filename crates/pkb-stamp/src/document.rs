//! Letters into a PDF, one after the other, whatever their templates.
//!
//! What a template's letters share is written when its first letter comes; fonts, bookmarks and the roots of all trees at
//! the end. Letters are made in batches, side by side on all threads of the rayon pool that the caller runs in, and
//! written in their order: the bytes do not depend on the number of threads.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use thiserror::Error;

use crate::deflate::{Deflater, deflated};
use crate::fitting::{Fitted, Misfit, Value};
use crate::fonts::{Fonts, OBJECTS_A_FONT};
use crate::output::{ObjectStream, Output, deflated_stream};
use crate::shaper::Shaper;
use crate::syntax::{integer, put, reference, references, string, text_string};
use crate::template::field::{Word, Words};
use crate::template::{Part, SharedPart, Template, Unstampable};

/// Letters that share a node of each tree and an object stream.
const BATCH: usize = 32;
/// Batches that are made before they are written.
const BATCHES_AT_ONCE: usize = 16;
/// Bookmarks in an object stream.
const BOOKMARKS_A_STREAM: usize = 512;

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
        let fitted = Fitted {
            pages: vec![Vec::new(); template.pages.len()],
            glyphs: Vec::new(),
        };
        Self {
            template,
            fitted,
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

/// A PDF that letters are written into.
pub struct Document<'f, W> {
    output: Output<W>,
    fonts: &'f Fonts,
    /// Whether the letters are many, so that each has a part of its own in the structure.
    is_merged: bool,
    waiting: Vec<Letter>,
    next_number: u32,
    next_page: u32,
    templates: HashMap<u64, Arc<Registered>>,
    glyphs: BTreeMap<usize, BTreeSet<u16>>,
    roles: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The template that says what the document is called.
    first: Option<Arc<Template>>,
    page_nodes: Vec<u32>,
    parent_nodes: Vec<(u32, u32, u32)>,
    parts: Vec<u32>,
    bookmarks: Vec<Box<[u8]>>,
}

/// Where the shared objects of a template are.
#[derive(Default)]
struct Registered {
    /// Resources and content of each page.
    pages: Vec<(u32, u32)>,
}

/// A letter with its numbers.
struct Placed {
    letter: Letter,
    shared: Arc<Registered>,
    /// Of its content, for each page that has any.
    contents: Vec<Option<u32>>,
    /// Of its first page; the others follow, then its part, then its tags.
    first: u32,
    /// Of its first page among all pages.
    page: u32,
}

impl Placed {
    fn page(&self, at: u32) -> u32 {
        self.first + at
    }

    fn part(&self) -> u32 {
        self.first + self.letter.template.pages.len() as u32
    }

    fn element(&self, at: u32, is_merged: bool) -> u32 {
        self.part() + u32::from(is_merged) + at
    }
}

struct Batch {
    letters: Vec<Placed>,
    stream: u32,
    pages_node: u32,
    parents_node: u32,
}

#[derive(Default)]
struct Made {
    bytes: Vec<u8>,
    offsets: Vec<(u32, u64)>,
    objects: u32,
    glyphs: BTreeMap<usize, BTreeSet<u16>>,
    bookmarks: Vec<Box<[u8]>>,
    pages: u32,
    first_page: u32,
}

impl<'f, W: Write> Document<'f, W> {
    /// A PDF of many letters.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn merged(out: W, fonts: &'f Fonts) -> Result<Self, StampError> {
        Self::new(out, fonts, true)
    }

    /// A PDF of one letter.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn of_one(out: W, fonts: &'f Fonts, letter: Letter) -> Result<W, StampError> {
        let mut document = Self::new(out, fonts, false)?;
        document.waiting.push(letter);
        document.finish()
    }

    fn new(out: W, fonts: &'f Fonts, is_merged: bool) -> Result<Self, StampError> {
        Ok(Self {
            output: Output::new(out)?,
            fonts,
            is_merged,
            waiting: Vec::new(),
            next_number: FIRST_FONT + OBJECTS_A_FONT * fonts.faces().len() as u32,
            next_page: 0,
            templates: HashMap::new(),
            glyphs: BTreeMap::new(),
            roles: BTreeMap::new(),
            first: None,
            page_nodes: Vec::new(),
            parent_nodes: Vec::new(),
            parts: Vec::new(),
            bookmarks: Vec::new(),
        })
    }

    /// Adds a letter. Most calls only keep it; each so many write.
    ///
    /// # Errors
    /// It cannot be written, or a late value does not fit; the PDF is of no use then.
    pub fn add(&mut self, letter: Letter) -> Result<(), StampError> {
        self.waiting.push(letter);
        if self.waiting.len() == BATCH * BATCHES_AT_ONCE {
            self.write_waiting()?;
        }
        Ok(())
    }

    /// Writes what is left, and the end of the PDF.
    ///
    /// # Errors
    /// It cannot be written, or there are no letters.
    pub fn finish(mut self) -> Result<W, StampError> {
        self.write_waiting()?;
        let first = self.first.take().ok_or(StampError::Empty)?;
        self.write_fonts()?;
        self.write_bookmarks()?;
        self.write_trees()?;
        let document = &first.document;
        self.output.object(INFO, &document.info)?;
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
        if !self.bookmarks.is_empty() {
            put(&mut catalog, format_args!("/Outlines {BOOKMARKS} 0 R"));
        }
        catalog.extend_from_slice(b">>");
        self.output.object(CATALOG, &catalog)?;
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
        Ok(self
            .output
            .finish(self.next_number, &String::from_utf8_lossy(&trailer))?)
    }

    fn take_number(&mut self) -> u32 {
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        number
    }

    fn write_waiting(&mut self) -> Result<(), StampError> {
        let mut batches = Vec::new();
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        loop {
            let letters: Vec<Letter> = waiting.by_ref().take(BATCH).collect();
            if letters.is_empty() {
                break;
            }
            batches.push(self.place(letters)?);
        }
        // PDF numbers objects up to 8,388,607 for small readers, and up to ten digits for all others.
        if self.next_number >= i32::MAX as u32 {
            return Err(StampError::TooMany);
        }
        let (fonts, is_merged) = (self.fonts, self.is_merged);
        let made: Vec<Result<Made, Misfit>> = match batches.as_slice() {
            [only] => vec![make(only, fonts, is_merged)],
            _ => batches
                .par_iter()
                .map(|batch| make(batch, fonts, is_merged))
                .collect(),
        };
        for (batch, made) in batches.iter().zip(made) {
            let made = made?;
            self.output.objects(&made.bytes, made.offsets)?;
            self.output
                .in_stream(batch.pages_node, made.objects, batch.stream);
            for (face, glyphs) in made.glyphs {
                self.glyphs.entry(face).or_default().extend(glyphs);
            }
            self.bookmarks.extend(made.bookmarks);
            self.page_nodes.push(batch.pages_node);
            self.parent_nodes.push((
                batch.parents_node,
                made.first_page,
                made.first_page + made.pages - 1,
            ));
            self.parts.extend(batch.letters.iter().flat_map(|placed| {
                let roots = placed
                    .letter
                    .template
                    .roots
                    .iter()
                    .map(move |root| placed.element(*root, false));
                let part = is_merged.then(|| placed.part());
                part.into_iter().chain(roots.filter(move |_| !is_merged))
            }));
        }
        Ok(())
    }

    /// Gives the letters of a batch their numbers, and writes what their templates share.
    fn place(&mut self, letters: Vec<Letter>) -> Result<Batch, StampError> {
        let mut placed = Vec::with_capacity(letters.len());
        for letter in letters {
            let shared = self.registered(&letter.template)?;
            let mut contents = Vec::with_capacity(letter.template.pages.len());
            for page in &letter.template.pages {
                contents.push((!page.fields.is_empty()).then(|| self.take_number()));
            }
            placed.push(Placed {
                letter,
                shared,
                contents,
                first: 0,
                page: self.next_page,
            });
            let pages = placed
                .last()
                .map_or(0, |placed| placed.contents.len() as u32);
            self.next_page += pages;
        }
        let (stream, pages_node, parents_node) =
            (self.take_number(), self.take_number(), self.take_number());
        for placed in &mut placed {
            placed.first = self.next_number;
            let template = &placed.letter.template;
            let own = template.pages.len() + usize::from(self.is_merged) + template.elements.len();
            self.next_number = self.next_number.saturating_add(own as u32);
        }
        Ok(Batch {
            letters: placed,
            stream,
            pages_node,
            parents_node,
        })
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
            self.output.object(number, &body)?;
        }
        let mut registered = Registered::default();
        for page in &template.pages {
            let (resources, content) = (self.take_number(), self.take_number());
            body.clear();
            shared(&page.resources, &mut body);
            self.output.object(resources, &body)?;
            self.output.stream(content, "", &page.content)?;
            registered.pages.push((resources, content));
        }
        // A font is there as soon as a template names it.
        for face in &template.faces {
            self.glyphs.entry(*face).or_default();
        }
        self.first.get_or_insert_with(|| template.clone());
        let registered = Arc::new(registered);
        self.templates.insert(template.id, registered.clone());
        Ok(registered)
    }

    fn write_fonts(&mut self) -> Result<(), StampError> {
        for (face, glyphs) in std::mem::take(&mut self.glyphs) {
            let font = self.fonts.face(face).ok_or(StampError::Font)?;
            let own;
            // A letter alone has what most letters have: to divide a font takes longer than the rest of the letter.
            let embedded = match font.common(&glyphs).filter(|_| !self.is_merged) {
                Some(common) => common,
                None => {
                    own = font.embedded(&glyphs).ok_or(StampError::Font)?;
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
                    None => self.output.object(number, &object.dictionary)?,
                }
            }
        }
        Ok(())
    }

    fn write_bookmarks(&mut self) -> Result<(), StampError> {
        let bookmarks = std::mem::take(&mut self.bookmarks);
        if bookmarks.is_empty() {
            return Ok(());
        }
        let first = self.next_number;
        let last = first + bookmarks.len() as u32 - 1;
        self.next_number = last + 1;
        let mut numbers = first..=last;
        for together in bookmarks.chunks(BOOKMARKS_A_STREAM) {
            let mut stream = ObjectStream::default();
            let mut start = None;
            for (bookmark, number) in together.iter().zip(numbers.by_ref()) {
                start.get_or_insert(number);
                let body = stream.next(number);
                put(body, format_args!("<</Parent {BOOKMARKS} 0 R"));
                if number < last {
                    put(body, format_args!("/Next {} 0 R", number + 1));
                }
                if number > first {
                    put(body, format_args!("/Prev {} 0 R", number - 1));
                }
                body.extend_from_slice(bookmark);
                body.extend_from_slice(b">>");
            }
            let number = self.take_number();
            self.write_object_stream(number, start.unwrap_or_default(), stream)?;
        }
        let root = format!(
            "<</Type/Outlines/First {first} 0 R/Last {last} 0 R/Count {}>>",
            bookmarks.len()
        );
        self.output.object(BOOKMARKS, root.as_bytes())?;
        // So that the catalog names them.
        self.bookmarks.push(Box::default());
        Ok(())
    }

    fn write_object_stream(
        &mut self,
        number: u32,
        first: u32,
        stream: ObjectStream,
    ) -> io::Result<()> {
        let count = stream.count();
        let (entries, data) = stream.finish();
        self.output.stream(number, &entries, &deflated(&data))?;
        self.output.in_stream(first, count, number);
        Ok(())
    }

    /// The roots of the trees of pages, tags, and which tag each sequence belongs to.
    fn write_trees(&mut self) -> Result<(), StampError> {
        let mut stream = ObjectStream::default();
        let pages = stream.next(PAGES);
        pages.extend_from_slice(b"<</Type/Pages/Kids");
        references(pages, self.page_nodes.iter().copied());
        put(pages, format_args!("/Count {}>>", self.next_page));
        let number = self.take_number();
        self.write_object_stream(number, PAGES, stream)?;

        let mut stream = ObjectStream::default();
        let structure = stream.next(STRUCTURE);
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
        let document = stream.next(DOCUMENT);
        put(
            document,
            format_args!("<</Type/StructElem/S/Document/P {STRUCTURE} 0 R/K"),
        );
        references(document, self.parts.iter().copied());
        document.extend_from_slice(b">>");
        let parents = stream.next(PARENTS);
        parents.extend_from_slice(b"<</Kids");
        references(parents, self.parent_nodes.iter().map(|(node, _, _)| *node));
        parents.extend_from_slice(b">>");
        let number = self.take_number();
        Ok(self.write_object_stream(number, STRUCTURE, stream)?)
    }
}

/// Makes the objects of a batch.
fn make(batch: &Batch, fonts: &Fonts, is_merged: bool) -> Result<Made, Misfit> {
    let mut deflater = Deflater::new();
    let mut shaper = Shaper::new(fonts);
    let mut made = Made::default();
    let mut content = Vec::new();
    let mut late = Vec::with_capacity(batch.letters.len());
    for placed in &batch.letters {
        let letter = &placed.letter;
        let mut own = Fitted {
            pages: vec![Vec::new(); letter.fitted.pages.len()],
            glyphs: Vec::new(),
        };
        letter
            .template
            .fit_late(&mut own, &mut shaper, &|slot| letter.late(slot))?;
        late.push(own);
    }
    for (placed, late) in batch.letters.iter().zip(&late) {
        let fitted = &placed.letter.fitted;
        for ((early, late), number) in fitted.pages.iter().zip(&late.pages).zip(&placed.contents) {
            let Some(number) = number else { continue };
            content.clear();
            deflater.append_both(early, late, &mut content);
            made.offsets.push((*number, made.bytes.len() as u64));
            deflated_stream(&mut made.bytes, *number, "", &content);
        }
        for (face, glyph) in fitted.glyphs.iter().chain(&late.glyphs) {
            made.glyphs
                .entry(usize::from(*face))
                .or_default()
                .insert(*glyph);
        }
        made.pages += placed.contents.len() as u32;
    }
    made.first_page = batch.letters.first().map_or(0, |placed| placed.page);
    let mut stream = ObjectStream::default();
    write_nodes(batch, &made, is_merged, &mut stream);
    for placed in &batch.letters {
        write_pages(placed, batch.pages_node, &mut stream);
        write_tags(placed, is_merged, &mut stream)?;
        if let Some((title, destination)) = &placed.letter.template.bookmark {
            let mut own = b"/Title".to_vec();
            text_string(&mut own, &placed.letter.words(title)?);
            own.extend_from_slice(b"/Dest");
            write_parts(destination, placed, is_merged, &mut own)?;
            made.bookmarks.push(own.into());
        }
    }
    made.objects = stream.count();
    let (entries, data) = stream.finish();
    content.clear();
    deflater.append(&data, &mut content);
    made.offsets.push((batch.stream, made.bytes.len() as u64));
    deflated_stream(&mut made.bytes, batch.stream, &entries, &content);
    Ok(made)
}

/// The nodes of the batch in the trees of pages, and of which tag each sequence belongs to.
fn write_nodes(batch: &Batch, made: &Made, is_merged: bool, stream: &mut ObjectStream) {
    let pages = stream.next(batch.pages_node);
    put(pages, format_args!("<</Type/Pages/Parent {PAGES} 0 R/Kids"));
    references(
        pages,
        batch
            .letters
            .iter()
            .flat_map(|placed| (0..placed.contents.len() as u32).map(|at| placed.page(at))),
    );
    put(pages, format_args!("/Count {}>>", made.pages));
    let parents = stream.next(batch.parents_node);
    let last = (made.first_page + made.pages).saturating_sub(1);
    put(
        parents,
        format_args!("<</Limits[{} {last}]/Nums[", made.first_page),
    );
    for placed in &batch.letters {
        for (page, key) in placed.letter.template.pages.iter().zip(placed.page..) {
            let Some(list) = &page.parents else { continue };
            put(parents, format_args!("{key}["));
            for element in list {
                match element {
                    Some(element) => reference(parents, placed.element(*element, is_merged)),
                    None => parents.extend_from_slice(b"null"),
                }
                parents.push(b' ');
            }
            parents.push(b']');
        }
    }
    parents.extend_from_slice(b"]>>");
}

fn write_pages(placed: &Placed, node: u32, stream: &mut ObjectStream) {
    for (at, (page, content)) in
        (0..).zip(placed.letter.template.pages.iter().zip(&placed.contents))
    {
        let (resources, shared) = placed
            .shared
            .pages
            .get(at as usize)
            .copied()
            .unwrap_or_default();
        let out = stream.next(placed.page(at));
        put(out, format_args!("<</Type/Page/Parent {node} 0 R"));
        out.extend_from_slice(&page.boxes);
        put(
            out,
            format_args!("/Resources {resources} 0 R/Tabs/S/Contents"),
        );
        match content {
            Some(own) => references(out, [shared, *own]),
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
}

fn write_tags(placed: &Placed, is_merged: bool, stream: &mut ObjectStream) -> Result<(), Misfit> {
    let template = &placed.letter.template;
    if is_merged {
        let out = stream.next(placed.part());
        put(out, format_args!("<</S/Part/P {DOCUMENT} 0 R/Lang"));
        text_string(out, &template.document.language);
        out.extend_from_slice(b"/K");
        references(
            out,
            template
                .roots
                .iter()
                .map(|root| placed.element(*root, true)),
        );
        out.extend_from_slice(b">>");
    }
    for (parts, at) in template.elements.iter().zip(0..) {
        write_parts(
            parts,
            placed,
            is_merged,
            stream.next(placed.element(at, is_merged)),
        )?;
    }
    Ok(())
}

fn write_parts(
    parts: &[Part],
    placed: &Placed,
    is_merged: bool,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    for part in parts {
        match part {
            Part::Bytes(bytes) => out.extend_from_slice(bytes),
            Part::Element(at) => reference(out, placed.element(*at, is_merged)),
            Part::Page(at) => reference(out, placed.page(*at)),
            Part::Parent => reference(out, if is_merged { placed.part() } else { DOCUMENT }),
            Part::Words(words) => text_string(out, &placed.letter.words(words)?),
        }
    }
    Ok(())
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
