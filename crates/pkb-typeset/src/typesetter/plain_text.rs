//! A letter as plain text, for those who make braille, audio and other formats of it. Typst lays it out with a line for each
//! paragraph; here these lines are read off the pages.

use typst::layout::{Abs, Frame, FrameItem, Point, Transform};
use typst_layout::Page;

use super::{LetterFault, Typesetter, layout::Failure};
use crate::letter_fields::LetterFields;
use pkb_values::LetterLanguages;

/// Base lines of one line of text are not further apart than this part of the size.
const SAME_LINE: f64 = 0.4;
/// Between paragraphs there is more than this many times the size.
const PARAGRAPH: f64 = 2.6;
/// A gap between two pieces of a line that is wider than this part of the size is a space.
const SPACE: f64 = 0.12;

impl Typesetter {
    /// A letter as plain text: each paragraph is a line, with an empty line between paragraphs.
    ///
    /// # Errors
    /// The template fails with this letter.
    pub fn plain_text(&self, letter: &LetterFields) -> Result<String, LetterFault> {
        let mut parts = Vec::new();
        for language in letter.languages.languages() {
            let alone = LetterFields {
                languages: LetterLanguages::alone(language),
                ..letter.clone()
            };
            let pages = self.pages_of(&alone, false).map_err(Failure::into_fault)?;
            self.sweeps.after_work();
            parts.push(read(&pages, language.is_right_to_left()));
        }
        Ok(parts.join("\n\n") + "\n")
    }
}

/// A piece of a line.
struct Run<'p> {
    at: Point,
    end: Abs,
    size: Abs,
    text: &'p str,
}

impl Run<'_> {
    fn is_beside(&self, next: &Self) -> bool {
        (next.at.y - self.at.y).abs() < SAME_LINE * self.size.max(next.size)
    }

    /// Whether it has letters or figures that are read from left to right. A bracket alone goes with the words around it.
    fn has_left_to_right(&self) -> bool {
        let is_one = |c: char| c.is_alphanumeric() && !is_right_to_left(c);
        self.text.chars().any(is_one)
    }

    fn has_right_to_left(&self) -> bool {
        self.text.chars().any(is_right_to_left)
    }
}

fn read(pages: &[Page], is_right_to_left: bool) -> String {
    let mut text = String::new();
    let mut above = None;
    for page in pages {
        let mut runs = Vec::new();
        walk(&page.frame, Transform::identity(), &mut runs);
        for line in runs.chunk_by(Run::is_beside) {
            let Some(first) = line.first() else { continue };
            if let Some(above) = above {
                let is_near = (first.at.y - above).abs() < PARAGRAPH * first.size;
                text.push_str(if is_near { "\n" } else { "\n\n" });
            }
            above = Some(first.at.y);
            text.push_str(&in_reading_order(line, is_right_to_left));
        }
    }
    text
}

fn walk<'p>(frame: &'p Frame, outer: Transform, runs: &mut Vec<Run<'p>>) {
    for (position, item) in frame.items() {
        let here = outer.pre_concat(Transform::translate(position.x, position.y));
        match item {
            FrameItem::Group(group) => {
                walk(&group.frame, here.pre_concat(group.transform), runs);
            }
            FrameItem::Text(text) if !text.text.trim().is_empty() => {
                let at = Point::zero().transform(here);
                runs.push(Run {
                    at,
                    end: at.x + text.width(),
                    size: text.size,
                    text: text.text.as_str(),
                });
            }
            _ => {}
        }
    }
}

/// The pieces of a line as they are read, which are sorted from left to right first: a box comes before the words around it. Those
/// of a language that is read from right to left are
/// turned round, but for what in them is read from left to right (Unicode Annex 9, rule L2, which undoes itself).
fn in_reading_order(line: &[Run<'_>], is_right_to_left: bool) -> String {
    let mut order: Vec<&Run<'_>> = line.iter().collect();
    order.sort_by_key(|run| run.at.x);
    if is_right_to_left {
        order.reverse();
        for group in
            order.chunk_by_mut(|one, next| one.has_left_to_right() == next.has_left_to_right())
        {
            if group.first().is_some_and(|run| run.has_left_to_right()) {
                group.reverse();
            }
        }
    } else {
        for group in
            order.chunk_by_mut(|one, next| one.has_right_to_left() == next.has_right_to_left())
        {
            if group.first().is_some_and(|run| run.has_right_to_left()) {
                group.reverse();
            }
        }
    }
    let mut text = String::new();
    let mut before: Option<&Run<'_>> = None;
    for run in order {
        if let Some(before) = before {
            let gap = (run.at.x - before.end).max(before.at.x - run.end);
            let has_space =
                text.ends_with(char::is_whitespace) || run.text.starts_with(char::is_whitespace);
            if gap > SPACE * run.size && !has_space {
                text.push(' ');
            }
        }
        text.push_str(run.text);
        before = Some(run);
    }
    text.trim().to_owned()
}

const fn is_right_to_left(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
}
