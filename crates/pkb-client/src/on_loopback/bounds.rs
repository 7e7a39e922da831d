//! Answers that are longer than anything that was asked for.

use super::{
    client, client_with_tokens, number, patient,
    server::{Script, Server, access_token, answer},
    token_path, user_path,
};
use crate::{CallError, upload::UploadId};
use pkb_core::Fatal;
use pkb_values::PkbId;

/// An answer about the first patient that is so many bytes long.
fn about_patient(bytes: usize) -> String {
    let mut body = format!(
        r#"{{"id":"7","nationalIds":[{{"value":"{}","name":"NHS number"}}],"more":""#,
        number(0)
    );
    let rest = bytes - body.len() - 2;
    body.push_str(&"x".repeat(rest));
    body.push_str("\"}");
    body
}

fn is_too_long(error: CallError, limit: &str) {
    let CallError::Fatal(fatal) = error else {
        panic!("{error} does not stop the stage");
    };
    assert_eq!(fatal.exit_code().code(), 76);
    let text = fatal.to_string();
    assert!(text.contains(&format!("longer than {limit}")), "{text}");
    assert!(text.contains("What to do: "), "{text}");
}

#[tokio::test]
async fn an_answer_about_one_patient_has_a_mebibyte_and_not_a_byte_more() {
    for (bytes, is_read) in [(1 << 20, true), ((1 << 20) + 1, false), (40 << 20, false)] {
        let body = about_patient(bytes);
        let server = Server::start(Script::default(), move |_| answer(200, "", &body));
        let (client, _) = client(&server.url);
        match client.find_patient(&user_path(), &patient(0)).await {
            Ok(_) => assert!(is_read, "{bytes}"),
            Err(error) => {
                assert!(!is_read, "{bytes}");
                is_too_long(error, "1 MiB");
            }
        }
    }
}

#[tokio::test]
async fn codes_reports_and_access_tokens_have_bounds_of_their_own() {
    let long = |bytes: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(bytes));
    let body = long(1 << 20);
    let server = Server::start(Script::default(), move |_| answer(200, "", &body));
    let (of_codes, _) = client(&server.url);
    let id = PkbId::parse("7").unwrap();
    is_too_long(
        of_codes.make_codes(&token_path(), &id).await.err().unwrap(),
        "1 MiB",
    );

    let body = long(32 << 20);
    let server = Server::start(Script::default(), move |_| answer(200, "", &body));
    let (of_report, _) = client(&server.url);
    let id = UploadId::parse("8f14").unwrap();
    is_too_long(
        of_report.upload_status("/upload", &id).await.err().unwrap(),
        "32 MiB",
    );

    let token = "t".repeat(64 << 10);
    let tokens = Server::start_with_tokens(Script::default(), move |_| access_token(&token));
    let (of_token, _) = client_with_tokens(&server.url, &tokens.url);
    let refused = of_token
        .find_patient(&user_path(), &patient(0))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, CallError::Fatal(Fatal::NotUnderstood(_))),
        "{refused}"
    );
}

#[tokio::test]
async fn an_upload_whose_answer_is_too_long_may_have_arrived() {
    let body = format!("{{\"x\":\"{}\"}}", "x".repeat(32 << 20));
    let server = Server::start(Script::default(), move |_| answer(200, "", &body));
    let (client, _) = client(&server.url);
    let sent = client
        .upload("/upload", "batch-0001.csv", b"x".to_vec())
        .await;
    assert!(matches!(sent, Err(CallError::Unanswered)));
    assert_eq!(server.requests().len(), 1, "and is not sent again");
}

/// A bomb of a kilobyte that would be a gigabyte: nothing is unpacked, so it is no answer.
#[tokio::test]
async fn a_compressed_answer_was_not_asked_for_and_is_not_unpacked() {
    let body = about_patient(4 << 10);
    let server = Server::start(Script::default(), move |_| {
        answer(200, "Content-Encoding: gzip\r\n", &format!("\u{1f}{body}"))
    });
    let (client, _) = client(&server.url);
    let found = client.find_patient(&user_path(), &patient(0)).await;
    assert!(matches!(found, Err(CallError::NotUnderstood(_))));
    let asked = server.requests();
    assert!(
        asked
            .iter()
            .all(|request| request.header("accept-encoding").is_none())
    );
}
