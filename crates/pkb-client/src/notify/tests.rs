//! What is made of Notify's answers. Over HTTP they are in the end-to-end tests.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use super::{errors::explain, *};
use crate::transport::explain::{AnswerMeaning, Unsuccessful};

const PAUSE: Duration = Duration::from_secs(30);

fn meaning(status: u16, body: impl Into<Vec<u8>>) -> Option<AnswerMeaning> {
    let answer = Unsuccessful {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: None,
        clock_off_by: Some(Duration::from_secs(2)),
        body: &body.into(),
    };
    explain(&answer, PAUSE)
}

fn error(status: u16, kind: &str, message: &str) -> Option<AnswerMeaning> {
    let body = json!({"status_code": status, "errors": [{"error": kind, "message": message}]});
    meaning(status, body.to_string())
}

fn fatal(meaning: Option<AnswerMeaning>) -> Fatal {
    match meaning {
        Some(AnswerMeaning::Give(CallError::Fatal(fatal))) => fatal,
        Some(AnswerMeaning::Give(error)) => panic!("about one record: {error}"),
        Some(AnswerMeaning::Pause(_) | AnswerMeaning::Answer) => panic!("a pause"),
        None => panic!("nothing of Notify's own"),
    }
}

#[test]
fn what_is_about_the_settings_stops_the_stage_and_says_what_to_do() {
    let table = [
        (
            403,
            "AuthError",
            "Error: Your system clock must be accurate to within 30 seconds",
            77,
            "clock",
        ),
        (
            403,
            "AuthError",
            "Invalid token: API key not found",
            77,
            "NOTIFY_API_KEY_FILE",
        ),
        (
            401,
            "AuthError",
            "Unauthorized: authentication token must be provided",
            77,
            "API key",
        ),
        (
            403,
            "BadRequestError",
            "Cannot send letters with a team api key",
            77,
            "live",
        ),
        (
            400,
            "BadRequestError",
            "Can't send to this recipient using a team-only API key",
            2,
            "team",
        ),
        (
            400,
            "BadRequestError",
            "Can't send to this recipient when service is in trial mode",
            2,
            "trial mode",
        ),
        (
            400,
            "BadRequestError",
            "Template not found",
            2,
            "--template-id",
        ),
        (
            400,
            "BadRequestError",
            "Missing personalisation: Canary",
            2,
            "placeholder",
        ),
        (
            400,
            "BadRequestError",
            "sms_sender_id Canary does not exist in database",
            2,
            "--sender-id",
        ),
        (
            400,
            "ValidationError",
            "template_id is not a valid UUID",
            76,
            "form of the request",
        ),
        (
            429,
            "TooManyRequestsError",
            "Exceeded send limits (250000) for today",
            75,
            "tomorrow",
        ),
    ];
    for (status, kind, message, code, words) in table {
        let fatal = fatal(error(status, kind, message));
        assert_eq!(fatal.exit_code().code(), code, "{message}");
        let text = fatal.to_string();
        assert!(text.contains(words) && !text.contains("Canary"), "{text}");
    }
}

#[test]
fn what_is_about_one_number_or_letter_is_a_verdict_on_it() {
    for (kind, message) in [
        ("ValidationError", "phone_number Not enough digits"),
        ("InvalidPhoneError", "Must not contain letters or symbols"),
        (
            "BadRequestError",
            "Cannot send to international mobile numbers",
        ),
        ("BadRequestError", "Letter content is not a valid PDF"),
        (
            "BadRequestError",
            "Canary: something that nobody has seen yet",
        ),
    ] {
        let Some(AnswerMeaning::Give(refused)) = error(400, kind, message) else {
            panic!("{message}")
        };
        let verdict = refused.into_verdict().unwrap();
        assert_eq!(
            verdict.reason,
            pkb_core::Reason::RefusedByNotify,
            "{message}"
        );
        assert!(!verdict.detail.unwrap().contains("Canary"));
    }
}

#[test]
fn too_many_calls_are_a_pause_for_all_and_a_failure_is_no_word_of_its_own() {
    let limit = error(
        429,
        "RateLimitError",
        "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds",
    );
    assert!(matches!(limit, Some(AnswerMeaning::Pause(PAUSE))));
    assert!(matches!(
        meaning(429, "a proxy's page"),
        Some(AnswerMeaning::Pause(PAUSE))
    ));
    assert!(error(500, "Exception", "Internal server error").is_none());
    assert!(meaning(503, "").is_none());
}

#[test]
fn a_proxy_is_not_taken_for_notify() {
    for status in [302, 400, 401, 403, 404, 407] {
        let fatal = fatal(meaning(status, "<html>Canary</html>"));
        assert_eq!(fatal.exit_code().code(), 76, "{status}");
        assert!(fatal.to_string().contains("NOTIFY_BASE_URL"), "{fatal}");
    }
}

#[test]
fn a_clock_that_is_off_is_named_even_if_notify_does_not_say_so() {
    let answer = Unsuccessful {
        retry_after: None,
        status: StatusCode::FORBIDDEN,
        clock_off_by: Some(Duration::from_secs(90)),
        body: br#"{"errors": [{"error": "AuthError", "message": "no"}]}"#,
    };
    assert!(fatal(explain(&answer, PAUSE)).to_string().contains("clock"));
}

#[test]
fn an_answer_of_another_kind_stops_the_stage_without_its_words() {
    for body in ["<html>Canary", "{}", r#"{"id":"Canary"}"#] {
        let Err(CallError::Fatal(fatal)) = parse::<TakenAnswer>(body.as_bytes()) else {
            panic!("{body} was read")
        };
        assert_eq!(fatal.exit_code().code(), 76);
        assert!(!fatal.to_string().contains("Canary"));
    }
}
