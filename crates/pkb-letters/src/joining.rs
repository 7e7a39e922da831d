//! Joining letters that were laid out one by one into one document.
//!
//! A letter alone is quick: Typst remembers what all letters have in common. But to Typst each is a whole document, so
//! the heading of one letter has the same identity ("location") as that of the next. The tags of a PDF hang on these
//! identities, so each letter gets its own before it is joined.

use typst::introspection::{Location, Tag};
use typst::layout::{Frame, FrameItem};
use typst::model::Destination;
use typst_layout::{Page, PagedDocument};

/// The pages of a letter, with identities that no letter with another number has.
#[must_use]
pub fn pages_of(document: &PagedDocument, number: usize) -> Vec<Page> {
    let mut pages = document.pages().to_vec();
    for page in &mut pages {
        relocate(&mut page.frame, number);
    }
    pages
}

fn relocate(frame: &mut Frame, number: usize) {
    let own = |location: Location| location.variant(number);
    frame.retain(|item| {
        match item {
            FrameItem::Group(group) => {
                if let Some(parent) = &mut group.parent {
                    parent.location = own(parent.location);
                }
                relocate(&mut group.frame, number);
            }
            FrameItem::Tag(Tag::Start(element, _)) => {
                if let Some(location) = element.location() {
                    element.set_location(own(location));
                }
            }
            FrameItem::Tag(Tag::End(location, ..))
            | FrameItem::Link(Destination::Location(location), _) => *location = own(*location),
            FrameItem::Text(_)
            | FrameItem::Shape(..)
            | FrameItem::Image(..)
            | FrameItem::Link(..) => {}
        }
        true
    });
}
