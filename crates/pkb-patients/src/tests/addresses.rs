//! What becomes of addresses.

use super::*;

#[test]
fn the_town_below_an_unknown_address_is_not_a_street() {
    let kept_back = kept_back(file_of(&[
        "Ms,Ann,Smith,01/01/1940,UNKNOWN,,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,,Not known,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,NULL,,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,NULL,1 Mill Lane,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,1 Mill Lane,Not known,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,GONE AWAY,1 Mill Lane,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,1 Mill Lane (moved),,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,England,,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,,,Leeds,,LS6 3AA,,",
    ]));
    assert_eq!(
        kept_back.into_keys().collect::<Vec<_>>(),
        [2, 3, 4, 7, 8, 9, 10]
    );
}

#[test]
fn a_foreign_address_creates_the_record_and_keeps_the_letter_back() {
    let file = fixture("foreign-countries.csv");
    assert_eq!(file.survey.good, 21);
    let report = FileReport(&file).to_string();
    assert!(
        report.contains("No letter: the record is created"),
        "{report}"
    );
    assert!(
        report.contains("names a country outside the UK, but the postcode is a UK postcode"),
        "{report}"
    );
    let posted: Vec<u64> = vec![6, 7, 8, 9, 13, 17];
    let kept_back = kept_back(fixture("foreign-countries.csv"));
    let expected: Vec<u64> = (2..=22).filter(|row| !posted.contains(row)).collect();
    assert_eq!(kept_back.keys().copied().collect::<Vec<_>>(), expected);
    let dublin = records(file).into_iter().next().unwrap().patient.unwrap();
    assert!(dublin.postcode.is_none());
    assert_eq!(dublin.no_letter, Some(NoLetter::Postcode));
}

#[test]
fn addresses_that_gov_uk_notify_refuses_create_their_records() {
    let file = fixture("addresses-for-notify.csv");
    // `<unknown>` is no name.
    assert_eq!(
        stopped(fixture("addresses-for-notify.csv"))
            .into_keys()
            .collect::<Vec<_>>(),
        [21]
    );
    let kept_back = kept_back(file);
    // NFA, No Fixed Address, England, Georgia, Ireland, and postcodes that are none.
    let expected = [10, 11, 12, 14, 16, 22, 24, 25, 36, 37, 38, 39, 40, 45];
    let missing: Vec<u64> = expected
        .into_iter()
        .filter(|row| !kept_back.contains_key(row))
        .collect();
    assert_eq!(
        (kept_back.keys().copied().collect::<Vec<_>>(), missing),
        (expected.to_vec(), vec![])
    );
}

#[test]
fn what_is_certain_is_normalised_and_counted() {
    let file = file_of(&[
        "Ms,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,ls63aa,7700900123,",
        "Ms,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6  3AA,07700\u{2212}900\u{2011}123,",
        "Ms,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,L S 6 3 A A,+4407700900123,",
        "Ms,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,ls6-3aa,07700.900.123,",
        "Ms,An\u{200e}n,Smi\u{200b}th,01/01/1940,1 Mill\u{2028}Lane,,Leeds,,LS6.3AA,\u{202d}07700 900123\u{202c},",
        "Ms,Ann,Smith,01\u{2011}01\u{2011}1940,1 Mill Lane,,St Helier,Jersey,JE2 3AB,07700\u{a0}900123,01534 496012",
        "Ms,Ann,Smith,01/01/1940,1 Rgt Example,,BFPO 57,,,07700 900123,",
    ]);
    assert_eq!(file.survey.good, 7);
    let report = FileReport(&file).to_string();
    assert!(
        report.contains(
            "normalised: 2 names, 1 date of birth, 1 address line, 5 postcodes, 6 phone numbers\n"
        ),
        "{report}"
    );
    let records = records(file);
    for (at, record) in records.iter().enumerate() {
        let patient = record.patient.as_ref().unwrap();
        assert_eq!(
            patient.mobile.as_ref().unwrap().expose_e164(),
            "+447700900123",
            "{at}"
        );
        assert_eq!(patient.expose_full_name(), "Ms Ann Smith");
        assert!(pkb_postal::lines(patient, false).is_ok(), "{at}");
        if at < 5 {
            let code = patient.postcode.as_ref().map(Postcode::expose_postcode);
            assert_eq!(code, Some("LS6 3AA"));
        }
    }
    let lines = &records[4].patient.as_ref().unwrap().address;
    assert_eq!(lines[0].expose_line(), "1 Mill");
    assert_eq!(lines[1].expose_line(), "Lane");
}

#[test]
fn separators_of_lines_part_an_address_and_are_spaces_in_a_name_incident_39() {
    for separator in ['\u{2028}', '\u{2029}', '\u{85}', '\u{b}', '\u{c}', '\u{1c}'] {
        let cells = format!(
            "Ms,Ann{separator}Mary,Smith,01/01/1940,1 Mill Lane{separator}Headingley,,Leeds,,LS6 3AA,,"
        );
        let records = records(file_of(&[&cells]));
        let patient = records[0].patient.as_ref().unwrap();
        assert_eq!(patient.first_name.expose_name(), "Ann Mary");
        assert_eq!(patient.address.len(), 3, "{separator:?}");
        let line = serde_json::to_string(&records[0]).unwrap();
        assert!(!line.contains(separator) && line.lines().count() == 1);
    }
}

#[test]
fn more_than_five_lines_are_joined_above_the_town_or_kept_from_the_letter() {
    let header = "NHS number,First name,Last name,Date of birth,Address 1,Address 2,Address 3,Address 4,Address 5,Town,County,Post code";
    let file = with_header(
        header,
        &[
            "9997000005,Ann,Smith,01/01/1940,Flat 1,Rose Court,2 Mill Lane,Byker,Tyneside,Newcastle,Tyne and Wear,NE1 4ST",
            "9997000013,Ann,Smith,01/01/1940,The Very Long Name of a House That Goes On,The Second Very Long Line of an Address,The Third Very Long Line of an Address,The Fourth Very Long Line of an Address,,Newcastle,,NE1 4ST",
            "9997000021,Ann,Smith,01/01/1940,The Very Long Name of a House That Goes On,The Second Very Long Line of an Address,The Third Very Long Line of an Address,The Fourth Very Long Line of an Address,5 Mill Lane,Newcastle,,NE1 4ST",
        ],
    );
    assert_eq!(file.survey.good, 3);
    let records = records(file);
    let patient = records[0].patient.as_ref().unwrap();
    let lines: Vec<&str> = patient
        .address
        .iter()
        .map(|line| line.expose_line())
        .collect();
    assert_eq!(
        lines,
        [
            "Flat 1, Rose Court",
            "2 Mill Lane",
            "Byker, Tyneside",
            "Newcastle",
            "Tyne and Wear"
        ]
    );
    assert_eq!((patient.town_line, patient.county_line), (Some(3), Some(4)));
    let no_letter = |at: usize| records[at].patient.as_ref().unwrap().no_letter;
    assert_eq!(
        (no_letter(1), no_letter(2)),
        (None, Some(NoLetter::Address))
    );
    assert_eq!(records[2].patient.as_ref().unwrap().address.len(), 6);
}

#[test]
fn a_line_of_an_address_that_cannot_be_read_keeps_the_record() {
    let file = file_of(&[
        "Ms,Ann,Smith,01/01/1940,1 Mill\u{202e} Lane,,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,#REF!,,Leeds,,LS6 3AA,,",
        "Ms,Ann,Smith,01/01/1940,1 Mill Lane,,Leeds,,LS6 3A,,",
    ]);
    assert_eq!(file.survey.good, 3);
    let records = records(file);
    let reasons: Vec<_> = records
        .iter()
        .map(|record| record.patient.as_ref().unwrap().no_letter)
        .collect();
    use NoLetter::*;
    assert_eq!(reasons, [Some(Address), Some(Address), Some(Postcode)]);
}

#[test]
fn a_prison_is_said_and_a_letter_goes_there() {
    let file = file_of(&[
        "Mr,Ann,Smith,01/01/1940,HMP Durham,Old Elvet,Durham,,DH1 3HU,,",
        "Mr,Ann,Smith,01/01/1940,H.M. Prison,Old Elvet,Durham,,DH1 3HU,,",
        "Mr,Ann,Smith,01/01/1940,1 Prison Lane,,Durham,,DH1 3HU,,",
    ]);
    let report = FileReport(&file).to_string();
    assert!(
        report.contains("Address 1 names a prison (rows 2, 3)"),
        "{report}"
    );
}

#[test]
fn cells_that_are_no_street_keep_the_letter_back_and_the_check_says_so() {
    let no_street = [
        "As above",
        "ditto",
        "See notes",
        "Flat 2",
        "12",
        "Leeds",
        "LS6 3AA",
        "West Yorkshire",
        "07700 900000",
        "a@b.example",
        "Smith",
    ];
    let rows: Vec<String> = no_street
        .iter()
        .map(|street| format!(",Ann,Smith,01/01/1940,{street},,Leeds,,LS6 3AA,,"))
        .collect();
    let file = file_of(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let report = FileReport(&file).to_string();
    assert!(report.contains("11  the address has no street"), "{report}");
    let kept = kept_back(file);
    assert_eq!(kept.len(), no_street.len(), "{kept:?}");
}

#[test]
fn the_number_of_a_house_without_a_street_keeps_the_letter_back() {
    let header = "NHS number,First name,Last name,Date of birth,House number,House name,Street,Town,Postcode";
    let file = with_header(
        header,
        &[
            "9997000005,Ann,Smith,01/01/1940,12,,,Leeds,LS6 3AA",
            "9997000013,Ann,Jones,01/01/1940,,Rose Villa,,Leeds,LS6 3AA",
            "9997000021,Ann,Evans,01/01/1940,12,,Mill Lane,Leeds,LS6 3AA",
            "9997000048,Ann,Hughes,01/01/1940,12,,Leeds,Leeds,LS6 3AA",
        ],
    );
    let kept: Vec<u64> = kept_back(file).into_keys().collect();
    assert_eq!(kept, [2, 5]);
}
