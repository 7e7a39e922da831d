//! What a patient with a letter in hand goes through.

use jiff::SignedDuration;
use pkb_sandbox::{BirthAtPkb, World, WorldPatient};
use reqwest::Response;

use crate::support::{GUIDE, GUIDE_ROW, Rig};

const GUIDE_PKB_ID: &str = "3594342";

async fn join(
    rig: &Rig,
    (code, token): &(String, String),
    [day, month, year]: [&str; 3],
) -> Response {
    let form = [
        ("t1", code.as_str()),
        ("t2", token),
        ("day", day),
        ("month", month),
        ("year", year),
    ];
    rig.http
        .post(rig.url("/join/"))
        .form(&form)
        .send()
        .await
        .unwrap()
}

const RIGHT: [&str; 3] = ["15", "9", "2000"];

#[tokio::test]
async fn a_wrong_date_is_refused_the_right_one_registers_and_a_second_time_is_refused() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    let codes = rig.codes(GUIDE_PKB_ID).await;

    for wrong in [
        ["14", "9", "2000"],
        ["9", "15", "2000"],
        ["15", "9", "00"],
        ["", "", ""],
        ["x", "9", "2000"],
    ] {
        assert_eq!(join(&rig, &codes, wrong).await.status(), 422);
    }
    assert!(!rig.sandbox.patient(GUIDE).unwrap().registered);

    let done = join(&rig, &codes, RIGHT).await;
    assert_eq!(done.status(), 200);
    assert!(done.text().await.unwrap().contains("You are registered"));
    assert!(rig.sandbox.patient(GUIDE).unwrap().registered);

    assert_eq!(join(&rig, &codes, RIGHT).await.status(), 409);
    assert_eq!(join(&rig, &codes, ["14", "9", "2000"]).await.status(), 422);
}

#[tokio::test]
async fn the_page_does_not_say_which_detail_is_wrong() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    let codes = rig.codes(GUIDE_PKB_ID).await;
    let wrong_date = join(&rig, &codes, ["14", "9", "2000"])
        .await
        .text()
        .await
        .unwrap();
    let wrong_codes = ("AAAAAAAAAA".to_owned(), "BBBBBBBBBB".to_owned());
    let wrong_code = join(&rig, &wrong_codes, RIGHT).await.text().await.unwrap();
    assert_eq!(
        wrong_date.replace(&codes.0, "").replace(&codes.1, ""),
        wrong_code
            .replace("AAAAAAAAAA", "")
            .replace("BBBBBBBBBB", "")
    );
}

#[tokio::test]
async fn codes_belong_in_pairs_and_their_case_matters() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    let first = rig.codes(GUIDE_PKB_ID).await;
    let second = rig.codes(GUIDE_PKB_ID).await;
    let mixed = (first.0.clone(), second.1.clone());
    let swapped = (first.1.clone(), first.0.clone());
    let lower = (first.0.to_lowercase(), first.1.clone());
    for wrong in [mixed, swapped, lower] {
        assert_eq!(join(&rig, &wrong, RIGHT).await.status(), 422);
    }
    assert_eq!(join(&rig, &second, RIGHT).await.status(), 200);
}

#[tokio::test]
async fn earlier_codes_work_until_their_own_thirty_days_are_over() {
    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    let first = rig.codes(GUIDE_PKB_ID).await;
    rig.clock.advance(SignedDuration::from_hours(24 * 29));
    let second = rig.codes(GUIDE_PKB_ID).await;
    // A wrong date shows nothing; so the two are tried on sandboxes of their own below.
    rig.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(
        join(&rig, &first, RIGHT).await.status(),
        422,
        "thirty days are over"
    );
    assert_eq!(join(&rig, &second, RIGHT).await.status(), 200);

    let rig = Rig::start().await;
    rig.upload(&[GUIDE_ROW]).await;
    let first = rig.codes(GUIDE_PKB_ID).await;
    rig.codes(GUIDE_PKB_ID).await;
    rig.clock.advance(SignedDuration::from_hours(24 * 30 - 1));
    assert_eq!(join(&rig, &first, RIGHT).await.status(), 200);
    let expiries: Vec<_> = rig
        .sandbox
        .invitations(GUIDE)
        .into_iter()
        .map(|pair| pair.expires_at.to_string())
        .collect();
    assert_eq!(expiries, ["2026-12-22T09:00:00Z", "2026-12-22T09:00:00Z"]);
}

#[tokio::test]
async fn somebody_registered_before_the_campaign_is_told_so() {
    let world = World::default().with(WorldPatient {
        registered: true,
        ..WorldPatient::new(GUIDE)
    });
    let rig = Rig::with_world(world).await;
    rig.upload(&[GUIDE_ROW]).await;
    assert_eq!(
        join(&rig, &rig.codes(GUIDE_PKB_ID).await, RIGHT)
            .await
            .status(),
        409
    );
}

#[tokio::test]
async fn nobody_registers_without_a_date_of_birth_at_pkb() {
    let world = World::default().with(WorldPatient {
        date_of_birth: BirthAtPkb::Unknown,
        ..WorldPatient::new(GUIDE)
    });
    let rig = Rig::with_world(world).await;
    rig.upload(&[GUIDE_ROW]).await;
    let codes = rig.codes(GUIDE_PKB_ID).await;
    assert_eq!(join(&rig, &codes, RIGHT).await.status(), 422);
    assert_eq!(join(&rig, &codes, ["", "", ""]).await.status(), 422);
}

#[tokio::test]
async fn the_form_is_filled_in_from_the_link_labelled_and_escaped() {
    let rig = Rig::start().await;
    for path in ["/join", "/join/", "/join/some-team"] {
        let url = rig.url(&format!(
            "{path}?t1=%22%3E%3Cscript%3E&t2=KVPnrFYPay&e=a%40example.org"
        ));
        let response = rig.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let html = response.text().await.unwrap();
        assert!(html.contains("lang=\"en\"") && html.contains("<title>"));
        assert_eq!(html.matches("<h1>").count(), 1);
        assert!(html.contains("value=\"KVPnrFYPay\""));
        assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;\"") && !html.contains("<script"));
        for id in ["t1", "t2", "day", "month", "year"] {
            assert!(
                html.contains(&format!("<label for=\"{id}\">"))
                    && html.contains(&format!("id=\"{id}\""))
            );
        }
    }
}
