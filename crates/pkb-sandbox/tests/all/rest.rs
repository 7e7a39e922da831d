//! The two REST calls about one patient, the world's exceptions, and the sandbox's own endpoints.

use std::collections::HashSet;

use jiff::SignedDuration;
use jiff::civil::date;
use pkb_sandbox::{BirthAtPkb, Config, OddAnswer, Scheme, World, WorldPatient};
use serde_json::{Value, json};

use crate::support::{GUIDE, GUIDE_ROW, Rig, client, short_row};

const OTHER: &str = "9990000018";

#[tokio::test]
async fn the_guides_patient_is_answered_as_in_the_guide() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    let user: Value = rig.user(GUIDE).await.json().await.unwrap();
    assert_eq!(
        user,
        json!({
            "id": "3594342", "title": "Mr", "firstName": "Read", "lastName": "Richards",
            "dob": "2000-09-15", "dateDeceased": null, "gender": "U", "genderMF": null, "email": null, "phone": "07700 900123",
            "address1": "1 Main Street", "address2": null, "city": "Newcastle", "state": null, "postalCode": "NE1 1XC",
            "country": "GB-ENG",
            "nationalIds": [{"value": GUIDE, "name": "NHS number", "countryCodes": ["GB-ENG", "GB-WLS"]}],
            "orgLevelIds": [], "teamLevelIds": [], "contacts": [], "patient": true,
        })
    );
    assert_eq!(
        rig.codes("3594342").await,
        ("NKcYiAciBU".to_owned(), "KVPnrFYPay".to_owned())
    );
}

#[tokio::test]
async fn the_world_changes_what_pkb_knows() {
    let ids = ["9990000018", "9990000026", "9990000034"];
    let world = World::default()
        .with(WorldPatient {
            deceased: Some(date(2025, 11, 2)),
            ..WorldPatient::new(ids[0])
        })
        .with(WorldPatient {
            date_of_birth: BirthAtPkb::On(date(1980, 1, 1)),
            ..WorldPatient::new(ids[1])
        })
        .with(WorldPatient {
            date_of_birth: BirthAtPkb::Unknown,
            ..WorldPatient::new(ids[2])
        });
    let rig = Rig::with_world(world).await;
    rig.upload(
        &ids.map(|id| format!(",Ann,Example,{id},,,,1,2,1990,,,,,,,,,,,,"))
            .each_ref()
            .map(String::as_str),
    )
    .await;
    let mut seen = Vec::new();
    for id in ids {
        let user: Value = rig.user(id).await.json().await.unwrap();
        seen.push((user["dateDeceased"].clone(), user["dob"].clone()));
    }
    assert_eq!(
        seen,
        [
            (json!("2025-11-02"), json!("1990-02-01")),
            (Value::Null, json!("1980-01-01")),
            (Value::Null, Value::Null),
        ]
    );
}

#[tokio::test]
async fn unknown_missing_and_refused_patients_are_told_apart_by_status() {
    let (missing, refused, no_codes) = ("9990000018", "9990000026", "9990000034");
    let world = World::default()
        .with(WorldPatient {
            missing: true,
            ..WorldPatient::new(missing)
        })
        .with(WorldPatient {
            no_access: true,
            ..WorldPatient::new(refused)
        })
        .with(WorldPatient {
            no_access_tokens: true,
            ..WorldPatient::new(no_codes)
        });
    let rig = Rig::with_world(world).await;
    assert_eq!(rig.user(refused).await.status(), 404, "no record yet");
    let report = rig
        .upload(&[
            &short_row(missing),
            &short_row(refused),
            &short_row(no_codes),
        ])
        .await;
    assert_eq!(report["created"], 3);
    assert_eq!(rig.user(missing).await.status(), 404);
    assert_eq!(rig.user(GUIDE).await.status(), 404);
    let answer = rig.user(refused).await;
    assert_eq!(answer.status(), 401);
    assert!(answer.json::<Value>().await.unwrap()["error"].is_string());
    assert_eq!(rig.user(no_codes).await.status(), 200);
    let codes = |id: &str| {
        format!(
            "/v1/users/{}/recordAccessToken",
            rig.sandbox.patient(id).unwrap().pkb_id
        )
    };
    assert_eq!(rig.get(&codes(refused)).await.status(), 401);
    assert_eq!(rig.get(&codes(no_codes)).await.status(), 401);
    assert_eq!(rig.get("/v1/users/1/recordAccessToken").await.status(), 404);
    assert_eq!(
        rig.get("/v1/users/somebody/recordAccessToken")
            .await
            .status(),
        404
    );
}

#[tokio::test]
async fn odd_answers_are_odd() {
    for (answer, status, kind) in [
        (OddAnswer::Error, 500, "application/json"),
        (OddAnswer::NotJson, 200, "text/html"),
        (OddAnswer::Nonsense, 200, "application/json"),
    ] {
        let world = World::default().with(WorldPatient {
            answer: Some(answer),
            ..WorldPatient::new(GUIDE)
        });
        let rig = Rig::with_world(world).await;
        rig.upload(&[GUIDE_ROW]).await;
        let response = rig.user(GUIDE).await;
        assert_eq!(response.status(), status);
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with(kind)
        );
        assert!(!response.text().await.unwrap().contains("Richards"));
    }
}

#[tokio::test]
async fn unknown_identifier_types_and_unknown_paths_are_refused_as_json() {
    let rig = Rig::start().await;
    let response = rig
        .get(&format!("/beta/users/byNationalId/{GUIDE}/CHI"))
        .await;
    assert_eq!(response.status(), 400);
    let response = rig.get("/json/users/self").await;
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.json::<Value>().await.unwrap()["error"],
        "not_found"
    );
    let response = rig.get("/api/oauth/token").await;
    assert_eq!(response.status(), 405);
    assert_eq!(
        response.json::<Value>().await.unwrap()["error"],
        "method_not_allowed"
    );
}

#[tokio::test]
async fn a_number_is_found_under_each_scheme_unless_the_world_says_which() {
    let world = World::default().with(WorldPatient {
        scheme: Some(Scheme::ChiNumber),
        ..WorldPatient::new(OTHER)
    });
    let rig = Rig::with_world(world).await;
    rig.upload(&[GUIDE_ROW, &short_row(OTHER)]).await;
    let mut seen = Vec::new();
    for number in [GUIDE, OTHER] {
        for scheme in ["NHS_NUMBER", "CHI_NUMBER", "HC_NUMBER"] {
            let path = format!("/beta/users/byNationalId/{number}/{scheme}");
            seen.push(rig.get(&path).await.status().as_u16());
        }
    }
    assert_eq!(seen, [200, 200, 200, 404, 200, 404]);
    let user: Value = rig
        .get(&format!("/beta/users/byNationalId/{OTHER}/CHI_NUMBER"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(user["nationalIds"][0]["name"], "CHI number");
}

#[tokio::test]
async fn each_call_makes_new_codes_whatever_else_is_going_on() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW, &short_row(OTHER)]).await;
    let bearer = rig.bearer().await;
    let id = rig.sandbox.patient(OTHER).unwrap().pkb_id;
    let calls: Vec<_> = (0..20)
        .map(|call| {
            let id = if call % 2 == 0 {
                id.clone()
            } else {
                "3594342".to_owned()
            };
            let request = rig
                .http
                .get(rig.url(&format!("/v1/users/{id}/recordAccessToken")))
                .bearer_auth(&bearer);
            tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() })
        })
        .collect();
    let mut replies = HashSet::new();
    for call in calls {
        replies.insert(call.await.unwrap());
    }
    assert_eq!(replies.len(), 20);

    let again = Rig::start().await;
    again.upload(&[&short_row(OTHER)]).await;
    for _ in 0..10 {
        let (code, token) = again.codes(&id).await;
        assert!(
            replies
                .iter()
                .any(|reply| reply.contains(&code) && reply.contains(&token))
        );
    }
}

#[tokio::test]
async fn with_same_codes_a_patient_has_one_pair_whose_life_begins_again_with_each_call() {
    let rig = Rig::with(Config {
        same_codes: true,
        ..Config::default()
    })
    .await;
    rig.upload(&[GUIDE_ROW, &short_row(OTHER)]).await;
    let id = rig.sandbox.patient(OTHER).unwrap().pkb_id;
    let first = rig.codes(&id).await;
    rig.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(rig.codes(&id).await, first);
    assert_ne!(rig.codes("3594342").await, first);
    let pairs = rig.sandbox.invitations(OTHER);
    assert_eq!(pairs.len(), 1);
    assert_eq!(pairs[0].expires_at.to_string(), "2026-12-23T09:00:00Z");
}

#[tokio::test]
async fn with_a_fixed_time_codes_expire_by_it_and_tokens_by_the_clock() {
    let rig = Rig::with(Config {
        fixed_time: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        ..Config::default()
    })
    .await;
    rig.upload(&[GUIDE_ROW]).await;
    let bearer = rig.bearer().await;
    rig.codes("3594342").await;
    rig.clock.advance(SignedDuration::from_hours(24 * 40));
    let pairs = rig.sandbox.invitations(GUIDE);
    assert_eq!(pairs[0].expires_at.to_string(), "2020-01-31T00:00:00Z");
    let join = rig.http.post(rig.url("/join/")).form(&[
        ("t1", "NKcYiAciBU"),
        ("t2", "KVPnrFYPay"),
        ("day", "15"),
        ("month", "9"),
        ("year", "2000"),
    ]);
    assert_eq!(join.send().await.unwrap().status(), 200);
    let late = rig
        .http
        .get(rig.url("/v1/users/3594342/recordAccessToken"))
        .bearer_auth(bearer);
    assert_eq!(late.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_state_of_a_patient_can_be_seen_without_a_token() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    rig.codes("3594342").await;
    let seen = rig
        .http
        .get(rig.url(&format!("/sandbox/patients/{GUIDE}")))
        .send()
        .await
        .unwrap();
    assert_eq!(
        seen.json::<Value>().await.unwrap(),
        json!({"registered": false, "pkb_id": "3594342", "invitations": 1})
    );
    let unknown = rig
        .http
        .get(rig.url(&format!("/sandbox/patients/{OTHER}")))
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn a_stopped_sandbox_answers_nobody() {
    let rig = Rig::start().await;
    let url = rig.url("/sandbox/ledger");
    assert!(rig.http.get(&url).send().await.is_ok());
    rig.sandbox.stop().await;
    assert!(client().build().unwrap().get(&url).send().await.is_err());
}
