//! Checks of a laid-out letter, before it becomes part of a PDF: that no character is an empty box, that codes are in
//! one piece, and that everything lies where an envelope and a printer expect it.

use typst::layout::{Abs, Frame, FrameItem, Point, Size, Transform};
use typst::text::TextItem;
use typst_layout::Page;

use crate::letter_fields::LetterFields;
use crate::organisation::Envelope;

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

/// What is wrong with the pages of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A character would be printed as an empty box.
    MissingGlyph,
    /// A code is not there in one piece.
    CodeBroken,
    /// Something lies outside the areas that may be printed.
    OutsideArea,
}

/// Looks through the pages of one letter.
///
/// # Errors
///
/// The first fault.
pub fn check(pages: &[Page], letter: &LetterFields, envelope: Envelope) -> Result<(), Fault> {
    let (mut has_invitation, mut has_access) = (false, false);
    for (page, areas) in pages
        .iter()
        .zip(std::iter::once(FIRST_PAGE.as_slice()).chain(std::iter::repeat(NEXT_PAGES.as_slice())))
    {
        let found = Found::on(page);
        if found.has_empty_box {
            return Err(Fault::MissingGlyph);
        }
        if envelope == Envelope::Notify
            && !found
                .boxes
                .iter()
                .all(|ink| areas.iter().any(|area| is_inside(*ink, *area)))
        {
            return Err(Fault::OutsideArea);
        }
        has_invitation |= found
            .texts
            .iter()
            .any(|text| text.contains(letter.invitation_code.as_str()));
        has_access |= found
            .texts
            .iter()
            .any(|text| text.contains(letter.access_code.as_str()));
    }
    if has_invitation && has_access {
        Ok(())
    } else {
        Err(Fault::CodeBroken)
    }
}

/// What is on a page.
#[derive(Default)]
struct Found<'a> {
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
                FrameItem::Tag(_) | FrameItem::Link(..) => {}
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
