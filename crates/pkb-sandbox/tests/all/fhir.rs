//! The two FHIR operations: the published rules, the refusals, and the mischief that can be asked for.

use std::collections::HashSet;

use jiff::SignedDuration;
use jiff::civil::date;
use pkb_sandbox::{
    BirthAtPkb, Config, MAX_INVITATION_TOKENS, MAX_STATUS_QUERY, ORG_ID, Scheme, World,
    WorldPatient,
};
use pkb_synthetic::nhs_number;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{GUIDE, GUIDE_ROW, Rig};

const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";
const CHI: &str = "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53";
const HC: &str = "urn:uuid:1479257a-ce8f-482a-89fa-429ac066c158";
const STATUS: &str = "Patient/$status-query";
const TOKENS: &str = "Organization/$generate-invitation-tokens";

fn parameters<S: AsRef<str>>(system: &str, numbers: &[S]) -> Value {
    let parameter = |number: &S| json!({"name": "patientIdentifier", "valueIdentifier": {"system": system, "value": number.as_ref()}});
    let parameters: Vec<Value> = numbers.iter().map(parameter).collect();
    json!({"resourceType": "Parameters", "parameter": parameters})
}

async fn request(rig: &Rig, operation: &str, body: String) -> RequestBuilder {
    rig.http
        .post(format!("{}/{operation}", rig.sandbox.fhir_url()))
        .bearer_auth(rig.bearer().await)
        .header("X-Org-Public-Id", ORG_ID)
        .header("Content-Type", "application/fhir+json")
        .header("Accept", "application/fhir+json")
        .body(body)
}

async fn post(rig: &Rig, operation: &str, body: &Value) -> Response {
    let request = request(rig, operation, body.to_string()).await;
    request.send().await.unwrap()
}

async fn ask(rig: &Rig, operation: &str, numbers: &[&str]) -> Vec<Value> {
    let response = post(rig, operation, &parameters(NHS, numbers)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/fhir+json");
    let reply: Value = response.json().await.unwrap();
    assert_eq!(reply["resourceType"], "Parameters");
    reply["parameter"].as_array().cloned().unwrap_or_default()
}

/// The value of the part with a name, whatever kind it is of.
fn fact<'a>(part: &'a Value, name: &str) -> Option<&'a Value> {
    let part = part["part"].as_array().unwrap().iter();
    let named = part.clone().find(|fact| fact["name"] == name)?;
    named
        .as_object()
        .unwrap()
        .iter()
        .find_map(|(key, value)| key.starts_with("value").then_some(value))
}

fn numbers_of(parts: &[Value]) -> Vec<&str> {
    parts
        .iter()
        .map(|part| {
            fact(part, "patientIdentifier").unwrap()["value"]
                .as_str()
                .unwrap()
        })
        .collect()
}

fn row(number: &str, year: u16) -> String {
    format!(",Ann,Example,{number},,,,22,11,{year},,,,,,,,,,,,")
}

/// `count` patients with records, born in 1990.
async fn crowd(rig: &Rig, count: usize) -> Vec<String> {
    let numbers: Vec<String> = (999_000_000..)
        .filter_map(nhs_number::complete)
        .take(count)
        .collect();
    let rows: Vec<String> = numbers.iter().map(|number| row(number, 1990)).collect();
    rig.upload(&rows.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    numbers
}

async fn assert_refused(response: Response, status: u16) {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/fhir+json");
    let outcome: Value = response.json().await.unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    assert_eq!(outcome["issue"][0]["severity"], "error");
    assert!(outcome["issue"][0]["code"].is_string());
}

/// One patient of each kind, with what the world says of them; the clock stands at 2026-11-22.
async fn one_of_each_kind() -> (Rig, [&'static str; 7]) {
    let numbers = [
        "9990000018",
        "9990000026",
        "9990000034",
        "9990000042",
        "9990000050",
        "9990000069",
        "9990000077",
    ];
    let [_, deceased, registered, unborn, no_access, young, no_codes] = numbers;
    let entry = |number: &str, change: fn(&mut WorldPatient)| {
        let mut entry = WorldPatient::new(number);
        change(&mut entry);
        entry
    };
    let world = World::default()
        .with(entry(deceased, |it| it.deceased = Some(date(2025, 11, 2))))
        .with(entry(registered, |it| it.registered = true))
        .with(entry(unborn, |it| it.date_of_birth = BirthAtPkb::Unknown))
        .with(entry(no_access, |it| it.no_access = true))
        .with(entry(young, |it| {
            it.date_of_birth = BirthAtPkb::On(date(2010, 11, 23));
        }))
        .with(entry(no_codes, |it| it.no_access_tokens = true));
    let rig = Rig::with_world(world).await;
    let rows = numbers.map(|number| row(number, 2010));
    rig.upload(&rows.each_ref().map(String::as_str)).await;
    (rig, numbers)
}

#[tokio::test]
async fn the_status_says_what_pkb_publishes_for_each_kind_of_patient() {
    let (rig, numbers) = one_of_each_kind().await;
    let [plain, deceased, registered, unborn, no_access, ..] = numbers;
    let asked = [plain, deceased, registered, unborn, no_access, GUIDE];
    let parts = ask(&rig, STATUS, &asked).await;
    assert_eq!(numbers_of(&parts), asked);
    assert_eq!(
        parts[0],
        json!({"name": "patientStatus", "part": [
            {"name": "patientIdentifier", "valueIdentifier": {"system": NHS, "value": plain}},
            {"name": "deceased", "valueBoolean": false},
            {"name": "registered", "valueBoolean": false},
            {"name": "dateOfBirth", "valueDate": "2010-11-22"},
        ]})
    );
    let seen: Vec<_> = parts
        .iter()
        .map(|part| {
            ["deceased", "registered", "dateOfBirth", "diagnostics"]
                .map(|name| fact(part, name).cloned().unwrap_or_default())
        })
        .collect();
    let (yes, no, born, nothing) = (json!(true), json!(false), json!("2010-11-22"), Value::Null);
    assert_eq!(
        seen[1..],
        [
            [yes.clone(), no.clone(), born.clone(), nothing.clone()],
            [no.clone(), yes, born, nothing.clone()],
            [no.clone(), no.clone(), nothing.clone(), nothing.clone()],
            [no.clone(), no, nothing.clone(), json!("No access")],
            [
                nothing.clone(),
                nothing.clone(),
                nothing,
                json!("Not found")
            ],
        ]
    );
}

#[tokio::test]
async fn who_may_not_be_invited_is_left_out_without_a_word_and_gets_no_codes() {
    let (rig, numbers) = one_of_each_kind().await;
    let mut asked = numbers.to_vec();
    asked.insert(0, GUIDE);
    let parts = ask(&rig, TOKENS, &asked).await;
    assert_eq!(numbers_of(&parts), [numbers[0]]);
    for number in &numbers[1..] {
        assert!(rig.sandbox.invitations(number).is_empty());
    }
    // The next day is somebody's sixteenth birthday.
    rig.clock.advance(SignedDuration::from_hours(24));
    let parts = ask(&rig, TOKENS, &asked).await;
    assert_eq!(numbers_of(&parts), [numbers[0], numbers[5]]);
}

#[tokio::test]
async fn codes_have_the_published_form_and_earlier_ones_stay_valid() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    let parts = ask(&rig, TOKENS, &[GUIDE]).await;
    assert_eq!(
        parts,
        [json!({"name": "patientTokens", "part": [
            {"name": "patientIdentifier", "valueIdentifier": {"system": NHS, "value": GUIDE}},
            {"name": "code", "valueString": "NKcYiAciBU"},
            {"name": "token", "valueString": "KVPnrFYPay"},
            {"name": "expiry", "valueDatetime": "2026-12-22T09:00:00.000+00:00"},
        ]})]
    );
    let again = ask(&rig, TOKENS, &[GUIDE]).await;
    assert_ne!(fact(&again[0], "code"), fact(&parts[0], "code"));
    assert_eq!(rig.sandbox.invitations(GUIDE).len(), 2);
    let first = [
        ("t1", "NKcYiAciBU"),
        ("t2", "KVPnrFYPay"),
        ("day", "15"),
        ("month", "9"),
        ("year", "2000"),
    ];
    let join = rig.http.post(rig.url("/join/")).form(&first);
    assert_eq!(join.send().await.unwrap().status(), 200);
    assert!(ask(&rig, TOKENS, &[GUIDE]).await.is_empty(), "registered");
}

#[tokio::test]
async fn the_expiry_can_be_spelled_as_fhir_spells_it() {
    let rig = Rig::with(Config {
        value_date_time: true,
        ..Config::default()
    })
    .await;
    rig.upload(&[GUIDE_ROW]).await;
    let parts = ask(&rig, TOKENS, &[GUIDE]).await;
    let expiry = &parts[0]["part"][3];
    assert_eq!(expiry["valueDateTime"], "2026-12-22T09:00:00.000+00:00");
}

#[tokio::test]
async fn each_identifier_system_is_known_and_the_world_may_tie_a_number_to_one() {
    let (tied, free) = ("9990000018", "9990000026");
    let world = World::default().with(WorldPatient {
        scheme: Some(Scheme::HcNumber),
        ..WorldPatient::new(tied)
    });
    let rig = Rig::with_world(world).await;
    rig.upload(&[&row(tied, 1990), &row(free, 1990)]).await;
    for (system, found) in [(NHS, vec![free]), (CHI, vec![free]), (HC, vec![tied, free])] {
        let asked = parameters(system, &[tied, free]);
        let reply: Value = post(&rig, TOKENS, &asked).await.json().await.unwrap();
        let parts = reply["parameter"].as_array().unwrap();
        assert_eq!(numbers_of(parts), found);
        for part in parts {
            assert_eq!(fact(part, "patientIdentifier").unwrap()["system"], system);
        }
        let reply: Value = post(&rig, STATUS, &asked).await.json().await.unwrap();
        let known = reply["parameter"].as_array().unwrap().iter();
        let known = known.filter(|part| fact(part, "diagnostics").is_none());
        assert_eq!(known.count(), found.len());
    }
}

#[tokio::test]
async fn a_request_that_is_not_as_it_should_be_is_refused_as_a_whole() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    let good =
        json!({"name": "patientIdentifier", "valueIdentifier": {"system": NHS, "value": GUIDE}});
    let with =
        |parameter: Value| json!({"resourceType": "Parameters", "parameter": [good, parameter]});
    for operation in [STATUS, TOKENS] {
        for (body, status) in [
            (json!({"resourceType": "Parameters"}), 400),
            (json!({"resourceType": "Parameters", "parameter": []}), 400),
            (json!({"resourceType": "Patient", "parameter": [good]}), 400),
            (json!({"parameter": [good]}), 400),
            (json!([good]), 400),
            (json!("text"), 400),
            (with(json!({"name": "patientIdentifier"})), 400),
            (
                with(json!({"name": "patientIdentifier", "valueString": GUIDE})),
                400,
            ),
            (
                with(
                    json!({"name": "patientIdentifier", "valueIdentifier": {"system": NHS, "value": 9_990_000_018_u64}}),
                ),
                400,
            ),
            (
                with(json!({"name": "patientIdentifier", "valueIdentifier": {"value": GUIDE}})),
                400,
            ),
            (
                with(
                    json!({"name": "patientIdentifier", "valueIdentifier": {"system": NHS, "value": ""}}),
                ),
                400,
            ),
            (
                with(
                    json!({"name": "patient", "valueIdentifier": {"system": NHS, "value": GUIDE}}),
                ),
                400,
            ),
            (
                with(
                    json!({"name": "patientIdentifier", "valueIdentifier": {"system": format!("{NHS}/"), "value": GUIDE}}),
                ),
                422,
            ),
            (
                with(
                    json!({"name": "patientIdentifier", "valueIdentifier": {"system": "https://hospital.example/id", "value": GUIDE}}),
                ),
                422,
            ),
        ] {
            assert_refused(post(&rig, operation, &body).await, status).await;
        }
        let cut = request(&rig, operation, "{\"resourceType\":\"Par".to_owned()).await;
        assert_refused(cut.send().await.unwrap(), 400).await;
    }
    assert!(rig.sandbox.invitations(GUIDE).is_empty());
}

#[tokio::test]
async fn the_limits_are_five_thousand_and_five_hundred() {
    let rig = Rig::start().await;
    for (operation, limit) in [(STATUS, MAX_STATUS_QUERY), (TOKENS, MAX_INVITATION_TOKENS)] {
        let numbers: Vec<String> = (999_000_000..)
            .filter_map(nhs_number::complete)
            .take(limit + 1)
            .collect();
        let all = post(&rig, operation, &parameters(NHS, &numbers[..limit])).await;
        assert_eq!(all.status(), 200);
        assert_refused(post(&rig, operation, &parameters(NHS, &numbers)).await, 400).await;
    }
    assert_eq!((MAX_STATUS_QUERY, MAX_INVITATION_TOKENS), (5_000, 500));
}

#[tokio::test]
async fn bearer_organisation_and_media_types_are_checked() {
    let rig = Rig::start().await;
    let body = || parameters(NHS, &[GUIDE]).to_string();
    for operation in [STATUS, TOKENS] {
        let url = format!("{}/{operation}", rig.sandbox.fhir_url());
        let nobody = rig.http.post(&url).body(body()).send().await.unwrap();
        assert_eq!(nobody.status(), 401);
        let bearer = rig.bearer().await;
        for (org, kind, accept, status) in [
            (None, "application/fhir+json", "*/*", 403),
            (
                Some("11111111-1111-4111-8111-111111111111"),
                "application/fhir+json",
                "*/*",
                403,
            ),
            (Some(ORG_ID), "application/json", "*/*", 415),
            (Some(ORG_ID), "application/fhir+json", "text/html", 406),
            (
                Some(ORG_ID),
                "application/fhir+json; charset=UTF-8",
                "text/html, application/fhir+json;q=0.9",
                200,
            ),
        ] {
            let mut request = rig
                .http
                .post(&url)
                .bearer_auth(&bearer)
                .header("Content-Type", kind)
                .header("Accept", accept)
                .body(body());
            if let Some(org) = org {
                request = request.header("X-Org-Public-Id", org);
            }
            let response = request.send().await.unwrap();
            if status == 200 {
                assert_eq!(response.status(), 200);
            } else {
                assert_refused(response, status).await;
            }
        }
        let get = rig.http.get(&url).bearer_auth(&bearer).send().await;
        assert_eq!(get.unwrap().status(), 405);
    }
}

#[tokio::test]
async fn one_patient_can_make_every_request_that_has_them_in_it_be_refused() {
    let guilty = "9990000018";
    let world = World::default().with(WorldPatient {
        refuses_batch: true,
        ..WorldPatient::new(guilty)
    });
    let rig = Rig::with_world(world).await;
    rig.upload(&[GUIDE_ROW, &row(guilty, 1990)]).await;
    for operation in [STATUS, TOKENS] {
        let both = post(&rig, operation, &parameters(NHS, &[GUIDE, guilty])).await;
        assert_refused(both, 422).await;
        assert_eq!(ask(&rig, operation, &[GUIDE]).await.len(), 1);
    }
    assert_eq!(rig.sandbox.invitations(GUIDE).len(), 1);
}

#[tokio::test]
async fn the_ledger_counts_identifiers_and_names_nobody() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    rig.sandbox.reset_ledger();
    rig.set_rules(
        r#"{"endpoint":"generate_tokens","when":{"requests":[2]},"fault":{"status":503}}"#,
    );
    ask(&rig, STATUS, &[GUIDE, "9990000018"]).await;
    ask(&rig, TOKENS, &[GUIDE]).await;
    post(&rig, TOKENS, &parameters(NHS, &[GUIDE])).await;
    post(&rig, STATUS, &parameters("urn:x", &[GUIDE, GUIDE, GUIDE])).await;
    post(&rig, STATUS, &json!({})).await;
    let ledger = rig.sandbox.ledger();
    let seen: Vec<_> = ledger
        .iter()
        .filter(|entry| entry.endpoint != "token")
        .inspect(|entry| assert_eq!(entry.patient, None))
        .map(|entry| {
            (
                entry.endpoint,
                entry.status,
                entry.identifiers,
                entry.committed,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("status_query", Some(200), Some(2), true),
            ("generate_tokens", Some(200), Some(1), true),
            ("generate_tokens", Some(503), None, false),
            ("status_query", Some(422), Some(3), false),
            ("status_query", Some(400), None, false),
        ]
    );
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_after_the_codes_were_made() {
    let rig =
        Rig::with_rules(r#"{"endpoint":"generate_tokens","when":{"first":1},"fault":"truncate"}"#)
            .await;
    let response = post(&rig, TOKENS, &parameters(NHS, &[GUIDE])).await;
    assert!(response.bytes().await.is_err());
    assert_eq!(rig.sandbox.invitations(GUIDE).len(), 1);
}

/// The parts for a crowd of 200 under a fault, which is the same each time.
async fn under(operation: &str, parts: &str) -> (Vec<String>, Vec<Value>) {
    let rig = Rig::start().await;
    let crowd = crowd(&rig, 200).await;
    let endpoint = if operation == STATUS {
        "status_query"
    } else {
        "generate_tokens"
    };
    rig.set_rules(&format!(
        r#"{{"endpoint":"{endpoint}","when":{{"always":true}},"fault":{{"parts":{parts}}}}}"#
    ));
    let asked: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let seen = ask(&rig, operation, &asked).await;
    let whom = numbers_of(&ask(&rig, operation, &asked).await).join(" ");
    assert_eq!(numbers_of(&seen).join(" "), whom);
    (crowd, seen)
}

#[tokio::test]
async fn parts_are_shuffled_repeated_and_left_out_on_demand() {
    for operation in [STATUS, TOKENS] {
        let (crowd, parts) = under(operation, r#"{"shuffle":true}"#).await;
        let numbers = numbers_of(&parts);
        assert_ne!(numbers, crowd);
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, crowd);

        let (_, parts) = under(operation, r#"{"repeat":0.25}"#).await;
        let different: HashSet<&str> = numbers_of(&parts).into_iter().collect();
        assert_eq!(different.len(), 200);
        assert!((220..280).contains(&parts.len()), "{}", parts.len());

        let (_, parts) = under(operation, r#"{"omit":0.25}"#).await;
        assert!((120..180).contains(&parts.len()), "{}", parts.len());
    }
}

#[tokio::test]
async fn strangers_and_other_identifier_systems_come_on_demand() {
    for operation in [STATUS, TOKENS] {
        let (crowd, parts) = under(operation, r#"{"strangers":7}"#).await;
        let numbers = numbers_of(&parts);
        assert_eq!(numbers[..200], crowd);
        let strangers = &numbers[200..];
        assert_eq!(strangers.len(), 7);
        assert!(strangers.iter().all(|one| nhs_number::is_valid(one)));
        assert!(
            strangers
                .iter()
                .all(|one| !crowd.contains(&(*one).to_owned()))
        );

        let (_, parts) = under(operation, r#"{"other_systems":0.5}"#).await;
        let mut kinds = [0; 3];
        for part in &parts {
            let system = fact(part, "patientIdentifier").unwrap()["system"].as_str();
            kinds[match system.unwrap() {
                NHS => 0,
                "https://fhir.nhs.uk/Id/nhs-number/" => 1,
                _ => {
                    assert_eq!(part["part"][1]["valueIdentifier"]["system"], NHS);
                    2
                }
            }] += 1;
        }
        assert!(kinds.iter().all(|kind| *kind > 20), "{kinds:?}");
    }
}

/// The code and the token of each part.
fn pairs(parts: &[Value]) -> Vec<(&Value, &Value)> {
    let fact = |part, name| fact(part, name).unwrap();
    parts
        .iter()
        .map(|part| (fact(part, "code"), fact(part, "token")))
        .collect()
}

#[tokio::test]
async fn parts_can_be_under_other_numbers_and_have_others_codes() {
    let rig = Rig::start().await;
    let numbers = crowd(&rig, 3).await;
    let asked: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let [one, two, three] = asked[..] else {
        panic!("three were made")
    };
    let mut told = String::new();
    for parts in [
        r#"{"moved":1}"#,
        r#"{"renamed":1}"#,
        r#"{"unnamed":1}"#,
        r#"{"two_names":1}"#,
        r#"{"shared_codes":1}"#,
        r#"{"shared_code":1}"#,
        r#"{"shared_token":1}"#,
        r#"{"earlier_codes":1}"#,
        r#"{"earlier_token":1}"#,
    ] {
        rig.set_rules(&format!(
            r#"{{"endpoint":"generate_tokens","when":{{"always":true}},"fault":{{"parts":{parts}}}}}"#
        ));
        let answer = ask(&rig, TOKENS, &asked).await;
        let names = |at: usize| {
            let facts = answer[at]["part"].as_array().unwrap().iter();
            let ids = facts.filter(|fact| fact["name"] == "patientIdentifier");
            ids.map(|id| id["valueIdentifier"]["value"].as_str().unwrap())
                .collect::<Vec<_>>()
        };
        let pairs = pairs(&answer);
        let (codes, tokens): (HashSet<_>, HashSet<_>) = pairs.iter().copied().unzip();
        let counts = (codes.len(), tokens.len());
        match parts {
            r#"{"moved":1}"# => assert_eq!([names(0), names(2)], [[two], [one]]),
            r#"{"renamed":1}"# => assert!(names(1).len() == 1 && !asked.contains(&names(1)[0])),
            r#"{"unnamed":1}"# => assert!(names(1).is_empty()),
            r#"{"two_names":1}"# => assert_eq!(names(1), [two, three]),
            r#"{"shared_codes":1}"# => assert_eq!(counts, (1, 1)),
            r#"{"shared_code":1}"# => assert_eq!(counts, (1, 3)),
            r#"{"shared_token":1}"# => assert_eq!(counts, (3, 1)),
            r#"{"earlier_codes":1}"# => assert_eq!(*pairs[0].0, *told),
            _ => assert_eq!(counts, (3, 1)),
        }
        told = pairs[2].0.as_str().unwrap().to_owned();
    }
}
