//! What the columns of patient systems come to: who is dead, who must not be written to, and in which order the lines of an
//! address are.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// How a dry run ended.
struct Ended {
    records: Vec<Value>,
    messages: String,
    code: i32,
}

impl Ended {
    /// The record of each row without the rest of what is in it.
    fn each(&self, of_record: impl Fn(&Value) -> Value) -> Vec<Value> {
        self.records.iter().map(of_record).collect()
    }

    fn reasons(&self) -> Vec<&str> {
        let records = self.records.iter();
        records
            .map(|record| record["outcome"]["reason"].as_str().unwrap_or("-"))
            .collect()
    }

    fn deceased(&self) -> Vec<bool> {
        let records = self.records.iter();
        records
            .map(|record| record["patient"]["deceased"] == json!(true))
            .collect()
    }

    fn addresses(&self) -> Vec<Value> {
        self.each(|record| record["patient"]["address"].clone())
    }
}

fn dry_run(folder: &Path, arguments: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_pkb-upload"))
        .args(arguments)
        .arg("--dry-run")
        .current_dir(folder)
        .env("PKB_FIXED_TIME", "2026-11-22T09:00:00Z")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let records = String::from_utf8(output.stdout).unwrap();
    Ended {
        records: records
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        messages: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// A file of the fixtures.
fn fixture(arguments: &[&str]) -> Ended {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/patient-files");
    dry_run(&files, arguments)
}

/// A file with these lines, and a mapping.
fn file(lines: &str, mapping: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("patients.csv"), lines).unwrap();
    std::fs::write(folder.path().join("columns.toml"), mapping).unwrap();
    dry_run(folder.path(), &["patients.csv", "--map", "columns.toml"])
}

const NUMBERS: [&str; 10] = [
    "9997000005",
    "9997000013",
    "9997000021",
    "9997000048",
    "9997000056",
    "9997000064",
    "9997000072",
    "9997000080",
    "9997000099",
    "9997000110",
];

/// A file with these columns behind those that are needed, and a row for each list of cells.
fn with_columns(headers: &str, rows: &[&str]) -> String {
    let needed = "NHS number,First name,Last name,Date of birth";
    let rows = rows.iter().zip(NUMBERS).enumerate();
    let rows = rows.map(|(at, (cells, number))| {
        format!(
            "{number},Anna{},Archer,01/06/1940,{cells}\n",
            "n".repeat(at)
        )
    });
    format!("{needed},{headers}\n{}", rows.collect::<String>())
}

#[test]
fn a_lorenzo_export_has_its_dead_found_with_and_without_a_mapping() {
    for arguments in [
        &["lorenzo-deceased-columns.csv"][..],
        &["lorenzo-deceased-columns.csv", "--map", "lorenzo-map.toml"],
    ] {
        let ended = fixture(arguments);
        assert_eq!(ended.code, 65, "{}", ended.messages);
        assert_eq!(
            ended.reasons(),
            ["-", "-", "-", "-", "-", "unclear_flag", "-", "-"]
        );
        // DECEASED_IND Y in row 5; in row 6 it is N, and DEATH_DTTM has a date.
        assert_eq!(
            ended.deceased(),
            [false, false, false, true, true, false, false, false]
        );
        assert!(
            ended
                .messages
                .contains("column S \"DECEASED_IND\" has a value that is not understood"),
            "{}",
            ended.messages
        );
        assert!(ended.records[5]["patient"].is_null());
        assert_eq!(ended.records[0]["patient"]["nhs_number_status"], "01");
        assert_eq!(
            ended.records[0]["patient"]["address"],
            json!([
                "1 MILL LANE",
                "JESMOND",
                "NEWCASTLE UPON TYNE",
                "TYNE AND WEAR"
            ])
        );
    }
}

#[test]
fn a_millennium_export_is_read_by_its_own_headers() {
    let ended = fixture(&["cerner-headers.csv"]);
    assert_eq!(ended.code, 0, "{}", ended.messages);
    for record in &ended.records {
        let patient = &record["patient"];
        assert_eq!(patient["first_name"], "Anna");
        assert_eq!(patient["last_name"], "Smith");
        assert_eq!(patient["date_of_birth"], "1961-03-05");
        assert_eq!(patient["address"], json!(["1 Mill", "Leeds"]));
        assert_eq!(patient["postcode"], "LS1 1AA");
    }
}

#[test]
fn addresses_of_general_practice_systems_have_their_street() {
    for (name, first) in [
        ("emis-address-columns.csv", "Flat 2"),
        ("systmone-address-columns.csv", "Rose Villa"),
    ] {
        let ended = fixture(&[name]);
        assert_eq!(ended.code, 0, "{}", ended.messages);
        let lines = json!([first, "1 Mill Lane", "Heaton", "Newcastle upon Tyne"]);
        assert_eq!(ended.addresses(), [lines.clone(), lines.clone(), lines]);
        assert_eq!(ended.records[0]["patient"]["town_line"], 3);
    }
    let tables = file(
        &with_columns(
            "NameOfBuilding,NumberOfBuilding,NameOfRoad,NameOfLocality,NameOfTown,FullPostcode",
            &[
                "Rose Villa,1,Mill Lane,Heaton,Leeds,LS1 1AA",
                ",12a,Mill Lane,,Leeds,LS1 1AA",
                ",7,7 Mill Lane,,Leeds,LS1 1AA",
                "Rose Villa,,,Heaton,Leeds,LS1 1AA",
            ],
        ),
        "",
    );
    assert_eq!(
        tables.addresses(),
        [
            json!(["Rose Villa", "1 Mill Lane", "Heaton", "Leeds"]),
            json!(["12a Mill Lane", "Leeds"]),
            json!(["7 Mill Lane", "Leeds"]),
            json!(["Rose Villa", "Heaton", "Leeds"]),
        ]
    );
    let numbers = file(
        &with_columns(
            "House Name Flat Number,Number and Street,Town,Postcode",
            &["2,1 Mill Lane,Leeds,LS1 1AA", "2,Mill Lane,Leeds,LS1 1AA"],
        ),
        "",
    );
    assert_eq!(
        numbers.addresses(),
        [
            json!(["Flat 2", "1 Mill Lane", "Leeds"]),
            json!(["2 Mill Lane", "Leeds"]),
        ]
    );
}

#[test]
fn an_address_in_one_column_is_taken_apart_and_its_postcode_compared() {
    let ended = fixture(&["full-address-column.csv"]);
    assert_eq!(ended.code, 0, "{}", ended.messages);
    let lines = json!(["1 Mill Lane", "Heaton", "Newcastle upon Tyne"]);
    assert_eq!(ended.addresses(), [lines.clone(), lines.clone(), lines]);
    assert_eq!(ended.records[0]["patient"]["postcode"], "NE1 4ST");

    let ended = file(
        &with_columns(
            "Full Address,Town,Postcode",
            &[
                "\"1 Mill Lane; Heaton; Leeds\",LEEDS,LS1 1AA",
                "\"1 Mill Lane\nHeaton\",Leeds,LS1 1AA",
                "\"1 Mill Lane, Leeds LS1 1AB\",,LS1 1AA",
                "\"1 Mill Lane, Leeds, ls11aa\",,",
            ],
        ),
        "",
    );
    assert_eq!(
        ended.addresses(),
        [
            json!(["1 Mill Lane", "Heaton", "Leeds"]),
            json!(["1 Mill Lane", "Heaton", "Leeds"]),
            Value::Null,
            json!(["1 Mill Lane", "Leeds"]),
        ]
    );
    let codes = ended.each(|record| record["patient"]["postcode"].clone());
    assert_eq!(
        codes,
        [
            json!("LS1 1AA"),
            json!("LS1 1AA"),
            Value::Null,
            json!("LS1 1AA")
        ]
    );
    assert!(
        ended.messages.contains("both are left out"),
        "{}",
        ended.messages
    );
}

#[test]
fn a_file_with_towns_and_no_street_goes_no_further_until_it_is_said_otherwise() {
    let lines = with_columns("STRASSE,Town,Post code", &["1 Mill Lane,Leeds,LS1 1AA"]);
    let refused = file(&lines, "");
    assert_eq!((refused.code, refused.records.len()), (65, 0));
    for part in [
        "no column has the house and street, though there is column F \"Town\" and column G \"Post code\"",
        "--no-street",
    ] {
        assert!(refused.messages.contains(part), "{}", refused.messages);
    }
    let mapped = file(&lines, "[columns]\nstreet = \"STRASSE\"");
    assert_eq!(mapped.addresses(), [json!(["1 Mill Lane", "Leeds"])]);

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("patients.csv"), &lines).unwrap();
    let without = dry_run(folder.path(), &["patients.csv", "--no-street"]);
    assert_eq!(without.code, 0, "{}", without.messages);
}

#[test]
fn an_unknown_column_of_deaths_stops_the_file_until_mapped_or_ignored() {
    let lines = with_columns("PAT_DEATH_NOTED", &["N", "Y"]);
    let refused = file(&lines, "");
    assert_eq!((refused.code, refused.records.len()), (65, 0));
    assert!(
        refused
            .messages
            .contains("1 column is not used, and may say who must not be written to: column E \"PAT_DEATH_NOTED\" (about death)"),
        "{}",
        refused.messages
    );
    let mapped = file(&lines, "[columns]\ndeceased = \"PAT_DEATH_NOTED\"");
    assert_eq!(mapped.deceased(), [false, true]);
    let ignored = file(&lines, "ignore = [\"PAT_DEATH_NOTED\"]");
    assert_eq!(ignored.deceased(), [false, false]);
    assert!(
        ignored
            .messages
            .contains("skipped by your mapping: column E"),
        "{}",
        ignored.messages
    );
}

#[test]
fn any_of_several_columns_that_says_dead_is_believed() {
    let ended = file(
        &with_columns(
            "Deceased Y/N,Date of Death,ReasonForRemoval,Patient status",
            &[
                "N,,,Regular",
                "N,01/02/2024 10:22,,",
                "N,,DEA,",
                ",,,Deceased",
                "9,2014,,",
                "9,,,",
                "N,01/01/1900,,",
                ",01/01/1900,,",
                "N,00/00/0000,,",
            ],
        ),
        "",
    );
    assert_eq!(
        ended.deceased(),
        [false, true, true, true, true, false, false, false, false]
    );
    assert_eq!(
        ended.reasons(),
        [
            "-",
            "-",
            "-",
            "-",
            "-",
            "unclear_flag",
            "-",
            "unclear_flag",
            "-"
        ]
    );
    for part in [
        "says alive, but a different column says dead",
        "has a date that means no date",
    ] {
        assert!(ended.messages.contains(part), "{}", ended.messages);
    }
}

#[test]
fn the_operator_says_what_a_word_means_in_a_column() {
    let ended = file(
        &with_columns("Dec'd", &["9", "L8", "N"]),
        "[values.\"Dec'd\"]\nno = [\"9\"]\nyes = [\"L8\"]",
    );
    assert_eq!(ended.deceased(), [false, true, false]);
    assert_eq!(ended.code, 0, "{}", ended.messages);
}

#[test]
fn nobody_is_uploaded_who_is_sensitive_unwilling_or_has_moved() {
    let ended = file(
        &with_columns(
            "S flag,Do not contact,Consent,Reason for removal,Deducted date",
            &[
                "N,N,Y,,",
                "S,N,Y,,",
                "N,Y,Y,,",
                "N,N,N,,",
                "N,N,Y,EMB,01/02/2024",
                "N,N,Y,RPR,01/02/2024",
                "N,N,Y,,01/02/2024",
                "7,N,Y,,",
                "N,N,not asked,,",
                "N,N,Y,XYZ,",
            ],
        ),
        "",
    );
    assert_eq!(
        ended.reasons(),
        [
            "-",
            "sensitive",
            "do_not_contact",
            "do_not_contact",
            "removed",
            "-",
            "removed",
            "unclear_flag",
            "unclear_flag",
            "unclear_flag"
        ]
    );
    for record in ended
        .records
        .iter()
        .filter(|record| !record["outcome"].is_null())
    {
        assert!(
            record["patient"].is_null() && record["upload"].is_null(),
            "{record}"
        );
        assert_eq!(record["outcome"]["stage"], "upload");
    }
    assert_eq!(ended.records[1]["outcome"]["kind"], "excluded");
    assert_eq!(ended.records[5]["patient"]["removal_reason"], "RPR");
    assert_eq!(ended.code, 65, "three rows are rejected");
}

#[test]
fn rows_that_are_only_excluded_are_done() {
    let ended = file(&with_columns("Sensitive", &["N", "Y"]), "");
    assert_eq!(ended.reasons(), ["-", "sensitive"]);
    assert_eq!(ended.code, 0, "{}", ended.messages);
    assert!(ended.messages.contains("1  excluded"), "{}", ended.messages);
    assert!(!ended.messages.contains("rejected"), "{}", ended.messages);
}

#[test]
fn the_first_filled_telephone_column_counts_if_the_mapping_orders_them_incident_10() {
    let lines = with_columns(
        "Mobile,Mobile Tel",
        &[
            "07700 900001,",
            ",07700 900002",
            "07700 900003,07700 900004",
        ],
    );
    let refused = file(&lines, "");
    assert_eq!(refused.code, 66, "{}", refused.messages);
    assert!(
        refused
            .messages
            .contains("\"Mobile\" and column F \"Mobile Tel\" mean Mobile")
    );
    let ordered = file(&lines, "[columns]\nmobile = [\"Mobile\", \"Mobile Tel\"]");
    let mobiles = ordered.each(|record| record["patient"]["mobile"].clone());
    assert_eq!(mobiles, ["+447700900001", "+447700900002", "+447700900003"]);
}

#[test]
fn columns_that_are_not_used_are_named_with_what_to_do() {
    let ended = file(
        &with_columns(
            "Address 1,Town,Ward,ADDR_LINE_6",
            &["1 Mill Lane,Leeds,7B,x"],
        ),
        "",
    );
    for part in [
        "not used, though the header looks like a line of the address: column H \"ADDR_LINE_6\"",
        "not used: column G \"Ward\"",
    ] {
        assert!(ended.messages.contains(part), "{}", ended.messages);
    }
}

#[test]
fn a_row_with_death_in_its_notes_stops_until_the_column_is_mapped() {
    let lines = with_columns(
        "Notes",
        &["", "patient died 3/2/14", "studied in Ripon", "DECEASED"],
    );
    let stopped = file(&lines, "");
    assert_eq!(
        stopped.reasons(),
        ["-", "unclear_flag", "-", "unclear_flag"]
    );
    assert!(
        stopped
            .messages
            .contains("column E \"Notes\" has a word that means death"),
        "{}",
        stopped.messages
    );
    assert!(
        stopped.messages.contains("  searched_text = [\"Notes\"]\n"),
        "{}",
        stopped.messages
    );
    let mapped = file(&lines, "[columns]\nsearched_text = \"Notes\"");
    assert_eq!(mapped.deceased(), [false, true, false, true]);
    assert_eq!(mapped.reasons(), ["-"; 4], "{}", mapped.messages);
    assert_eq!(file(&lines, "ignore = [\"Notes\"]").reasons(), ["-"; 4]);
}

#[test]
fn further_systems_are_read_right() {
    let epic = file(
        "PAT_MRN_ID,NHS Number,PAT_LAST_NAME,PAT_FIRST_NAME,BIRTH_DATE,ADD_LINE_1,ADD_LINE_2,CITY,ZIP,DEATH_DATE,PAT_STATUS\n\
         1,9997000005,Archer,Anna,1940-06-01 00:00:00,1 Mill Lane,Heaton,Leeds,LS1 1AA,,Alive\n\
         2,9997000013,Archer,Bryn,1940-06-01 00:00:00,2 Mill Lane,,Leeds,LS1 1AA,2024-03-01 10:22:00,Deceased\n\
         3,9997000021,Archer,Carol,1940-06-01 00:00:00,3 Mill Lane,,Leeds,LS1 1AA,,Deceased\n",
        "",
    );
    assert_eq!(epic.deceased(), [false, true, true], "{}", epic.messages);
    assert_eq!(
        epic.addresses()[0],
        json!(["1 Mill Lane", "Heaton", "Leeds"])
    );

    let trakcare = file(
        "PAPMI_No,PAPER_NHSNumber,PAPMI_Name,PAPMI_Name2,PAPMI_DOB,PAPER_StNameLine1,CTCIT_Desc,CTZIP_Code,PAPMI_Deceased,PAPMI_Deceased_Date\n\
         1,9997000005,Archer,Anna,01/06/1940,1 Mill Lane,Leeds,LS1 1AA,N,\n\
         2,9997000013,Archer,Bryn,01/06/1940,2 Mill Lane,Leeds,LS1 1AA,,31/12/1840\n\
         3,9997000021,Archer,Carol,01/06/1940,3 Mill Lane,Leeds,LS1 1AA,N,31/12/1840\n\
         4,9997000048,Archer,David,01/06/1940,4 Mill Lane,Leeds,LS1 1AA,Y,\n",
        "",
    );
    assert_eq!(trakcare.deceased(), [false, false, false, true]);
    assert_eq!(trakcare.reasons(), ["-", "unclear_flag", "-", "-"]);
    assert_eq!(trakcare.records[0]["patient"]["first_name"], "Anna");

    let wales = file(
        "NHS No,CRN,Surname,Forename,Birth Date,Address1,Address2,Address3,Post Code,Death Status,Date Dec'd\n\
         9997000005,A1,Archer,Anna,01/06/1940,1 Mill Lane,Heaton,Leeds,LS1 1AA,0,\n\
         9997000013,A2,Archer,Bryn,01/06/1940,2 Mill Lane,,Leeds,LS1 1AA,2,\n\
         9997000021,A3,Archer,Carol,01/06/1940,3 Mill Lane,,Leeds,LS1 1AA,,Dec'd 2014\n",
        "",
    );
    assert_eq!(wales.deceased(), [false, true, true], "{}", wales.messages);
}

/// Rows with these cells in the only column that says who has died.
fn deaths_by(header: &str, cells: &[&str]) -> Ended {
    file(&with_columns(header, cells), "")
}

#[test]
fn yes_in_a_column_that_asks_who_is_alive_never_means_dead() {
    for header in [
        "Alive",
        "Is alive?",
        "Living",
        "Still living?",
        "Patient Alive",
        "ALIVE_IND",
        "Alive Y/N",
    ] {
        let ended = deaths_by(
            header,
            &[
                "Y",
                "yes",
                "1",
                "N",
                "No",
                "0",
                "2",
                "Deceased",
                "01/02/2020",
            ],
        );
        assert_eq!(
            ended.deceased(),
            [false, false, false, true, true, true, false, true, false],
            "{header}: {}",
            ended.messages
        );
        let reasons = ended.reasons();
        assert_eq!([reasons[6], reasons[8]], ["unclear_flag"; 2], "{header}");
    }
}

#[test]
fn yes_does_not_answer_whether_somebody_is_alive_or_dead() {
    for header in [
        "Living status",
        "Alive or dead",
        "Alive or dead Y/N",
        "Alive/deceased",
        "PAT_LIVING_STAT_C",
        "Vital status",
        "Dead/alive",
        "LIFE_STATUS_CD",
    ] {
        let ended = deaths_by(
            header,
            &["Y", "N", "1", "2", "0", "A", "D", "Living", "Dead"],
        );
        let unclear = ["unclear_flag"; 5].into_iter().chain(["-"; 4]);
        assert_eq!(ended.reasons(), unclear.collect::<Vec<_>>(), "{header}");
        let dead = [false, true, false, true];
        assert_eq!(ended.deceased()[5..], dead, "{header}: {}", ended.messages);
    }
    let lines = with_columns("Living status", &["Y", "N"]);
    let said = file(
        &lines,
        "[values.\"Living status\"]\nalive = [\"Y\"]\ndead = [\"N\"]",
    );
    assert_eq!(said.deceased(), [false, true], "{}", said.messages);
    assert_eq!(said.code, 0, "{}", said.messages);
    let refused = file(
        &lines,
        "[values.\"Living status\"]\nyes = [\"Y\"]\nno = [\"N\"]",
    );
    assert_eq!((refused.code, refused.records.len()), (66, 0));
    assert!(
        refused.messages.contains("dead = [\"…\"] and alive"),
        "{}",
        refused.messages
    );
}

#[test]
fn the_operators_yes_in_a_column_that_asks_who_is_alive_means_alive() {
    let lines = with_columns("Alive", &["9", "7", "Y"]);
    let said = file(&lines, "[values.Alive]\nyes = [\"9\"]\nno = [\"7\"]");
    assert_eq!(said.deceased(), [false, true, false], "{}", said.messages);
}

#[test]
fn a_mapping_that_reads_the_living_as_dead_is_refused_with_the_right_one() {
    for (header, wrong, right) in [
        ("Alive", "deceased", "alive"),
        ("Is pt still alive", "deceased", "alive"),
        ("Alive or RIP", "deceased", "life_status"),
        ("Dead", "alive", "deceased"),
    ] {
        let lines = with_columns(header, &["Y", "N"]);
        let refused = file(&lines, &format!("[columns]\n{wrong} = [\"{header}\"]"));
        assert_eq!((refused.code, refused.records.len()), (66, 0), "{header}");
        let use_this = format!("Use: [columns] {right} = [\"{header}\"]");
        assert!(refused.messages.contains(&use_this), "{}", refused.messages);
    }
    let lines = with_columns("Is pt still alive", &["Y", "N"]);
    let refused = file(&lines, "");
    assert!(
        refused
            .messages
            .contains("    alive = [\"Is pt still alive\"]"),
        "{}",
        refused.messages
    );
    let mapped = file(&lines, "[columns]\nalive = [\"Is pt still alive\"]");
    assert_eq!(mapped.deceased(), [false, true], "{}", mapped.messages);
}

/// So many patients: their numbers, names and dates of birth, with a comma at the end.
fn patients(rows: u32) -> impl Iterator<Item = String> {
    let row = |at: u32| {
        let nine = format!("99970{at:04}");
        let sum: u32 = (2..=10)
            .rev()
            .zip(nine.bytes())
            .map(|(weight, digit)| weight * u32::from(digit - b'0'))
            .sum();
        let check = (11 - sum % 11) % 11;
        (check < 10).then(|| format!("{nine}{check},Anna,Archer,01/06/1940,"))
    };
    (1..).filter_map(row).take(rows as usize)
}

/// A file of so many patients, of whom the first `dead` have Y.
fn of_many(rows: u32, dead: u32) -> String {
    let rows = patients(rows).enumerate();
    let rows =
        rows.map(|(at, row)| format!("{row}{}\n", if at < dead as usize { "Y" } else { "N" }));
    format!(
        "NHS number,First name,Last name,Date of birth,Deceased\n{}",
        rows.collect::<String>()
    )
}

#[test]
fn a_column_that_calls_more_than_a_fifth_dead_stops_the_file_until_that_is_said_to_be_right() {
    let refused = file(&of_many(20, 19), "");
    assert_eq!(
        (refused.code, refused.records.len()),
        (65, 0),
        "{}",
        refused.messages
    );
    for part in [
        "column E \"Deceased\" says of 19 of 20 patients",
        "rows 2, 3, 4, 5, 6, …",
        "many_dead = [\"Deceased\"]",
    ] {
        assert!(refused.messages.contains(part), "{}", refused.messages);
    }
    let right = file(&of_many(20, 19), "many_dead = [\"Deceased\"]");
    assert_eq!(right.records.len(), 20, "{}", right.messages);
    let turned = file(
        &of_many(20, 19),
        "[values.Deceased]\nalive = [\"Y\"]\ndead = [\"N\"]",
    );
    assert_eq!(
        turned.deceased().iter().filter(|dead| **dead).count(),
        1,
        "{}",
        turned.messages
    );
    for (rows, dead) in [(20, 4), (19, 19), (100, 20)] {
        assert_eq!(file(&of_many(rows, dead), "").records.len(), rows as usize);
    }
}

#[test]
fn a_status_is_of_the_living_only_if_it_is_listed() {
    let dead = [
        "Expired",
        "Passed away",
        "Not alive",
        "no longer alive",
        "Not living",
        "Demised",
        "Late",
        "DOD 01/02/2020",
        "Patient is no more",
        "Inactive - Death",
    ];
    let ended = deaths_by("Patient status", &dead);
    assert_eq!(ended.deceased(), [true; 10], "{}", ended.messages);
    let alive = [
        "Active",
        "Regular",
        "GMS",
        "Alive",
        "",
        "Temporary Resident",
        "Day case",
        "N/A",
    ];
    let ended = deaths_by("Registration status", &alive);
    assert_eq!(ended.reasons(), ["-"; 8], "{}", ended.messages);
    assert_eq!(ended.deceased(), [false; 8]);
    let unclear = [
        "2",
        "D",
        "Inactive",
        "Archived",
        "Deceased?",
        "Not known to be dead",
        "Canary",
        "3",
        "X",
    ];
    let ended = deaths_by("PAT_STATUS_C", &unclear);
    assert_eq!(ended.reasons(), ["unclear_flag"; 9], "{}", ended.messages);
}

#[test]
fn each_status_that_is_not_understood_is_named_once_and_no_name_is_shown() {
    let ended = deaths_by(
        "PAT_STATUS_C",
        &["1", "1", "2", "2", "Inactive", "Canary", "1"],
    );
    for part in [
        "found: \"1\" (row 2), \"2\" (row 4), \"Inactive\" (row 6), \"Xxxxxx\" (row 7)",
        "[values.\"PAT_STATUS_C\"]",
        "alive = [\"…\"]",
    ] {
        assert!(ended.messages.contains(part), "{part}: {}", ended.messages);
    }
    assert!(!ended.messages.contains("Canary"), "{}", ended.messages);
    let lines = with_columns("PAT_STATUS_C", &["1", "2"]);
    let said = file(
        &lines,
        "[values.\"PAT_STATUS_C\"]\nalive = [\"1\"]\ndead = [\"2\"]",
    );
    assert_eq!(said.deceased(), [false, true], "{}", said.messages);
}

#[test]
fn a_note_of_a_death_or_against_contact_stops_the_row_whatever_its_words() {
    for notes in [
        [
            "pt passed away 3/3/21",
            "RIP",
            "wife says he died last year",
            "no longer with us",
            "† 2021",
            "Expired on ward",
            "Patient demised",
            "pt dcd",
            "told by husband died 3/3",
            "Husband: died 3/3",
        ],
        [
            "Do not contact patient",
            "DO NOT SEND LETTERS",
            "domestic violence - no post to home",
            "Domestic abuse",
            "Opted out",
            "Bu farw 2020",
            "DEC'D",
            "wife is well; pt dead",
            "not alive",
            "Safeguarding",
        ],
    ] {
        for header in ["Notes", "Alert", "GP comments", "Ward note"] {
            let ended = deaths_by(header, &notes);
            assert_eq!(
                ended.reasons(),
                ["unclear_flag"; 10],
                "{header}: {}",
                ended.messages
            );
        }
    }
    let lines = with_columns(
        "Notes",
        &[
            "pt passed away 3/3/21",
            "DO NOT SEND LETTERS",
            "well",
            "not known to have died",
        ],
    );
    let mapped = file(&lines, "[columns]\nsearched_text = [\"Notes\"]");
    assert_eq!(
        mapped.reasons(),
        ["-", "do_not_contact", "-", "unclear_flag"],
        "{}",
        mapped.messages
    );
    assert_eq!(mapped.deceased(), [true, false, false, false]);
}

#[test]
fn a_death_in_the_family_or_a_dead_tooth_is_no_death_of_the_patient() {
    let notes = [
        "\"mother died 2019, lives with dad\"",
        "dead tooth",
        "near-death experience",
        "husband deceased",
        "allergic: RIP cream",
        "brain dead tired",
        "late husband",
        "His late wife has died",
        "Seen after death of her husband",
        "pt's wife died",
    ];
    let ended = deaths_by("Comments", &notes);
    assert_eq!(ended.reasons(), ["-"; 10], "{}", ended.messages);
    let columns = "GP Name,Consultant,Next of kin,Mother deceased,NOK status,Practice";
    let ended = file(
        &with_columns(
            columns,
            &["Dr Dead,Mr Death,Bob Dead,Y,Deceased,Dead Lane Surgery"],
        ),
        "",
    );
    assert_eq!(
        (ended.code, ended.reasons()),
        (0, vec!["-"]),
        "{}",
        ended.messages
    );
    let stopped = file(&with_columns("Death reported by mother", &["Y"]), "");
    assert_eq!((stopped.code, stopped.records.len()), (65, 0));
}

#[test]
fn a_column_without_a_header_is_told_to_have_one() {
    let ended = deaths_by(",Ward", &["patient died,7B", ",7B"]);
    assert_eq!(ended.reasons(), ["unclear_flag", "-"]);
    assert!(
        ended
            .messages
            .contains("column E has no header. Give the column a header"),
        "{}",
        ended.messages
    );
}

#[test]
fn headers_of_death_in_other_words_are_known_or_stop_the_file() {
    for (header, dead) in [
        ("DTHDATE", "01/03/2026"),
        ("Dt of dth", "01/03/2026"),
        ("Dyddiad marw", "01/03/2026"),
        ("Wedi marw", "Ydy"),
        ("Demised", "Y"),
        ("Date passed", "01/03/2026"),
        ("Passed away?", "Y"),
        ("Dcsd", "Y"),
        ("Living", "N"),
        ("Still living?", "N"),
        ("Life status", "D"),
        ("LIFE_STATUS_CD", "D"),
        ("Discharge method", "4"),
        ("DISMETH", "5"),
        ("Discharge destination", "79"),
        ("Pt status", "RIP"),
    ] {
        let ended = deaths_by(header, &["", dead]);
        assert_eq!(
            ended.deceased(),
            [false, true],
            "{header}: {}",
            ended.messages
        );
    }
    let discharged = file(
        &with_columns(
            "Discharge method,Discharge destination",
            &["1,19", "2,54", "Died,"],
        ),
        "",
    );
    assert_eq!(
        discharged.deceased(),
        [false, false, true],
        "{}",
        discharged.messages
    );
    for header in [
        "MORT_FLAG",
        "Dec",
        "TOD",
        "D",
        "Mortality",
        "Marwolaeth Y/N",
        "Date patient passed away",
    ] {
        stops_until_ignored(header, "about death");
    }
}

/// A file with a column of this header stops, and goes on when the column is ignored.
fn stops_until_ignored(header: &str, words: &str) {
    let lines = with_columns(header, &["Y", "N"]);
    let stopped = file(&lines, "");
    assert_eq!(
        (stopped.code, stopped.records.len()),
        (65, 0),
        "{header}: {}",
        stopped.messages
    );
    assert!(
        stopped.messages.contains(words),
        "{header}: {}",
        stopped.messages
    );
    assert!(!stopped.messages.contains("HEADER"), "{}", stopped.messages);
    let ignored = file(&lines, &format!("ignore = [\"{header}\"]"));
    assert_eq!(ignored.code, 0, "{header}: {}", ignored.messages);
}

#[test]
fn headers_of_wishes_in_other_words_stop_the_file_until_they_are_used_or_ignored() {
    for header in [
        "Invite",
        "Send letter",
        "OK to write",
        "Returned mail",
        "Address valid",
        "Contactable",
        "Post OK",
        "Letters",
        "Stop communications",
        "NFA flag",
        "DV flag",
        "Address withheld",
        "Preferred contact method",
        "Mail",
        "No letters please",
        "Ok to post",
        "STOP_COMMS",
        "InvalidAddress",
    ] {
        stops_until_ignored(header, "about consent or contact");
    }
    for header in ["Address end date", "ADDRESS_END_DT"] {
        stops_until_ignored(header, "about removal from a list");
    }
    let lines = with_columns("Invite", &["Y", "N"]);
    let used = file(&lines, "[columns]\nconsent = [\"Invite\"]");
    assert_eq!(used.reasons(), ["-", "do_not_contact"], "{}", used.messages);
    for header in [
        "Ward",
        "Living arrangements",
        "Lives alone",
        "Decision",
        "Todays date",
        "Postal area",
        "Letter date sent",
    ] {
        assert_eq!(deaths_by(header, &["x"]).code, 0, "{header}");
    }
}

#[test]
fn an_advice_has_the_headers_of_the_file_and_can_be_used_as_it_is() {
    let lines = with_columns(
        "Address 1,Address 2,Town,Road 2,ADDR_LINE_6,Address verified",
        &["1 Mill Lane,,Leeds,x,y,Y"],
    );
    let ended = file(&lines, "");
    for part in [
        "     [columns]\n     address_3 = \"Road 2\"\n     address_4 = \"ADDR_LINE_6\"",
        "     ignore = [\"Road 2\", \"ADDR_LINE_6\"]",
    ] {
        assert!(ended.messages.contains(part), "{}", ended.messages);
    }
    assert!(!ended.messages.contains("HEADER"), "{}", ended.messages);
}

#[test]
fn an_advice_with_two_choices_is_refused_if_both_are_pasted() {
    let lines = with_columns("Invite", &["Y", "N"]);
    let both = "[columns]\ndo_not_contact = [\"Invite\"]\nconsent = [\"Invite\"]";
    let refused = file(&lines, both);
    assert_eq!(
        (refused.code, refused.records.len()),
        (2, 0),
        "{}",
        refused.messages
    );
    assert!(
        refused.messages.contains("Keep one of them"),
        "{}",
        refused.messages
    );
}

/// A file of so many patients who live in the same street, the first `numbered` of them in a house with a number.
fn in_a_street(street: &str, rows: u32, numbered: usize) -> String {
    let line = |(at, row): (usize, String)| {
        let house = if at < numbered { "7 " } else { "" };
        format!("{row}{house}{street},Leeds 2,LS1 1AA,{}\n", at + 1)
    };
    let rows: String = patients(rows).enumerate().map(line).collect();
    format!(
        "NHS number,First name,Last name,Date of birth,Address 1,Town,Postcode,Dwelling\n{rows}"
    )
}

#[test]
fn a_file_with_hardly_a_house_number_stops_until_that_is_said_to_be_right() {
    for street in ["Mill Lane", "Jesmond"] {
        let lines = in_a_street(street, 20, 3);
        let refused = file(&lines, "");
        assert_eq!((refused.code, refused.records.len()), (65, 0), "{street}");
        for part in [
            "only 3 of 20 addresses have a number",
            "Columns not used so far: column H \"Dwelling\"",
            "few_house_numbers = true",
        ] {
            assert!(refused.messages.contains(part), "{}", refused.messages);
        }
        let mapped = file(&lines, "[columns]\nhouse_number = \"Dwelling\"");
        assert_eq!(mapped.records.len(), 20, "{}", mapped.messages);
        let right = file(&lines, "few_house_numbers = true");
        assert_eq!(right.records.len(), 20, "{}", right.messages);
    }
    for (rows, numbered) in [(19, 0), (20, 4)] {
        let usual = file(&in_a_street("Mill Lane", rows, numbered), "");
        assert_eq!(usual.records.len(), rows as usize, "{}", usual.messages);
    }
}

#[test]
fn a_column_that_is_only_called_status_is_not_passed_over() {
    for header in ["Status", "STATUS_CODE", "Status description"] {
        let lines = with_columns(header, &["Active", "D", "Deceased", ""]);
        let ended = file(&lines, "");
        assert_eq!(ended.reasons(), ["-", "unclear_flag", "-", "-"], "{header}");
        assert_eq!(ended.deceased(), [false, false, true, false], "{header}");
    }
}
