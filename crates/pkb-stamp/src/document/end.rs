//! The end of a PDF: fonts, the roots of all trees, and what the document says of itself.

use std::borrow::BorrowMut;
use std::io::Write;

use pdf_writer::Name;
use pdf_writer::types::StructRole;
use pdf_writer::writers::{Pages, StructElement, StructTreeRoot};

use super::{
    BOOKMARKS, CATALOG, DOCUMENT, Document, FIRST_FONT, INFO, METADATA, PAGES, PARENTS, STRUCTURE,
    StampError,
};
use crate::deflate::{deflated, deflated_thoroughly};
use crate::fonts::{FontObject, OBJECTS_A_FONT};
use crate::letter_writer::LetterWriter;
use crate::output::{body, chunk};
use crate::syntax::{int, object_ref, put, string, text_string};

impl<'f, W: Write, T: BorrowMut<LetterWriter<'f>>> Document<'f, W, T> {
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
        self.closing.add(INFO, &document.info);
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
        self.closing.add(CATALOG, &catalog);
        let closing = std::mem::take(&mut self.closing);
        self.write_object_stream(closing)?;
        let instance = self.output.digest();
        let metadata = String::from_utf8_lossy(&document.metadata).into_owned();
        let metadata = with_value(&metadata, "xmpTPg:NPages", &self.next_page.to_string());
        let metadata = with_value(&metadata, "xmpMM:InstanceID", &instance);
        let id = value_of(&metadata, "xmpMM:DocumentID")
            .unwrap_or(&instance)
            .to_owned();
        let mut packet = chunk();
        packet.metadata(object_ref(METADATA), metadata.as_bytes());
        self.output.objects(packet.as_bytes(), [(METADATA, 0)])?;
        let mut trailer = format!("/Root {CATALOG} 0 R/Info {INFO} 0 R/ID[").into_bytes();
        string(&mut trailer, id.as_bytes());
        string(&mut trailer, instance.as_bytes());
        trailer.push(b']');
        Ok(self.output.finish(
            self.next_number,
            &String::from_utf8_lossy(&trailer),
            &mut self.writer.borrow_mut().deflater,
        )?)
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
            for (object, number) in embedded.objects(font, first).into_iter().zip(first..) {
                match object {
                    FontObject::Stream(chunk) => {
                        self.output.objects(chunk.as_bytes(), [(number, 0)])?;
                    }
                    FontObject::Dictionary(body) => self.closing.add(number, &body),
                }
            }
        }
        Ok(())
    }

    /// The roots of the trees of pages, tags, and which tag each sequence belongs to.
    fn write_trees(&mut self) {
        let count = int(self.next_page);
        let nodes = self.nodes.iter();
        let pages = body(|object| {
            let nodes = nodes.clone().map(|(pages, _)| object_ref(*pages));
            object.start::<Pages<'_>>().kids(nodes).count(count);
        });
        let structure = body(|object| {
            let mut root = object.start::<StructTreeRoot<'_>>();
            let mut roles = root.insert(Name(b"RoleMap")).dict();
            for (role, stands_for) in &self.roles {
                roles.pair(Name(role), Name(stands_for));
            }
            drop(roles);
            root.children().item(object_ref(DOCUMENT));
            root.pair(Name(b"ParentTree"), object_ref(PARENTS));
            root.parent_tree_next_key(count);
        });
        let document = body(|object| {
            let mut element = object.start::<StructElement<'_>>();
            element
                .kind(StructRole::Document)
                .parent(object_ref(STRUCTURE));
            let parts = self.parts.iter().map(|part| object_ref(*part));
            element.insert(Name(b"K")).array().items(parts);
        });
        let parents = body(|object| {
            let nodes = nodes.map(|(_, parents)| object_ref(*parents));
            object.dict().insert(Name(b"Kids")).array().items(nodes);
        });
        for (number, body) in [
            (PAGES, pages),
            (STRUCTURE, structure),
            (DOCUMENT, document),
            (PARENTS, parents),
        ] {
            self.closing.add(number, &body);
        }
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
