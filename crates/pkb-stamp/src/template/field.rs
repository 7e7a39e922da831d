//! The places on a page where values go: lines of text and pictures.

use std::collections::BTreeMap;

use super::content::{Kind, Picture, Text};
use super::{ReadProbe, Unstampable};
use crate::bitmap::{Bitmap, Place};
use crate::fonts::{Face, Fonts};
use crate::pen::Look;
use crate::shaper::{Features, Glyph, Shaper};
use crate::syntax::number;

/// Two places are the same if they are no further apart, in points.
const SAME: f64 = 0.005;
/// Characters above this are not set: no alphabet of ours has them.
const ALPHABET_END: usize = 0x2200;

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// Of the template.
    Fixed(String),
    /// The value of a slot.
    Slot(String),
}

/// The pieces of a line.
pub(crate) type Words = Vec<Word>;

/// Which characters a value may have: those that probes have shown to come out right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alphabet(Box<[u64]>);

impl Alphabet {
    fn empty() -> Self {
        Self(vec![0; ALPHABET_END / 64].into())
    }

    pub(super) fn add(&mut self, text: &str) {
        for point in text.chars().map(|character| character as usize) {
            if let Some(bits) = self.0.get_mut(point / 64) {
                *bits |= 1 << (point % 64);
            }
        }
    }

    /// Adds those of another.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own |= other;
        }
    }

    /// Leaves those that another has, too.
    pub(super) fn keep_only(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own &= other;
        }
    }

    /// Whether a value can be set: it has these characters only, and no space where the typesetter would drop or break it.
    pub(crate) fn admits(&self, value: &str) -> bool {
        let has = |character: char| {
            let point = character as usize;
            self.0
                .get(point / 64)
                .is_some_and(|bits| bits & 1 << (point % 64) != 0)
        };
        !value.is_empty()
            && value.chars().all(has)
            && !value.starts_with(' ')
            && !value.ends_with(' ')
            && !value.contains("  ")
    }
}

/// Where a line is held when its width changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Anchor {
    /// It begins here.
    Start(f64),
    /// Its middle is here.
    Middle(f64),
    /// It ends here.
    End(f64),
    /// It follows the field with this place among those of the page, after a gap.
    After(usize, f64),
}

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
    ends: Vec<f64>,
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
        probes: &[&ReadProbe],
        kinds: &[&Kind],
        pictures: &[&BTreeMap<String, (usize, Vec<u8>)>],
        late: &[&str],
        fonts: &Fonts,
        shaper: &mut Shaper<'_>,
        before: &[Self],
    ) -> Result<Option<Self>, Unstampable> {
        let differs = || {
            Unstampable::because(
                "a line or shape of it depends on the values in a way that is not stamped",
            )
        };
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
            return text_field(probes, &texts, late, fonts, shaper, before);
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
            return picture_field(probes, &drawn, pictures, late);
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

fn text_field(
    probes: &[&ReadProbe],
    texts: &[&Text],
    late: &[&str],
    fonts: &Fonts,
    shaper: &mut Shaper<'_>,
    before: &[Field],
) -> Result<Option<Field>, Unstampable> {
    let Some(base) = texts.first() else {
        return Ok(None);
    };
    let lines: Vec<String> = texts.iter().map(|text| text.words()).collect();
    let shown = |line: &str| {
        Unstampable::because(&format!(
            "the line {line:?} {}",
            "comes out differently with other values"
        ))
    };
    let first = lines.first().map_or("", String::as_str);
    let is_alike = texts.iter().all(|text| {
        text.look == base.look
            && text.font == base.font
            && text.is_reversed == base.is_reversed
            && same(text.size, base.size)
            && same(text.y, base.y)
    });
    if !is_alike {
        return Err(shown(first));
    }
    let is_same_line = lines
        .windows(2)
        .all(|pair| matches!(pair, [one, other] if one == other));
    if is_same_line
        && texts
            .iter()
            .all(|text| same(text.x, base.x) && same_glyphs(text, base))
    {
        return Ok(None);
    }
    let words = if is_same_line {
        vec![Word::Fixed(first.to_owned())]
    } else {
        words_of(probes, &lines).ok_or_else(|| shown(first))?
    };
    let face = fonts.named(&base.font).ok_or_else(|| {
        Unstampable::because(&format!("values cannot be set in the font {}", base.font))
    })?;
    let is_latin = lines
        .iter()
        .any(|line| line.chars().any(char::is_alphabetic));
    let comes_out = |features: &Features, shaper: &mut Shaper<'_>| {
        texts
            .iter()
            .zip(&lines)
            .all(|(text, line)| is_set_so(text, line, face, *features, is_latin, fonts, shaper))
    };
    let features = Features::EACH
        .into_iter()
        .find(|features| comes_out(features, shaper));
    let features = features.ok_or_else(|| {
        Unstampable::because(&format!(
            "the line {first:?} is spaced or shaped in a way that stamping does not know"
        ))
    })?;
    let anchor = anchor(texts, before).ok_or_else(|| {
        Unstampable::because(&format!(
            "the line {first:?} moves with the values in a way that stamping does not know"
        ))
    })?;
    let mut seen: BTreeMap<String, Alphabet> = BTreeMap::new();
    for word in &words {
        let Word::Slot(slot) = word else { continue };
        let alphabet = seen.entry(slot.clone()).or_insert_with(Alphabet::empty);
        probes
            .iter()
            .filter_map(|probe| probe.texts.get(slot))
            .for_each(|value| alphabet.add(value));
    }
    let is_own_late = seen.keys().any(|slot| late.contains(&slot.as_str()));
    let followed = if let Anchor::After(at, _) = anchor {
        before.get(at)
    } else {
        None
    };
    let is_late = is_own_late || followed.is_some_and(Field::is_late);
    if followed.is_some_and(|field| field.is_late() != is_late) {
        return Err(Unstampable::because(&format!(
            "in the line {first:?} values stand that are known at different times"
        )));
    }
    Ok(Some(Field::Text(
        TextField {
            look: base.look_in(face),
            y: base.y,
            anchor,
            words,
            features,
            is_latin,
            max_width: texts.iter().map(|text| text.width).fold(0.0, f64::max) + SAME,
            seen,
            ends: texts.iter().map(|text| text.x + text.width).collect(),
        },
        is_late,
    )))
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

/// Where a line is held, if all probes agree.
fn anchor(texts: &[&Text], before: &[Field]) -> Option<Anchor> {
    let base = texts.first()?;
    let all =
        |place: &dyn Fn(&Text) -> f64| texts.iter().all(|text| same(place(text), place(base)));
    if all(&|text| text.x) {
        return Some(Anchor::Start(base.x));
    }
    if all(&|text| text.x + text.width) {
        return Some(Anchor::End(base.x + base.width));
    }
    if all(&|text| text.x + text.width / 2.0) {
        return Some(Anchor::Middle(base.x + base.width / 2.0));
    }
    // Words behind a value are pushed along by it.
    let (at, end) = before
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, field)| match field {
            Field::Text(field, _) if same(field.y, base.y) => Some((at, &field.ends)),
            _ => None,
        })?;
    let gap = |text: &Text, end: &f64| text.x - end;
    let first = gap(base, end.first()?);
    let is_pushed = texts.len() == end.len()
        && texts
            .iter()
            .zip(end)
            .all(|(text, end)| same(gap(text, end), first));
    is_pushed.then_some(Anchor::After(at, first))
}

fn picture_field(
    probes: &[&ReadProbe],
    drawn: &[&Picture],
    pictures: &[&BTreeMap<String, (usize, Vec<u8>)>],
    late: &[&str],
) -> Result<Option<Field>, Unstampable> {
    let moved = || Unstampable::because("a picture depends on the values");
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

/// Cuts the line of the first probe at its values, so that the lines of all others come out with theirs.
pub(super) fn words_of(probes: &[&ReadProbe], lines: &[String]) -> Option<Words> {
    let values: Vec<_> = probes.iter().map(|probe| &probe.texts).collect();
    cut(&values, lines)
}

fn cut(values: &[&BTreeMap<String, String>], lines: &[String]) -> Option<Words> {
    let (first, line) = (values.first()?, lines.first()?);
    let mut words = Words::new();
    let mut rest = line.as_str();
    // The value that begins first; of several, the longest.
    while let Some((at, slot, value)) = first
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(slot, value)| Some((rest.find(value.as_str())?, slot, value)))
        .min_by_key(|(at, _, value)| (*at, usize::MAX - value.len()))
    {
        if at > 0 {
            words.push(Word::Fixed(rest.get(..at)?.to_owned()));
        }
        words.push(Word::Slot(slot.clone()));
        rest = rest.get(at + value.len()..)?;
    }
    if !rest.is_empty() {
        words.push(Word::Fixed(rest.to_owned()));
    }
    let comes_out = |(values, line): (&&BTreeMap<String, String>, &String)| {
        let whole: Option<String> = words
            .iter()
            .map(|word| match word {
                Word::Fixed(text) => Some(text.as_str()),
                Word::Slot(slot) => values.get(slot).map(String::as_str),
            })
            .collect();
        whole.as_ref() == Some(line)
    };
    values.iter().zip(lines).all(comes_out).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        values
            .iter()
            .map(|(slot, value)| ((*slot).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_line_is_cut_at_its_values() {
        let (one, other) = (
            probe(&[("name", "Mr Wye"), ("first", "Jo")]),
            probe(&[("name", "X"), ("first", "Y")]),
        );
        let words = cut(
            &[&one, &other],
            &["Dear Mr Wye (Jo),".into(), "Dear X (Y),".into()],
        )
        .unwrap();
        let fixed = |text: &str| Word::Fixed(text.to_owned());
        let slot = |name: &str| Word::Slot(name.to_owned());
        assert_eq!(
            words,
            [
                fixed("Dear "),
                slot("name"),
                fixed(" ("),
                slot("first"),
                fixed("),")
            ]
        );
    }

    #[test]
    fn a_line_that_changes_otherwise_than_its_values_is_none() {
        let (one, other) = (probe(&[("name", "Mr Wye")]), probe(&[("name", "X")]));
        let probes = [&one, &other];
        assert!(cut(&probes, &["Dear Mr Wye,".into(), "Hello X,".into()]).is_none());
        assert!(cut(&probes, &["Mr Wye".into(), "Mr Wye".into()]).is_none());
    }

    #[test]
    fn a_value_is_admitted_if_all_its_characters_were_seen_and_no_space_could_be_lost() {
        let mut alphabet = Alphabet::empty();
        alphabet.add("Siân Ŵ");
        assert!(alphabet.admits("Ŵân iS"));
        for value in ["", "Sx", " S", "S ", "S  n", "王", "\u{10FFFF}"] {
            assert!(!alphabet.admits(value), "{value:?}");
        }
    }
}
