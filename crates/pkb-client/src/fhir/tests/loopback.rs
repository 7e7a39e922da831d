//! The calls, over HTTP to a listener that answers what it was told to.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{body, code, nhs, tokens_part};
use crate::{
    AuthStyle, CallError, Client, Credentials, Settings,
    fhir::{BatchError, FhirSettings, MAX_INVITATION_TOKENS, RequestRefusal},
    network::Network,
};
use pkb_core::Fatal;
use pkb_values::NationalId;

const ORG: &str = "00000000-0000-4000-8000-05a4db0c0999";

/// Head and body of each request but those for access tokens.
type Requests = Arc<Mutex<Vec<(String, String)>>>;

/// Answers token requests, and all others with `answers` in turn.
fn serve(answers: Vec<(u16, Vec<u8>)>) -> (Client, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        let mut answers = VecDeque::from(answers);
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let (head, body) = read(&stream);
            let (status, answer) = if head.starts_with("post /token") {
                let token = json!({"access_token": "a", "token_type": "bearer", "expires_in": 600});
                (200, token.to_string().into_bytes())
            } else {
                seen.lock().push((head, body));
                answers.pop_front().unwrap_or((500, vec![]))
            };
            write(&stream, status, &answer);
        }
    });
    (client(&url, Some(ORG)).unwrap(), requests)
}

fn read(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).unwrap();
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn write(mut stream: &TcpStream, status: u16, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
}

fn client(url: &str, org_id: Option<&str>) -> Result<Client, Fatal> {
    Client::new(Settings {
        base_url: url.into(),
        fhir: org_id.map(|org_id| FhirSettings {
            base_url: format!("{url}/fhir/"),
            org_id: org_id.into(),
        }),
        messaging: None,
        token_url: format!("{url}/token"),
        client_id: "client".into(),
        credentials: Credentials::Secret("sandbox-secret".to_owned().into()),
        auth_style: AuthStyle::Basic,
        scope: None,
        network: Network::default(),
        timeout: Duration::from_secs(60),
        attempts: 3,
        give_up_after: Duration::from_secs(60),
        rate: 0,
        at_a_time: 8,
        calls: Arc::default(),
        random: fastrand::Rng::with_seed(1),
        monitor: std::sync::Arc::default(),
    })
}

fn two() -> [NationalId; 2] {
    [nhs("9990000018"), nhs("9990000026")]
}

#[tokio::test]
async fn a_request_has_each_patient_once_and_the_headers_that_pkb_wants() {
    let [id, other] = two();
    let answer = body([tokens_part(&other, "Other", None)]);
    let (client, requests) = serve(vec![(200, answer)]);
    let found = client.invitation_tokens(&[id, other, id]).await.unwrap();
    assert_eq!(
        found.iter().map(code).collect::<Vec<_>>(),
        [None, Some("Other"), None]
    );
    let requests = requests.lock();
    let (head, sent) = &requests[0];
    for line in [
        "post /fhir/organization/$generate-invitation-tokens http/1.1",
        "authorization: bearer a",
        "content-type: application/fhir+json",
        "accept: application/fhir+json",
        &format!("x-org-public-id: {ORG}"),
    ] {
        assert!(
            head.lines().any(|seen| seen == line),
            "{line} is not in {head}"
        );
    }
    let parameter = |value: &str| json!({"name": "patientIdentifier", "valueIdentifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": value}});
    assert_eq!(
        serde_json::from_str::<Value>(sent).unwrap(),
        json!({"resourceType": "Parameters", "parameter": [parameter("9990000018"), parameter("9990000026")]})
    );
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_asked_for_again() {
    let [id, other] = two();
    let whole = body([
        tokens_part(&id, "First", None),
        tokens_part(&other, "Other", None),
    ]);
    let cut = whole[..whole.len() - 1].to_vec();
    let (client, requests) = serve(vec![(200, cut), (200, vec![]), (200, whole)]);
    let found = client.invitation_tokens(&two()).await.unwrap();
    assert_eq!(
        found.iter().map(code).collect::<Vec<_>>(),
        [Some("First"), Some("Other")]
    );
    assert_eq!(requests.lock().len(), 3);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_each_time_is_no_answer() {
    let cut = || {
        (
            200,
            br#"{"resourceType":"Parameters","parameter":["#.to_vec(),
        )
    };
    let (client, requests) = serve(vec![cut(), cut(), cut()]);
    let error = client.status_query(&two()).await.unwrap_err();
    assert!(matches!(
        error,
        BatchError::Call(CallError::Unavailable { attempts: 3, .. })
    ));
    let requests = requests.lock();
    assert_eq!(requests.len(), 3);
    assert!(
        requests[0]
            .0
            .starts_with("post /fhir/patient/$status-query http")
    );
}

#[tokio::test]
async fn only_what_may_be_for_the_sake_of_one_patient_is_left_to_be_halved() {
    for status in [400, 413, 422] {
        let (client, _) = serve(vec![(status, vec![])]);
        let error = client.status_query(&two()).await.unwrap_err();
        assert!(
            matches!(error, BatchError::Refused(RequestRefusal::Status(seen)) if seen == status)
        );
    }
    for status in [401, 403, 404, 405, 406, 415] {
        // A 401 is asked again with a new token.
        let (client, _) = serve(vec![(status, vec![]), (status, vec![])]);
        let error = client.status_query(&two()).await.unwrap_err();
        let BatchError::Call(CallError::Fatal(fatal)) = error else {
            panic!("{status} does not stop the stage");
        };
        match status {
            401 | 403 => assert!(matches!(fatal, Fatal::Credentials(_))),
            _ => assert!(matches!(fatal, Fatal::NotUnderstood(_))),
        }
    }
}

#[tokio::test]
async fn too_many_patients_and_none_at_all_are_the_callers_bug() {
    let (client, requests) = serve(vec![]);
    let many: Vec<_> = super::numbers(MAX_INVITATION_TOKENS + 1)
        .iter()
        .map(|digits| nhs(digits))
        .collect();
    for ids in [&many[..], &[]] {
        let error = client.invitation_tokens(ids).await.unwrap_err();
        assert!(matches!(
            error,
            BatchError::Call(CallError::Fatal(Fatal::Bug(_)))
        ));
    }
    assert!(requests.lock().is_empty());
}

#[tokio::test]
async fn without_settings_the_message_names_them_and_wrong_ones_are_refused_at_the_start() {
    let without = client("http://127.0.0.1:1", None).unwrap();
    let error = without.status_query(&two()).await.unwrap_err();
    assert!(error.to_string().contains("PKB_FHIR_URL and PKB_ORG_ID"));
    for bad in [
        "",
        "7",
        "00000000-0000-4000-8000-05a4db0c099",
        "00000000-0000-4000-8000-05a4db0c099g",
    ] {
        let Err(Fatal::Usage(message)) = client("http://127.0.0.1:1", Some(bad)) else {
            panic!("{bad} was taken");
        };
        assert!(message.contains("PKB_ORG_ID"));
    }
}
