//! Joining letters that were laid out one by one into one document.
//!
//! A letter alone is quick: Typst remembers what all letters have in common. But to Typst each is a whole document, so
//! the heading of one letter has the same identity ("location") as that of the next. The tags of a PDF hang on these
//! identities, so each letter gets its own before it is joined.

use typst::foundations::Smart;
use typst::introspection::{Location, Tag};
use typst::layout::{Frame, FrameItem, Point};
use typst::model::{Destination, HeadingElem};
use typst::text::TextElem;
use typst_layout::Page;

/// Gives the pages of a letter identities that no letter with another number has, and one bookmark with `title`: its
/// first heading of the first level.
pub(super) fn make_own(pages: &mut [Page], number: usize, title: &str) {
    let mut joining = Joining {
        number: 2 * number,
        title: Some(title),
    };
    for page in pages {
        joining.relocate(&mut page.frame);
    }
}

/// Lays the pages of an overlay over those of the letter with the same number.
pub(super) fn lay_over(pages: &mut [Page], overlay: &[Page], number: usize) {
    for (page, over) in pages.iter_mut().zip(overlay) {
        let mut frame = over.frame.clone();
        let mut joining = Joining {
            number: 2 * number + 1,
            title: None,
        };
        joining.relocate(&mut frame);
        page.frame.push_frame(Point::zero(), frame);
    }
}

struct Joining<'a> {
    number: usize,
    /// The bookmark, until it has been given.
    title: Option<&'a str>,
}

impl Joining<'_> {
    fn own(&self, location: Location) -> Location {
        location.variant(self.number)
    }

    fn relocate(&mut self, frame: &mut Frame) {
        frame.retain(|item| {
            match item {
                FrameItem::Group(group) => {
                    if let Some(parent) = &mut group.parent {
                        parent.location = self.own(parent.location);
                    }
                    self.relocate(&mut group.frame);
                }
                FrameItem::Tag(Tag::Start(element, _)) => {
                    if let Some(location) = element.location() {
                        element.set_location(self.own(location));
                    }
                    if let Some(heading) = element.to_packed_mut::<HeadingElem>() {
                        self.bookmark(heading);
                    }
                }
                FrameItem::Tag(Tag::End(location, ..))
                | FrameItem::Link(Destination::Location(location), _) => {
                    *location = self.own(*location);
                }
                FrameItem::Text(_)
                | FrameItem::Shape(..)
                | FrameItem::Image(..)
                | FrameItem::Link(..) => {}
            }
            true
        });
    }

    /// A file of hundreds of letters has one bookmark for each, not the same headings again and again.
    fn bookmark(&mut self, heading: &mut HeadingElem) {
        match self.title.take() {
            Some(title) => {
                heading.body = TextElem::packed(title);
                heading.bookmarked.set(Smart::Custom(true));
            }
            None => heading.bookmarked.set(Smart::Custom(false)),
        }
    }
}
