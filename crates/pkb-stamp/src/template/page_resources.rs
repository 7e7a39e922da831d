//! What the names in a page's content stand for.

use std::collections::HashMap;

use hayro_syntax::object::Dict;
use hayro_syntax::xref::XRef;
use sha2::{Digest as _, Sha256};

use super::Unstampable;
use super::font_reader::FontReader;
use super::objects::{Piece, RawObject, pieces, reachable};

/// The resources of a page.
pub(super) struct PageResources<'a> {
    dict: Dict<'a>,
    fonts: HashMap<Vec<u8>, FontReader>,
    looks: HashMap<(Vec<u8>, Vec<u8>), String>,
}

impl<'a> PageResources<'a> {
    /// Reads the resources.
    ///
    /// # Errors
    /// An object cannot be read.
    pub(super) fn read(dict: Dict<'a>, xref: &XRef) -> Result<Self, Unstampable> {
        let mut fonts = HashMap::new();
        let mut looks = HashMap::new();
        for category in [
            "Font",
            "ColorSpace",
            "Pattern",
            "ExtGState",
            "XObject",
            "Shading",
        ] {
            let Some(entries) = dict.get::<Dict<'_>>(category) else {
                continue;
            };
            for name in entries.keys() {
                let key = name.as_ref().to_vec();
                if category == "Font" {
                    let font = entries.get::<Dict<'_>>(&*key);
                    fonts.extend(
                        font.and_then(|font| FontReader::of(&font))
                            .map(|font| (key, font)),
                    );
                } else {
                    let look = match entries.get_ref(&*key) {
                        Some(reference) => look_of(
                            xref,
                            u32::try_from(reference.obj_number).unwrap_or_default(),
                        )?,
                        None => String::from_utf8_lossy(&key).into_owned(),
                    };
                    looks.insert((category.as_bytes().to_vec(), key), look);
                }
            }
        }
        Ok(Self { dict, fonts, looks })
    }

    /// The dictionary itself.
    pub(super) fn pieces(&self) -> Result<Vec<Piece>, Unstampable> {
        pieces(self.dict.data())
            .ok_or_else(|| Unstampable::because("the resources of its PDF cannot be read"))
    }

    /// The font that has a name.
    pub(super) fn font(&self, name: &[u8]) -> Option<&FontReader> {
        self.fonts.get(name)
    }

    /// A digest of the colour, picture or state that has a name: the same for the same thing, whatever its name and number.
    pub(super) fn look(&self, category: &[u8], name: &[u8]) -> String {
        let found = self.looks.get(&(category.to_vec(), name.to_vec()));
        found
            .cloned()
            .unwrap_or_else(|| String::from_utf8_lossy(name).into_owned())
    }
}

/// A digest of an object and all that it refers to.
fn look_of(xref: &XRef, number: u32) -> Result<String, Unstampable> {
    let objects = reachable(xref, &[Piece::Reference(number)])?;
    let mut digest = Sha256::new();
    let mut seen = Vec::new();
    digest_of(number, &objects, &mut seen, &mut digest);
    Ok(digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn digest_of(
    number: u32,
    objects: &std::collections::BTreeMap<u32, RawObject>,
    seen: &mut Vec<u32>,
    digest: &mut Sha256,
) {
    if let Some(at) = seen.iter().position(|known| *known == number) {
        digest.update(at.to_be_bytes());
        return;
    }
    seen.push(number);
    let Some(object) = objects.get(&number) else {
        return;
    };
    for piece in &object.pieces {
        match piece {
            Piece::Bytes(bytes) | Piece::String(bytes) => digest.update(bytes),
            Piece::Reference(number) => digest_of(*number, objects, seen, digest),
        }
    }
    digest.update(object.data.as_deref().unwrap_or_default());
}
