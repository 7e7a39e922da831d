//! Checks of laid-out pages, before they become a PDF: which pages belong to which letter, that no character is an
//! empty box, that codes are in one piece, and that everything lies where an envelope and a printer expect it.

use typst::foundations::Value;
use typst::introspection::{MetadataElem, Tag};
use typst::layout::{Abs, Frame, FrameItem, Point, Size, Transform};
use typst::text::TextItem;
use typst_layout::Page;

use crate::letter_fields::LetterFields;
use crate::organisation::Envelope;
use crate::typesetter::TypesetError;

/// Label of the marker that `letters.typ` puts at the start of each letter.
const MARKER: &str = "pkb-letter";

/// An area in mm from the top left corner: left, top, right, bottom.
type Area = [f64; 4];

/// The first page of a letter that GOV.UK Notify prints: logo, contacts, address window, words.
const FIRST_PAGE: [Area; 4] = [
    [15.0, 5.0, 125.0, 30.0],
    [125.0, 5.0, 195.0, 95.0],
    [24.6, 39.5, 120.0, 66.3],
    [15.0, 95.0, 195.0, 292.0],
];
/// Its further pages.
const NEXT_PAGES: [Area; 1] = [[15.0, 5.0, 195.0, 292.0]];
/// Rounding of the layout, in mm.
const TOLERANCE: f64 = 0.05;

/// First and last page of each letter, from 1.
///
/// # Errors
///
/// When pages and letters do not match, or a letter fails a check. The error names the letter by its index.
pub fn page_ranges(
    pages: &[Page],
    letters: &[LetterFields],
    envelope: Envelope,
) -> Result<Vec<(usize, usize)>, TypesetError> {
    let mut ranges: Vec<(usize, usize)> = Vec::with_capacity(letters.len());
    let mut codes = CodesSeen::default();
    for (number, page) in (1..).zip(pages) {
        let found = Found::on(page);
        match found.markers.as_slice() {
            [] => {}
            [index] if usize::try_from(*index) == Ok(ranges.len()) => {
                codes.finish(&ranges, letters)?;
                codes = CodesSeen::default();
                ranges.push((number, number));
            }
            _ => return Err(TypesetError::PagesMixed),
        }
        let index = ranges
            .len()
            .checked_sub(1)
            .ok_or(TypesetError::PagesMixed)?;
        let (range, letter) = ranges
            .last_mut()
            .zip(letters.get(index))
            .ok_or(TypesetError::PagesMixed)?;
        range.1 = number;
        if found.has_empty_box {
            return Err(TypesetError::MissingGlyph { index });
        }
        let areas: &[Area] = if range.0 == number {
            &FIRST_PAGE
        } else {
            &NEXT_PAGES
        };
        if envelope == Envelope::Notify
            && !found
                .boxes
                .iter()
                .all(|ink| areas.iter().any(|area| is_inside(*ink, *area)))
        {
            return Err(TypesetError::OutsideArea { index });
        }
        codes.look_at(&found.texts, letter);
    }
    codes.finish(&ranges, letters)?;
    if ranges.len() == letters.len() {
        Ok(ranges)
    } else {
        Err(TypesetError::PagesMixed)
    }
}

/// Whether both codes of a letter were met in one piece.
#[derive(Default)]
struct CodesSeen {
    invitation: bool,
    access: bool,
}

impl CodesSeen {
    fn look_at(&mut self, texts: &[&str], letter: &LetterFields) {
        self.invitation |= texts
            .iter()
            .any(|text| text.contains(letter.invitation_code.as_str()));
        self.access |= texts
            .iter()
            .any(|text| text.contains(letter.access_code.as_str()));
    }

    /// Called after the last page of the letter that `ranges` ends with.
    fn finish(
        &self,
        ranges: &[(usize, usize)],
        letters: &[LetterFields],
    ) -> Result<(), TypesetError> {
        let Some(index) = ranges.len().checked_sub(1) else {
            return Ok(());
        };
        if self.invitation && self.access || letters.get(index).is_none() {
            Ok(())
        } else {
            Err(TypesetError::CodeBroken { index })
        }
    }
}

/// What is on a page.
#[derive(Default)]
struct Found<'a> {
    markers: Vec<i64>,
    texts: Vec<&'a str>,
    boxes: Vec<Area>,
    has_empty_box: bool,
}

impl<'a> Found<'a> {
    fn on(page: &'a Page) -> Self {
        let mut found = Self::default();
        found.walk(&page.frame, Transform::identity());
        found
    }

    fn walk(&mut self, frame: &'a Frame, outer: Transform) {
        for (position, item) in frame.items() {
            let here = outer.pre_concat(Transform::translate(position.x, position.y));
            match item {
                FrameItem::Group(group) => {
                    self.walk(&group.frame, here.pre_concat(group.transform))
                }
                FrameItem::Text(text) => self.text(text, here),
                FrameItem::Image(_, size, _) => self.ink(Point::zero(), *size, here),
                FrameItem::Shape(shape, _) => {
                    let ink = shape.bbox(true);
                    self.ink(ink.min, ink.size(), here);
                }
                FrameItem::Tag(Tag::Start(element, _)) => {
                    let is_marker = element
                        .label()
                        .is_some_and(|label| label.resolve().as_str() == MARKER);
                    if let (true, Some(metadata)) = (is_marker, element.to_packed::<MetadataElem>())
                        && let Value::Int(index) = metadata.value
                    {
                        self.markers.push(index);
                    }
                }
                FrameItem::Tag(Tag::End(..)) | FrameItem::Link(..) => {}
            }
        }
    }

    fn text(&mut self, text: &'a TextItem, here: Transform) {
        self.has_empty_box |= text.glyphs.iter().any(|glyph| glyph.id == 0);
        self.texts.push(text.text.as_str());
        if !text.text.trim().is_empty() {
            // Capitals reach about 0.73 of the size above the line, tails 0.21 below.
            self.ink(
                Point::with_y(-0.73 * text.size),
                Size::new(text.width(), 0.94 * text.size),
                here,
            );
        }
    }

    fn ink(&mut self, corner: Point, size: Size, here: Transform) {
        let [a, b] = [corner, corner + size.to_point()].map(|point| point.transform(here));
        let mm = |length: Abs| length.to_mm();
        self.boxes.push([
            mm(a.x.min(b.x)),
            mm(a.y.min(b.y)),
            mm(a.x.max(b.x)),
            mm(a.y.max(b.y)),
        ]);
    }
}

fn is_inside([left, top, right, bottom]: Area, area: Area) -> bool {
    left >= area[0] - TOLERANCE
        && top >= area[1] - TOLERANCE
        && right <= area[2] + TOLERANCE
        && bottom <= area[3] + TOLERANCE
}
