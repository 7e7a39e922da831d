//! Text messages: what the programs write, what they say about it, and to whom.

use std::fmt::Write as _;

use crate::harness::{Campaign, Ended, fixture};

/// Patients with these first names and mobiles, in rows 2 and following.
fn patients(people: &[(&str, &str)]) -> String {
    let mut csv = String::from(
        "NHS number,Title,First name,Last name,Date of birth,Address 1,Town,Post code,Mobile\n",
    );
    let numbers = [
        "9990000018",
        "9990000026",
        "9990000034",
        "9990000042",
        "9990000050",
        "9990000069",
    ];
    for ((name, mobile), number) in people.iter().zip(numbers) {
        writeln!(
            csv,
            "{number},Ms,{name},Example,1987-03-05,1 High Street,Northtown,NE1 1XC,{mobile}"
        )
        .unwrap();
    }
    csv
}

const PEOPLE: [(&str, &str); 5] = [
    ("Ann", "07700 900001"),
    ("Siân", "07700 900002"),
    ("Đorđe", "07700 900003"),
    ("Bob", "07700 900001"),
    ("Carol", ""),
];

fn campaign() -> (Campaign, Vec<u8>) {
    let campaign = Campaign::start(pkb_sandbox::World::default());
    let file = campaign.write("patients.csv", patients(&PEOPLE));
    let [_, _, invited, _] = campaign.journey(&file, &["--out", "letters-alone"]);
    (campaign, invited.stdout)
}

fn letters(campaign: &Campaign, args: &[&str], invited: &[u8]) -> Ended {
    let mut command = campaign.command("pkb-letters");
    // The length of the link counts.
    command
        .env("PKB_JOIN_URL", "https://joinpkb.com/")
        .args(args);
    crate::harness::run(&mut command, invited)
}

fn names(campaign: &Campaign, sheet: &str) -> Vec<String> {
    let mut sheet = csv::Reader::from_path(campaign.path(sheet)).unwrap();
    sheet
        .records()
        .map(|row| row.unwrap()[1].to_owned())
        .collect()
}

fn text(campaign: &Campaign, name: &str) -> String {
    String::from_utf8(campaign.read(name)).unwrap()
}

#[test]
fn the_end_says_what_the_messages_cost_and_which_need_a_look() {
    let (campaign, invited) = campaign();
    let args = [
        "--out",
        "print",
        "--channel",
        "letter,sms",
        "--sms-prefix",
        "Northtown",
    ];
    let ended = letters(&campaign, &args, &invited);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for words in [
        // Siân's second text has no name in it.
        "pkb-letters: 8 text messages for 4 patients: 10 fragments, £0.24 plus VAT at 2.4p a fragment, with \"Northtown:\"",
        "instead of 160 in 1 text message: row 3. That is 2 fragments more, £0.05. To write names without accents: --sms-fold",
        "Notify sends ? for letters of 1 name that no text message can carry: row 4",
        "2 patients share a mobile number with a different patient, in 1 group: rows 2 and 5. print/rehearsal-sms-shared-mobiles.csv lists them all",
    ] {
        assert!(ended.stderr.contains(words), "{words}\n{}", ended.stderr);
    }
    assert_eq!(
        text(&campaign, "print/rehearsal-sms-shared-mobiles.csv"),
        "group,row\r\n1,2\r\n1,5\r\n"
    );
    assert_eq!(
        names(&campaign, "print/rehearsal-sms-0001.csv"),
        ["Ann", "Siân", "Đorđe", "Bob"]
    );
}

#[test]
fn folding_keeps_every_message_short() {
    let (campaign, invited) = campaign();
    let args = [
        "--out",
        "print",
        "--channel",
        "letter,sms",
        "--sms-fold",
        "--sms-prefix",
        "",
        "--sms-price",
        "3",
    ];
    let ended = letters(&campaign, &args, &invited);
    assert!(
        ended.stderr.contains(
            "8 text messages for 4 patients: 8 fragments, £0.24 plus VAT at 3p a fragment\n"
        ),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("instead of 160") && !ended.stderr.contains("Notify sends ?"));
    assert_eq!(
        names(&campaign, "print/rehearsal-sms-0001.csv"),
        ["Ann", "Sian", "Dorde", "Bob"]
    );
}

#[test]
fn a_replayed_run_says_the_same_and_writes_no_sheet_again() {
    let (campaign, invited) = campaign();
    let args = [
        "--out",
        "print",
        "--channel",
        "letter,sms",
        "--journal",
        "l.journal",
    ];
    let first = letters(&campaign, &args, &invited);
    let written = campaign
        .path("print/rehearsal-sms-0001.csv")
        .metadata()
        .unwrap();
    let second = letters(&campaign, &args, &invited);
    let said = |ended: &Ended| {
        let lines = ended
            .stderr
            .lines()
            .filter(|line| line.contains("messages") || line.starts_with("  "));
        lines
            .filter(|line| !line.contains("given a letter") && !line.contains("earlier run"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(said(&first).len() >= 4, "{}", first.stderr);
    assert_eq!(said(&first), said(&second));
    let now = campaign
        .path("print/rehearsal-sms-0001.csv")
        .metadata()
        .unwrap();
    assert_eq!(written.modified().unwrap(), now.modified().unwrap());
    assert!(!campaign.path("print/rehearsal-sms-0002.csv").exists());
}

#[test]
fn one_text_or_the_organisations_own_words_take_the_place_of_the_two() {
    let (campaign, invited) = campaign();
    let one = [
        "--out",
        "one",
        "--channel",
        "letter,sms",
        "--sms-template",
        "one",
    ];
    let ended = letters(&campaign, &one, &invited);
    assert!(
        ended.stderr.contains("4 text messages for 4 patients"),
        "{}",
        ended.stderr
    );
    assert!(text(&campaign, "one/sms-text-1.txt").contains("((access code))"));
    assert!(!campaign.path("one/sms-text-2.txt").exists());

    std::fs::create_dir(campaign.path("ours")).unwrap();
    campaign.write("ours/sms-text-1.txt", "Hello ((First Name)): ((link))");
    let ours = [
        "--out",
        "own",
        "--channel",
        "letter,sms",
        "--sms-template",
        "ours",
    ];
    assert_eq!(letters(&campaign, &ours, &invited).code, 0);
    assert_eq!(
        text(&campaign, "own/sms-text-1.txt"),
        "Hello ((first name)): ((link))\n"
    );
}

#[test]
fn words_that_cannot_be_sent_stop_the_run_before_anything_is_made() {
    let (campaign, invited) = campaign();
    std::fs::create_dir(campaign.path("ours")).unwrap();
    for (words, said) in [
        (
            "((link)) ((NHS number))",
            "--sms-template: sms-text-1.txt has the placeholder ((NHS number))",
        ),
        (
            "((link)) What is your date of birth?",
            "must not ask for a date of birth",
        ),
        (
            "Dear ((first name))",
            "no text message tells the patient the codes",
        ),
    ] {
        campaign.write("ours/sms-text-1.txt", words);
        let args = [
            "--out",
            "print",
            "--channel",
            "letter,sms",
            "--sms-template",
            "./ours",
        ];
        let ended = letters(&campaign, &args, &invited);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(!campaign.path("print/rehearsal-letters-0001.pdf").exists());
    }
}

#[test]
fn the_fixtures_messages_never_say_whose_they_are() {
    let campaign = Campaign::fixture();
    let [.., ended] = campaign.journey(
        &fixture("patients.csv"),
        &["--out", "print", "--channel", "letter,sms"],
    );
    let shared = text(&campaign, "print/rehearsal-sms-shared-mobiles.csv");
    assert!(
        shared
            .lines()
            .skip(1)
            .all(|line| line.bytes().all(|b| b.is_ascii_digit() || b == b','))
    );
    assert!(
        ended.stderr.contains("text messages for "),
        "{}",
        ended.stderr
    );
    for record in ended.records() {
        for pointer in ["/patient/first_name", "/patient/mobile"] {
            if let Some(value) = record.pointer(pointer).and_then(|value| value.as_str())
                && value.len() > 3
            {
                assert!(!ended.stderr.contains(value) && !shared.contains(value));
            }
        }
    }
}
