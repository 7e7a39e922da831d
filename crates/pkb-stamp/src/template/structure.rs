//! The structure tree of the template (its tags), its bookmark, and how both are made anew for each letter.

use std::collections::HashMap;

use hayro_syntax::object::{
    Array, Dict, MaybeRef, Name, Object, ObjectIdentifier, String as PdfString,
};
use hayro_syntax::xref::XRef;

use super::Unstampable;
use super::objects::{Piece, bracketed, pieces};
use crate::syntax::read_text_string;

/// A piece of an object that each letter has of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RawPart {
    Bytes(Vec<u8>),
    /// The letter's own element with this place in the tree.
    Element(usize),
    /// The letter's own page.
    Page(usize),
    /// What all elements of the letter are below.
    Parent,
    /// A string.
    String(Vec<u8>),
}

/// The tags of a letter.
#[derive(Debug, Default)]
pub(super) struct Structure {
    pub elements: Vec<Vec<RawPart>>,
    /// Those below the document itself.
    pub roots: Vec<usize>,
    /// For each page, the element of each marked-content sequence.
    pub parents: Vec<Option<Vec<Option<usize>>>>,
    /// Roles that are not PDF's own, with those that stand for them.
    pub roles: Vec<(Vec<u8>, Vec<u8>)>,
    /// Title and place of the bookmark.
    pub bookmark: Option<Bookmark>,
}

/// A bookmark.
#[derive(Debug, PartialEq)]
pub(super) struct Bookmark {
    pub title: String,
    pub destination: Vec<RawPart>,
}

/// Checks that a dictionary has no other entries than known ones.
pub(super) fn only(dict: &Dict<'_>, known: &[&str], what: &str) -> Result<(), Unstampable> {
    let unknown = dict.keys().find(|key| !known.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| {
        Err(Unstampable::because(&format!(
            "{what} has {}, which stamping does not copy",
            key.as_str()
        )))
    })
}

struct Reader<'a> {
    xref: &'a XRef,
    pages: HashMap<u32, usize>,
    document: u32,
    places: HashMap<u32, usize>,
    elements: Vec<Vec<RawPart>>,
}

impl Structure {
    /// Reads the tags of a PDF with these pages.
    ///
    /// # Errors
    /// They are not as Typst's export makes them.
    pub(super) fn read(
        xref: &XRef,
        catalog: &Dict<'_>,
        pages: &[Dict<'_>],
    ) -> Result<Self, Unstampable> {
        let missing =
            || Unstampable::because("its PDF is not tagged in the way that Typst does it");
        let root: Dict<'_> = catalog.get("StructTreeRoot").ok_or_else(missing)?;
        only(
            &root,
            &["Type", "RoleMap", "K", "ParentTree", "ParentTreeNextKey"],
            "the structure of its PDF",
        )?;
        let documents: Array<'_> = root.get("K").ok_or_else(missing)?;
        let document = documents
            .raw_iter()
            .next()
            .and_then(|kid| number_of(&kid))
            .ok_or_else(missing)?;
        let document_dict = dict(xref, document).ok_or_else(missing)?;
        only(
            &document_dict,
            &["Type", "S", "P", "K"],
            "the document tag of its PDF",
        )?;
        let ids = pages.iter().map(|page| {
            page.obj_id()
                .and_then(|id| u32::try_from(id.obj_number).ok())
        });
        let ids: Vec<u32> = ids.collect::<Option<_>>().ok_or_else(missing)?;
        let mut reader = Reader {
            xref,
            pages: ids.iter().copied().zip(0..).collect(),
            document,
            places: HashMap::new(),
            elements: Vec::new(),
        };
        let kids: Array<'_> = document_dict.get("K").ok_or_else(missing)?;
        let mut roots = Vec::new();
        for kid in kids.raw_iter() {
            roots.push(reader.element(number_of(&kid).ok_or_else(missing)?)?);
        }
        let parents = reader.parents(&root, pages)?;
        let bookmark = reader.bookmark(catalog)?;
        let roles = root.get::<Dict<'_>>("RoleMap").map(|map| {
            let role = |key: Name<'_>| {
                Some((
                    key.as_ref().to_vec(),
                    map.get::<Name<'_>>(&*key)?.as_ref().to_vec(),
                ))
            };
            map.keys().filter_map(role).collect()
        });
        let mut roles: Vec<_> = roles.unwrap_or_default();
        roles.sort();
        Ok(Self {
            elements: reader.elements,
            roots,
            parents,
            roles,
            bookmark,
        })
    }
}

impl Reader<'_> {
    /// Enters an element and those below it, and says which place it has.
    fn element(&mut self, number: u32) -> Result<usize, Unstampable> {
        let foreign = || {
            Unstampable::because(
                "a tag in its PDF refers to something that stamping does not copy, such as a link",
            )
        };
        if let Some(place) = self.places.get(&number) {
            return Ok(*place);
        }
        let element = dict(self.xref, number).ok_or_else(foreign)?;
        let is_element = element
            .get::<Name<'_>>("Type")
            .is_some_and(|name| name.as_str() == "StructElem");
        if !is_element || element.contains_key("ID") {
            return Err(foreign());
        }
        let place = self.elements.len();
        self.places.insert(number, place);
        self.elements.push(Vec::new());
        let mut parts = self.parts(element.data())?;
        // Every element is one; nobody needs to be told.
        if let Some(RawPart::Bytes(first)) = parts.first_mut()
            && let Some(rest) = first.strip_prefix(b"<</Type/StructElem")
        {
            *first = [b"<<", rest].concat();
        }
        if let Some(own) = self.elements.get_mut(place) {
            *own = parts;
        }
        Ok(place)
    }

    fn parts(&mut self, data: &[u8]) -> Result<Vec<RawPart>, Unstampable> {
        let damaged = || Unstampable::because("a tag in its PDF cannot be read");
        let mut parts = Vec::new();
        for piece in pieces(data).ok_or_else(damaged)? {
            parts.push(match piece {
                Piece::Bytes(bytes) => RawPart::Bytes(bytes),
                Piece::String(text) => RawPart::String(text),
                Piece::Reference(number) if number == self.document => RawPart::Parent,
                Piece::Reference(number) => match self.pages.get(&number) {
                    Some(page) => RawPart::Page(*page),
                    None => RawPart::Element(self.element(number)?),
                },
            });
        }
        Ok(parts)
    }

    /// Which element each marked-content sequence of each page belongs to.
    fn parents(
        &self,
        root: &Dict<'_>,
        pages: &[Dict<'_>],
    ) -> Result<Vec<Option<Vec<Option<usize>>>>, Unstampable> {
        let unusual =
            || Unstampable::because("the parent tree of its PDF is not as Typst writes it");
        let tree: Dict<'_> = root.get("ParentTree").ok_or_else(unusual)?;
        only(&tree, &["Nums"], "the parent tree of its PDF")?;
        let mut lists = HashMap::new();
        let nums: Array<'_> = tree.get("Nums").ok_or_else(unusual)?;
        let mut entries = nums.flex_iter();
        while let Some(key) = entries.next::<i32>() {
            let list = entries.next::<Array<'_>>().ok_or_else(unusual)?;
            let mut places = Vec::new();
            for entry in list.raw_iter() {
                places.push(match number_of(&entry) {
                    Some(number) => Some(*self.places.get(&number).ok_or_else(unusual)?),
                    None => None,
                });
            }
            lists.insert(key, places);
        }
        let mut found = Vec::new();
        for page in pages {
            let key = page.get::<i32>("StructParents");
            found.push(match key {
                Some(key) => Some(lists.remove(&key).ok_or_else(unusual)?),
                None => None,
            });
        }
        // What is left belongs to links.
        if lists.is_empty() {
            Ok(found)
        } else {
            Err(unusual())
        }
    }

    fn bookmark(&mut self, catalog: &Dict<'_>) -> Result<Option<Bookmark>, Unstampable> {
        let unusual = || {
            Unstampable::because("its PDF has more than one bookmark, or one of an unusual kind")
        };
        let Some(outlines) = catalog.get::<Dict<'_>>("Outlines") else {
            return Ok(None);
        };
        let Some(item) = outlines.get::<Dict<'_>>("First") else {
            return Ok(None);
        };
        if item
            .keys()
            .any(|key| !["Parent", "Title", "Dest"].contains(&key.as_str()))
        {
            return Err(unusual());
        }
        let title: PdfString<'_> = item.get("Title").ok_or_else(unusual)?;
        let destination: Array<'_> = item.get("Dest").ok_or_else(unusual)?;
        Ok(Some(Bookmark {
            title: read_text_string(title.as_bytes()).ok_or_else(unusual)?,
            destination: self.parts(&bracketed(destination.data()))?,
        }))
    }
}

fn dict(xref: &XRef, number: u32) -> Option<Dict<'_>> {
    xref.get(ObjectIdentifier::new(i32::try_from(number).ok()?, 0))
}

fn number_of(object: &MaybeRef<Object<'_>>) -> Option<u32> {
    u32::try_from(object.as_obj_ref()?.obj_number).ok()
}
