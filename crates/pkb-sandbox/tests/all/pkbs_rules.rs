//! What PKB publishes of itself besides the calls: one call at a time, response codes, definitions without a token, the search for one patient.

use pkb_sandbox::{Config, Gender, ORG_ID, World, WorldPatient};
use serde_json::{Value, json};

use crate::support::{GUIDE, GUIDE_ROW, Rig};

const SEARCH: &str =
    "/fhir/Patient?identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C5760678914";

async fn search(rig: &Rig) -> Value {
    let request = rig
        .http
        .get(rig.url(SEARCH))
        .header("X-Org-Public-Id", ORG_ID);
    let answer = request
        .bearer_auth(rig.bearer().await)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_call_that_comes_while_another_is_in_hand_is_an_offence_only_where_that_is_asked_for() {
    for (one_at_a_time, offences) in [(false, 0), (true, 1)] {
        let rig = Rig::with(Config {
            one_at_a_time,
            ..Config::default()
        })
        .await;
        rig.upload(&[GUIDE_ROW]).await;
        rig.set_rules(r#"{"endpoint":"by_national_id","when":{"always":true},"fault":{"latency_ms":{"fixed":300}}}"#);
        let bearer = rig.bearer().await;
        let ask = |path: &str| rig.http.get(rig.url(path)).bearer_auth(&bearer).send();
        let user = format!("/beta/users/byNationalId/{GUIDE}/NHS_NUMBER");
        let slow = tokio::spawn(ask(&user));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let second = ask("/v1/users/3594342/recordAccessToken").await.unwrap();
        assert_eq!(second.status(), if one_at_a_time { 503 } else { 200 });
        // The join page is not PKB's interface.
        assert_eq!(ask("/join").await.unwrap().status(), 200);
        assert_eq!(slow.await.unwrap().unwrap().status(), 200);
        assert_eq!(
            ask("/v1/users/3594342/recordAccessToken")
                .await
                .unwrap()
                .status(),
            200
        );
        assert_eq!(rig.sandbox.offences(), offences);
    }
}

#[tokio::test]
async fn every_response_code_can_be_had_with_any_status_that_pkb_might_send() {
    let rig = Rig::with_rules("").await;
    let bearer = rig.bearer().await;
    for (status, code) in [
        (200, "NO_CONSENT"),
        (400, "NO_ASSOCIATION"),
        (401, "ACC_TOKEN_EXPIRED"),
        (403, "USER_TYPE_NOT_PERM"),
        (404, "ACCESS_FROZEN_INWARD"),
        (422, "ACCESS_FROZEN_OUTWARD"),
        (500, "API_SESSION_EXPIRED"),
    ] {
        rig.set_rules(&format!(
            r#"{{"endpoint":"any","when":{{"always":true}},"fault":{{"status":{status},"code":"{code}"}}}}"#
        ));
        let request = rig.http.get(rig.url("/v1/users/3594342/recordAccessToken"));
        let answer = request.bearer_auth(&bearer).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let outcome: Value = answer.json().await.unwrap();
        assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], code);
    }
}

#[tokio::test]
async fn definitions_are_read_without_a_token_and_tell_the_most_patients_of_a_call() {
    let rig = Rig::with(Config {
        max_status_query: 1_000,
        ..Config::default()
    })
    .await;
    for (id, most) in [
        ("Patient-t-status-query", "1000"),
        ("Organization-t-generate-invitation-tokens", "500"),
    ] {
        let url = rig.url(&format!("/fhir/OperationDefinition/{id}?_format=json"));
        let definition: Value = rig
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(definition["resourceType"], "OperationDefinition");
        assert_eq!(definition["parameter"][0]["max"], most);
    }
    let other = rig.url("/fhir/OperationDefinition/Patient-t-other");
    assert_eq!(rig.http.get(other).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_operation_that_is_not_switched_on_is_refused() {
    let rig = Rig::with(Config {
        not_enabled: vec!["generate_tokens".to_owned()],
        ..Config::default()
    })
    .await;
    for (path, status) in [
        ("/fhir/Patient/$status-query", 200),
        ("/fhir/Organization/$generate-invitation-tokens", 403),
    ] {
        let identifier = json!({"system": "https://fhir.nhs.uk/Id/nhs-number", "value": GUIDE});
        let parameter = json!([{"name": "patientIdentifier", "valueIdentifier": identifier}]);
        let body = json!({"resourceType": "Parameters", "parameter": parameter}).to_string();
        let request = rig.http.post(rig.url(path)).body(body);
        let request = request
            .header("X-Org-Public-Id", ORG_ID)
            .header("Content-Type", "application/fhir+json");
        let answer = request
            .bearer_auth(rig.bearer().await)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

#[tokio::test]
async fn a_search_finds_the_patient_with_name_and_gender_and_may_find_another() {
    let mut patient = WorldPatient::new(GUIDE);
    patient.gender = Some(Gender::I);
    let rig = Rig::with_world(World::default().with(patient)).await;
    assert!(search(&rig).await.get("entry").is_none());
    rig.upload(&[GUIDE_ROW, &crate::support::short_row("9990000018")])
        .await;
    let found = search(&rig).await;
    let resource = &found["entry"][0]["resource"];
    assert_eq!(resource["name"][0]["family"], "Richards");
    assert_eq!(
        (&resource["gender"], &resource["birthDate"]),
        (&json!("other"), &json!("2000-09-15"))
    );
    assert_eq!(resource["identifier"][0]["value"], GUIDE);
    let user: Value = rig.user(GUIDE).await.json().await.unwrap();
    assert_eq!(user["gender"], "I");
    let user: Value = rig.user("9990000018").await.json().await.unwrap();
    assert_eq!(user["gender"], "U");

    rig.set_rules(r#"{"endpoint":"patient_search","patients":["5760678914"],"when":{"always":true},"fault":{"person":"another_person"}}"#);
    let found = search(&rig).await;
    assert_eq!(
        found["entry"][0]["resource"]["identifier"][0]["value"],
        "9990000018"
    );
    let entry = rig.sandbox.ledger().pop().unwrap();
    assert_eq!(
        (entry.endpoint, entry.patient.as_deref()),
        ("patient_search", Some(GUIDE))
    );
}

#[tokio::test]
async fn the_rest_calls_can_be_below_json_and_then_nowhere_else() {
    let rig = Rig::with(Config {
        json_mounts: true,
        ..Config::default()
    })
    .await;
    rig.upload(&[GUIDE_ROW]).await;
    for (path, endpoint) in [
        (
            format!("/beta/users/byNationalId/{GUIDE}/NHS_NUMBER"),
            "by_national_id",
        ),
        (
            "/v1/users/3594342/recordAccessToken".to_owned(),
            "record_access_token",
        ),
    ] {
        assert_eq!(rig.get(&path).await.status(), 404);
        assert_eq!(rig.get(&format!("/json{path}")).await.status(), 200);
        let entry = rig.sandbox.ledger().pop().unwrap();
        assert_eq!(
            (entry.endpoint, entry.patient.as_deref()),
            (endpoint, Some(GUIDE))
        );
        // Also without a token it is not there for anybody.
        let open = rig.http.get(rig.url(&format!("/json{path}"))).send().await;
        assert_eq!(open.unwrap().status(), 401);
    }
}
