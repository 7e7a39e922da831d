//! Whole files: what becomes of each row.

mod addresses;
mod fuzz;
mod verified;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::civil::date;

use pkb_core::{Fatal, Reason, Record, record::NoLetter};
use pkb_values::Postcode;

use crate::{FileReport, PatientFile, ReadingOptions};

/// Opens a patient file as `pkb-upload check` does without options.
fn open(path: &Path) -> Result<PatientFile, Fatal> {
    PatientFile::open(&ReadingOptions::of(path), date(2026, 11, 23))
}

/// A file of the fixtures.
fn fixture(name: &str) -> PatientFile {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    open(&folder.join("../../fixtures/patient-files").join(name)).unwrap()
}

/// A file of these lines. The header is that of most files.
fn file(rows: &[&str]) -> PatientFile {
    let header = "NHS number,Title,First name,Last name,Date of birth,Address 1,Address 2,Town,County,Post code,Mobile,Home telephone";
    with_header(header, rows)
}

fn with_header(header: &str, rows: &[&str]) -> PatientFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patients.csv");
    std::fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    let file = open(&path).unwrap();
    // The second reading needs the file.
    std::mem::forget(folder);
    file
}

fn records(file: PatientFile) -> Vec<Record> {
    Arc::new(file)
        .records()
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// Row number and reason of each row that is stopped.
fn stopped(file: PatientFile) -> BTreeMap<u64, Reason> {
    let stopped = records(file).into_iter();
    stopped
        .filter_map(|record| Some((record.row.number, record.outcome?.reason)))
        .collect()
}

/// Row number and words of each letter that is kept back.
fn kept_back(file: PatientFile) -> BTreeMap<u64, &'static str> {
    records(file)
        .into_iter()
        .filter_map(|record| {
            let patient = record.patient?;
            let why = pkb_postal::lines(&patient, false).err()?;
            Some((record.row.number, why.words()))
        })
        .collect()
}

/// The row of a patient with these cells, with a number of its own.
fn row(at: usize, cells: &str) -> String {
    const NUMBERS: [&str; 12] = [
        "9997000005",
        "9997000013",
        "9997000021",
        "9997000048",
        "9997000056",
        "9997000064",
        "9997000072",
        "9997000080",
        "9997000099",
        "9997000102",
        "9997000110",
        "9997000129",
    ];
    format!("{},{cells}", NUMBERS[at])
}

fn rows(cells: &[&str]) -> Vec<String> {
    cells
        .iter()
        .enumerate()
        .map(|(at, cells)| row(at, cells))
        .collect()
}

fn file_of(cells: &[&str]) -> PatientFile {
    let rows = rows(cells);
    file(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn marks_of_death_and_do_not_use_stop_the_row_and_the_rest_is_said() {
    let file = fixture("markers-in-names.csv");
    let report = FileReport(&file).to_string();
    for words in [
        "has a title in it",
        "is a word for a newborn child",
        "has a comma in it",
        "a sign that names do not have",
        "prison",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
    assert_eq!(
        stopped(file).into_iter().collect::<Vec<_>>(),
        [
            (6, Reason::MissingName),
            (11, Reason::MarkedDeceased),
            (12, Reason::MarkedDeceased),
            (13, Reason::MarkedDeceased),
            (14, Reason::MarkedDeceased),
            (15, Reason::MarkedDoNotUse),
            (16, Reason::MarkedDoNotUse),
            (17, Reason::MarkedDoNotContact),
            (18, Reason::MarkedDoNotUse),
        ]
    );
}

#[test]
fn nobody_is_greeted_with_a_title_twice() {
    let records = records(fixture("markers-in-names.csv"));
    let patient = records
        .iter()
        .find(|record| record.row.number == 7)
        .unwrap()
        .patient
        .as_ref()
        .unwrap();
    assert_eq!(patient.expose_full_name(), "Mr John Smith");
}

#[test]
fn marks_in_titles_addresses_and_telephones_also_stop_the_row() {
    let file = file_of(&[
        "Dec'd,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Mrs,Ann,Smith,01/01/1940,DECEASED,,Leeds,,LS6 3AA,,",
        "Mrs,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,DECEASED,,",
        "Mrs,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,patient deceased,",
        "Mrs,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,do not call",
        "Mrs,Ann,Smith,01/01/1940,1 Mill Lane,Do not contact,Leeds,,LS6 3AA,,",
        "Mrs,=RIP,Smith (deceased),01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Mrs,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,07700 900123,",
    ]);
    assert_eq!(file.survey.excluded, 7);
    assert_eq!(file.survey.rejected, 0);
    let stopped = stopped(file);
    use Reason::*;
    assert_eq!(
        stopped.values().copied().collect::<Vec<_>>(),
        [
            MarkedDeceased,
            MarkedDeceased,
            MarkedDeceased,
            MarkedDeceased,
            MarkedDoNotContact,
            MarkedDoNotContact,
            MarkedDeceased
        ]
    );
}

#[test]
fn words_for_nothing_count_as_empty_and_are_said() {
    let file = fixture("filler-words.csv");
    let report = FileReport(&file).to_string();
    assert!(
        report.contains("28  Address 2 is a word or sign that means empty"),
        "{report}"
    );
    for record in records(file) {
        let patient = record.patient.unwrap();
        let lines: Vec<&str> = patient
            .address
            .iter()
            .map(|line| line.expose_line())
            .collect();
        assert_eq!(lines.len(), 2, "row {}", record.row.number);
        // An error of a spreadsheet is a line that was lost, so the letter may lack it.
        let is_error = [17, 18].contains(&record.row.number);
        assert_eq!(
            patient.no_letter.is_some(),
            is_error,
            "row {}",
            record.row.number
        );
    }
}

#[test]
fn a_name_that_is_a_word_for_nothing_is_named_and_not_emptied() {
    let file = file_of(&[
        "Ms,Jennifer,Null,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,JENNIFER,NULL,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,<unknown>,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,Unknown,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,Ann,XXXX,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "None,Rip,Torn,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "N/A,Testa,Deadman,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
    ]);
    let report = FileReport(&file).to_string();
    assert!(
        report
            .contains("is a word that means empty, such as NULL or UNKNOWN, but a name is needed"),
        "{report}"
    );
    assert_eq!(stopped(file).into_keys().collect::<Vec<_>>(), [3, 4, 5, 6]);
}

#[test]
fn numbers_with_invisible_characters_are_read_and_counted() {
    let file = fixture("invisible-characters.csv");
    let report = FileReport(&file).to_string();
    assert!(report.contains("normalised: 15 NHS numbers"), "{report}");
    assert!(
        report.contains("NHS number has digits of a different script (row 14)"),
        "{report}"
    );
    assert!(
        report.contains("NHS number has letters in it (row 17)"),
        "{report}"
    );
    assert_eq!(
        stopped(file).into_iter().collect::<Vec<_>>(),
        [(14, Reason::BadNationalId), (17, Reason::BadNationalId)]
    );
}

#[test]
fn names_like_formulas_and_names_without_letters_are_rejected_incident_12() {
    let file = file_of(&[
        "Ms,\"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,Ann,\"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,@SUM(1),Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,Ann,-Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,Ann,+Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,Ann,123,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,...,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        "Ms,Ann,O'Brien-Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
    ]);
    let stopped = stopped(file);
    assert_eq!(
        stopped.into_iter().collect::<Vec<_>>(),
        (2..=8)
            .map(|row| (row, Reason::BadName))
            .collect::<Vec<_>>()
    );
}

#[test]
fn fillers_for_an_unknown_number_are_bad_and_not_one_patient_incident_14() {
    let rows: Vec<String> = ["9999999999", "3333333333", "0000000000"]
        .iter()
        .flat_map(|number| [(number, "Ann"), (number, "Bea")])
        .map(|(number, name)| {
            format!("{number},Ms,{name},Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,")
        })
        .collect();
    let stopped = stopped(file(&rows.iter().map(String::as_str).collect::<Vec<_>>()));
    let expected = (2..=7).map(|row| (row, Reason::BadNationalId));
    assert_eq!(
        stopped.into_iter().collect::<Vec<_>>(),
        expected.collect::<Vec<_>>()
    );
}

#[test]
fn twins_at_one_address_are_two_people_incident_16() {
    let file = file_of(&[
        "Ms,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,07700 900123,",
        "Mr,Ben,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,07700 900123,",
        // Two of one name at two doors are asked about, and both get a letter.
        "Mr,Ali,Khan,02/02/1950,2 Mill Lane,,Leeds,,LS6 3AA,,",
        "Mr,Ali,Khan,02/02/1950,3 Mill Lane,,Leeds,,LS6 3AA,,",
    ]);
    assert_eq!(file.survey.good, 4);
    let report = FileReport(&file).to_string();
    assert!(
        report.contains("a different number (rows 4, 5)"),
        "{report}"
    );
    let records = records(file);
    assert!(records.iter().all(|record| record.outcome.is_none()));
    for record in &records {
        let patient = record.patient.as_ref().unwrap();
        assert!(pkb_postal::lines(patient, false).is_ok());
    }
}

#[test]
fn no_letter_goes_to_somebody_whom_a_name_or_title_calls_dead() {
    let dead = [
        ",Anna,SMITH DEAD",
        ",Anna,SMITHDECEASED",
        ",Anna,D'CEASED SMITH",
        ",Anna,SMITH +",
        ",Anna,SMITH (Est. of)",
        ",ANNA (D),Smith",
        ",ANNADECEASED,Smith",
        ",Anna Dec,Smith",
        "RIP,Anna,Smith",
        "Late Mr,Anna,Smith",
        "Dead,Anna,Smith",
    ];
    let rows: Vec<String> = dead
        .iter()
        .map(|names| format!("{names},01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,"))
        .collect();
    let file = file_of(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let report = FileReport(&file).to_string();
    assert_eq!(file.survey.excluded, dead.len() as u64, "{report}");
    let file = file_of(&[
        ",Dec,Donnelly,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        ",Rip,Nowak-Dec,01/01/1940,1 Dead Lane,,Leeds,,LS6 3AA,,",
    ]);
    assert_eq!(file.survey.excluded, 0);
}

#[test]
fn dates_and_words_of_death_in_addresses_and_telephones_stop_the_row() {
    let file = file_of(&[
        ",Ann,Smith,01/01/1940,Died 3/2020,,Leeds,,LS6 3AA,,",
        ",Ann,Smith,01/01/1940,Patient died,,Leeds,,LS6 3AA,,",
        ",Ann,Smith,01/01/1940,Late of 1 Mill Lane,,Leeds,,LS6 3AA,,",
        ",Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,died 2020,",
        ",Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,RIP 2021,",
        ",Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,d. 2020 passed away",
    ]);
    assert_eq!(file.survey.excluded, 6, "{}", FileReport(&file));
}

#[test]
fn a_name_with_lost_letters_is_rejected_and_one_with_accents_is_not() {
    let stopped = stopped(file_of(&[
        ",Si\u{c3}\u{a2}n,Hughes,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        ",Elen,O\u{e2}\u{20ac}\u{2122}Brien,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        ",Zo\u{bf},Hughes,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        ",Si?n,Hughes,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
        ",Si\u{e2}n,O\u{2019}Brien,01/01/1940,1 Mill Lane,,Leeds,,LS6 3AA,,",
    ]));
    let rejected: Vec<(u64, Reason)> = stopped.into_iter().collect();
    let bad = Reason::BadName;
    assert_eq!(rejected, [(2, bad), (3, bad), (4, bad), (5, bad)]);
}
