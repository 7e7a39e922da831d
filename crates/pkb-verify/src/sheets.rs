//! The sheets of one file, compared with the letters that are in it.
//!
//! A block of pages at a time: what is known of a letter is asked for when its sheets are read, and forgotten after.

use std::{
    borrow::Cow,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

use pkb_core::Fatal;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{
    expected::{Expected, Owners},
    objects::Bytes,
    page_reader::{Look, Opened, Page},
};

/// A letter where it should be.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// Row of the patient file.
    pub row: u64,
    /// The number that is printed on it, if numbers are.
    pub number: Option<u64>,
    /// First and last page, from 1.
    pub pages: (u64, u64),
    /// How its QR codes are to be read.
    pub qr_codes: QrReading,
}

/// How the QR codes of a letter are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QrReading {
    /// Those that are pictures of one pixel a module, from the picture; it need have none.
    Pictures,
    /// As those, and it must have one: if none is such a picture, a camera looks for it on the drawn pages.
    Needed,
    /// From the picture, and as a camera sees them on the drawn pages, at pages without a picture more briefly.
    Camera,
}

/// What was found in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What is wrong: the sheet and, where it is known, the row; and words.
    pub failures: Vec<(String, String)>,
    /// Those failures that are one letter's: its place in `slots`, and words.
    pub of_letters: Vec<(usize, String)>,
    /// QR codes that were read.
    pub qr_codes: u64,
}

impl Found {
    fn fail(&mut self, place: &str, words: &str) {
        self.failures.push((place.to_owned(), words.to_owned()));
    }

    fn fail_letter(&mut self, at: usize, place: &str, words: &str) {
        self.fail(place, words);
        self.of_letters.push((at, words.to_owned()));
    }
}

/// What is said of two rows with one code.
pub(crate) fn with_same_code(row: u64, other: u64) -> String {
    format!("rows {other} and {row} have the same code")
}

/// Reads a PDF and compares it with its letters, on all threads of the pool it is called in. A file on the disk is not read
/// whole ([`Bytes::of_file`]), and `expected` is asked for what a letter must say, by its place in `slots`, which are in
/// the order of their pages. Pages in `spare` belong to letters that have been replaced; nobody needs to have them.
///
/// # Errors
/// What `expected` says.
pub fn compare<'a>(
    name: &str,
    pdf: Bytes,
    slots: &[Slot],
    expected: impl Fn(usize) -> Result<Option<Cow<'a, Expected>>, Fatal> + Sync,
    spare: &[(u64, u64)],
    owners: &Owners,
    mut found: Found,
) -> Result<Found, Fatal> {
    let Ok(pdf) = Opened::new(pdf) else {
        found.fail(name, "the file is damaged");
        return Ok(found);
    };
    let count = pdf.page_count();
    let claims = Claims::of(slots, count);
    let read: Vec<Option<Found>> = blocks(slots, count, pdf.part())
        .into_par_iter()
        .map(|block| {
            let for_camera = pages_for_camera(slots, &block);
            let look = |at: usize| match for_camera.binary_search(&at) {
                Ok(_) => Look::AtPictures,
                Err(_) => Look::No,
            };
            let Some(pages) = pages_read(&pdf, block.pages.clone(), look) else {
                return Ok(None);
            };
            let mut found = Found::default();
            for at in block.slots.clone() {
                let Some(slot) = slots.get(at) else { continue };
                let place = format!("{name}, page {} (row {})", slot.pages.0, slot.row);
                for _ in 0..claims.taken.get(at).copied().unwrap_or_default() {
                    found.fail_letter(at, &place, "two rows have this page");
                }
                let Some(mut sheets) = sheets_of(slot, &pages, block.pages.start) else {
                    found.fail_letter(at, &place, "the sheet is missing");
                    continue;
                };
                let by_camera;
                let has_picture = sheets.iter().any(|page| !page.qr.is_empty());
                if slot.qr_codes != QrReading::Pictures && !has_picture {
                    by_camera = pages_of(slot, count)
                        .and_then(|all| pages_read(&pdf, all, |_| Look::Everywhere));
                    let Some(pages) = &by_camera else {
                        return Ok(None);
                    };
                    sheets = pages.iter().collect();
                }
                if let Some(expected) = expected(at)? {
                    for words in expected.failures(slot.number, &sheets, owners) {
                        found.fail_letter(at, &place, &words);
                    }
                }
                let [in_pictures, by_camera] = qr_codes_of(&sheets);
                let is_read = match slot.qr_codes {
                    QrReading::Pictures => true,
                    QrReading::Needed => in_pictures + by_camera > 0,
                    QrReading::Camera => by_camera > 0,
                };
                if !is_read {
                    found.fail_letter(at, &place, "its QR code cannot be read");
                }
                found.qr_codes += in_pictures.max(by_camera) as u64;
            }
            Ok(Some(found))
        })
        .collect::<Result<_, Fatal>>()?;
    let Some(read) = read.into_iter().collect::<Option<Vec<Found>>>() else {
        found.fail(name, "the file is damaged");
        return Ok(found);
    };
    for block in read {
        found.failures.extend(block.failures);
        found.of_letters.extend(block.of_letters);
        found.qr_codes += block.qr_codes;
    }
    for page in claims.unclaimed {
        let is_spare = spare
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&page));
        if !is_spare {
            found.fail(&format!("{name}, page {page}"), "no row has this page");
        }
    }
    Ok(found)
}

/// Pages in a range, from 0, with what a camera sees as `look` says; `None` if they cannot be read.
fn pages_read(
    pdf: &Opened,
    pages: Range<usize>,
    look: impl Fn(usize) -> Look,
) -> Option<Vec<Page>> {
    // A reader that breaks off at a page has not read it.
    let read = catch_unwind(AssertUnwindSafe(|| pdf.read(pages, look)));
    read.ok()?.ok()
}

/// How many QR codes of a letter are pictures, and how many a camera sees.
fn qr_codes_of(sheets: &[&Page]) -> [usize; 2] {
    let pictures = sheets.iter().map(|page| page.qr.len()).sum();
    let by_camera = sheets.iter().map(|page| page.by_camera.len()).sum();
    [pictures, by_camera]
}

/// Which letter has which page.
struct Claims {
    /// Of each letter, how many of its pages others before it have, too.
    taken: Vec<usize>,
    /// Pages of no letter, from 1.
    unclaimed: Vec<u64>,
}

impl Claims {
    fn of(slots: &[Slot], count: usize) -> Self {
        let mut is_claimed = vec![false; count];
        let taken = slots
            .iter()
            .map(|slot| {
                let pages = pages_of(slot, count).and_then(|pages| is_claimed.get_mut(pages));
                let pages = pages.into_iter().flatten();
                pages
                    .map(|is_claimed| usize::from(std::mem::replace(is_claimed, true)))
                    .sum()
            })
            .collect();
        let pages = (1..).zip(is_claimed);
        Self {
            taken,
            unclaimed: pages
                .filter_map(|(page, is_claimed)| (!is_claimed).then_some(page))
                .collect(),
        }
    }
}

/// Those of a letter's pages that the file has, from 0.
fn pages_of(slot: &Slot, count: usize) -> Option<Range<usize>> {
    let first = usize::try_from(slot.pages.0).ok()?.checked_sub(1)?;
    let last = usize::try_from(slot.pages.1).map_or(count, |last| last.min(count));
    (first < last).then_some(first..last)
}

/// Pages that are read at a time, and the letters that begin on them.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    pages: Range<usize>,
    slots: Range<usize>,
}

/// Divides a file into blocks of about `length` pages, so that all pages of a letter are in the block that it begins in.
/// Letters that begin behind the end are in the last block; long runs of pages that are nobody's are in none.
fn blocks(slots: &[Slot], count: usize, length: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut block = Block {
        pages: 0..0,
        slots: 0..0,
    };
    for (at, slot) in slots.iter().enumerate() {
        let first = usize::try_from(slot.pages.0.saturating_sub(1)).unwrap_or(usize::MAX);
        let is_full =
            block.pages.len() >= length || first >= block.pages.end.saturating_add(length);
        if is_full && first >= block.pages.end && first < count {
            let next = Block {
                pages: first..first,
                slots: at..at,
            };
            blocks.push(std::mem::replace(&mut block, next));
        }
        block.slots.end = at + 1;
        if let Some(pages) = pages_of(slot, count) {
            block.pages.end = block.pages.end.max(pages.end);
        }
    }
    blocks.push(block);
    blocks
}

/// The pages of a block, from 0, that a camera is to look at.
fn pages_for_camera(slots: &[Slot], block: &Block) -> Vec<usize> {
    let slots = slots.get(block.slots.clone()).unwrap_or_default();
    let mut wanted: Vec<usize> = slots
        .iter()
        .filter(|slot| slot.qr_codes == QrReading::Camera)
        .filter_map(|slot| pages_of(slot, block.pages.end))
        .flatten()
        .collect();
    wanted.sort_unstable();
    wanted
}

/// The pages of a letter; `None` if not all are there.
fn sheets_of<'a>(slot: &Slot, pages: &'a [Page], start: usize) -> Option<Vec<&'a Page>> {
    let first = usize::try_from(slot.pages.0).ok()?.checked_sub(1)?;
    let last = usize::try_from(slot.pages.1).ok()?;
    let sheets = pages.get(first.checked_sub(start)?..last.checked_sub(start)?)?;
    (!sheets.is_empty()).then(|| sheets.iter().collect())
}

/// Letters and what they must say, all in memory: for the tests of what makes pages.
pub mod placed {
    use super::*;

    /// A letter where it should be.
    pub struct Placed {
        /// What it must say.
        pub expected: Expected,
        /// The number that is printed on it, if numbers are.
        pub number: Option<u64>,
        /// First and last page, from 1.
        pub pages: (u64, u64),
        /// How its QR codes are to be read.
        pub qr_codes: QrReading,
    }

    /// Compares a PDF with its letters.
    ///
    /// # Errors
    /// None: nothing is read from a disk.
    pub fn check(
        name: &str,
        pdf: impl Into<Bytes>,
        letters: &[Placed],
        spare: &[(u64, u64)],
    ) -> Result<Found, Fatal> {
        let (mut found, mut owners) = (Found::default(), Owners::default());
        for Placed { expected, .. } in letters {
            if let Some(codes) = expected.codes()
                && let Some(other) = owners.enter(codes, expected.row())
            {
                found.fail(name, &with_same_code(expected.row(), other));
            }
        }
        let slot = |letter: &Placed| Slot {
            row: letter.expected.row(),
            number: letter.number,
            pages: letter.pages,
            qr_codes: letter.qr_codes,
        };
        let slots: Vec<Slot> = letters.iter().map(slot).collect();
        let expected = |at: usize| {
            Ok(letters
                .get(at)
                .map(|letter| Cow::Borrowed(&letter.expected)))
        };
        compare(name, pdf.into(), &slots, expected, spare, &owners, found)
    }
}

#[cfg(test)]
mod tests {
    use pkb_core::record::Design;
    use pkb_values::LetterLanguages;
    use proptest::prelude::*;

    use super::{
        placed::{Placed, check},
        *,
    };
    use crate::page_reader::SHORT;
    use pkb_typeset::{
        letter_fields::LetterFields,
        template::Template,
        typesetter::{Engine, Typesetter},
    };

    fn slot(first: u64, last: u64) -> Slot {
        Slot {
            row: first,
            number: None,
            pages: (first, last),
            qr_codes: QrReading::Pictures,
        }
    }

    proptest! {
        #[test]
        fn each_letter_is_in_one_block_with_all_of_its_pages(
            mut pages in prop::collection::vec((0..60_u64, 0..5_u64), 0..40), count in 1..50_usize, length in 1..9_usize,
        ) {
            pages.sort_unstable();
            let slots: Vec<Slot> = pages.iter().map(|(first, more)| slot(*first, first + more)).collect();
            let blocks = blocks(&slots, count, length);
            let (mut end, mut at) = (0, 0);
            for block in &blocks {
                prop_assert!(block.pages.start >= end);
                prop_assert_eq!(block.slots.start, at);
                (end, at) = (block.pages.end, block.slots.end);
                prop_assert!(end <= count);
                for slot in &slots[block.slots.clone()] {
                    if let Some(pages) = pages_of(slot, count) {
                        prop_assert!(block.pages.start <= pages.start && pages.end <= block.pages.end);
                    }
                }
            }
            prop_assert_eq!(at, slots.len());
        }
    }

    /// Letters of an organisation that are stamped into one file, and where they are.
    fn printed(count: u64) -> (Vec<u8>, Vec<Placed>) {
        let template = Template::built_in().unwrap();
        let typesetter = Typesetter::new(&template, Design::Letter).unwrap();
        let typesetter = typesetter.with_engine(Engine::Stamp).unwrap();
        let record = |number: u64| {
            let record = serde_json::json!({
                "schema": "pkb-record/1", "row": {"file": "a.csv", "number": number + 1, "of": count},
                "patient": {
                    "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "title": "Mr", "first_name": "Read",
                    "last_name": format!("Richards{}", "abcdefghij".repeat(2).split_at(usize::try_from(number % 20).unwrap()).1),
                    "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Byker"], "postcode": "NE1 1XC",
                },
                "invitation": {
                    "code": format!("Inv{number:05}lI"), "token": format!("Acc{number:05}0O"), "expires_at": "2026-12-23T09:00:00Z",
                },
            });
            serde_json::from_value::<pkb_core::Record>(record).unwrap()
        };
        let records: Vec<_> = (0..count).map(record).collect();
        let letters: Vec<LetterFields> = records
            .iter()
            .map(|record| {
                let codes = record.invitation.as_ref().unwrap();
                let (code, token) = (codes.code.expose_code(), codes.token.expose_code());
                LetterFields {
                    name: record.patient.as_ref().unwrap().expose_full_name(),
                    address: vec!["1 Main Street".into(), "BYKER".into(), "NE1 1XC".into()],
                    join_url: format!("https://joinpkb.com/?t1={code}&t2={token}"),
                    invitation_code: code.into(),
                    access_code: token.into(),
                    ..LetterFields::sample()
                }
            })
            .collect();
        let laid_out = typesetter.lay_out(&letters).unwrap();
        let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
        let bound = typesetter.bind(laid_out, 1).unwrap();
        let placed = records.iter().zip(bound.pages).zip(1..);
        let placed = placed.map(|((record, pages), number)| Placed {
            expected: Expected::of(record, LetterLanguages::default(), Design::Letter).unwrap(),
            number: Some(number),
            pages,
            qr_codes: QrReading::Pictures,
        });
        (bound.pdf, placed.collect())
    }

    #[test]
    fn errors_in_a_stamped_file_of_many_letters_are_found_where_they_are() {
        // So many that the file is read in blocks.
        let (pdf, mut letters) = printed(2000);
        assert!(pdf.len() as u64 > SHORT, "{}", pdf.len());
        let right = check("a.pdf", pdf.clone(), &letters, &[]).unwrap();
        assert_eq!((right.failures, right.qr_codes), (vec![], 2000));

        // Two letters change their sheets, another has no sheet, and a sheet has no letter.
        let (left, rest) = letters.split_at_mut(1999);
        std::mem::swap(&mut left[300].expected, &mut rest[0].expected);
        letters[700].pages = (2001, 2001);
        letters.sort_by_key(|letter| letter.pages);
        let found = check("a.pdf", pdf.clone(), &letters, &[]).unwrap();
        let places: Vec<&str> = found
            .failures
            .iter()
            .map(|(place, _)| place.as_str())
            .collect();
        let mut different = places.clone();
        different.dedup();
        assert_eq!(
            different,
            [
                "a.pdf, page 301 (row 2000)",
                "a.pdf, page 2000 (row 301)",
                "a.pdf, page 2001 (row 701)",
                "a.pdf, page 701",
            ]
        );
        let has = |words: &str| found.failures.iter().any(|(_, other)| other == words);
        for words in [
            "the invitation code is not on the letter",
            "a code of row 301 is on the letter",
            "a code of row 2000 is on the letter",
            "its QR code does not have the codes of this patient",
            "the sheet is missing",
            "no row has this page",
        ] {
            assert!(has(words), "{words}");
        }

        // The same file on the disk.
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &pdf).unwrap();
        let bytes = Bytes::of_file(file.path()).unwrap();
        let again = check("a.pdf", bytes, &letters, &[]).unwrap();
        assert_eq!(again, found);
    }

    #[test]
    fn pages_of_two_letters_and_of_none_are_found() {
        let claims = Claims::of(&[slot(1, 2), slot(2, 3), slot(9, 9)], 5);
        assert_eq!(claims.taken, [0, 1, 0]);
        assert_eq!(claims.unclaimed, [4, 5]);
    }
}
