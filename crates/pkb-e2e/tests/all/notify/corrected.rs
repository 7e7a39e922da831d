//! A mobile number that was corrected after its text was sent.

use serde_json::{Value, json};

use super::{calls, campaign, lines, mobile, notify, reasons, record, send, sending, texts};

/// Three patients; the second may have another mobile number.
fn records(corrected: bool) -> Vec<Value> {
    let number = |at| {
        if corrected && at == 1 {
            mobile(40)
        } else {
            mobile(at)
        }
    };
    (0..3).map(|at| record(at, 3, &number(at))).collect()
}

#[test]
fn nobody_is_texted_at_two_numbers_in_silence() {
    let campaign = campaign();
    let first = send(&campaign, &lines(&records(false)));
    assert_eq!(first.code, 0, "{}", first.stderr);
    let sent = texts(&campaign).len();

    let corrected = send(&campaign, &lines(&records(true)));
    assert_eq!(corrected.code, 65, "{}", corrected.stderr);
    assert_eq!(reasons(&corrected), ["", "texted_before", ""]);
    assert!(
        corrected.stderr.contains("--resend ROW"),
        "{}",
        corrected.stderr
    );
    assert_eq!(texts(&campaign).len(), sent, "nothing more was sent");

    // Once it is asked for, and once only.
    let asked = [sending(), vec!["--resend", "3"]].concat();
    for _ in 0..2 {
        let resent = notify(&campaign, &asked, &corrected.stdout);
        assert_eq!(resent.code, 0, "{}", resent.stderr);
        assert_eq!(texts(&campaign).len(), sent + 2);
    }
    let again = send(&campaign, &lines(&records(true)));
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(texts(&campaign).len(), sent + 2);
    assert!(texts(&campaign).values().all(|count| *count == 1));
}

#[test]
fn a_corrected_number_does_not_keep_the_letter_from_being_posted() {
    let campaign = campaign();
    let with_letter = |corrected| {
        let mut records = records(corrected);
        records[1]["deliveries"] = json!([
            {"channel": "letter", "file": "rehearsal-letters-0001.pdf", "pages": [1, 1], "sequence": 1},
            {"channel": "sms", "file": "rehearsal-sms-0001.csv"},
        ]);
        lines(&records)
    };
    send(&campaign, &with_letter(false));
    let sent = texts(&campaign).len();
    let corrected = send(&campaign, &with_letter(true));
    assert_eq!(corrected.code, 0, "{}", corrected.stderr);
    assert_eq!(reasons(&corrected), ["", "", ""]);
    assert!(
        corrected
            .stderr
            .contains("row 3: its text message was sent to an earlier number"),
        "{}",
        corrected.stderr
    );
    assert_eq!(texts(&campaign).len(), sent);
}

#[test]
fn a_number_that_notify_refused_may_be_corrected_and_is_texted_incident_32() {
    let campaign = campaign();
    let mut records = records(false);
    // The sandbox refuses this number.
    records[1]["patient"]["mobile"] = "+447700900996".into();
    let refused = send(&campaign, &lines(&records));
    assert_eq!(
        reasons(&refused),
        ["", "refused_by_notify", ""],
        "{}",
        refused.stderr
    );
    // One call, and none by the same command again.
    let sent = |campaign| calls(campaign, "notify_sms");
    assert_eq!(sent(&campaign), 2 + 1 + 2);
    let again = send(&campaign, &lines(&records));
    assert_eq!(reasons(&again), reasons(&refused), "{}", again.stderr);
    assert_eq!(sent(&campaign), 2 + 1 + 2);
    records[1]["patient"]["mobile"] = mobile(1).into();
    let corrected = send(&campaign, &lines(&records));
    assert_eq!(corrected.code, 0, "{}", corrected.stderr);
    assert_eq!(texts(&campaign).len(), 6);
}
