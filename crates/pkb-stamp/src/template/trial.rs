//! Whether a template makes a letter with Arabic words as the typesetter does. To the typesetter such a line is several
//! sequences of marked content, one for each run; to a template it is one, so that tags need not change. All else must be
//! the same: each run in its font, at its place, with the same glyphs; and everything around it where it always was.

use super::content::{Kind, Sequence, Text};
use super::field::{Field, TextField, same, shows};
use super::structure::RawPart;
use super::{PageTemplate, ParsedPage, ReadProbe, Template, Unstampable, depends};
use crate::fitting::{SetLine, Value};
use crate::shaper::Shaper;

/// Compares what the template makes of a trial's values with the trial. `base` is the first probe of the template.
///
/// # Errors
/// It comes out differently.
pub(super) fn passes(
    template: &Template,
    base: &ReadProbe,
    trial: &ReadProbe,
    shaper: &mut Shaper<'_>,
) -> Result<(), Unstampable> {
    let is_alike = base.pages.len() == trial.pages.len()
        && base.document.info == trial.document.info
        && base.document.language == trial.document.language
        && base.structure.roots == trial.structure.roots
        && base.structure.roles == trial.structure.roles
        && base.structure.bookmark == trial.structure.bookmark
        && elements(base) == elements(trial);
    if !is_alike {
        return Err(depends("the structure of its PDF for screen readers"));
    }
    let pages = template.pages.iter().zip(&base.pages).zip(&trial.pages);
    for ((page, base), own) in pages {
        let is_made = page_is_made(template, page, base, own, trial, shaper);
        is_made.ok_or_else(|| depends("a line with Arabic words"))?;
    }
    Ok(())
}

fn page_is_made(
    template: &Template,
    page: &PageTemplate,
    base: &ParsedPage,
    own: &ParsedPage,
    trial: &ReadProbe,
    shaper: &mut Shaper<'_>,
) -> Option<()> {
    let value = |slot: &str| trial.texts.get(slot).map(|text| Value::Text(text));
    let mut rest = own.content.sequences.as_slice();
    let mut fields = page.fields.iter();
    let mut ends = Vec::with_capacity(page.fields.len());
    for (at, sequence) in base.content.sequences.iter().enumerate() {
        let count = if page.taken.contains(&at) {
            let field = fields.next()?;
            let (count, end) = match (field, &sequence.kind) {
                (Field::Text(field, _), Kind::Text(look)) => {
                    let line = template.line(field, &value).ok()?;
                    let set = SetLine::of(field, &line, &ends, shaper).ok()?;
                    let shown = rest.get(..set.runs.len())?;
                    is_shown(field, look, &set, shown, shaper)?;
                    (set.runs.len(), set.end)
                }
                (Field::Picture(..), Kind::Picture(known)) => {
                    let is_there = matches!(
                        &rest.first()?.kind, Kind::Picture(own) if own.place == known.place
                    );
                    (is_there.then_some(1)?, 0.0)
                }
                _ => return None,
            };
            ends.push(end);
            count
        } else {
            is_like(sequence, rest.first()?).then_some(1)?
        };
        rest = rest.get(count..)?;
    }
    rest.is_empty().then_some(())
}

/// Whether the runs of a line are what the sequences show.
fn is_shown(
    field: &TextField,
    look: &Text,
    set: &SetLine,
    shown: &[Sequence],
    shaper: &Shaper<'_>,
) -> Option<()> {
    for ((run, x), sequence) in set.runs.iter().zip(&set.places).zip(shown) {
        let Kind::Text(text) = &sequence.kind else {
            return None;
        };
        let font = shaper.face(run.face)?;
        let is_alike = text.font == font.name()
            && unnumbered(&text.look) == unnumbered(&look.look)
            && text.colour == look.colour
            && text.is_reversed == run.is_reversed
            && same(text.size, field.look.size)
            && same(text.x, *x)
            && same(text.y, field.y)
            && shows(text, &run.glyphs, font);
        is_alike.then_some(())?;
    }
    Some(())
}

/// Whether a sequence is the same but for its number.
fn is_like(one: &Sequence, other: &Sequence) -> bool {
    let text = |text: &Text| Text {
        opening: Vec::new(),
        look: unnumbered(&text.look),
        ..text.clone()
    };
    match (&one.kind, &other.kind) {
        (Kind::Text(one), Kind::Text(other)) => text(one) == text(other),
        (Kind::Picture(one), Kind::Picture(other)) => {
            (one.place, &one.name) == (other.place, &other.name)
        }
        (Kind::Other(one), Kind::Other(other)) => unnumbered(one) == unnumbered(other),
        _ => false,
    }
}

/// What a sequence looks like, without its number.
fn unnumbered(look: &str) -> String {
    let mut parts = look.split("/MCID ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        all + "/MCID " + part.trim_start_matches(|digit: char| digit.is_ascii_digit())
    })
}

/// The tags without the numbers of the sequences in them.
fn elements(probe: &ReadProbe) -> Vec<String> {
    let elements = probe.structure.elements.iter();
    elements
        .map(|parts| without_numbers(&written(parts)))
        .collect()
}

fn written(parts: &[RawPart]) -> String {
    let written = |part: &RawPart| match part {
        RawPart::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        RawPart::String(text) => format!("({})", String::from_utf8_lossy(text)),
        RawPart::Element(place) => format!(" element{place} "),
        RawPart::Page(place) => format!(" page{place} "),
        RawPart::Parent => " parent ".to_owned(),
    };
    parts.iter().map(written).collect()
}

/// Takes the numbers out of the list of what is in an element.
fn without_numbers(element: &str) -> String {
    let Some((before, list)) = element.split_once("/K[") else {
        return element.to_owned();
    };
    let Some((list, after)) = list.split_once(']') else {
        return element.to_owned();
    };
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let kept: Vec<&str> = list
        .split_ascii_whitespace()
        .filter(|word| !is_number(word))
        .collect();
    format!("{before}/K[{}]{after}", kept.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_without_the_numbers_of_sequences() {
        let tag = |list: &str| without_numbers(&format!("<</S/P/K[{list}]/A[1 2]>>"));
        assert_eq!(tag("3 4 5"), tag("3"));
        assert_eq!(tag("3 element7 5"), "<</S/P/K[element7]/A[1 2]>>");
        assert_ne!(tag("element7"), tag("element8"));
        assert_eq!(
            unnumbered("/Span<</MCID 12/Lang(en)>> BDC"),
            unnumbered("/Span<</MCID 3/Lang(en)>> BDC")
        );
        assert_ne!(
            unnumbered("/Span<</MCID 3>> BDC"),
            unnumbered("/P<</MCID 3>> BDC")
        );
    }
}
