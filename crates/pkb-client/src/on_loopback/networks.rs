//! Certificates, proxies and client certificates, as hospitals have them.

use super::{
    certificates::{Authority, ELSEWHERE, Listening, Signed, ended, params, to_come},
    client_on, patient,
    server::{Script, Server, answer},
    user_path,
};
use crate::{CallError, Client, network::Network, probe, proxies::Proxies};
use pkb_core::{ExitCode, Fatal, rehearsal::Origin};

const HERE: &str = "127.0.0.1";

fn here(listening: &Listening) -> String {
    format!("https://{HERE}:{}", listening.port)
}

fn elsewhere() -> String {
    format!("https://{ELSEWHERE}")
}

/// A network with the authority's file, and with a proxy on this machine.
fn network(ca: Option<std::path::PathBuf>, proxy: Option<String>) -> Network {
    Network {
        ca_file: ca,
        client_cert: None,
        proxies: Proxies::new(|name| (name == "HTTPS_PROXY").then(|| proxy.clone()).flatten())
            .unwrap(),
    }
}

fn fatal<T>(result: Result<T, CallError>) -> Fatal {
    match result {
        Err(CallError::Fatal(fatal)) => fatal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("there was an answer"),
    }
}

/// A server with a fault, what its fault is called, and whether its authority is trusted.
fn faulty(authority: &Authority) -> Vec<(&'static str, Listening, bool)> {
    let shows = |signed: &Signed| Listening::with_tls(signed, None);
    let signed = |params| shows(&authority.signed(&params));
    let self_signed = Authority::new();
    vec![
        (
            "an authority that this machine does not know",
            signed(params(HERE)),
            false,
        ),
        (
            "an authority that this machine does not know",
            shows(&self_signed.signed(&params(HERE))),
            true,
        ),
        ("has expired", signed(ended(HERE)), true),
        ("is not valid yet", signed(to_come(HERE)), true),
        (
            "a certificate for a different name",
            signed(params(ELSEWHERE)),
            true,
        ),
        (
            "a certificate for a different name",
            signed(params("127.0.0.2")),
            true,
        ),
        // An alert: protocol_version, and handshake_failure.
        (
            "no way to encrypt in common",
            Listening::that_writes(b"\x15\x03\x01\0\x02\x02\x46"),
            true,
        ),
        (
            "no way to encrypt in common",
            Listening::that_writes(b"\x15\x03\x03\0\x02\x02\x28"),
            true,
        ),
        (
            "does not speak TLS",
            Listening::that_writes(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            true,
        ),
        (
            "does not speak TLS",
            Listening::that_writes(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
            true,
        ),
    ]
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_ends_with_its_reason_and_no_retry() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let plain = Server::start(Script::default(), |_| answer(200, "", "{}"));
    for (what, server, is_trusted) in faulty(&authority) {
        let network = network(is_trusted.then(|| authority.file(&folder)), None);
        let (client, monitor) = client_on(&here(&server), &here(&server), network.clone());
        let at_token = fatal(client.sign_in().await);
        let (client, _) = client_on(&here(&server), &plain.url, network.clone());
        let at_pkb = fatal(client.find_patient(&user_path(), &patient(0)).await);
        for fatal in [at_token, at_pkb] {
            let text = fatal.to_string();
            assert_eq!(fatal.exit_code(), ExitCode::NotUnderstood, "{text}");
            assert!(
                text.contains(what) && text.contains("What to do: "),
                "{what}: {text}"
            );
            let place = format!("{HERE}:{} ", server.port);
            assert!(text.starts_with(&place), "{text}");
        }
        assert_eq!(server.connections(), 2, "{what}: tried once each");
        assert_eq!(monitor.snapshot(std::time::Instant::now()).retries, 0);
        let unreached = probe::reach("PKB_BASE_URL", &here(&server), &network).await;
        assert!(unreached.unwrap_err().to_string().contains(what));
    }
}

#[tokio::test]
async fn an_interceptors_certificate_is_never_advised_to_be_trusted_as_shown() {
    let server = Listening::with_tls(&Authority::new().signed(&params(HERE)), None);
    let (client, _) = client_on(&here(&server), &here(&server), Network::default());
    let text = fatal(client.sign_in().await).to_string();
    assert!(text.contains("do not trust the certificate because it is shown"));
    let (exempt, file) = (text.find("exempt this server"), text.find("--ca-file"));
    assert!(exempt < file && exempt.is_some(), "{text}");
    assert!(text.contains("not from the connection") && text.contains("security team"));
}

#[tokio::test]
async fn a_hospitals_own_authority_is_trusted_when_its_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let server = Listening::with_tls(&authority.signed(&params(HERE)), None);
    let network = network(Some(authority.file(&folder)), None);
    let (client, _) = client_on(&here(&server), &here(&server), network.clone());
    client
        .find_patient(&user_path(), &patient(0))
        .await
        .unwrap();
    assert!(
        probe::reach("PKB_BASE_URL", &here(&server), &network)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_gets_ours_and_no_other_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, others) = (Authority::new(), Authority::new());
    let shown = authority.signed(&params(HERE));
    let server = Listening::with_tls(&shown, Some(authority.verifier()));
    let with = |client_cert| Network {
        client_cert,
        ..network(Some(authority.file(&folder)), None)
    };
    let file = |by: &Authority, of, name| Some(by.signed(&of).file(&folder, name));
    let ours = file(&authority, params("trust.example"), "ours.pem");
    let (client, _) = client_on(&here(&server), &here(&server), with(ours));
    client
        .find_patient(&user_path(), &patient(0))
        .await
        .unwrap();
    for refused in [
        None,
        file(&others, params("trust.example"), "others.pem"),
        file(&authority, ended("trust.example"), "ended.pem"),
    ] {
        let before = server.connections();
        let (client, _) = client_on(&here(&server), &here(&server), with(refused));
        let fatal = fatal(client.sign_in().await);
        let text = fatal.to_string();
        assert_eq!(fatal.exit_code(), ExitCode::Credentials, "{text}");
        assert!(text.contains("--client-cert"), "{text}");
        assert_eq!(server.connections(), before + 1, "tried once");
    }
}

#[tokio::test]
async fn a_web_servers_page_about_client_certificates_is_no_word_on_the_patient() {
    for page in [
        "<html><head><title>400 No required SSL certificate was sent</title></head></html>",
        "<html><head><title>400 The SSL certificate error</title></head></html>",
    ] {
        let server = Server::start(Script::default(), |_| answer(400, "", page));
        let (client, _) = client_on(&server.url, &server.url, Network::default());
        let refused = fatal(client.find_patient(&user_path(), &patient(0)).await);
        assert_eq!(refused.exit_code(), ExitCode::Credentials);
        let tokens = Server::start_with_tokens(Script::default(), |_| answer(400, "", page));
        let (client, _) = client_on(&server.url, &tokens.url, Network::default());
        let refused = fatal(client.sign_in().await);
        assert_eq!(refused.exit_code(), ExitCode::Credentials);
        assert!(refused.to_string().contains("--client-cert"));
    }
    let other = Server::start(Script::default(), |_| {
        answer(400, "", "{\"error\":\"dob\"}")
    });
    let (client, _) = client_on(&other.url, &other.url, Network::default());
    let refused = client.find_patient(&user_path(), &patient(0)).await;
    assert!(matches!(
        refused,
        Err(CallError::Refused { status: 400, .. })
    ));
}

#[tokio::test]
async fn what_goes_to_this_machine_is_never_seen_by_the_proxy_of_the_rest() {
    let user = format!("{{\"id\":\"{}\",\"dob\":\"1950-01-01\"}}", super::number(0));
    let local = Server::start(Script::default(), move |_| answer(200, "", &user));
    let port = local.url.rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Listening::proxy(None, port);
    let url = format!("http://{HERE}:{}", proxy.port);
    let network = network(None, Some(url));
    let (client, _) = client_on(&local.url, &local.url, network);
    let found = client.find_patient(&user_path(), &patient(0)).await;
    found.unwrap();
    assert_eq!((local.requests().len(), local.tokens()), (1, 1));
    assert!(proxy.connections() == 0 && proxy.heads().is_empty());
}

#[tokio::test]
async fn addresses_on_this_machine_and_elsewhere_are_refused_before_anything_is_sent() {
    let local = Server::start(Script::default(), |_| answer(404, "", ""));
    for (base, token_url, words) in [
        (
            local.url.clone(),
            elsewhere(),
            "PKB_BASE_URL is an address on this machine, which is for rehearsals, and PKB_TOKEN_URL is not",
        ),
        (
            elsewhere(),
            local.url.clone(),
            "PKB_TOKEN_URL is an address on this machine, which is for rehearsals, and PKB_BASE_URL is not",
        ),
    ] {
        let refused = Client::new(super::settings(&base, &token_url));
        let refused = refused.err().unwrap();
        assert_eq!(refused.exit_code(), ExitCode::Usage);
        assert!(refused.to_string().starts_with(words), "{refused}");
    }
    assert_eq!((local.requests().len(), local.tokens()), (0, 0));
}

#[tokio::test]
async fn a_sandbox_behind_a_server_elsewhere_is_known_by_its_answers() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    for (marks, known) in [
        ([true, true], Some(Origin::Rehearsal)),
        ([false, false], Some(Origin::Real)),
        ([true, false], None),
        ([false, true], None),
    ] {
        let signed = authority.signed(&params(ELSEWHERE));
        let remote = Listening::with_marks(&signed, None, marks);
        let proxy = Listening::proxy(None, remote.port);
        let url = format!("http://{HERE}:{}", proxy.port);
        let network = network(Some(authority.file(&folder)), Some(url));
        let (client, monitor) = client_on(&elsewhere(), &elsewhere(), network);
        assert_eq!(monitor.origins().known(), None, "nothing has answered");
        let found = client.find_patient(&user_path(), &patient(0)).await;
        match known {
            Some(_) => {
                found.unwrap();
                assert_eq!(monitor.origins().known(), known);
            }
            None => {
                let stopped = fatal(found);
                assert_eq!(stopped.exit_code(), ExitCode::Usage);
                let words = stopped.to_string();
                assert!(
                    words.contains("a sandbox answered in place of PKB"),
                    "{words}"
                );
            }
        }
    }
}

#[tokio::test]
async fn records_of_a_rehearsal_are_shown_to_no_real_pkb() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let remote = Listening::with_tls(&authority.signed(&params(ELSEWHERE)), None);
    let proxy = Listening::proxy(None, remote.port);
    let url = format!("http://{HERE}:{}", proxy.port);
    let network = network(Some(authority.file(&folder)), Some(url));
    let (client, monitor) = client_on(&elsewhere(), &elsewhere(), network);
    let line =
        r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":7,"of":9},"rehearsal":true}"#;
    let record = serde_json::from_str(line).unwrap();
    monitor.origins().note_record(&record).unwrap();
    let stopped = fatal(client.find_patient(&user_path(), &patient(0)).await);
    assert_eq!(stopped.exit_code(), ExitCode::Usage);
    let words = "row 7 of a.csv is from a rehearsal, but PKB answered, and is not a sandbox";
    assert!(stopped.to_string().starts_with(words), "{stopped}");
    let heads = remote.heads();
    assert!(
        heads.len() == 1 && heads[0].starts_with("POST /token"),
        "{heads:?}"
    );
}

#[tokio::test]
async fn a_real_secret_is_not_shown_unencrypted_to_whoever_listens_on_this_machine() {
    let local = Server::start(Script::default(), |_| answer(404, "", ""));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("refresh-token");
    for secret in ["Canary", "Sandbox-Canary", "Canary-sandbox-", ""] {
        let mut settings = super::settings(&local.url, &local.url);
        settings.credentials = super::Credentials::Secret(secret.to_owned().into());
        let refused = Client::new(settings).err().unwrap();
        assert_eq!(refused.exit_code(), ExitCode::Usage);
        let words = refused.to_string();
        assert!(
            words.starts_with("the client secret is not for a sandbox"),
            "{words}"
        );
        assert!(!words.contains("Canary"), "{words}");
    }
    std::fs::write(&file, "Canary").unwrap();
    let mut settings = super::settings(&local.url, &local.url);
    settings.credentials = super::Credentials::RefreshToken(file.clone());
    let refused = fatal(Client::new(settings).unwrap().sign_in().await);
    assert_eq!(refused.exit_code(), ExitCode::Usage);
    let words = refused.to_string();
    assert!(
        words.starts_with("the refresh token is not for a sandbox"),
        "{words}"
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "Canary",
        "not used up"
    );
    assert_eq!((local.requests().len(), local.tokens()), (0, 0));
}

#[tokio::test]
async fn a_proxy_takes_the_name_and_password_of_its_url_or_the_stage_says_how_to_set_them() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let remote = Listening::with_tls(&authority.signed(&params(ELSEWHERE)), None);
    // "ward:p@ss:/Canary", in Base64.
    let proxy = Listening::proxy(Some("d2FyZDpwQHNzOi9DYW5hcnk="), remote.port);
    let with = |user: &str| {
        let url = format!("http://{user}{HERE}:{}", proxy.port);
        network(Some(authority.file(&folder)), Some(url))
    };
    let (client, _) = client_on(&elsewhere(), &elsewhere(), with("ward:p%40ss%3A%2FCanary@"));
    client
        .find_patient(&user_path(), &patient(0))
        .await
        .unwrap();
    for wrong in ["", "ward@", "ward:Canary@"] {
        let before = proxy.connections();
        let (client, _) = client_on(&elsewhere(), &elsewhere(), with(wrong));
        let fatal = fatal(client.sign_in().await);
        let text = fatal.to_string();
        assert_eq!(fatal.exit_code(), ExitCode::Credentials, "{text}");
        assert!(
            text.contains("HTTPS_PROXY") && text.contains("%40"),
            "{text}"
        );
        assert!(!text.contains("Canary") && !text.contains("ward"), "{text}");
        assert_eq!(proxy.connections(), before + 1, "tried once");
        let unreached = probe::reach("PKB_BASE_URL", &elsewhere(), &with(wrong)).await;
        assert!(unreached.unwrap_err().to_string().contains("HTTPS_PROXY"));
    }
}

#[tokio::test]
async fn a_proxy_that_makes_no_connection_may_do_so_later_and_is_named() {
    let proxy = Listening::that_writes(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    let url = format!("http://{HERE}:{}", proxy.port);
    let network = network(None, Some(url));
    let (client, _) = client_on(&elsewhere(), &elsewhere(), network.clone());
    let fatal = fatal(client.sign_in().await);
    assert_eq!(fatal.exit_code(), ExitCode::TryLater);
    assert!(fatal.to_string().contains("the proxy cannot connect to it"));
    assert_eq!(proxy.connections(), 3, "as often as was set");
    let unreached = probe::reach("PKB_BASE_URL", &elsewhere(), &network).await;
    let text = unreached.unwrap_err().to_string();
    assert!(
        text.contains("HTTPS_PROXY") && text.contains("cannot connect to it"),
        "{text}"
    );
}

#[tokio::test]
async fn a_proxy_that_opens_encrypted_traffic_is_named_in_the_reason() {
    let interceptor = Listening::with_tls(&Authority::new().signed(&params(ELSEWHERE)), None);
    let proxy = Listening::proxy(None, interceptor.port);
    let network = network(None, Some(format!("http://{HERE}:{}", proxy.port)));
    let (client, _) = client_on(&elsewhere(), &elsewhere(), network);
    let fatal = fatal(client.sign_in().await);
    assert_eq!(fatal.exit_code(), ExitCode::NotUnderstood);
    let expected = format!("{ELSEWHERE}:443 (through the proxy that HTTPS_PROXY names) shows");
    assert!(fatal.to_string().starts_with(&expected), "{fatal}");
}
