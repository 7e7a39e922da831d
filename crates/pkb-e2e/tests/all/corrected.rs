//! Rows that were corrected after something was made of them, and letters that stay doubtful.

use pkb_sandbox::World;
use serde_json::Value;

use crate::harness::{Campaign, Ended, records};

const HEADER: &str =
    "NHS number,First name,Last name,Date of birth,Address 1,Town,Post code,Mobile\n";

/// A patient file with one line for each patient.
fn patients(lines: &[&str]) -> String {
    format!("{HEADER}{}\n", lines.join("\n"))
}

const BRYN: &str = "9997000013,Bryn,Archer,02/02/1941,2 Mill Lane,Newcastle,NE1 4ST,07700 900001";
const CAROL: &str = "9997000021,Carol,Archer,03/03/1942,3 Mill Lane,Newcastle,NE1 4ST,07700 900002";
const DAVID: &str = "9997000048,David,Archer,04/04/1943,4 Mill Lane,Newcastle,NE1 4ST,07700 900003";

fn invited(campaign: &Campaign, lines: &[&str]) -> Vec<u8> {
    let file = campaign.write("patients.csv", patients(lines));
    let [_, _, invited, _] = campaign.journey(&file, &["--out", "unused"]);
    std::fs::remove_dir_all(campaign.path("unused")).unwrap();
    invited.stdout
}

fn letters(campaign: &Campaign, channel: &str, invited: &[u8]) -> Ended {
    let args = [
        "--out",
        "print",
        "--channel",
        channel,
        "--journal",
        "l.journal",
    ];
    campaign.stage("pkb-letters", &args, invited)
}

fn verify(campaign: &Campaign, delivered: &[u8]) -> (i32, String) {
    let ended = campaign.stage("pkb", &["verify", "print"], delivered);
    (ended.code, String::from_utf8(ended.stdout).unwrap())
}

#[test]
fn a_corrected_mobile_is_named_and_verify_finds_the_old_number() {
    let campaign = Campaign::start(World::default());
    let before = letters(&campaign, "sms", &invited(&campaign, &[BRYN, CAROL, DAVID]));
    let (code, text) = verify(&campaign, &before.stdout);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("3 text messages in 1 spreadsheet"), "{text}");

    let carol = CAROL.replace("900002", "900999");
    let after = letters(
        &campaign,
        "sms",
        &invited(&campaign, &[BRYN, &carol, DAVID]),
    );
    assert!(
        after.stderr.contains(
            "row 3: the mobile number was corrected, and its text message is in rehearsal-sms-0001.csv"
        ),
        "{}",
        after.stderr
    );
    assert!(
        after.stderr.contains("pkb-letters --reissue 3"),
        "{}",
        after.stderr
    );
    assert!(!after.stderr.contains("900999") && !after.stderr.contains("900002"));
    assert!(!campaign.path("print/rehearsal-sms-0002.csv").exists());
    let (code, text) = verify(&campaign, &after.stdout);
    assert_eq!(code, 65, "{text}");
    assert!(
        text.contains(
            "rehearsal-sms-0001.csv, line 3 (row 3): the phone number does not match the record"
        ),
        "{text}"
    );
    assert!(text.contains("1 failure: "), "{text}");
}

#[test]
fn a_corrected_name_or_address_is_named_with_its_sheet() {
    let campaign = Campaign::start(World::default());
    letters(
        &campaign,
        "letter",
        &invited(&campaign, &[BRYN, CAROL, DAVID]),
    );
    let (bryn, david) = (
        BRYN.replace("2 Mill", "20 Mill"),
        DAVID.replace("David", "Dafydd"),
    );
    let after = letters(
        &campaign,
        "letter",
        &invited(&campaign, &[&bryn, CAROL, &david]),
    );
    for words in [
        "2 rows were corrected after the letter or text message was made",
        "row 2: the address was corrected, and its letter is rehearsal-letters-0001.pdf, page 1",
        "row 4: the name was corrected, and its letter is rehearsal-letters-0001.pdf, page 3",
    ] {
        assert!(after.stderr.contains(words), "{words}: {}", after.stderr);
    }
    // A mobile number does not matter to who has a letter alone.
    let carol = CAROL.replace("900002", "900999");
    let other = letters(
        &campaign,
        "letter",
        &invited(&campaign, &[BRYN, &carol, DAVID]),
    );
    assert!(!other.stderr.contains("corrected"), "{}", other.stderr);
}

#[test]
fn a_spreadsheet_that_was_changed_or_lost_is_found() {
    let campaign = Campaign::start(World::default());
    let made = letters(
        &campaign,
        "letter,sms",
        &invited(&campaign, &[BRYN, CAROL, DAVID]),
    );
    let sheet = String::from_utf8(campaign.read("print/rehearsal-sms-0001.csv")).unwrap();
    let found = |sheet: Option<String>| {
        let path = campaign.path("print/rehearsal-sms-0001.csv");
        match sheet {
            Some(sheet) => std::fs::write(path, sheet).unwrap(),
            None => std::fs::remove_file(path).unwrap(),
        }
        let (code, text) = verify(&campaign, &made.stdout);
        assert_eq!(code, 65, "{text}");
        text
    };
    // Numbers moved down by one row, as a spreadsheet program does it.
    let moved = sheet
        .replace("900002", "900xxx")
        .replace("900001", "900002")
        .replace("900xxx", "900001");
    let text = found(Some(moved));
    assert!(
        text.contains("line 2 (row 2): the phone number does not match"),
        "{text}"
    );
    assert!(
        text.contains("line 3 (row 3): the phone number does not match"),
        "{text}"
    );
    let lines: Vec<&str> = sheet.split_inclusive("\r\n").collect();
    let text = found(Some([lines[0], lines[1], lines[3]].concat()));
    assert!(
        text.contains("(row 3): no line of the spreadsheet has its invitation code"),
        "{text}"
    );
    let text = found(Some([&lines[..], &[lines[3]]].concat().concat()));
    assert!(
        text.contains("(row 4): several lines have its invitation code"),
        "{text}"
    );
    let stranger = lines[3].replacen(|c: char| c.is_ascii_lowercase(), "zz", 200);
    let text = found(Some([&lines[..], &[&stranger]].concat().concat()));
    assert!(text.contains("1 line belongs to nobody"), "{text}");
    let text = found(Some(sheet.replace("Carol", "born 03/03/1942")));
    assert!(
        text.contains("the date of birth or the national number is in the line, and must not be"),
        "{text}"
    );
    let text = found(Some(sheet.replacen('"', "", 1).replacen(",", ",\"", 9)));
    assert!(
        text.contains("rehearsal-sms-0001.csv: the file is not a spreadsheet"),
        "{text}"
    );
    let text = found(None);
    assert!(
        text.contains("rehearsal-sms-0001.csv (row 2): the spreadsheet is missing"),
        "{text}"
    );
}

#[test]
fn a_letter_that_stays_doubtful_is_its_rows_outcome_and_all_others_are_made() {
    let campaign = Campaign::start(World::default());
    // The number would be on the letter.
    let carol = CAROL.replace("3 Mill Lane", "9997000021 Mill Lane");
    let invited = invited(&campaign, &[BRYN, &carol, DAVID]);
    for _ in 0..2 {
        let made = letters(&campaign, "letter", &invited);
        assert_eq!(made.code, 65, "{}", made.stderr);
        let records: Vec<Value> = records(&made.stdout);
        assert_eq!(records[1]["outcome"]["reason"], "doubtful_page");
        assert!(records[0]["deliveries"].is_array() && records[2]["deliveries"].is_array());
        assert!(!made.stderr.contains("9997000021"), "{}", made.stderr);
        let (code, text) = verify(&campaign, &made.stdout);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("2 letters in 1 file,"), "{text}");
    }
}
