//! Checks of a laid-out letter, before it becomes part of a PDF: that no character is an empty box, that codes are in
//! one piece, and that everything lies where an envelope and a printer expect it.

use typst::layout::{Abs, Frame, FrameItem, Point, Size, Transform};
use typst::text::TextItem;
use typst_layout::Page;

use pkb_core::record::Design;

use super::LetterFault;
use crate::{
    letter_fields::LetterFields,
    template::geometry::{Area, Geometry},
};

/// Rounding of the layout, in mm.
const TOLERANCE: f64 = 0.05;

/// Looks through the pages of one letter.
///
/// # Errors
///
/// The first fault.
pub(super) fn check(
    pages: &[Page],
    letter: &LetterFields,
    geometry: &Geometry,
    design: Design,
) -> Result<(), LetterFault> {
    let (mut has_invitation, mut has_access) = (false, false);
    for (number, page) in (1..).zip(pages) {
        let found = Found::on(page);
        if !found.missing.is_empty() {
            return Err(LetterFault::MissingGlyph);
        }
        let areas = geometry.areas(design, number == 1);
        let clear = geometry.clear(design, number == 1);
        if let Some(at) = found.outside(&areas, clear) {
            return Err(LetterFault::OutsideArea { page: number, at });
        }
        let has = |code: &str| found.texts.iter().any(|text| text.contains(code));
        has_invitation |= has(&letter.invitation_code);
        has_access |= has(&letter.access_code);
    }
    if (has_invitation && has_access) || !design.has_codes() {
        Ok(())
    } else {
        Err(LetterFault::CodeBroken)
    }
}

/// Where the first thing on a page is that lies in none of the areas.
pub(super) fn outside(page: &Page, areas: &[Area]) -> Option<Area> {
    Found::on(page).outside(areas, &[])
}

/// The text runs of some pages.
pub(super) fn texts(pages: &[Page]) -> Vec<&str> {
    pages
        .iter()
        .flat_map(|page| Found::on(page).texts)
        .collect()
}

/// The characters of some pages in their order, and the font of each.
pub(super) fn fonts(pages: &[Page]) -> Vec<(char, String)> {
    let mut fonts = Vec::new();
    for page in pages {
        let found = Found::on(page);
        for (text, font) in found.texts.into_iter().zip(found.fonts) {
            fonts.extend(text.chars().map(|c| (c, font.to_owned())));
        }
    }
    fonts
}

/// The characters of some pages that no font has, each once.
pub(super) fn missing_characters(pages: &[Page]) -> Vec<char> {
    let mut missing: Vec<char> = pages
        .iter()
        .flat_map(|page| Found::on(page).missing)
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

/// What is on a page.
#[derive(Default)]
struct Found<'a> {
    texts: Vec<&'a str>,
    /// The name of the font of each text.
    fonts: Vec<&'a str>,
    boxes: Vec<Area>,
    /// Characters that would be empty boxes.
    missing: Vec<char>,
}

impl<'a> Found<'a> {
    fn on(page: &'a Page) -> Self {
        let mut found = Self::default();
        found.walk(&page.frame, Transform::identity());
        found
    }

    /// Ink that is in none of `areas`, or in one that must be clear.
    fn outside(&self, areas: &[Area], clear: &[Area]) -> Option<Area> {
        let is_good = |ink: &&Area| {
            areas.iter().any(|area| is_inside(**ink, *area))
                && !clear.iter().any(|area| overlaps(**ink, *area))
        };
        self.boxes.iter().find(|ink| !is_good(ink)).copied()
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
        let empty = text.glyphs.iter().filter(|glyph| glyph.id == 0);
        self.missing.extend(empty.flat_map(|glyph| {
            let characters = text.text.get(glyph.range());
            characters.unwrap_or("\u{FFFD}").chars()
        }));
        self.texts.push(text.text.as_str());
        self.fonts.push(&text.font.info().family);
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

fn overlaps([left, top, right, bottom]: Area, area: Area) -> bool {
    left < area[2] - TOLERANCE
        && right > area[0] + TOLERANCE
        && top < area[3] - TOLERANCE
        && bottom > area[1] + TOLERANCE
}
