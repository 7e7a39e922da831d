//! The sheets of one file, compared with the letters that are in it.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{
    expected::{Expected, Owners},
    page_reader::{self, Page},
};

/// A letter where it should be.
pub struct Placed {
    /// What it must say.
    pub expected: Expected,
    /// The number that is printed on it, if numbers are.
    pub number: Option<u64>,
    /// First and last page, from 1.
    pub pages: (u64, u64),
    /// Whether its square codes are to be read.
    pub with_squares: bool,
}

/// What was found in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What is wrong: the sheet and, where it is known, the row; and words.
    pub failures: Vec<(String, String)>,
    /// Square codes that were read.
    pub squares: u64,
}

impl Found {
    fn fail(&mut self, place: &str, words: &str) {
        self.failures.push((place.to_owned(), words.to_owned()));
    }
}

/// Reads a PDF and compares it with its letters, on all threads of the pool it is called in. Pages in `spare` belong to
/// letters that have been replaced; nobody needs to have them.
pub fn check(name: &str, pdf: Vec<u8>, letters: &[Placed], spare: &[(u64, u64)]) -> Found {
    let mut found = Found::default();
    let owners = owners_of(name, letters.iter(), &mut found);
    compare(name, pdf, letters, spare, &owners, found)
}

/// Of whom the codes of some letters are.
fn owners_of<'a>(
    name: &str,
    letters: impl Iterator<Item = &'a Placed>,
    found: &mut Found,
) -> Owners {
    let mut owners = Owners::default();
    for letter in letters {
        if !owners.enter(&letter.expected) {
            let words = format!(
                "row {} has a code that another row has, too",
                letter.expected.row()
            );
            found.fail(name, &words);
        }
    }
    owners
}

fn compare(
    name: &str,
    pdf: Vec<u8>,
    letters: &[Placed],
    spare: &[(u64, u64)],
    owners: &Owners,
    mut found: Found,
) -> Found {
    let with_squares = |at: usize| {
        let page = at as u64 + 1;
        letters
            .iter()
            .any(|letter| letter.with_squares && (letter.pages.0..=letter.pages.1).contains(&page))
    };
    let Ok(pages) = page_reader::read_some(pdf, with_squares) else {
        found.fail(name, "the file is damaged");
        return found;
    };
    let mut claimed: BTreeMap<u64, u64> = BTreeMap::new();
    for letter in letters {
        let ((first, last), row) = (letter.pages, letter.expected.row());
        let place = format!("{name}, sheet {first} (row {row})");
        for page in first..=last.min(pages.len() as u64) {
            if claimed.insert(page, row).is_some() {
                found.fail(&place, "two rows have this sheet");
            }
        }
        let sheets: Vec<&Page> = (first..=last)
            .filter_map(|page| pages.get(usize::try_from(page).ok()?.checked_sub(1)?))
            .collect();
        if last < first || sheets.len() as u64 != last - first + 1 {
            found.fail(&place, "the sheet is missing");
            continue;
        }
        for words in letter.expected.failures(letter.number, &sheets, owners) {
            found.fail(&place, &words);
        }
        let squares: usize = sheets.iter().map(|page| page.qr.len()).sum();
        if letter.with_squares && squares == 0 {
            found.fail(&place, "its square code cannot be read");
        }
        found.squares += squares as u64;
    }
    for page in 1..=pages.len() as u64 {
        let is_spare = spare
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&page));
        if !claimed.contains_key(&page) && !is_spare {
            found.fail(&format!("{name}, sheet {page}"), "no row has this sheet");
        }
    }
    found
}

/// As [`check`], for PDFs of one letter each: the codes of all of them are looked for in each.
pub fn check_each<'a>(
    files: impl Iterator<Item = (&'a str, &'a Vec<u8>)>,
    letters: &[Placed],
) -> Vec<Found> {
    let mut all = Found::default();
    let owners = owners_of("the batch", letters.iter(), &mut all);
    let pairs: Vec<_> = files.zip(letters).collect();
    let mut found: Vec<Found> = pairs
        .into_par_iter()
        .map(|((name, pdf), letter)| {
            let letter = std::slice::from_ref(letter);
            compare(name, pdf.clone(), letter, &[], &owners, Found::default())
        })
        .collect();
    found.push(all);
    found
}
