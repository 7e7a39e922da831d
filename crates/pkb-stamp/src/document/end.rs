//! The end of a PDF: fonts, the roots of all trees, and what the document says of itself.

use std::borrow::BorrowMut;
use std::io::Write;

use super::{
    BOOKMARKS, CATALOG, DOCUMENT, Document, FIRST_FONT, INFO, METADATA, PAGES, PARENTS, STRUCTURE,
    StampError,
};
use crate::deflate::{deflated, deflated_thoroughly};
use crate::fonts::OBJECTS_A_FONT;
use crate::syntax::{put, references, string, text_string};
use crate::tools::Tools;

impl<'f, W: Write, T: BorrowMut<Tools<'f>>> Document<'f, W, T> {
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
