use serde_json::json;

use super::{
    notes::{KEYS_A_LINE, acceptance, intents, no_report, report, there, withdrawal},
    *,
};

fn batch(name: &str) -> BegunBatch {
    BegunBatch {
        name: name.into(),
        emails: true,
        at: "2026-11-22T09:00:00Z".parse().unwrap(),
    }
}

fn rows(count: u32) -> Vec<BegunRow> {
    (0..count)
        .map(|number| BegunRow {
            key: Key::of(&[&number.to_le_bytes()]),
            line: u64::from(number) + 2,
            before: match number % 3 {
                0 => None,
                1 => Some(StateAtPkb::New),
                _ => Some(StateAtPkb::NoAccess),
            },
        })
        .collect()
}

fn before(batch: &BegunBatch, rows: &[BegunRow]) -> SentBefore {
    let mut before = SentBefore::new("batch".into());
    for intent in intents(batch, "00", rows) {
        before.begun(&intent).unwrap();
    }
    before
}

/// The only batch that is not settled.
fn one(before: &SentBefore) -> UnsettledBatch {
    let mut batches = before.unsettled_batches();
    assert_eq!(batches.len(), 1);
    batches.remove(0)
}

#[test]
fn rows_of_a_batch_are_unsettled_until_it_is_answered_or_withdrawn() {
    let rows = rows(3);
    let batch = batch("batch-0007.csv");
    let mut before = before(&batch, &rows);
    assert_eq!(one(&before).rows, rows);
    assert_eq!(one(&before).taken, Taken::nothing(batch.at));
    before.settled(rows[1].key, Some("batch-0007.csv"));
    // PKB has refused this one.
    before.settled(rows[2].key, None);
    let unsettled = one(&before);
    assert_eq!((unsettled.batch, unsettled.sent), (batch.clone(), 3));
    assert_eq!(unsettled.rows, rows[..1]);
    assert_eq!((unsettled.taken.rows, unsettled.taken.last_line), (1, 3));
    before.begun(&withdrawal(&batch.name)).unwrap();
    assert!(before.unsettled_batches().is_empty());
    assert_eq!(before.new_name(), "batch-0008.csv");
}

#[test]
fn what_pkb_said_of_a_batch_is_known_in_the_next_run() {
    let rows = rows(KEYS_A_LINE as u32 * 2 + 5);
    let batch = batch("batch-0001.csv");
    let mut before = before(&batch, &rows);
    assert_eq!(one(&before).rows, rows);
    let id = UploadId::parse("Xy-1_0").unwrap();
    before.begun(&acceptance(&batch.name, &id)).unwrap();
    assert_eq!(one(&before).answered, Answered::Accepted(id));
    before.begun(&no_report(&batch.name)).unwrap();
    assert_eq!(one(&before).answered, Answered::No);
    let at = "2026-11-22T10:00:00Z".parse().unwrap();
    before.begun(&there(&batch.name, 7, at)).unwrap();
    assert_eq!(one(&before).taken.there, (7, at));
    let refused = HashSet::from([7, 2]);
    before.begun(&report(&batch.name, &refused)).unwrap();
    assert_eq!(one(&before).answered, Answered::Reported(refused));
}

#[test]
fn a_row_that_was_sent_again_is_unsettled_in_the_later_batch_only() {
    let rows = rows(3);
    let mut before = before(&batch("batch-0001.csv"), &rows);
    let later = batch("batch-0002.csv");
    for intent in intents(&later, "00", &rows[1..]) {
        before.begun(&intent).unwrap();
    }
    let id = UploadId::parse("2").unwrap();
    before.begun(&acceptance(&later.name, &id)).unwrap();
    assert_eq!(before.unsettled(rows[0].key), Some("batch-0001.csv"));
    before.begun(&withdrawal("batch-0001.csv")).unwrap();
    assert_eq!(before.unsettled(rows[0].key), None);
    let unsettled = one(&before);
    assert_eq!(unsettled.answered, Answered::Accepted(id));
    let lines = unsettled.rows.iter().map(|row| (row.key, row.line));
    assert!(lines.eq([(rows[1].key, 2), (rows[2].key, 3)]));
    assert_eq!(before.before(rows[1].key), Some(StateAtPkb::New));
}

#[test]
fn a_malformed_note_is_refused() {
    let key = rows(1)[0].key.expose_hex();
    let at = "2026-11-22T10:00:00Z";
    for line in [
        json!({ "batch": "batch-0001.csv", "accepted": "../users" }),
        json!({ "batch": "batch-0001.csv", "accepted": 7 }),
        json!({ "batch": "batch-0002.csv", "accepted": "7" }),
        json!({ "batch": "batch-0001.csv", "refused": [2, "3"] }),
        json!({ "batch": "batch-0001.csv", "there": 3 }),
        json!({ "batch": "batch-0001.csv" }),
        json!({ "batch": "batch-0002.csv", "at": at, "rows": [key], "before": [] }),
        json!({ "batch": "batch-0002.csv", "at": at, "rows": [key], "before": ["known"] }),
        json!({ "batch": "batch-0002.csv", "rows": [key], "before": [null] }),
    ] {
        let mut before = before(&batch("batch-0001.csv"), &rows(1));
        assert!(before.begun(&line).is_err(), "{line}");
    }
}

#[test]
fn numbers_go_on_whatever_a_campaign_is_called() {
    let mut before = SentBefore::new("spring-2027".into());
    for name in [
        "batch-0003.csv",
        "autumn-2026-0012.csv",
        "notes.csv",
        "x-9.txt",
        "x-99999999999999999999.csv",
    ] {
        before.settled(rows(1)[0].key, Some(name));
    }
    assert_eq!(before.new_name(), "spring-2027-0013.csv");
    assert_eq!(before.new_name(), "spring-2027-0014.csv");
}
