//! Messages about one patient: what a request carries, when it is sent again, and what a refusal says.

use std::sync::atomic::{AtomicUsize, Ordering};

use pkb_values::Gender;

use super::{
    ORG, client, patient,
    server::{Script, Server, answer},
};
use crate::{
    CallError,
    messaging::{MessagePatient, Name, PatientMessage, PostalAddress},
};
use pkb_core::Fatal;

fn message() -> PatientMessage {
    PatientMessage::new(&MessagePatient {
        national_id: patient(0),
        name: Name {
            title: "",
            first: "Ann",
            last: "Example",
        },
        gender: Gender::Female,
        birth_date: jiff::civil::date(1950, 1, 1),
        deceased: false,
        address: PostalAddress::default(),
        phone: "",
        email: "",
        team_aliases: &[],
    })
}

/// Answers with these statuses and bodies, in turn.
fn answering(answers: &'static [(u16, &'static str)]) -> Server {
    let next = AtomicUsize::new(0);
    Server::start(Script::default(), move |_| {
        let at = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        answer(answers[at].0, "", answers[at].1)
    })
}

#[tokio::test]
async fn a_message_is_sent_again_with_the_same_bytes_until_it_is_answered() {
    let server = answering(&[(503, ""), (500, ""), (201, "")]);
    let (client, _) = client(&server.url);
    let processed = client.process_message(&message()).await.unwrap();
    assert_eq!(processed.created, Some(true));
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.path(), "/phr-fhir/patient/$process-message");
        assert_eq!(request.header("x-org-public-id"), Some(ORG));
        for name in ["content-type", "accept"] {
            assert_eq!(request.header(name), Some("application/fhir+json"));
        }
    }
    let body = |at: usize| {
        requests[at]
            .whole
            .split("\r\n\r\n")
            .nth(1)
            .unwrap()
            .to_owned()
    };
    let sent = String::from_utf8(message().expose_body().to_vec()).unwrap();
    assert_eq!(
        [body(0), body(1), body(2)],
        [sent.clone(), sent.clone(), sent]
    );
}

#[tokio::test]
async fn a_refusal_of_a_message_is_about_its_row_and_names_the_element() {
    const REFUSED: &str = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"duplicate","diagnostics":"Patient.telecom: ann@example.org is Bob's"}]}"#;
    for (status, body, words) in [
        (422, REFUSED, "PKB answered 422: telecom (duplicate)"),
        (400, REFUSED, "PKB answered 400: telecom (duplicate)"),
        (422, "", "PKB answered 422"),
    ] {
        let server = Server::start(Script::default(), move |_| answer(status, "", body));
        let (client, _) = client(&server.url);
        match client.process_message(&message()).await {
            Err(CallError::RowRefused(what)) => assert_eq!(what, words),
            other => panic!("{other:?}"),
        }
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_address_with_nothing_there_stops_the_stage() {
    let server = answering(&[(404, "")]);
    let (client, _) = client(&server.url);
    let stopped = client.process_message(&message()).await;
    let Err(CallError::Fatal(fatal @ Fatal::NotUnderstood(_))) = stopped else {
        panic!("{stopped:?}");
    };
    assert!(fatal.to_string().contains("PKB_MESSAGING_URL"));
}
