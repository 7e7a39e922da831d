//! Letters that are written together: they get their numbers, and the nodes and bookmarks that lead to them.

use std::borrow::BorrowMut;
use std::collections::HashMap;
use std::io::{self, Write};

use pdf_writer::Ref;
use pdf_writer::writers::{NumberTree, Pages};

use super::group::{Group, Placed};
use super::{Document, PAGES, StampError};
use crate::letter_writer::LetterWriter;
use crate::output::{ObjectStream, body};
use crate::syntax::{int, object_ref};

/// Letters with their numbers.
pub(super) struct Window {
    pub groups: Vec<Group>,
    /// Group and place in it, in the order of the letters.
    pub order: Vec<(usize, u32)>,
    pub pages_node: u32,
    pub parents_node: u32,
}

impl Window {
    /// Each letter: its group, and its place in it.
    pub(super) fn letters(&self) -> impl Iterator<Item = (&Group, u32)> {
        let letters = self.order.iter();
        letters.filter_map(|(group, at)| Some((self.groups.get(*group)?, *at)))
    }
}

impl<'f, W: Write, T: BorrowMut<LetterWriter<'f>>> Document<'f, W, T> {
    /// Puts the letters that wait into groups, gives them their numbers, and writes what their templates share.
    pub(super) fn place(&mut self) -> Result<Window, StampError> {
        let mut groups: Vec<Group> = Vec::new();
        let mut open: HashMap<u64, usize> = HashMap::new();
        let mut order = Vec::with_capacity(self.waiting.len());
        for letter in std::mem::take(&mut self.waiting) {
            let shared = self.registered(&letter.template)?;
            let known = open.get(&letter.template.id).copied();
            let place = match known.filter(|at| groups.get(*at).is_some_and(Group::has_room)) {
                Some(at) => at,
                None => {
                    groups.push(Group::new(letter.template.clone(), shared, self.is_merged));
                    groups.len() - 1
                }
            };
            open.insert(letter.template.id, place);
            let page = self.next_page;
            self.next_page += letter.template.pages.len() as u32;
            if let Some(group) = groups.get_mut(place) {
                order.push((place, group.letters.len() as u32));
                group.letters.push(Placed { letter, page });
            }
        }
        for group in &mut groups {
            self.next_number = group.number_from(self.next_number);
        }
        Ok(Window {
            groups,
            order,
            pages_node: self.take_number(),
            parents_node: self.take_number(),
        })
    }

    /// The nodes of a window in the trees of pages, and of which tag each sequence belongs to.
    pub(super) fn write_nodes(&mut self, window: &Window) -> io::Result<()> {
        let mut own = ObjectStream::default();
        let stream = if self.is_merged {
            &mut own
        } else {
            &mut self.closing
        };
        let of_letter = |(group, at): (&Group, u32)| -> Vec<u32> {
            (0..group.template.pages.len() as u32)
                .map(|page| group.page(page, at))
                .collect()
        };
        let pages: Vec<u32> = window.letters().flat_map(of_letter).collect();
        let node = body(|object| {
            let mut node = object.start::<Pages<'_>>();
            node.parent(object_ref(PAGES))
                .kids(pages.iter().map(|page| object_ref(*page)))
                .count(int(pages.len()));
        });
        stream.add(window.pages_node, &node);
        let lists = window.letters().flat_map(|(group, at)| group.parents(at));
        let lists: Vec<(i32, u32)> = lists.map(|(key, list)| (int(key), list)).collect();
        let key = |entry: Option<&(i32, u32)>| entry.map_or(0, |(key, _)| *key);
        let node = body(|object| {
            let mut node = object.start::<NumberTree<'_, Ref>>();
            node.limits(key(lists.first()), key(lists.last()));
            let mut entries = node.nums();
            for (key, list) in &lists {
                entries.insert(*key, object_ref(*list));
            }
        });
        stream.add(window.parents_node, &node);
        self.write_object_stream(own)
    }

    pub(super) fn write_bookmarks(
        &mut self,
        window: &Window,
        titles: &mut [Vec<Vec<u8>>],
    ) -> io::Result<()> {
        let mut own = Vec::new();
        for (group, at) in &window.order {
            let title = titles
                .get_mut(*group)
                .and_then(|all| all.get_mut(*at as usize));
            own.extend(title.map(std::mem::take).filter(|title| !title.is_empty()));
        }
        if own.is_empty() {
            return Ok(());
        }
        let first = self.take_numbers(own.len() as u32);
        let stream = self.outline.add(own, first, &mut self.closing);
        self.write_object_stream(stream)
    }
}
