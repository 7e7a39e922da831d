//! What became of messages, and whom NHS Notify must not write to.

use pkb_sandbox::NhsFate;
use serde_json::{Value, json};

use super::{calls, campaign, dispatch, faults, invited, nhs, reasons, send, with_fates};

#[test]
fn what_the_register_says_becomes_an_outcome_and_other_failures_stay_statuses() {
    use NhsFate::{
        Deceased, ExitCode, InformallyDeceased, Invalidated, NoContactDetail, NotInPds,
        Undelivered, UnknownFailure,
    };
    let fates = [
        Deceased,
        InformallyDeceased,
        ExitCode,
        Invalidated,
        NotInPds,
        NoContactDetail,
        Undelivered,
        UnknownFailure,
    ];
    let fates: Vec<(usize, NhsFate)> = fates.into_iter().enumerate().collect();
    let campaign = with_fates(&fates);
    let sent = send(&campaign, &[], &invited(9));
    assert_eq!(sent.code, 0, "{}", sent.stderr);
    let once = nhs(&campaign, &["nhs", "status"], &sent.stdout);
    assert_eq!(once.code, 0, "{}", once.stderr);
    assert!(
        once.stderr
            .contains("messages through NHS Notify: 9 pending_enrichment"),
        "{}",
        once.stderr
    );
    let ended = nhs(&campaign, &["nhs", "status", "--wait", "30s"], &once.stdout);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let expected = [
        "deceased",
        "deceased",
        "removed",
        "invalid_number",
        "not_traced",
        "",
        "",
        "",
        "",
    ];
    assert_eq!(reasons(&ended), expected);
    let codes: Vec<Value> = ended
        .records()
        .iter()
        .map(|record| dispatch(record)["failed_because"].clone())
        .collect();
    assert_eq!(codes[0], "MFR_PDSV_0112");
    assert_eq!(
        codes[5..],
        [
            json!("MFR_PDSV_0002"),
            json!("MFR_SUPE_0007"),
            json!("MFR_NEWS_0001"),
            Value::Null
        ]
    );
    let records = ended.records();
    let channels = &dispatch(&records[6])["channels"];
    assert_eq!(channels[0]["type"], "nhsapp");
    assert_eq!(channels[1]["supplier_status"], "permanent_failure");
    assert_eq!(
        dispatch(&records[8])["channels"][0]["supplier_status"],
        "read"
    );
    let asked = calls(&campaign, "nhs_message");
    let again = nhs(&campaign, &["nhs", "status"], &ended.stdout);
    assert_eq!(again.stdout, ended.stdout);
    assert_eq!(
        calls(&campaign, "nhs_message"),
        asked,
        "what is final is not asked for again"
    );
    // Whoever has died gets no letter afterwards.
    let letters = campaign.stage("pkb-letters", &["--out", "print"], &ended.stdout);
    assert_eq!(letters.records()[0]["outcome"]["reason"], "deceased");
}

#[test]
fn a_status_that_cannot_be_asked_for_is_asked_for_later() {
    let campaign = campaign();
    let sent = send(&campaign, &[], &invited(3));
    let args = ["nhs", "status", "--attempts", "1", "--give-up-after", "60"];
    campaign.sandbox.set_faults(faults(
        r#"{"endpoint":"nhs_message","when":{"requests":[2]},"fault":{"status":503}}"#,
    ));
    let ended = nhs(&campaign, &args, &sent.stdout);
    assert_eq!(ended.code, 75, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("NHS Notify could not be asked about 1"),
        "{}",
        ended.stderr
    );
    campaign.sandbox.set_faults(faults(
        r#"{"endpoint":"nhs_message","when":{"always":true},"fault":{"nhs":"not_found"}}"#,
    ));
    let ended = nhs(&campaign, &args, &sent.stdout);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        dispatch(&ended.records()[0])["status"],
        "created",
        "what was said last stands"
    );
}
