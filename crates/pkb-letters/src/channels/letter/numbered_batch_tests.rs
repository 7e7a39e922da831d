use std::path::Path;

use pkb_core::{
    Reason, Record,
    record::{Design, Edition},
};
use pkb_print_files::series::Series;
use pkb_values::LetterLanguages;

use super::super::{batch::FileForm, numbers::LetterNumbers};
use super::*;
use pkb_typeset::{letter_fields::LetterFields, template::Template, typesetter::Engine};

/// Letters to patients in rows 2 and following; those of some rows are expected to say something else.
struct Letters {
    count: usize,
    doubtful: Vec<usize>,
    /// Those that have the codes of the first of them.
    with_same_codes: Vec<usize>,
}

impl Letters {
    fn name(at: usize) -> String {
        format!("Richards{}", ["son", "on", "ley", "ton"][at % 4])
    }

    fn codes(&self, at: usize) -> [String; 2] {
        let of = match self.with_same_codes.contains(&at) {
            true => self.with_same_codes[0],
            false => at,
        };
        [format!("Inv{of:05}lI"), format!("Acc{of:05}0O")]
    }

    fn record(&self, at: usize, name: &str) -> Record {
        let [code, token] = self.codes(at);
        let record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": at + 2, "of": 9},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "first_name": "Read", "last_name": name,
                "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Byker"], "postcode": "NE1 1XC",
            },
            "invitation": {"code": code, "token": token, "expires_at": "2026-12-23T09:00:00Z"},
        });
        serde_json::from_value(record).unwrap()
    }
}

impl LettersToMake for Letters {
    fn count(&self) -> usize {
        self.count
    }

    fn letter(&self, at: usize) -> Result<LetterToMake, Fatal> {
        let codes = self.codes(at);
        let [invitation_code, access_code] = codes.clone();
        Ok(LetterToMake {
            fields: LetterFields {
                name: format!("Read {}", Self::name(at)),
                join_url: format!("https://joinpkb.com/?t1={invitation_code}&t2={access_code}"),
                invitation_code,
                access_code,
                address: vec!["1 Main Street".into(), "BYKER".into(), "NE1 1XC".into()],
                ..LetterFields::sample()
            },
            codes: Some(
                codes
                    .each_ref()
                    .map(|code| pkb_verify::expected::ShortText::of(code)),
            ),
            row: at as u64 + 2,
            reference: String::new(),
            postcode: "NE1 1XC".into(),
            seed: false,
        })
    }

    fn expected(&self, at: usize) -> Result<Expected, Fatal> {
        let name = match self.doubtful.contains(&at) {
            true => "Somebody".to_owned(),
            false => Self::name(at),
        };
        let record = self.record(at, &name);
        Ok(Expected::of(&record, LetterLanguages::default(), Design::Letter).unwrap())
    }
}

fn form(separate: bool) -> FileForm {
    FileForm {
        separate,
        zip: false,
        verify: true,
        is_numbered: true,
        series: Series::new(None),
        engine: Engine::Typst,
    }
}

fn typesetter() -> Typesetter {
    let template = Template::built_in().unwrap();
    Typesetter::with_threads(&template, Design::Letter, 1).unwrap()
}

/// What becomes of letters in the first batches of a folder.
fn printed(
    folder: &Path,
    separate: bool,
    batches: &[Letters],
) -> Result<Vec<Vec<Result<ManifestRow, Verdict>>>, Fatal> {
    let typesetter = typesetter();
    let mut numbers = LetterNumbers::new(folder.to_owned(), Edition::First, form(separate));
    let print = |letters: &Letters| {
        let layout = Layout::of(&typesetter, letters)?;
        let numbered = numbers.number(&typesetter, layout, letters)?;
        numbered.checked(letters)?.name(&IntentLog::default())
    };
    batches.iter().map(print).collect()
}

fn letters(count: usize, doubtful: &[usize]) -> Letters {
    Letters {
        count,
        doubtful: doubtful.to_vec(),
        with_same_codes: Vec::new(),
    }
}

#[test]
fn a_doubtful_letter_is_its_rows_outcome_and_all_others_are_made() {
    for separate in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let batches = [letters(4, &[1]), letters(2, &[])];
        let printed = printed(folder.path(), separate, &batches).unwrap();
        let [first, second] = printed.as_slice() else {
            unreachable!()
        };
        let verdict = first[1].as_ref().err().unwrap();
        assert_eq!(verdict.reason, Reason::DoubtfulPage);
        let detail = verdict.detail.as_deref().unwrap();
        assert!(
            detail.ends_with("the name is not on the letter"),
            "{detail}"
        );
        let numbers = |batch: &[Result<ManifestRow, Verdict>]| -> Vec<u64> {
            batch
                .iter()
                .flatten()
                .map(|letter| letter.sequence)
                .collect()
        };
        // The number that was kept for it is nobody's.
        assert_eq!(numbers(first), [1, 2, 3]);
        assert_eq!(numbers(second), [5, 6]);
        if !separate {
            let pdf = std::fs::read(folder.path().join("letters-0001.pdf")).unwrap();
            let pages = pkb_verify::page_reader::read_text_only(pdf).unwrap();
            assert_eq!(pages.len(), 3);
            assert!(
                !pages
                    .iter()
                    .any(|page| page.text.contains(&Letters::name(1)))
            );
        }
    }
}

#[test]
fn a_letter_with_the_codes_of_another_needs_new_codes_and_nobody_is_told_to_send_it() {
    // Where all letters of the first batch have the same codes, the template is not at fault.
    for (count, with_same_codes) in [(3, vec![0, 2]), (2, vec![0, 1])] {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [with_same_codes[0], with_same_codes[1]];
        let batch = Letters {
            with_same_codes,
            ..letters(count, &[])
        };
        let printed = printed(folder.path(), false, &[batch]).unwrap();
        for (at, result) in printed[0].iter().enumerate() {
            let other = match at {
                _ if at == first => second + 2,
                _ if at == second => first + 2,
                _ => {
                    assert!(result.is_ok());
                    continue;
                }
            };
            let verdict = result.as_ref().err().unwrap();
            assert_eq!(verdict.reason, Reason::SharedCodes);
            assert!(!verdict.reason.advice().contains("by hand"));
            let words = format!("row {other} has the same code");
            assert_eq!(verdict.detail.as_deref(), Some(words.as_str()));
        }
    }
}

#[test]
fn only_a_first_batch_that_is_doubtful_throughout_stops_the_campaign() {
    let folder = tempfile::tempdir().unwrap();
    let all = printed(folder.path(), false, &[letters(2, &[0, 1])]);
    let words = all.err().unwrap().to_string();
    assert!(words.contains("correct the letter template"), "{words}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);

    let later = [letters(2, &[]), letters(2, &[0, 1]), letters(1, &[])];
    let printed = printed(folder.path(), false, &later).unwrap();
    assert!(printed[1].iter().all(Result::is_err));
    assert_eq!(printed[2][0].as_ref().unwrap().sequence, 5);
    assert!(!folder.path().join("letters-0002.pdf").exists());
}

#[test]
fn where_it_is_not_known_which_letter_is_at_fault_each_is_tried_alone() {
    let folder = tempfile::tempdir().unwrap();
    let typesetter = typesetter();
    let mut numbers = LetterNumbers::new(folder.path().to_owned(), Edition::First, form(false));
    let mut try_again = |letters: &Letters| {
        let layout = Layout::of(&typesetter, letters)?;
        let mut numbered = numbers.number(&typesetter, layout, letters)?;
        numbered.writer = Err("the export fails".into());
        numbered.checked(letters)
    };
    let checked = try_again(&letters(3, &[2])).ok().unwrap();
    let results = checked.name(&IntentLog::default()).unwrap();
    let is_made: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(is_made, [true, true, false]);
    let words = try_again(&letters(2, &[])).err().unwrap().to_string();
    assert!(words.contains("the export fails"), "{words}");
}
