//! Letters and their marks, put together again. Where a mark stands higher or lower than its font has it, Typst's layout
//! makes an item of its own of it; each of the items has the whole syllable for its text, and whoever reads the PDF gets
//! the syllable as often as it has glyphs. In one item the export says what its glyphs mean together, once.

use std::{collections::BTreeMap, ops::Range};

use typst::layout::{Abs, Em, Frame, FrameItem, Point};
use typst::text::TextItem;
use unicode_normalization::UnicodeNormalization as _;

/// How far the end of one item may be from the beginning of the next, in points.
const NEAR: f64 = 0.01;

/// Puts together the items of a page that have glyphs of one syllable, and says of each glyph what it means alone, where it
/// does.
pub(super) fn join(frame: &mut Frame) {
    if !has_parts(frame) {
        return;
    }
    let mut joined = joined(frame);
    let mut at = 0;
    frame.retain(|item| {
        let own = joined.remove(&at);
        at += 1;
        match own {
            Some(Some(text)) => *item = FrameItem::Text(text),
            Some(None) => return false,
            None => {}
        }
        match item {
            FrameItem::Group(group) => join(&mut group.frame),
            FrameItem::Text(text) => divide(text),
            _ => {}
        }
        true
    });
}

/// Gives each glyph of a Latin, Greek or Cyrillic syllable its own part of the text: a letter, or a mark. Programs that do not
/// know what a PDF says of several glyphs together read each letter once, too.
fn divide(text: &mut TextItem) {
    let mut start = 0;
    while let Some(first) = text.glyphs.get(start) {
        let range = first.range.clone();
        let same = text.glyphs.iter().skip(start);
        let end = start + same.take_while(|glyph| glyph.range == range).count();
        if end - start > 1
            && let Some(parts) = parts(text, start..end)
        {
            let glyphs = text.glyphs.iter_mut().skip(start);
            for (glyph, part) in glyphs.zip(parts) {
                glyph.range = part;
            }
        }
        start = end;
    }
}

/// The parts of a syllable that its glyphs stand for, if each is the font's own glyph for one character: a letter, and marks.
fn parts(text: &TextItem, glyphs: Range<usize>) -> Option<Vec<Range<u16>>> {
    let glyphs = text.glyphs.get(glyphs)?;
    let whole = glyphs.first()?.range();
    let mut rest = text.text.get(whole.clone())?;
    let mut parts = Vec::with_capacity(glyphs.len());
    for glyph in glyphs {
        let is_its = |part: &str| {
            let mut composed = part.nfc();
            let (Some(character), None) = (composed.next(), composed.next()) else {
                return false;
            };
            let is_in_place = parts.is_empty() != is_mark(character);
            let own = text.font.ttf().glyph_index(character);
            is_in_place && own.is_some_and(|own| own.0 == glyph.id)
        };
        let ends = rest.char_indices().map(|(at, own)| at + own.len_utf8());
        let part = ends
            .filter_map(|end| rest.get(..end))
            .find(|part| is_its(part))?;
        let start = whole.end - rest.len();
        rest = rest.get(part.len()..)?;
        let end = whole.end - rest.len();
        parts.push(u16::try_from(start).ok()?..u16::try_from(end).ok()?);
    }
    rest.is_empty().then_some(parts)
}

/// Marks of Latin, Greek and Cyrillic letters.
const fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36F}')
}

/// Whether anything is to be put together.
fn has_parts(frame: &Frame) -> bool {
    let mut items = frame.items().as_slice().windows(2);
    let groups = frame.items().filter_map(|(_, item)| match item {
        FrameItem::Group(group) => Some(&group.frame),
        _ => None,
    });
    let has_marks = |text: &TextItem| text.text.chars().any(is_mark);
    items.any(|pair| matches!(pair, [before, next] if both(before, next).is_some()))
        || frame
            .items()
            .any(|(_, item)| matches!(item, FrameItem::Text(text) if has_marks(text)))
        || groups.into_iter().any(has_parts)
}

/// By its place in the frame, what becomes of an item: a different item, or none.
fn joined(frame: &Frame) -> BTreeMap<usize, Option<TextItem>> {
    let mut joined = BTreeMap::new();
    let mut last: Option<(usize, (Point, FrameItem))> = None;
    for (at, next) in frame.items().enumerate() {
        if let Some((first, before)) = &mut last
            && let Some(text) = both(before, next)
        {
            joined.insert(*first, Some(text.clone()));
            joined.insert(at, None);
            before.1 = FrameItem::Text(text);
        } else {
            last = Some((at, next.clone()));
        }
    }
    joined
}

/// Two items as one, if the last glyph of the first and the first of the second are of one syllable.
fn both(
    (place, before): &(Point, FrameItem),
    (next_place, next): &(Point, FrameItem),
) -> Option<TextItem> {
    let (FrameItem::Text(before), FrameItem::Text(next)) = (before, next) else {
        return None;
    };
    let (last, first) = (before.glyphs.last()?, next.glyphs.first()?);
    let syllable = before.text.get(last.range())?;
    let is_one = last.span == first.span
        && next.text.get(first.range()) == Some(syllable)
        && syllable.chars().nth(1).is_some();
    let looks_alike = before.font == next.font
        && before.size == next.size
        && before.fill == next.fill
        && before.stroke == next.stroke
        && (before.lang, before.region) == (next.lang, next.region);
    let is_near = (place.x + before.width() - next_place.x).abs() < Abs::pt(NEAR);
    if !(is_one && looks_alike && is_near) {
        return None;
    }
    let (of_last, of_first) = (last.range(), first.range());
    let mut text = before.clone();
    let mut more = next.glyphs.clone();
    let raised = Em::from_abs(place.y - next_place.y, before.size);
    more.iter_mut().for_each(|glyph| glyph.y_offset += raised);
    if of_last.end == before.text.len() && of_first.start == 0 {
        text.text.push_str(next.text.get(of_first.end..)?);
        shift(&mut more, of_last.start)?;
    } else if of_last.start == 0 && of_first.end == next.text.len() {
        // From right to left, what comes first on the paper comes last in the text.
        text.text = next.text.clone();
        text.text.push_str(before.text.get(of_last.end..)?);
        shift(&mut text.glyphs, of_first.start)?;
    } else {
        return None;
    }
    text.glyphs.append(&mut more);
    Some(text)
}

/// Moves the text of glyphs by some bytes.
fn shift(glyphs: &mut [typst::text::Glyph], bytes: usize) -> Option<()> {
    let bytes = u16::try_from(bytes).ok()?;
    for glyph in glyphs {
        let range = &glyph.range;
        glyph.range = range.start.checked_add(bytes)?..range.end.checked_add(bytes)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use pkb_core::record::Design;
    use unicode_normalization::UnicodeNormalization as _;

    use crate::{
        letter_fields::LetterFields,
        template::Template,
        typesetter::{Engine, Typesetter},
    };
    use pkb_verify::page_reader::read_text_only;

    /// Yoruba, Igbo, Vietnamese, Lithuanian, Latvian, Navajo, Ewe, Dinka; letters with marks for which there is no letter; Hebrew and
    /// Arabic with their points; the same picture for two letters.
    const NAMES: [&str; 20] = [
        "Ọlọ́runtóbi Adébọ̀wálé",
        "Ẹ̀bùn Ọlọ́runṣògo",
        "Ṣọlá Ọ̀ṣunlàdé",
        "Chịọma Ụ̀zọ̀",
        "Ńgọ́zi Ǹkẹ́chi",
        "Ẹ̀kọ́ Ẹ́kúndayọ̀",
        "Nguyễn Thị Hồng Ngọc",
        "Žydrūnė̃ Jovaĩša",
        "Kā̀rlis Bē̌rziņš",
        "Lǫ́ng Begaye",
        "Kɔ́mla Ɛ̀lɔ̃",
        "Dɛ̈ng Nyɔ̈k",
        "Z\u{327}ana M\u{324}ary",
        "Ọ\u{301}ọ\u{301}ọ\u{300} Ọ\u{301}lá",
        "d\u{300}d\u{301}d\u{300} d\u{300}",
        "שָׁלוֹם כֹּהֵן",
        "מֹשֶׁה",
        "Əli Quliyev",
        "Әлия Серик",
        "Griffiths Fflur Fifth Loft Office",
    ];

    fn letters() -> Vec<LetterFields> {
        let letter = |name: &&str| LetterFields {
            name: (*name).to_owned(),
            ..LetterFields::sample()
        };
        NAMES.iter().map(letter).collect()
    }

    /// As it is drawn from left to right.
    fn on_paper(name: &str) -> String {
        let is_hebrew = name.chars().any(|c| ('\u{590}'..='\u{5FF}').contains(&c));
        match is_hebrew {
            true => name.chars().rev().collect(),
            false => name.to_owned(),
        }
    }

    #[test]
    fn names_whose_letters_and_marks_are_several_glyphs_read_as_they_are_written_incidents_21_and_26()
     {
        let template = Template::built_in().unwrap();
        for engine in [Engine::Typst, Engine::Stamp] {
            let typesetter = Typesetter::with_threads(&template, Design::Letter, 1).unwrap();
            let typesetter = typesetter.with_engine(engine).unwrap();
            let laid_out = typesetter.lay_out(&letters()).unwrap();
            let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
            let pdf = typesetter.bind(laid_out, 1).unwrap().pdf;
            let pages = read_text_only(pdf).unwrap();
            assert_eq!(pages.len(), NAMES.len());
            for (page, name) in pages.iter().zip(NAMES) {
                let text: String = page.text.nfc().collect();
                let name: String = on_paper(name).nfc().collect();
                // In the address and behind "Dear", which stands on another side in a line from right to left.
                assert_eq!(text.matches(&name).count(), 2, "{engine:?} {name}: {text}");
            }
        }
    }
}
