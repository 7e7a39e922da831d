//! What the letters of a template share, which is written when its first letter comes.

use std::borrow::BorrowMut;
use std::io::Write;
use std::sync::Arc;

use super::{Document, FIRST_FONT, StampError};
use crate::fonts::OBJECTS_A_FONT;
use crate::letter_writer::LetterWriter;
use crate::syntax::reference;
use crate::template::{SharedPart, Template, Unstampable};

/// Where the shared objects of a template are.
#[derive(Debug, Default)]
pub(super) struct Registered {
    /// Resources and content of each page.
    pub pages: Vec<(u32, u32)>,
}

impl<'f, W: Write, T: BorrowMut<LetterWriter<'f>>> Document<'f, W, T> {
    /// Writes what the letters of a template share, once.
    pub(super) fn registered(
        &mut self,
        template: &Arc<Template>,
    ) -> Result<Arc<Registered>, StampError> {
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
                    "their tags have different meanings",
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
                self.closing.add(number, &body);
            }
        }
        let mut registered = Registered::default();
        for page in &template.pages {
            let (resources, content) = (self.take_number(), self.take_number());
            body.clear();
            shared(&page.resources, &mut body);
            self.closing.add(resources, &body);
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
}
