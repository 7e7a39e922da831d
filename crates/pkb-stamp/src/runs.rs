//! A line with Arabic words, cut into runs of one font and one direction, as the typesetter cuts it: by Unicode's algorithm
//! for text of both directions (UAX 9), and by what its font lacks.
//!
//! Names and addresses are simple, and only what is simple is set: words that run from right to left in a line that runs
//! from left to right, without numbers in them, marks above or below letters, or brackets that are mirrored.

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

use crate::shaper::{Features, Glyph, Shaper};

/// Glyphs of one font, from left to right.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub face: usize,
    /// Whether the last letter of its text comes first.
    pub is_reversed: bool,
    pub glyphs: Vec<Glyph>,
}

/// Whether a text has words of Arabic script.
pub(crate) fn is_arabic(text: &str) -> bool {
    // Latin, Greek and Cyrillic letters are below.
    text.chars()
        .any(|character| character >= '\u{600}' && bidi_class(character) == BidiClass::AL)
}

/// The runs of a line in the font `face`, from left to right; letters that it lacks are set in another that has them.
/// `None` if the line is not simple.
pub(crate) fn runs(
    shaper: &mut Shaper<'_>,
    face: usize,
    line: &str,
    features: Features,
) -> Option<Vec<Run>> {
    let bidi = BidiInfo::new(line, Some(Level::ltr()));
    let [paragraph] = bidi.paragraphs.as_slice() else {
        return None;
    };
    let (levels, parts) = bidi.visual_runs(paragraph, paragraph.range.clone());
    let mut runs = Vec::new();
    for part in parts {
        let level = levels.get(part.start)?.number();
        let text = line.get(part)?;
        match level {
            0 => {
                let is_latin = text.chars().any(char::is_alphabetic);
                runs.push(Run {
                    face,
                    is_reversed: false,
                    glyphs: shaper.line(face, text, features, is_latin)?.to_vec(),
                });
            }
            1 => right_to_left(shaper, face, text, features, &mut runs)?,
            // A number among words that run from right to left.
            _ => return None,
        }
    }
    Some(runs)
}

/// Sets a text that runs from right to left: what the font has, and what it lacks, in turns.
fn right_to_left(
    shaper: &mut Shaper<'_>,
    face: usize,
    text: &str,
    features: Features,
    runs: &mut Vec<Run>,
) -> Option<()> {
    let glyphs = shaper.right_to_left(face, text, features)?;
    let length = u32::try_from(text.len()).ok()?;
    // Where the text of the glyph on the left begins, and so the one of this glyph ends.
    let mut end = length;
    for part in glyphs.chunk_by(|one, other| (one.id == 0) == (other.id == 0)) {
        let start = part.last()?.start;
        let own = text.get(start as usize..end as usize)?;
        if part.iter().all(|glyph| glyph.id != 0) {
            let part = part.iter().map(|glyph| Glyph {
                start: glyph.start.saturating_sub(start),
                ..*glyph
            });
            runs.push(reversed(shaper, face, own, part.collect())?);
        } else {
            runs.push(in_another(shaper, face, own, features)?);
        }
        end = start;
    }
    Some(())
}

/// Sets a text that runs from right to left in another font, which has all of its letters.
fn in_another(shaper: &mut Shaper<'_>, face: usize, text: &str, features: Features) -> Option<Run> {
    let faces = (0..).map_while(|other| Some((other, shaper.face(other)?)));
    let others: Vec<usize> = faces
        .filter(|(other, font)| *other != face && font.is_arabic)
        .map(|(other, _)| other)
        .collect();
    for other in others {
        let glyphs = shaper.right_to_left(other, text, features)?;
        if glyphs.iter().all(|glyph| glyph.id != 0) {
            return reversed(shaper, other, text, glyphs);
        }
    }
    None
}

/// A run, if each glyph has its one meaning.
fn reversed(shaper: &Shaper<'_>, face: usize, text: &str, glyphs: Vec<Glyph>) -> Option<Run> {
    let font = shaper.face(face)?;
    let mut end = u32::try_from(text.len()).ok()?;
    for glyph in &glyphs {
        if !font.means(glyph, text, end) {
            return None;
        }
        end = glyph.start;
    }
    // A space within would end the marked words (ISO 32000-1, 14.8.2.3.3): fonts that have a space and Arabic letters are
    // left to the typesetter.
    let is_simple = glyphs.len() == 1 || !text.contains(' ');
    is_simple.then_some(Run {
        face,
        is_reversed: glyphs.len() > 1,
        glyphs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::tests::{arabic, fonts};

    /// The runs of a line: the font, whether it is reversed, and what its glyphs mean.
    fn described(line: &str) -> Option<Vec<(usize, bool, String)>> {
        let mut fonts = fonts();
        assert!(fonts.add(arabic(), 0));
        let mut shaper = Shaper::new(&fonts);
        let runs = runs(&mut shaper, 0, line, Features::ALL)?;
        let described = |run: Run| {
            let font = shaper.face(run.face).unwrap();
            let glyphs = run.glyphs.iter();
            let meaning = glyphs.map(|glyph| font.meaning(glyph.id).unwrap());
            (run.face, run.is_reversed, meaning.collect())
        };
        Some(runs.into_iter().map(described).collect())
    }

    #[test]
    fn words_are_set_from_right_to_left_each_in_the_font_that_has_it() {
        let run = |face: usize, is_reversed, text: &str| (face, is_reversed, text.to_owned());
        let own = 0;
        let found = described("Mr نور بن, Byker").unwrap();
        let other = found[1].0;
        assert_ne!(other, own);
        assert_eq!(
            found,
            [
                run(own, false, "Mr "),
                // "ban" and "nur": the last letter of the last word is the first from the left.
                run(other, true, "نب"),
                run(own, false, " "),
                run(other, true, "رون"),
                run(own, false, ", Byker"),
            ]
        );
        assert_eq!(described("Byker").unwrap(), [run(own, false, "Byker")]);
        assert_eq!(described("لا").unwrap(), [run(other, false, "لا")]);
    }

    #[test]
    fn what_is_not_simple_is_not_set() {
        for line in ["نور 12", "نوَر", "نور 王", "نور\u{202E}a", "a\nنور", ""] {
            assert!(described(line).is_none(), "{line:?}");
        }
    }

    #[test]
    fn only_lines_with_arabic_words_are_cut() {
        assert!(is_arabic("Mr نور"));
        for line in ["", "Siân", "Щербак", "王", "١٢", "נור"] {
            assert!(!is_arabic(line), "{line}");
        }
    }
}
