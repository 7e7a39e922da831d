//! Files whose rows are not those of one table, each with its own cells: a second table below the first, and columns that moved by
//! a row against the others.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Stdio};

const HEADER: &str =
    "NHS number,First name,Last name,Date of birth,Address 1,Town,Post code,Mobile,Deceased";
const NUMBERS: [&str; 6] = [
    "9999739008",
    "9999739016",
    "9999739024",
    "9999739032",
    "9999739040",
    "9999739059",
];
const NAMES: [(&str, &str); 6] = [
    ("Anna", "Archer"),
    ("Bryn", "Hughes"),
    ("Carol", "Owens"),
    ("David", "Bowen"),
    ("Elen", "Irving"),
    ("Frank", "Parry"),
];

/// Rows of six patients under [`HEADER`].
fn rows() -> Vec<Vec<String>> {
    (0..6)
        .map(|at| {
            let (first, last) = NAMES[at];
            let house = at + 1;
            let cells = [
                NUMBERS[at].to_owned(),
                first.to_owned(),
                last.to_owned(),
                format!("0{house}/01/194{at}"),
                format!("{house} Mill Lane"),
                "Newcastle upon Tyne".to_owned(),
                format!("NE{house} 4ST"),
                format!("07700 90000{at}"),
                if at == 3 { "Y" } else { "N" }.to_owned(),
            ];
            cells.to_vec()
        })
        .collect()
}

/// Moves columns down by a row, below the last one.
fn moved_down(mut rows: Vec<Vec<String>>, columns: &[usize]) -> Vec<Vec<String>> {
    rows.push(vec![String::new(); 9]);
    for at in columns {
        for row in (1..rows.len()).rev() {
            rows[row][*at] = std::mem::take(&mut rows[row - 1][*at]);
        }
    }
    rows
}

fn text(rows: &[Vec<String>]) -> String {
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

/// Exit code and message of a look at a file.
fn check(text: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("patients.csv");
    std::fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pkb-upload"))
        .arg("check")
        .arg(&file)
        .env("PKB_FIXED_TIME", "2026-11-22T09:00:00Z")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), told)
}

fn refused(text: &str) -> String {
    let (code, told) = check(text);
    assert_eq!(code, 65, "{told}");
    for value in ["Archer", "Mill Lane", "9999739"] {
        assert!(!told.contains(value), "a value is told: {told}");
    }
    told
}

#[test]
fn the_rows_as_they_should_be_are_no_fault() {
    let (_, told) = check(&text(&rows()));
    assert!(told.contains("6  can be uploaded"), "{told}");
    assert!(
        !told.contains("moved") && !told.contains("second table"),
        "{told}"
    );
}

#[test]
fn a_second_header_with_names_the_other_way_round_stops_the_file() {
    let second = HEADER.replace("First name,Last name", "Last name,First name");
    let file = format!(
        "{}\n{second}\n9999739067,Khan,Gita,07/01/1950,7 Mill Lane,Newcastle upon Tyne,NE1 4ST,,N\n",
        text(&rows())
    );
    let told = refused(&file);
    assert!(told.contains("row 9 begins a second table"), "{told}");
    assert!(!told.contains("repeats the header"), "{told}");
}

#[test]
fn a_second_header_with_other_names_stops_the_file() {
    for second in [
        "NHS no,Surname,Forename,DOB,Addr1,City,Postcode,Mob,",
        "Surname,Forename,Postcode,,,,,,",
        "Hospital number,Family name,Given name,Birth date,Address line 1,Town,Post code,Phone,Died",
        // The same order, and one column is another.
        "NHS number,First name,Last name,Date of birth,Address 1,Town,Post code,Mobile,Remarks",
    ] {
        let file = format!("{}Group B,,,,,,,,\n{second}\n", text(&rows()));
        let told = refused(&file);
        assert!(
            told.contains("row 9 begins a second table"),
            "{second}: {told}"
        );
    }
}

#[test]
fn the_same_header_on_each_page_and_patients_with_odd_names_are_no_second_table() {
    let file = format!(
        "{}{}\n9999739067,Mobile,Town,07/01/1950,Address,Town,NE1 4ST,,N\n",
        text(&rows()),
        HEADER.to_uppercase()
    );
    let (_, told) = check(&file);
    assert!(!told.contains("second table"), "{told}");
}

#[test]
fn values_alone_below_the_last_row_show_that_their_columns_moved_down() {
    for (columns, named) in [
        (&[8][..], "column I \"Deceased\""),
        (
            &[4, 5, 6],
            "column E \"Address 1\", column F \"Town\" and column G \"Post code\"",
        ),
        (&[7], "column H \"Mobile\""),
        (&[3], "column D \"Date of birth\""),
        (
            &[1, 2],
            "column B \"First name\" and column C \"Last name\"",
        ),
        (&[0], "column A \"NHS number\""),
    ] {
        let told = refused(&text(&moved_down(rows(), columns)));
        assert!(told.contains("row 8 has nothing but"), "{told}");
        assert!(told.contains(named), "{named}: {told}");
        assert!(told.contains("moved down by a row"), "{told}");
    }
}

#[test]
fn values_alone_above_the_first_row_show_that_their_columns_moved_up() {
    for (others, named) in [
        (&[0, 1, 2, 3, 4, 5, 6, 7][..], "column I \"Deceased\""),
        (
            &[0, 1, 2, 3, 7, 8],
            "column E \"Address 1\", column F \"Town\" and column G \"Post code\"",
        ),
    ] {
        let told = refused(&text(&moved_down(rows(), others)));
        assert!(told.contains("row 2 has nothing but"), "{told}");
        assert!(
            told.contains(named) && told.contains("moved up by a row"),
            "{told}"
        );
    }
}

#[test]
fn a_column_of_deaths_that_only_the_first_or_last_row_lacks_stops_the_file() {
    let mut down = moved_down(rows(), &[8]);
    down.pop();
    let told = refused(&text(&down));
    assert!(
        told.contains("\"Deceased\" is filled in every row but row 2"),
        "{told}"
    );
    let mut up = rows();
    up[5][8].clear();
    let told = refused(&text(&up));
    assert!(
        told.contains("\"Deceased\" is filled in every row but row 7"),
        "{told}"
    );
}

#[test]
fn what_a_report_says_below_its_table_is_no_column_that_moved() {
    for footer in [
        "Total: 6,,,,,,,,",
        ",,,,,,,,Printed on Monday",
        ",Total 6,,,,,,,",
    ] {
        let mut rows = rows();
        for row in &mut rows {
            row[8].clear();
        }
        let (_, told) = check(&format!("{}{footer}\n", text(&rows)));
        assert!(!told.contains("moved"), "{footer}: {told}");
    }
}

/// Six patients with a ward and a date of death, of which `change` makes something.
fn with_ward(header: &str, change: impl Fn(usize) -> (&'static str, &'static str)) -> String {
    let lines: Vec<String> = rows()
        .iter()
        .enumerate()
        .map(|(at, row)| {
            let (ward, died) = change(at);
            format!("{},{ward},{died},", row[..7].join(","))
        })
        .collect();
    let columns: Vec<&str> = HEADER.split(',').take(7).collect();
    format!("{},{header}\n{}\n", columns.join(","), lines.join("\n"))
}

#[test]
fn a_date_of_death_that_slid_into_the_column_beside_it_stops_the_file() {
    let slid = |at| {
        if at == 2 {
            ("01/03/2026", "")
        } else {
            ("W1", "")
        }
    };
    let told = refused(&with_ward("Ward,Date of death,Notes", slid));
    assert!(
        told.contains("row 4: column H \"Ward\" has a date"),
        "{told}"
    );
    assert!(told.contains("ignore = [\"Ward\"]"), "{told}");
    // To the right.
    let slid = |at| {
        if at == 4 {
            ("", "2026-03-01")
        } else {
            ("", "")
        }
    };
    let told = refused(&with_ward("Date of death,Notes,Ward", slid));
    assert!(
        told.contains("row 6: column I \"Notes\" has a date"),
        "{told}"
    );
    let slid = |at| {
        if at < 2 {
            ("1 Mar 2026", "")
        } else {
            ("", "01/03/2026")
        }
    };
    let told = refused(&with_ward("Consultant,Date deceased,Ward", slid));
    assert!(told.contains("rows 2, 3: column H"), "{told}");
}

#[test]
fn dates_beside_a_date_of_death_that_belong_there_stop_nothing() {
    for (header, ward, died) in [
        ("Date of admission,Date of death,Notes", "01/03/2026", ""),
        ("Last seen,Date of death,Notes", "01/03/2026", ""),
        ("Ward,Date of death,Notes", "3-5", ""),
        ("Ward,Date of death,Notes", "Ward 12", ""),
        ("Ward,Date of death,Notes", "01/03/2026", "01/03/2026"),
    ] {
        let (_, told) = check(&with_ward(header, |at| {
            if at == 2 { (ward, died) } else { ("", "") }
        }));
        assert!(!told.contains("slid"), "{header} {ward}: {told}");
    }
}
