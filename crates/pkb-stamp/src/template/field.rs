//! The places on a page where values go: lines of text and pictures.

use std::collections::BTreeMap;

use super::alphabet::Alphabet;
use super::anchor::{Anchor, anchor};
use super::content::{Kind, Picture, Text};
use super::words::{Word, Words, words_of};
use super::{ReadProbe, Reading, Unstampable};
use crate::bitmap::{Bitmap, Place};
use crate::fonts::{Face, Fonts};
use crate::shaper::{Features, Glyph, Shaper};
use crate::syntax::number;
use crate::text_writer::Look;

/// Two places are the same if they are no further apart, in points.
const SAME: f64 = 0.005;

/// A line of text with values in it.
#[derive(Debug, Clone)]
pub(crate) struct TextField {
    pub look: Look,
    pub y: f64,
    pub anchor: Anchor,
    pub words: Words,
    pub features: Features,
    pub is_latin: bool,
    /// The widest that was seen with nothing else moved, in points.
    pub max_width: f64,
    /// What the probes had in each slot.
    seen: BTreeMap<String, Alphabet>,
    /// Where it ends in each probe.
    pub(super) ends: Vec<f64>,
}

/// A picture that is a value.
#[derive(Debug, Clone)]
pub(crate) struct PictureField {
    pub opening: Vec<u8>,
    pub place: Place,
    pub slot: String,
    /// Whether the pictures have white all around, which the page must have there.
    pub needs_ground: bool,
}

/// A place of a value.
#[derive(Debug, Clone)]
pub(crate) enum Field {
    Text(TextField, /** Whether its values are known late. */ bool),
    Picture(PictureField, /** Whether it is known late. */ bool),
}

impl Field {
    /// The field that a sequence is, if it is one: `None` if it is the same in all probes.
    pub(super) fn of(
        reading: &Reading<'_>,
        kinds: &[&Kind],
        pictures: &[&BTreeMap<String, (usize, Vec<u8>)>],
        shaper: &mut Shaper<'_>,
        before: &[Self],
    ) -> Result<Option<Self>, Unstampable> {
        let differs = || Unstampable::because("a line or shape depends on the patient's details");
        let texts: Option<Vec<&Text>> = kinds
            .iter()
            .map(|kind| {
                if let Kind::Text(text) = kind {
                    Some(text)
                } else {
                    None
                }
            })
            .collect();
        if let Some(texts) = texts {
            return text_field(reading, &texts, shaper, before);
        }
        let drawn: Option<Vec<&Picture>> = kinds
            .iter()
            .map(|kind| {
                if let Kind::Picture(picture) = kind {
                    Some(picture)
                } else {
                    None
                }
            })
            .collect();
        if let Some(drawn) = drawn {
            return picture_field(reading, &drawn, pictures);
        }
        let is_same = kinds
            .windows(2)
            .all(|pair| matches!(pair, [one, other] if one == other));
        if is_same { Ok(None) } else { Err(differs()) }
    }

    /// The font of a line.
    pub(crate) fn face(&self) -> Option<usize> {
        match self {
            Self::Text(field, _) => Some(field.look.face),
            Self::Picture(..) => None,
        }
    }

    /// What all letters have below it or before it: white where its picture has a margin.
    pub(super) fn ground(&self, out: &mut Vec<u8>) {
        let Self::Picture(field, _) = self else {
            return;
        };
        if field.needs_ground {
            out.extend_from_slice(b"/Artifact BMC q");
            for value in field.place {
                out.push(b' ');
                number(out, value);
            }
            out.extend_from_slice(b" cm 1 g 0 0 1 1 re f Q EMC\n");
        }
    }

    /// Whether its values are known late.
    pub(crate) fn is_late(&self) -> bool {
        match self {
            Self::Text(_, is_late) | Self::Picture(_, is_late) => *is_late,
        }
    }

    /// Takes from the alphabets what was not seen in this field.
    pub(super) fn restrict(&self, alphabets: &mut BTreeMap<String, Alphabet>) {
        let Self::Text(field, _) = self else { return };
        for (slot, seen) in &field.seen {
            match alphabets.get_mut(slot) {
                Some(alphabet) => alphabet.keep_only(seen),
                None => {
                    alphabets.insert(slot.clone(), seen.clone());
                }
            }
        }
    }
}

/// Lines that are the same sequence of all probes.
struct Lines<'a> {
    texts: &'a [&'a Text],
    words: Vec<String>,
    base: &'a Text,
}

impl<'a> Lines<'a> {
    fn of(texts: &'a [&'a Text]) -> Option<Self> {
        Some(Self {
            texts,
            words: texts.iter().map(|text| text.words()).collect(),
            base: texts.first()?,
        })
    }

    /// The line of the first probe.
    fn first(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Why the line cannot be a field.
    fn fault(&self, what: &str) -> Unstampable {
        Unstampable::because(&format!("the line {:?} {what}", self.first()))
    }

    fn look_alike(&self) -> bool {
        self.texts.iter().all(|text| {
            text.look == self.base.look
                && text.font == self.base.font
                && text.is_reversed == self.base.is_reversed
                && same(text.size, self.base.size)
                && same(text.y, self.base.y)
        })
    }

    fn have_same_words(&self) -> bool {
        self.words.iter().all(|line| line == self.first())
    }

    fn are_same(&self) -> bool {
        let is_same = |text: &&Text| same(text.x, self.base.x) && same_glyphs(text, self.base);
        self.have_same_words() && self.texts.iter().all(is_same)
    }

    /// The features with which our own shaper sets all of them as they are.
    fn features(
        &self,
        face: usize,
        is_latin: bool,
        fonts: &Fonts,
        shaper: &mut Shaper<'_>,
    ) -> Option<Features> {
        Features::EACH.into_iter().find(|features| {
            let mut lines = self.texts.iter().zip(&self.words);
            lines
                .all(|(text, line)| is_set_so(text, line, face, *features, is_latin, fonts, shaper))
        })
    }
}

fn text_field(
    reading: &Reading<'_>,
    texts: &[&Text],
    shaper: &mut Shaper<'_>,
    before: &[Field],
) -> Result<Option<Field>, Unstampable> {
    let Some(lines) = Lines::of(texts) else {
        return Ok(None);
    };
    let base = lines.base;
    let differs = || lines.fault("is laid out differently for different patients");
    if !lines.look_alike() {
        return Err(differs());
    }
    if lines.are_same() {
        return Ok(None);
    }
    let words = if lines.have_same_words() {
        vec![Word::Fixed(lines.first().to_owned())]
    } else {
        words_of(reading.probes, &lines.words).ok_or_else(differs)?
    };
    let face = reading.fonts.named(&base.font).ok_or_else(|| {
        Unstampable::because(&format!("stamping cannot write in the font {}", base.font))
    })?;
    let is_latin = (lines.words.iter()).any(|line| line.chars().any(char::is_alphabetic));
    let features = lines
        .features(face, is_latin, reading.fonts, shaper)
        .ok_or_else(|| lines.fault("is spaced or shaped in a way that cannot be stamped"))?;
    let anchor = anchor(texts, before).ok_or_else(|| {
        lines.fault("moves with the patient's details in a way that cannot be stamped")
    })?;
    let seen = seen_in(&words, reading.probes);
    let followed = match anchor {
        Anchor::After(at, _) => before.get(at),
        _ => None,
    };
    let is_own_late = seen
        .keys()
        .any(|slot| reading.late.contains(&slot.as_str()));
    let is_late = is_own_late || followed.is_some_and(Field::is_late);
    if followed.is_some_and(|field| field.is_late() != is_late) {
        return Err(Unstampable::because(&format!(
            "the line {:?} has details that are known at different times",
            lines.first()
        )));
    }
    let field = TextField {
        look: base.look_in(face),
        y: base.y,
        anchor,
        words,
        features,
        is_latin,
        max_width: texts.iter().map(|text| text.width).fold(0.0, f64::max) + SAME,
        seen,
        ends: texts.iter().map(|text| text.x + text.width).collect(),
    };
    Ok(Some(Field::Text(field, is_late)))
}

/// What the probes have in each slot of a line.
fn seen_in(words: &Words, probes: &[&ReadProbe]) -> BTreeMap<String, Alphabet> {
    let mut seen: BTreeMap<String, Alphabet> = BTreeMap::new();
    for word in words {
        let Word::Slot(slot) = word else { continue };
        let alphabet = seen.entry(slot.clone()).or_insert_with(Alphabet::empty);
        let values = probes.iter().filter_map(|probe| probe.texts.get(slot));
        values.for_each(|value| alphabet.add(value));
    }
    seen
}

pub(super) fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < SAME
}

fn same_glyphs(one: &Text, other: &Text) -> bool {
    one.glyphs.len() == other.glyphs.len()
        && one
            .glyphs
            .iter()
            .zip(&other.glyphs)
            .all(|(one, other)| one.0 == other.0 && same(one.1, other.1))
}

/// Whether our own shaper sets a line glyph by glyph as the probe has it.
pub(super) fn is_set_so(
    text: &Text,
    line: &str,
    face: usize,
    features: Features,
    is_latin: bool,
    fonts: &Fonts,
    shaper: &mut Shaper<'_>,
) -> bool {
    let Some(font) = fonts.face(face) else {
        return false;
    };
    let Some(glyphs) = shaper.line(face, line, features, is_latin) else {
        return false;
    };
    shows(text, glyphs, font)
}

/// Whether a text consists of these glyphs of a font.
pub(super) fn shows(text: &Text, glyphs: &[Glyph], font: &Face) -> bool {
    let mut at = 0.0;
    glyphs.len() == text.glyphs.len()
        && glyphs
            .iter()
            .zip(&text.glyphs)
            .all(|(glyph, (meaning, place))| {
                let is_there = font.meaning(glyph.id) == Some(meaning) && same(at, *place);
                at += width_of(glyph, font.units_per_em, text.size);
                is_there
            })
}

/// How far it is from a glyph to the next, in points.
pub(crate) fn width_of(glyph: &Glyph, units_per_em: f64, size: f64) -> f64 {
    f64::from(glyph.advance) / units_per_em * size
}

fn picture_field(
    Reading { probes, late, .. }: &Reading<'_>,
    drawn: &[&Picture],
    pictures: &[&BTreeMap<String, (usize, Vec<u8>)>],
) -> Result<Option<Field>, Unstampable> {
    let moved = || Unstampable::because("a picture depends on the patient's details");
    let Some(base) = drawn.first() else {
        return Ok(None);
    };
    if drawn
        .iter()
        .any(|picture| picture.opening != base.opening || picture.place != base.place)
    {
        return Err(moved());
    }
    if drawn.iter().all(|picture| picture.name == base.name) && probes.len() > 1 {
        return Ok(None);
    }
    let is_slot = |slot: &&String| {
        probes
            .iter()
            .zip(drawn)
            .zip(pictures)
            .all(|((probe, picture), pictures)| {
                let seen = pictures.get(&picture.name);
                let value = probe.pictures.get(*slot);
                seen.zip(value)
                    .is_some_and(|((columns, luma), value)| value.is_like(*columns, luma))
            })
    };
    let slot = probes
        .first()
        .and_then(|probe| probe.pictures.keys().find(is_slot));
    match slot {
        Some(slot) => Ok(Some(Field::Picture(
            PictureField {
                opening: base.opening.clone(),
                place: base.place,
                needs_ground: probes
                    .iter()
                    .filter_map(|probe| probe.pictures.get(slot))
                    .any(Bitmap::has_margin),
                slot: slot.clone(),
            },
            late.contains(&slot.as_str()),
        ))),
        None if probes.len() == 1 => Ok(None),
        None => Err(moved()),
    }
}
