//! Every answer says that it comes from a sandbox, whatever it is.

use pkb_sandbox::NOTIFY_TEMPLATES;

use crate::support::{GUIDE, GUIDE_ROW, Rig};

fn assert_marked(response: &reqwest::Response) {
    let mark = response.headers().get("x-pkb-sandbox");
    let (status, path) = (response.status(), response.url().path());
    assert_eq!(
        mark.map(|mark| mark.as_bytes()),
        Some(&b"rehearsal"[..]),
        "{status} {path}"
    );
}

#[tokio::test]
async fn answers_good_and_bad_name_the_sandbox() {
    let rig = Rig::start().await;
    let token = rig.token_request().send().await.unwrap();
    assert!(token.status().is_client_error());
    assert_marked(&token);
    rig.upload(&[GUIDE_ROW]).await;
    assert_marked(&rig.user(GUIDE).await);
    assert_marked(&rig.user("9990000018").await);
    assert_marked(&rig.upload_bytes("nonsense").await);
    for path in [
        "/join",
        "/join/ward?t1=a&t2=b",
        "/nothing/here",
        "/v1/users/3594342/recordAccessToken",
        "/fhir/Patient/$status-query",
        "/v2/notifications",
        &format!("/v2/template/{}", NOTIFY_TEMPLATES[0]),
        "/sandbox/ledger",
    ] {
        for response in [
            rig.get(path).await,
            rig.http.get(rig.url(path)).send().await.unwrap(),
            rig.http.delete(rig.url(path)).send().await.unwrap(),
        ] {
            assert_marked(&response);
        }
    }
}

#[tokio::test]
async fn answers_that_a_fault_made_name_the_sandbox_too() {
    for fault in [
        r#"{"status":503,"retry_after":"3","body":"html"}"#,
        r#"{"status":429,"body":"empty"}"#,
        r#"{"status":504,"run":true}"#,
        r#"{"status":401}"#,
    ] {
        let rig = Rig::with_rules(&format!(
            r#"{{"endpoint":"by_national_id","when":{{"always":true}},"fault":{fault}}}"#
        ))
        .await;
        let response = rig.user(GUIDE).await;
        assert!(!response.status().is_success());
        assert_marked(&response);
    }
}
