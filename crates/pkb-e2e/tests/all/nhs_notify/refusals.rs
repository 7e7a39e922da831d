//! What NHS Notify does not take: each of its errors, wrong settings, tokens and rows.

use pkb_sandbox::{Config, Faults, NHS_NOTIFY_PRIVATE_KEY, NhsFate};

use super::{
    assert_each_once, calls, campaign, command, invited, nhs, reasons, send, sending, with,
    with_fates, with_faults,
};
use crate::{guide::page, harness::run};

#[test]
fn wrong_settings_are_found_before_anything_is_sent() {
    let campaign = campaign();
    let input = invited(2);
    campaign.write("no-key.pem", "CanaryKey");
    let open = campaign.write("open-key.pem", NHS_NOTIFY_PRIVATE_KEY);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(campaign.path("no-key.pem"), mode).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(open, mode).unwrap();
    for (name, value, code, words) in [
        ("NHS_NOTIFY_API_KEY", "", 2, "NHS_NOTIFY_API_KEY_FILE"),
        ("NHS_NOTIFY_API_KEY", "CanaryKey", 2, "not for a sandbox"),
        (
            "NHS_NOTIFY_API_KEY",
            "sandbox-CanaryKey",
            77,
            "NHS_NOTIFY_API_KEY_FILE",
        ),
        ("NHS_NOTIFY_KEY_ID", "", 2, "NHS_NOTIFY_KEY_ID"),
        ("NHS_NOTIFY_KEY_ID", "CanaryKid", 77, "NHS_NOTIFY_KEY_ID"),
        (
            "NHS_NOTIFY_PRIVATE_KEY_FILE",
            "",
            2,
            "NHS_NOTIFY_PRIVATE_KEY_FILE",
        ),
        (
            "NHS_NOTIFY_PRIVATE_KEY_FILE",
            "CanaryKey",
            2,
            "does not exist",
        ),
        ("NHS_NOTIFY_PRIVATE_KEY_FILE", "no-key.pem", 2, "PEM"),
        (
            "NHS_NOTIFY_BASE_URL",
            "http://nhs.example/comms",
            2,
            "https",
        ),
        (
            "NHS_NOTIFY_TOKEN_URL",
            "https://nhs.example/token",
            2,
            "rehearsals",
        ),
        ("NHS_NOTIFY_ROUTING_PLAN", "mine", 2, "must be a UUID"),
        (
            "NHS_NOTIFY_ROUTING_PLAN",
            "00000000-0000-4000-8000-00000000dead",
            2,
            "no such routing plan",
        ),
        (
            "NHS_NOTIFY_ROUTING_PLAN",
            "c8857ccf-06ec-483f-9b3a-7fc732d9ad48",
            2,
            "lacks a template",
        ),
    ] {
        let mut command = command(&campaign, &sending(&[]));
        match value {
            "" => command.env_remove(name),
            value => command.env(name, value),
        };
        let ended = run(&mut command, &input);
        assert_eq!(ended.code, code, "{name} {value}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{name}: {}", ended.stderr);
        assert!(!ended.stderr.contains("Canary"), "{name}: {}", ended.stderr);
    }
    let ended = nhs(&campaign, &["nhs", "send"], &input);
    assert!(ended.code == 2 && ended.stderr.contains("--journal FILE is missing"));
    assert!(campaign.sandbox.nhs_messages().is_empty());
    // Nothing of all that keeps the right settings from working.
    let ended = send(&campaign, &[], &input);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 2);
}

#[test]
fn each_error_of_nhs_notify_ends_as_it_is_documented_and_the_same_command_goes_on() {
    for (error, code, words) in [
        ("denied", 77, "refused the access token"),
        ("forbidden", 77, "onboarding"),
        ("service_ban", 77, "blocked"),
        ("no_such_routing_plan", 2, "--routing-plan"),
        ("ods_code_required", 2, "--ods-code"),
        ("cannot_set_ods_code", 2, "leave out --ods-code"),
        ("cannot_set_contact_details", 2, "report this message"),
        ("missing_routing_plan_template", 2, "routing plan"),
        ("routing_plan_duplicate_templates", 2, "routing plan"),
        ("not_allowed", 76, "report this message"),
        ("not_acceptable", 76, "report this message"),
        ("unsupported_media", 76, "report this message"),
        ("too_few_items", 76, "report this message"),
        ("timeout", 75, "did not answer a batch"),
        ("gateway_timeout", 75, "did not answer a batch"),
        ("internal_server_error", 75, "did not answer a batch"),
        ("bad_gateway", 75, "did not answer a batch"),
        ("service_unavailable", 75, "did not answer a batch"),
        ("quota", 75, "cannot be reached"),
    ] {
        assert!(page("trouble/notify.md").contains(words), "{words}");
        let rule = format!(
            r#"{{"endpoint":"nhs_batches","when":{{"always":true}},"fault":{{"nhs":"{error}"}}}}"#
        );
        let campaign = with_faults(&rule);
        let mut args = sending(&[]);
        if ["quota", "service_unavailable"].contains(&error) {
            // Both ask for a pause.
            let attempts = args.iter().position(|arg| *arg == "--attempts").unwrap();
            args[attempts + 1] = "1";
        }
        let ended = nhs(&campaign, &args, &invited(3));
        assert_eq!(ended.code, code, "{error}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{error}: {}", ended.stderr);
        assert!(campaign.sandbox.nhs_messages().is_empty());
        campaign.sandbox.set_faults(Faults::default());
        let again = send(&campaign, &[], &invited(3));
        assert_eq!(again.code, 0, "{error}: {}", again.stderr);
        assert_each_once(&campaign, 3);
    }
}

#[test]
fn an_access_token_that_is_refused_is_replaced_once() {
    let campaign =
        with_faults(r#"{"endpoint":"nhs_batches","when":{"first":1},"fault":{"nhs":"denied"}}"#);
    let ended = send(&campaign, &[], &invited(2));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(calls(&campaign, "nhs_token"), 2);
    assert_each_once(&campaign, 2);
}

#[test]
fn tokens_are_signed_again_before_they_end() {
    let config = Config {
        faults: Faults::from_json(r#"{"token_seconds":0}"#).unwrap(),
        ..Config::default()
    };
    let campaign = with(config);
    let ended = send(&campaign, &[], &invited(1));
    // Each token has ended when it comes: one is refused, and so is the next.
    assert_eq!(ended.code, 77, "{}", ended.stderr);
    campaign
        .sandbox
        .set_faults(Faults::from_json(r#"{"token_seconds":1,"omit_expires_in":true}"#).unwrap());
    assert_eq!(send(&campaign, &[], &invited(1)).code, 0);
    assert_each_once(&campaign, 1);
}

#[test]
fn rows_that_nhs_notify_refuses_are_stopped_and_the_rest_goes_in_a_new_batch() {
    let campaign = with_fates(&[(1, NhsFate::Refused), (4, NhsFate::Refused)]);
    let ended = send(&campaign, &[], &invited(6));
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let expected = ["", "refused_by_notify", "", "", "refused_by_notify", ""];
    assert_eq!(reasons(&ended), expected);
    assert!(
        ended.stderr.contains("row 3") && ended.stderr.contains("row 6"),
        "{}",
        ended.stderr
    );
    assert_each_once(&campaign, 4);
    assert_eq!(calls(&campaign, "nhs_batches"), 2);
    let again = send(&campaign, &[], &invited(6));
    assert_eq!(again.stdout, ended.stdout);
    assert_eq!(calls(&campaign, "nhs_batches"), 2, "the journal has them");
}

#[test]
fn a_batch_that_is_too_large_is_halved_until_it_is_taken() {
    let campaign =
        with_faults(r#"{"endpoint":"nhs_batches","when":{"first":2},"fault":{"nhs":"too_large"}}"#);
    let ended = send(&campaign, &[], &invited(8));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 8);
    assert_eq!(calls(&campaign, "nhs_batches"), 2 + 4);
}

#[test]
fn after_too_many_calls_there_is_a_pause_and_then_it_goes_on() {
    let campaign =
        with_faults(r#"{"endpoint":"nhs_batches","when":{"first":1},"fault":{"nhs":"quota"}}"#);
    let ended = send(&campaign, &[], &invited(2));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_each_once(&campaign, 2);
}
