//! Glyphs where they are drawn, put together to lines of words as a person would read them.
//!
//! What many pages share is put together once: a [`Set`] knows its lines, and only those that another glyph comes near are
//! put together again with it. The words are the same as if all glyphs had been sorted at once.

use std::fmt::Write as _;

use hayro::vello_cpu::kurbo::Point;

/// Glyphs whose baselines are nearer than this part of the letter size are on one line.
const SAME_LINE: f64 = 0.3;
/// A gap wider than this part of the letter size is a space between words.
const WORD_GAP: f64 = 0.15;

/// What a glyph means: nearly always one character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A character.
    Character(char),
    /// Several, as of a ligature.
    Characters(Box<str>),
}

/// A glyph where it is drawn, in points from the top left corner.
#[derive(Debug, Clone)]
pub struct PlacedGlyph {
    /// What it means.
    pub meaning: Meaning,
    /// Where it begins.
    pub left: f64,
    /// Where it ends.
    pub right: f64,
    /// The line it stands on.
    pub baseline: f64,
    /// The letter size.
    pub size: f64,
}

/// A mark that is drawn so near to the glyph before it is above or below that one's letter, in parts of the letter size.
const NEAR: f64 = 1.0;

impl Meaning {
    /// The mark of a letter, if it is one.
    #[must_use]
    pub fn mark(&self) -> Option<char> {
        match self {
            Self::Character(character) => {
                Some(*character).filter(|own| matches!(own, '\u{300}'..='\u{36F}'))
            }
            Self::Characters(_) => None,
        }
    }
}

impl PlacedGlyph {
    /// Whether a mark at this place can be above or below this glyph.
    #[must_use]
    pub fn has_room_for(&self, mark: Point) -> bool {
        let near = NEAR * self.size;
        (self.left - near..=self.right + near).contains(&mark.x)
            && (self.baseline - mark.y).abs() <= near
    }

    /// Adds a mark to its letter.
    pub fn add(&mut self, mark: char) {
        let text = format!("{}{mark}", self.meaning);
        self.meaning = Meaning::Characters(text.into());
    }
}

impl std::fmt::Display for Meaning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Character(character) => f.write_char(*character),
            Self::Characters(characters) => f.write_str(characters),
        }
    }
}

/// Glyphs, of which it is known in which lines they stand as long as no others come near.
#[derive(Debug, Default)]
pub struct Set {
    lines: Vec<Line>,
    largest: f64,
}

#[derive(Debug)]
struct Line {
    /// By baseline, and where that is the same, as they were drawn.
    glyphs: Vec<PlacedGlyph>,
    words: String,
}

impl Line {
    /// `None` without glyphs.
    fn baselines(&self) -> Option<(f64, f64)> {
        Some((self.glyphs.first()?.baseline, self.glyphs.last()?.baseline))
    }
}

impl Set {
    /// The lines of glyphs, which are in the order in which they were drawn.
    #[must_use]
    pub fn new(mut glyphs: Vec<PlacedGlyph>) -> Self {
        sort(&mut glyphs);
        let largest = largest_of(&glyphs);
        let lines = glyphs
            .chunk_by(is_same_line)
            .map(|glyphs| Line {
                words: words_of(&mut glyphs.to_vec()),
                glyphs: glyphs.to_vec(),
            })
            .collect();
        Self { lines, largest }
    }

    /// The [`words`] of these glyphs and of `others`, which are drawn after them.
    #[must_use]
    pub fn words_with(&self, others: Vec<PlacedGlyph>) -> String {
        let margin = SAME_LINE * self.largest.max(largest_of(&others));
        let mut others = others;
        sort(&mut others);
        // Nothing of what is left of `others` comes near a line that keeps its words, so that such a line ends the one
        // before it and the next begins after it.
        let mut text = String::new();
        let mut open: Vec<PlacedGlyph> = Vec::new();
        let mut others = others.into_iter().peekable();
        for line in &self.lines {
            let Some((first, last)) = line.baselines() else {
                continue;
            };
            // Of equal baselines those of `others` come last.
            while let Some(other) = others.next_if(|other| other.baseline < first - margin) {
                open.push(other);
            }
            if others
                .peek()
                .is_none_or(|other| other.baseline > last + margin)
                && open
                    .last()
                    .is_none_or(|before| before.baseline < first - margin)
            {
                close(&mut open, &mut text);
                text.push_str(&line.words);
                continue;
            }
            for glyph in &line.glyphs {
                while let Some(other) = others.next_if(|other| other.baseline < glyph.baseline) {
                    open.push(other);
                }
                open.push(glyph.clone());
            }
        }
        open.extend(others);
        close(&mut open, &mut text);
        text
    }
}

/// The words of glyphs, which are in the order in which they were drawn: from top to bottom, each line from left to right
/// and ended by a line feed.
#[must_use]
pub fn words(mut glyphs: Vec<PlacedGlyph>) -> String {
    sort(&mut glyphs);
    let mut text = String::with_capacity(glyphs.len() + 64);
    close(&mut glyphs, &mut text);
    text
}

/// Adds the words of glyphs, which are sorted by their baselines, to a text.
fn close(open: &mut Vec<PlacedGlyph>, text: &mut String) {
    for line in open.chunk_by_mut(is_same_line) {
        text.push_str(&words_of(line));
    }
    open.clear();
}

fn sort(glyphs: &mut [PlacedGlyph]) {
    glyphs.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
}

fn largest_of(glyphs: &[PlacedGlyph]) -> f64 {
    glyphs.iter().map(|glyph| glyph.size).fold(0.0, f64::max)
}

fn is_same_line(last: &PlacedGlyph, next: &PlacedGlyph) -> bool {
    next.baseline - last.baseline < SAME_LINE * last.size.min(next.size)
}

/// The words of one line, with spaces where there is room for one.
fn words_of(line: &mut [PlacedGlyph]) -> String {
    line.sort_by(|a, b| a.left.total_cmp(&b.left));
    let mut words = String::with_capacity(line.len() + 8);
    let mut end: Option<f64> = None;
    for glyph in line {
        let is_after_space = words.is_empty() || words.ends_with(' ');
        if end.is_some_and(|end| glyph.left - end > WORD_GAP * glyph.size) && !is_after_space {
            words.push(' ');
        }
        match &glyph.meaning {
            Meaning::Character(' ') if words.is_empty() || words.ends_with(' ') => {}
            Meaning::Character(character) => words.push(*character),
            Meaning::Characters(characters) => words.push_str(characters),
        }
        end = Some(end.map_or(glyph.right, |end| end.max(glyph.right)));
    }
    words.truncate(words.trim_end_matches(' ').len());
    words.push('\n');
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Few places and sizes, so that glyphs often come near to each other.
    fn glyphs() -> impl Strategy<Value = Vec<PlacedGlyph>> {
        let glyph = (0..12_u8, 0..40_u8, 0..4_usize, prop::char::range('a', 'z')).prop_map(
            |(left, baseline, size, character)| PlacedGlyph {
                meaning: Meaning::Character(character),
                left: f64::from(left),
                right: f64::from(left) + 1.0,
                baseline: f64::from(baseline),
                size: [2.0, 4.0, 9.0, 20.0][size],
            },
        );
        prop::collection::vec(glyph, 0..30)
    }

    proptest! {
        #[test]
        fn the_words_are_the_same_as_if_all_glyphs_were_sorted_at_once(shared in glyphs(), own in glyphs()) {
            let all: Vec<PlacedGlyph> = shared.iter().chain(&own).cloned().collect();
            let at_once = words(all);
            prop_assert_eq!(Set::new(shared).words_with(own), at_once);
        }
    }

    #[test]
    fn a_ligature_and_wide_gaps_read_as_words() {
        let glyph = |meaning, left: f64| PlacedGlyph {
            meaning,
            left,
            right: left + 5.0,
            baseline: 10.0,
            size: 10.0,
        };
        let glyphs = vec![
            glyph(Meaning::Character('x'), 20.0),
            glyph(Meaning::Character(' '), 13.0),
            glyph(Meaning::Characters("ffi".into()), 5.0),
            glyph(Meaning::Character('o'), 0.0),
        ];
        assert_eq!(words(glyphs), "offi x\n");
    }
}
