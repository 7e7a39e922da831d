//! A patient's own letter, as it will be posted: the file that the record names, read again, and whether it is what
//! GOV.UK Notify prints.

use std::{
    fs::File,
    io::Read as _,
    path::{Component, Path, PathBuf},
};

use hayro_syntax::Pdf;
use pkb_core::{
    Fatal, Record, Verdict,
    record::{Delivery, Invitation},
    rehearsal::Origin,
};

use pkb_verify::{expected::REHEARSAL, notify_areas, page_reader};

use crate::sending::not_postable;

/// Pages of a letter at most (Notify).
const MAX_PAGES: u64 = 10;
/// Bytes of a letter at most (Notify: 2 MB; the smaller reading of it).
const MAX_BYTES: u64 = 2_000_000;
/// A4 in points, and how far a page may be from it: 2 mm.
const A4: (f32, f32) = (595.28, 841.89);
const TOLERANCE: f32 = 5.6;

/// Where a letter is, and what must be on it.
pub(super) struct LetterFile {
    path: PathBuf,
    pages: u64,
    codes: [String; 2],
    /// Whether its record is of a rehearsal.
    is_rehearsal: bool,
}

impl LetterFile {
    /// The letter of a record, in `folder`; `None` if the record has no letter.
    ///
    /// # Errors
    /// The file holds other letters, too, or has no plain name.
    pub(super) fn of(
        folder: &Path,
        record: &Record,
        delivery: &Delivery,
        codes: &Invitation,
    ) -> Result<Option<Self>, Verdict> {
        let Some((first, last)) = delivery.pages else {
            return Ok(None);
        };
        // letters-0001.pdf, or letters-0001/000123-….pdf.
        let mut parts = Path::new(&delivery.file).components();
        let is_plain =
            !delivery.file.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)));
        if !is_plain {
            return Err(not_postable(
                "the record names no file in the folder of letters",
            ));
        }
        if first != 1 {
            return Err(not_postable(OTHERS_TOO));
        }
        Ok(Some(Self {
            path: folder.join(&delivery.file),
            pages: last,
            codes: [
                codes.code.expose_code().to_owned(),
                codes.token.expose_code().to_owned(),
            ],
            is_rehearsal: Origin::of(record) == Some(Origin::Rehearsal),
        }))
    }

    /// Reads the file and looks at it.
    ///
    /// # Errors
    /// The file cannot be read at all; inside, what keeps Notify from printing it.
    pub(super) fn read(&self) -> Result<Result<Vec<u8>, Verdict>, Fatal> {
        let failed = |source| Fatal::cannot_read(&self.path, source);
        let mut pdf = Vec::new();
        File::open(&self.path)
            .map_err(failed)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut pdf)
            .map_err(failed)?;
        Ok(self
            .check(&pdf)
            .map_or_else(|words| Err(not_postable(words)), |()| Ok(pdf)))
    }

    fn check(&self, bytes: &[u8]) -> Result<(), &'static str> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(
                "the file is larger than 2 MB, and Notify takes up to 2 MB. Make one PDF for each letter with pkb-letters \
                 --separate",
            );
        }
        let pdf = Pdf::new(bytes.to_vec()).map_err(|_| "the file is not a PDF")?;
        let pages = pdf.pages();
        match (pages.len() as u64).cmp(&self.pages) {
            std::cmp::Ordering::Less => return Err("the file has fewer pages than the letter"),
            std::cmp::Ordering::Greater => return Err(OTHERS_TOO),
            std::cmp::Ordering::Equal => {}
        }
        if self.pages > MAX_PAGES {
            return Err("the letter has more than 10 pages");
        }
        let is_a4 = |(width, height): (f32, f32)| {
            (width - A4.0).abs() < TOLERANCE && (height - A4.1).abs() < TOLERANCE
        };
        if !pages.iter().all(|page| is_a4(page.render_dimensions())) {
            return Err("a page of the letter is not A4 upright");
        }
        // The folder may be another run's. A letter with somebody else's codes must not go anywhere.
        let read = page_reader::read_text_only(bytes.to_vec());
        let read = read.map_err(|_| "the letter cannot be read")?;
        if !self.is_rehearsal && read.iter().any(|page| page.across.contains(REHEARSAL)) {
            return Err(
                "the letter in the file is from a rehearsal. Give the folder of this campaign (--letters)",
            );
        }
        // Of a rehearsal, a word goes across each page.
        if !self.is_rehearsal {
            notify_areas::check(&pdf)?;
        }
        let text: String = read
            .iter()
            .flat_map(|page| page.by_glyphs().split_whitespace())
            .collect();
        if self.codes.iter().all(|code| text.contains(code.as_str())) {
            return Ok(());
        }
        Err(
            "the letter in the file does not have the codes of the record. Give the folder of this campaign (--letters)",
        )
    }
}

const OTHERS_TOO: &str =
    "the file also has letters to others. Make one PDF for each letter with pkb-letters --separate";

#[cfg(test)]
mod tests {
    use super::*;
    use pkb_core::record::Design;
    use pkb_typeset::{letter_fields::LetterFields, template::Template, typesetter::Typesetter};

    fn checked(letters: &[LetterFields], pages: u64, code: &str) -> Result<(), &'static str> {
        checked_as([false; 2], letters, pages, code)
    }

    /// What is said of a letter of another design, or in another window.
    fn checked_in(design: Design, profile: &str) -> Result<(), &'static str> {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("template");
        Template::write_to(&folder).unwrap();
        let settings = folder.join("template.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        let profile = format!("profile = \"{profile}\"");
        std::fs::write(&settings, text.replace("profile = \"notify\"", &profile)).unwrap();
        let template = Template::open(&folder).unwrap();
        let typesetter = Typesetter::new(&template, design).unwrap();
        let letter = LetterFields::sample();
        let laid_out = typesetter.lay_out(std::slice::from_ref(&letter)).unwrap();
        let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
        let pdf = typesetter.bind(laid_out, 1).unwrap().pdf;
        let file = LetterFile {
            path: PathBuf::new(),
            pages: 1,
            codes: [letter.invitation_code, letter.access_code],
            is_rehearsal: false,
        };
        file.check(&pdf)
    }

    #[test]
    fn a_letter_outside_the_areas_of_notify_is_refused_before_it_is_given_to_it() {
        for design in [Design::Letter, Design::Reminder] {
            assert_eq!(checked_in(design, "notify"), Ok(()), "{design:?}");
            for profile in ["dl-window", "c5-window"] {
                assert!(
                    checked_in(design, profile).is_err(),
                    "{design:?} in {profile}"
                );
            }
        }
        let words = checked_in(Design::Insert, "notify").unwrap_err();
        assert!(
            words.contains("no address") || words.contains("outside the areas"),
            "{words}"
        );
    }

    /// The same with a letter of a rehearsal or not, and a record likewise.
    fn checked_as(
        [letter_is, is_rehearsal]: [bool; 2],
        letters: &[LetterFields],
        pages: u64,
        code: &str,
    ) -> Result<(), &'static str> {
        let template = Template::built_in().unwrap();
        let typesetter = Typesetter::new(&template, Design::Letter).unwrap();
        let typesetter = typesetter.in_rehearsal(letter_is);
        let laid_out = typesetter.lay_out(letters).unwrap();
        let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
        let pdf = typesetter.bind(laid_out, 1).unwrap().pdf;
        let file = LetterFile {
            path: PathBuf::new(),
            pages,
            codes: [code.to_owned(), LetterFields::sample().access_code],
            is_rehearsal,
        };
        file.check(&pdf)
    }

    #[test]
    fn a_letter_is_posted_that_is_alone_in_its_file_and_has_the_codes_of_its_record() {
        let letter = LetterFields::sample();
        let code = letter.invitation_code.clone();
        let one = std::slice::from_ref(&letter);
        assert_eq!(checked(one, 1, &code), Ok(()));
        assert!(checked(one, 2, &code).unwrap_err().contains("fewer pages"));
        assert!(
            checked(one, 1, "AnotherOne")
                .unwrap_err()
                .contains("does not have the codes")
        );
        let two = [letter.clone(), letter];
        assert_eq!(checked(&two, 1, &code), Err(OTHERS_TOO));
    }

    #[test]
    fn a_letter_of_a_rehearsal_is_posted_for_no_real_record() {
        let letter = LetterFields::sample();
        let code = letter.invitation_code.clone();
        let one = std::slice::from_ref(&letter);
        let words = "the letter in the file is from a rehearsal. Give the folder of this campaign (--letters)";
        assert_eq!(checked_as([true, false], one, 1, &code), Err(words));
        assert_eq!(checked_as([true, true], one, 1, &code), Ok(()));
    }

    #[test]
    fn what_is_no_letter_is_refused() {
        let file = LetterFile {
            path: PathBuf::new(),
            pages: 1,
            codes: [String::new(), String::new()],
            is_rehearsal: false,
        };
        assert_eq!(file.check(b"words"), Err("the file is not a PDF"));
        let large = vec![b'x'; 2_000_001];
        assert!(file.check(&large).unwrap_err().contains("2 MB"));
    }

    #[test]
    fn a_record_cannot_name_a_file_elsewhere() {
        let codes: Invitation = serde_json::from_str(
            r#"{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"}"#,
        )
        .unwrap();
        let row = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":2,"of":1}}"#;
        let record: Record = serde_json::from_str(row).unwrap();
        for name in ["../letter.pdf", "/etc/passwd", "a/../../b.pdf", "..", ""] {
            let json = format!(r#"{{"channel":"letter","file":"{name}","pages":[1,1]}}"#);
            let delivery: Delivery = serde_json::from_str(&json).unwrap();
            assert!(
                LetterFile::of(Path::new("print"), &record, &delivery, &codes).is_err(),
                "{name}"
            );
        }
    }
}
