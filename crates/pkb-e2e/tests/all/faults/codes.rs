//! PKB's response codes at each endpoint: they decide, whatever the HTTP status is.

use super::{
    At, ONE_RETRY, Ready, check, commits, comparable, each_in_a_thread, outcome_of, rule,
    tables::ALWAYS,
};
use crate::{guide::page, harness::Ended};

/// What a code is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum About {
    /// The access token: another one is fetched, and in the end the stage stops.
    Token,
    /// The client: the stage stops with these words.
    Client(&'static str),
    /// The patient: nobody else suffers.
    Patient,
    /// Nothing that happens to a system client.
    Nothing,
}

const SESSION_OVER: &str = "PKB has closed this client's API session";
const WRONG_CLIENT: &str = "PKB does not accept this kind of client for this call";
const JUST_GIVEN_OUT: &str = "PKB refuses the access tokens that it has just given out";
const UPLOAD_WITHHELD: &str = "PKB does not take this upload";
const NOT_FOR_US: &str =
    "PKB's response code is not for a client of this kind (ACCESS_FROZEN_OUTWARD)";

/// A line for each code, with two of the statuses that it may come with.
const CODES: &[(&str, [u16; 2], About)] = &[
    ("ACC_TOKEN_EXPIRED", [200, 401], About::Token),
    ("BAD_AUTHENTICATION", [403, 500], About::Token),
    (
        "API_SESSION_EXPIRED",
        [200, 404],
        About::Client(SESSION_OVER),
    ),
    (
        "API_SESSION_INVALID",
        [400, 503],
        About::Client(SESSION_OVER),
    ),
    (
        "USER_TYPE_NOT_PERM",
        [403, 422],
        About::Client(WRONG_CLIENT),
    ),
    ("ACCESS_FROZEN_OUTWARD", [403, 200], About::Nothing),
    ("ACCESS_FROZEN_INWARD", [403, 500], About::Patient),
    ("SHARING_DISABLED", [404, 200], About::Patient),
    ("NO_ASSOCIATION", [404, 422], About::Patient),
    ("NO_CONSENT", [200, 400], About::Patient),
    ("NO_DECRYPT_KEY", [500, 422], About::Patient),
];

/// How a stage ends: exit code, the outcome of every record if it goes on, and words.
type CodeEnd = (i32, Option<&'static str>, &'static str);

/// How the stage ends that meets a code at an endpoint. `None`: the token address knows nothing of patients, and its status decides.
fn end(at: At, about: About) -> Option<CodeEnd> {
    Some(match (at, about) {
        (_, About::Client(words)) => (77, None, words),
        (At::Token, _) => return None,
        (_, About::Token) => (77, None, JUST_GIVEN_OUT),
        (At::Upload, About::Patient) => (77, None, UPLOAD_WITHHELD),
        (At::Upload, About::Nothing) => (76, None, NOT_FOR_US),
        (_, About::Patient) => (65, Some("excluded: no_access"), "no_access"),
        (_, About::Nothing) => (76, Some("failed: not_understood"), NOT_FOR_US),
    })
}

#[test]
fn every_response_code_decides_at_every_endpoint_whatever_the_status_is() {
    let cases: Vec<(At, &str, u16, CodeEnd)> = At::ALL
        .into_iter()
        .flat_map(|at| {
            CODES.iter().flat_map(move |(code, statuses, about)| {
                let end = end(at, *about);
                statuses
                    .iter()
                    .filter_map(move |status| Some((at, *code, *status, end?)))
            })
        })
        .collect();
    assert!(cases.len() > 100);
    each_in_a_thread(&cases, |(at, code, status, end)| {
        let ready = Ready::new(*at, 2);
        let fault = format!(r#"{{"status":{status},"code":"{code}"}}"#);
        ready.set_faults(&rule(*at, ALWAYS, &fault));
        let ended = ready.run(ONE_RETRY);
        let named = |what: String| format!("{at:?} {status} {code}: {what}\n{}", ended.stderr);
        check_end(&ended, code, *end).map_err(named)?;
        let committed = commits(&ready.calls());
        ready.mend();
        let again = ready.run(ONE_RETRY);
        check(
            again.code == 0 && comparable(again.records()) == ready.calm,
            || {
                named(format!(
                    "the same command later ended with {}: {}",
                    again.code, again.stderr
                ))
            },
        )?;
        let committed = committed + commits(&ready.calls());
        check(*at != At::Upload || committed == 1, || {
            named(format!("{committed} uploads in the end"))
        })
    });
}

fn check_end(ended: &Ended, code: &str, end: CodeEnd) -> Result<(), String> {
    let (expected, outcome, words) = end;
    check(
        ended.code == expected && ended.stderr.contains(words),
        || format!("ended with {}, not {expected} and: {words}", ended.code),
    )?;
    let records = ended.records();
    let Some(outcome) = outcome else {
        return check(records.is_empty(), || "records were settled".into());
    };
    let is_told = |record: &serde_json::Value| {
        let detail = &record["outcome"]["detail"];
        outcome_of(record) == outcome && detail.as_str().is_some_and(|it| it.contains(code))
    };
    check(records.len() == 2 && records.iter().all(is_told), || {
        format!("not every record is {outcome} with the code")
    })
}

#[test]
fn what_codes_come_to_is_in_the_guide() {
    let guide = page("trouble/pkb.md");
    for words in [
        SESSION_OVER,
        WRONG_CLIENT,
        JUST_GIVEN_OUT,
        UPLOAD_WITHHELD,
        NOT_FOR_US,
    ] {
        assert!(guide.contains(words), "the guide lacks: {words}");
    }
}
