//! Reports of all kinds, applied to deliveries.

use pkb_core::record::{Channel, Delivery, PrintStatus, Reference, ReturnReason};
use proptest::prelude::*;

use crate::{
    event::parse_moment,
    follow::{Odd, follow},
    profile::Profile,
    reports::{Bare, Reports},
};

const REFERENCES: [&str; 3] = [
    "7K3M9QX2ABCDEFGH1234",
    "7K3M9QX2ABCDEFGH1235",
    "7K3M9QX2ABCDEFGH1236",
];

fn letter(place: usize) -> Delivery {
    Delivery {
        reference: Reference::parse(REFERENCES[place]),
        sequence: Some(place as u64 + 1),
        pages: Some((1, 2)),
        ..Delivery::new(Channel::Letter, "letters-0001.pdf".into())
    }
}

fn read_as(profile: &str, text: &str) -> Result<Reports, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("status.csv");
    std::fs::write(&path, text).unwrap();
    let bare = Bare {
        status: PrintStatus::Returned,
        at: parse_moment("2026-12-20").unwrap(),
    };
    let reports = Reports::read(&[path], &Profile::find(profile).unwrap(), bare);
    reports.map_err(|fatal| fatal.to_string())
}

/// What the reports make of the first letter.
fn followed(text: &str) -> (Delivery, Vec<Odd>) {
    let reports = read_as("default", text).unwrap();
    let (mut delivery, mut odd) = (letter(0), Vec::new());
    follow(&mut delivery, &reports, |what, _| odd.push(what));
    (delivery, odd)
}

const HEADER: &str = "reference,status,at,reasonCode,reasonText,sheets\n";

fn lines(events: &[(&str, &str)]) -> String {
    let lines = events
        .iter()
        .map(|(status, at)| format!("{},{status},{at},,,\n", REFERENCES[0]));
    HEADER.to_owned() + &lines.collect::<String>()
}

#[test]
fn a_letter_is_followed_from_the_printer_to_its_return() {
    let text = lines(&[
        ("ACCEPTED", "2026-12-01T09:00:00Z"),
        ("PRINTED", "2026-12-02T09:00:00Z"),
        ("DISPATCHED", "2026-12-03T09:00:00Z"),
    ]);
    let (letter, odd) = followed(&text);
    assert_eq!(letter.status, Some(PrintStatus::Dispatched));
    assert_eq!(
        letter.status_at.unwrap().to_string(),
        "2026-12-03T09:00:00Z"
    );
    assert_eq!((letter.dispatched_at.len(), odd.len()), (1, 0));
    let text = format!(
        "{text}{},Returned,2026-12-20T00:00:00Z,r04,,\n",
        REFERENCES[0].to_lowercase()
    );
    let (letter, odd) = followed(&text);
    assert_eq!(letter.status, Some(PrintStatus::Returned));
    assert_eq!(
        letter.returned_because,
        Some(ReturnReason::AddresseeUnknown)
    );
    assert!(odd.is_empty());
}

#[test]
fn the_same_report_twice_and_an_older_one_later_change_nothing() {
    let text = lines(&[
        ("ACCEPTED", "2026-12-01T09:00:00Z"),
        ("DISPATCHED", "2026-12-03T09:00:00Z"),
    ]);
    let (once, _) = followed(&text);
    for again in [text.clone(), lines(&[("ACCEPTED", "2026-12-01T09:00:00Z")])] {
        let reports = read_as("default", &again).unwrap();
        let (mut twice, mut odd) = (once.clone(), Vec::new());
        follow(&mut twice, &reports, |what, _| odd.push(what));
        assert_eq!(twice, once);
        assert!(odd.is_empty(), "{odd:?}");
    }
}

#[test]
fn what_is_odd_about_a_letter_is_told() {
    use PrintStatus::{Accepted, Dispatched};
    let day = |day| format!("2026-12-{day:02}T09:00:00Z");
    let back = lines(&[("DISPATCHED", &day(1)), ("ACCEPTED", &day(2))]);
    let (letter, odd) = followed(&back);
    assert_eq!(
        odd,
        [Odd::StepBack {
            from: Dispatched,
            to: Accepted
        }]
    );
    assert_eq!(letter.status, Some(Dispatched));
    assert_eq!(
        followed(&lines(&[("RETURNED", &day(1))])).1,
        [Odd::NeverDispatched]
    );
    let twice = followed(&lines(&[("DISPATCHED", &day(1)), ("DISPATCHED", &day(2))]));
    assert_eq!(twice.1, [Odd::DispatchedAgain]);
    assert_eq!(twice.0.dispatched_at.len(), 2);
    for (sheets, fits) in [("1", true), ("2", true), ("3", false)] {
        let text = format!("{HEADER}{},PRINTED,{},,,{sheets}\n", REFERENCES[0], day(1));
        assert_eq!(followed(&text).1.is_empty(), fits, "{sheets}");
    }
}

#[test]
fn bare_scans_of_references_or_of_letter_numbers_are_letters_that_came_back() {
    let reports = read_as("default", &format!("{}\n2\n", REFERENCES[0])).unwrap();
    let status = |place| {
        let mut delivery = letter(place);
        follow(&mut delivery, &reports, |_, _| {});
        delivery.status
    };
    assert_eq!(
        [0, 1, 2].map(status),
        [
            Some(PrintStatus::Returned),
            Some(PrintStatus::Returned),
            None
        ]
    );
    assert_eq!(reports.faults().unwrap().count(), 0);
}

#[test]
fn other_layouts_are_read_by_their_profiles() {
    let text = format!(
        "reference,jobStatus,totalSheets,postageClass,productionRunDate\n{},DESPATCHED,1,2ND,2026-12-01 05:00\n",
        REFERENCES[0]
    );
    let reports = read_as("dvla", &text).unwrap();
    let mut own = letter(0);
    follow(&mut own, &reports, |_, _| {});
    assert_eq!(own.status, Some(PrintStatus::Dispatched));
    let id = "740e5834-3a29-46b4-9a6f-16142fde533a";
    let text = format!(
        "Notification ID,Reference,Date sent,Template name\n{id},,2026-12-01 10:00:00,Invitation\n"
    );
    let reports = read_as("notify", &text).unwrap();
    let sent = serde_json::json!({"channel": "letter", "file": "a.pdf",
        "dispatches": [{"id": id, "reference": "r", "status": "received", "at": "2026-12-01T10:00:00Z"}]});
    let mut own: Delivery = serde_json::from_value(sent).unwrap();
    let mut odd = Vec::new();
    follow(&mut own, &reports, |what, _| odd.push(what));
    assert_eq!((own.status, odd.len()), (Some(PrintStatus::Returned), 0));
    let refused = read_as("default", "letter,state\n1,gone\n").err().unwrap();
    assert!(
        refused.contains("no column that names a letter"),
        "{refused}"
    );
}

#[test]
fn lines_that_are_not_understood_and_letters_of_others_are_named() {
    let text = format!(
        "{HEADER}{0},LOST,2026-12-01,,,\n{0},PRINTED,yesterday,,,\n{0},RETURNED,2026-12-01,R11,,\n,PRINTED,2026-12-01,,,\n{1},PRINTED,2026-12-01,,,\n{0},PRINTED,2026-12-01,,,\n",
        REFERENCES[0], REFERENCES[1]
    );
    let reports = read_as("default", &text).unwrap();
    follow(&mut letter(0), &reports, |_, _| {});
    let faults = reports.faults().unwrap();
    let named: Vec<String> = faults.lines().collect();
    for (line, words) in named.iter().zip([
        "row 2: has a status that the profile does not know",
        "row 3: has a time that is not understood",
        "row 4: has a reason that is not R01 to R10",
        "row 5: names no letter",
        "row 6: this letter is not in the stream",
    ]) {
        assert!(line.ends_with(words), "{line}");
    }
    assert_eq!(faults.count(), 5);
    let reports = read_as("default", &text).unwrap();
    assert!(
        reports
            .faults()
            .err()
            .unwrap()
            .to_string()
            .contains("no line of the reports")
    );
}

proptest! {
    #[test]
    fn the_order_of_lines_makes_no_difference(
        events in proptest::collection::vec((0_usize..10, 0_i64..5), 1..8).prop_shuffle(),
        turn in 0_usize..8,
    ) {
        let line = |(status, day): &(usize, i64)| (PrintStatus::ALL[*status].as_str(), format!("2026-12-0{}", day + 1));
        let named: Vec<(&str, String)> = events.iter().map(line).collect();
        let as_lines = |named: &[(&str, String)]| {
            lines(&named.iter().map(|(status, at)| (*status, at.as_str())).collect::<Vec<_>>())
        };
        let mut turned = named.clone();
        turned.rotate_left(turn % named.len());
        prop_assert_eq!(followed(&as_lines(&named)).0, followed(&as_lines(&turned)).0);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "[ -~\n\r\",]{0,200}") {
        let _ = read_as("default", &text);
        if let Ok(reports) = read_as("default", &format!("{HEADER}{text}")) {
            follow(&mut letter(0), &reports, |_, _| {});
        }
    }
}
