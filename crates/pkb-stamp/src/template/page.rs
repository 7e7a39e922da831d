//! A page of all probes: what they share, and the places of values.

use std::collections::{BTreeMap, BTreeSet};

use super::content::Kind;
use super::dictionary::entries;
use super::field::Field;
use super::objects::{Piece, RawObject, pieces};
use super::probe::ParsedPage;
use super::shared::SharedContent;
use super::{PageTemplate, Reading, SharedPart, Unstampable, depends};
use crate::deflate::deflated;
use crate::lexer::{Token, lexemes};
use crate::shaper::Shaper;

/// A page of all probes: what they share, and the fields. `more` are faces that values may be set in besides those of the
/// probes.
pub(super) fn page(
    reading: &Reading<'_>,
    alike: &[&ParsedPage],
    more: &BTreeSet<usize>,
    shaper: &mut Shaper<'_>,
    shared: &mut Shared,
) -> Result<PageTemplate, Unstampable> {
    let differs = || depends("its layout");
    let base = alike.first().ok_or_else(differs)?;
    let count = base.content.sequences.len();
    if alike
        .iter()
        .any(|page| page.content.sequences.len() != count || page.boxes != base.boxes)
    {
        return Err(depends("the number of its lines and shapes"));
    }
    let mut fields: Vec<Field> = Vec::new();
    let mut taken = BTreeSet::new();
    for at in 0..count {
        let kinds: Vec<&Kind> = alike
            .iter()
            .filter_map(|page| Some(&page.content.sequences.get(at)?.kind))
            .collect();
        let pictures: Vec<_> = alike.iter().map(|page| &page.pictures).collect();
        if let Some(field) = Field::of(reading, &kinds, &pictures, shaper, &fields)? {
            fields.push(field);
            taken.insert(at);
        }
    }
    if !fields.is_empty() && !alike.iter().all(|page| page.content.is_plain) {
        return Err(Unstampable::because(
            "part of the page is clipped, or the whole page is rotated or scaled",
        ));
    }
    let mut content = SharedContent::of(&base.content, &taken, &fields, reading.fonts, shaper);
    if !fields.is_empty() {
        more.iter().for_each(|face| content.glyphs.add_font(*face));
    }
    let faces = content.glyphs.fonts().collect();
    let resources = resources(base, &content.bytes, &faces, shared).ok_or_else(differs)?;
    Ok(PageTemplate {
        boxes: base.boxes.clone(),
        resources,
        content: deflated(&content.bytes),
        glyphs: content.glyphs,
        parents: None,
        fields,
        taken,
    })
}

/// The resources of a page without the fonts and pictures that only values used, and with those that stamping uses.
fn resources(
    page: &ParsedPage,
    content: &[u8],
    faces: &BTreeSet<usize>,
    shared: &mut Shared,
) -> Option<Vec<SharedPart>> {
    let mut names = BTreeSet::new();
    for token in lexemes(content)? {
        if token.token == Token::Name {
            names.insert(token.bytes(content).get(1..)?.to_vec());
        }
    }
    let data = plain(&page.resources);
    let mut parts = vec![SharedPart::Bytes(b"<<".to_vec())];
    let mut add = |key: &[u8], value: &[u8], parts: &mut Vec<SharedPart>| -> Option<()> {
        parts.push(SharedPart::Bytes([b"/", key, b" "].concat()));
        parts.extend(shared.parts(&pieces(value)?, &page.objects));
        Some(())
    };
    let mut fonts = Vec::new();
    for (key, value) in entries(&data)? {
        match key {
            b"ProcSet" => {}
            b"Font" | b"XObject" => {
                let used = entries(value)?
                    .into_iter()
                    .filter(|(name, _)| names.contains(*name));
                if key == b"Font" {
                    fonts.extend(used);
                } else {
                    parts.push(SharedPart::Bytes(b"/XObject<<".to_vec()));
                    for (name, value) in used {
                        add(name, value, &mut parts)?;
                    }
                    parts.push(SharedPart::Bytes(b">>".to_vec()));
                }
            }
            _ => add(key, value, &mut parts)?,
        }
    }
    parts.push(SharedPart::Bytes(b"/Font<<".to_vec()));
    for (name, value) in fonts {
        add(name, value, &mut parts)?;
    }
    for face in faces {
        parts.push(SharedPart::Bytes(format!("/S{face} ").into_bytes()));
        parts.push(SharedPart::Font(*face));
    }
    parts.push(SharedPart::Bytes(b">>>>".to_vec()));
    Some(parts)
}

/// Pieces as one text again.
fn plain(pieces: &[Piece]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend(bytes),
            Piece::String(text) => crate::syntax::string(&mut out, text),
            Piece::Reference(number) => crate::syntax::reference(&mut out, *number),
        }
    }
    out
}

/// Objects of the template that all letters share, by their numbers in the first probe.
#[derive(Default)]
pub(super) struct Shared {
    places: BTreeMap<u32, u32>,
    objects: Vec<RawObject>,
}

impl Shared {
    fn parts(&mut self, pieces: &[Piece], objects: &BTreeMap<u32, RawObject>) -> Vec<SharedPart> {
        let mut parts = Vec::new();
        for piece in pieces {
            parts.push(match piece {
                Piece::Bytes(bytes) => SharedPart::Bytes(bytes.clone()),
                Piece::String(text) => {
                    let mut out = Vec::new();
                    crate::syntax::string(&mut out, text);
                    SharedPart::Bytes(out)
                }
                Piece::Reference(number) => SharedPart::Object(self.place(*number, objects)),
            });
        }
        parts
    }

    fn place(&mut self, number: u32, objects: &BTreeMap<u32, RawObject>) -> u32 {
        if let Some(place) = self.places.get(&number) {
            return *place;
        }
        let place = u32::try_from(self.objects.len()).unwrap_or_default();
        self.places.insert(number, place);
        let object = objects.get(&number).cloned().unwrap_or(RawObject {
            pieces: vec![Piece::Bytes(b"null".to_vec())],
            data: None,
        });
        self.objects.push(object.clone());
        for piece in &object.pieces {
            if let Piece::Reference(number) = piece {
                self.place(*number, objects);
            }
        }
        place
    }

    pub(super) fn into_objects(self) -> Vec<(Vec<SharedPart>, Option<Vec<u8>>)> {
        let Self { places, objects } = self;
        let known = objects.clone();
        let mut shared = Self { places, objects };
        known
            .into_iter()
            .map(|object| (shared.parts(&object.pieces, &BTreeMap::new()), object.data))
            .collect()
    }
}
