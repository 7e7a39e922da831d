//! What is made of NHS Notify's answers, and how a token request is signed. Over HTTP they are in the end-to-end tests.

use std::time::{Instant, UNIX_EPOCH};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::{RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
use serde_json::{Value, json};

use super::*;
use crate::transport::explain::{AnswerMeaning, Unsuccessful};

/// The key of the sandbox, which opens nothing else: PKCS#1.
const KEY: &str = include_str!("../../../pkb-sandbox/data/nhs-notify-key.pem");
const JWKS: &str = include_str!("../../../pkb-sandbox/data/nhs-notify-jwks.json");

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// The same key in a PKCS#8 envelope (RFC 5208).
fn pkcs8() -> String {
    let lines = KEY.lines().filter(|line| !line.starts_with('-'));
    let key = STANDARD.decode(lines.collect::<String>()).unwrap();
    let with_length = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, length[0], length[1]], content].concat()
    };
    // Version 0; rsaEncryption without parameters.
    let head = b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let content = [head.as_slice(), &with_length(0x04, &key)].concat();
    pem("PRIVATE KEY", &with_length(0x30, &content))
}

fn signer(pem: &str) -> Result<Signer, Fatal> {
    let audience = "https://api.example/oauth2/token";
    Signer::new(&pem.into(), "sandbox-1", "CanaryKey".into(), audience)
}

#[test]
fn a_token_request_is_signed_with_rs512_and_lives_for_less_than_five_minutes() {
    let jwks: Value = serde_json::from_str(JWKS).unwrap();
    let part = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let of_key = |name: &str| part(jwks["keys"][0][name].as_str().unwrap());
    let public = RsaPublicKeyComponents {
        n: of_key("n"),
        e: of_key("e"),
    };
    let mut ids = Vec::new();
    for pem in [KEY.to_owned(), pkcs8()] {
        let now = UNIX_EPOCH + Duration::from_secs(1_796_000_000);
        let token = signer(&pem).unwrap().sign(now).unwrap();
        let token = token.expose_secret();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        public
            .verify(
                &RSA_PKCS1_2048_8192_SHA512,
                signed.as_bytes(),
                &part(signature),
            )
            .unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let read = |text| serde_json::from_slice::<Value>(&part(text)).unwrap();
        assert_eq!(
            read(header),
            json!({"alg": "RS512", "typ": "JWT", "kid": "sandbox-1"})
        );
        let claims = read(claims);
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&json!("CanaryKey"), &json!("CanaryKey"))
        );
        assert_eq!(claims["aud"], "https://api.example/oauth2/token");
        assert_eq!(claims["exp"], 1_796_000_180_u64);
        let id = claims["jti"].as_str().unwrap().to_owned();
        assert!(
            NotificationId::uuid(&id).is_some() && &id[14..15] == "4",
            "{id}"
        );
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1], "each token has an id of its own");
}

#[test]
fn what_is_no_rsa_key_is_refused_and_shown_nowhere() {
    assert_eq!(format!("{:?}", signer(KEY).unwrap()), "Signer(…)");
    for text in [
        "",
        "CanaryKey",
        &KEY.replace("RSA PRIVATE", "RSA PUBLIC"),
        &pem("PRIVATE KEY", b"CanaryKey"),
        &pem("EC PRIVATE KEY", b"CanaryKey"),
        &pem("CERTIFICATE", b"CanaryKey"),
    ] {
        let fatal = signer(text).unwrap_err();
        assert!(matches!(fatal, Fatal::Usage(_)));
        assert!(!fatal.to_string().contains("Canary"), "{fatal}");
        assert!(fatal.to_string().contains(signer::PRIVATE_KEY_FILE));
    }
}

#[test]
fn the_life_of_a_token_may_be_a_number_or_a_text() {
    let token = |body: Value| token::read(body.to_string().as_bytes(), Instant::now());
    for life in [json!(599), json!("599"), json!(null), json!("soon")] {
        let token = token(json!({"access_token": "a", "expires_in": life, "token_type": "Bearer"}));
        assert!(!token.unwrap().is_due(), "{life}");
    }
    let ended = token(json!({"access_token": "a", "expires_in": "0"})).unwrap();
    assert!(ended.is_due());
    for body in [json!({}), json!([]), json!({"access_token": "a\nb"})] {
        assert!(token(body).is_none());
    }
}

fn meaning(status: u16, code: &str) -> Option<AnswerMeaning> {
    let body = match code {
        "" => "<html>".to_owned(),
        code => json!({"errors": [{"code": code, "detail": "Canary"}]}).to_string(),
    };
    errors::explain(&Unsuccessful {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: None,
        clock_off_by: None,
        body: body.as_bytes(),
    })
}

#[test]
fn what_concerns_everybody_stops_the_stage_and_says_what_to_do() {
    for (status, code, exit, words) in [
        (400, "CM_ODS_CODE_REQUIRED", 2, "--ods-code"),
        (400, "CM_CANNOT_SET_ODS_CODE", 2, "leave out --ods-code"),
        (
            400,
            "CM_CANNOT_SET_CONTACT_DETAILS",
            2,
            "report this message",
        ),
        (403, "CM_FORBIDDEN", 77, "onboarding"),
        (403, "CM_SERVICE_BAN", 77, "blocked"),
        (403, "", 76, "NHS_NOTIFY_BASE_URL"),
        (404, "CM_NO_SUCH_ROUTING_PLAN", 2, "--routing-plan"),
        (404, "", 76, "NHS_NOTIFY_BASE_URL"),
        (302, "", 76, "NHS_NOTIFY_BASE_URL"),
        (405, "CM_NOT_ALLOWED", 76, "report this message"),
        (406, "CM_NOT_ACCEPTABLE", 76, "report this message"),
        (415, "CM_UNSUPPORTED_MEDIA", 76, "report this message"),
        (500, "CM_MISSING_ROUTING_PLAN_TEMPLATE", 2, "routing plan"),
        (
            500,
            "CM_ROUTING_PLAN_DUPLICATE_TEMPLATES",
            2,
            "routing plan",
        ),
    ] {
        let Some(AnswerMeaning::Give(CallError::Fatal(fatal))) = meaning(status, code) else {
            panic!("{status} {code} does not stop the stage");
        };
        let text = fatal.to_string();
        assert_eq!(fatal.exit_code().code(), exit, "{status} {code}");
        assert!(text.contains(words) && !text.contains("Canary"), "{text}");
    }
}

#[test]
fn the_client_reads_refusals_itself_and_retries_what_is_about_the_moment() {
    for (status, code) in [
        (400, "CM_INVALID_NHS_NUMBER"),
        (404, "CM_NOT_FOUND"),
        (413, "CM_TOO_LARGE"),
        (413, ""),
        (422, "CM_DUPLICATE_REQUEST"),
        (425, "CM_RETRY_TOO_EARLY"),
    ] {
        let meaning = meaning(status, code);
        assert!(matches!(meaning, Some(AnswerMeaning::Answer)), "{status}");
    }
    for (status, code) in [
        (408, "CM_TIMEOUT"),
        (500, "CM_INTERNAL_SERVER_ERROR"),
        (502, ""),
        (503, "CM_SERVICE_UNAVAILABLE"),
        (504, "CM_TIMEOUT"),
    ] {
        assert!(meaning(status, code).is_none(), "{status}");
    }
    let quota = meaning(429, "CM_QUOTA");
    assert!(matches!(quota, Some(AnswerMeaning::Pause(pause)) if pause == Duration::from_secs(5)));
}

fn batch() -> MessageBatch {
    let form = BatchForm {
        routing_plan: NotificationId::uuid("b838b13c-f98c-4def-93f0-515d4e4f4ee1").unwrap(),
        ods_code: None,
        billing_reference: None,
    };
    let to = pkb_values::NhsNumber::parse("9990000018").unwrap();
    let messages = ["A", "B"].map(|reference| form.message(reference, to, Vec::new()));
    form.batch("R1", &[&messages[0], &messages[1]])
}

#[test]
fn an_answer_is_believed_only_if_it_is_about_this_batch_and_all_of_its_messages() {
    let one = "2WL3qFTEFM0qMY8xjRbt1LIKCzM";
    let two = "2WL4GEeFVxXG9S57nRlefBwwKxp";
    let answer = |reference: &str, messages: &[(&str, &str)]| {
        let messages = messages.iter();
        let messages: Vec<Value> = messages
            .map(|(reference, id)| json!({"messageReference": reference, "id": id}))
            .collect();
        json!({"data": {"type": "MessageBatch", "id": one, "attributes": {
            "messageBatchReference": reference, "messages": messages,
        }}})
        .to_string()
    };
    let read = |body: String| ids(body.as_bytes(), &batch());
    let in_order = read(answer("R1", &[("B", two), ("A", one)])).unwrap();
    assert_eq!(
        in_order
            .iter()
            .map(NotificationId::as_str)
            .collect::<Vec<_>>(),
        [one, two]
    );
    for body in [
        answer("R2", &[("A", one), ("B", two)]),
        answer("R1", &[("A", one)]),
        answer("R1", &[("A", one), ("A", two)]),
        answer("R1", &[("A", one), ("C", two)]),
        answer("R1", &[("A", one), ("B", two), ("C", two)]),
        answer("R1", &[("A", one), ("B", "../users")]),
        "<html>".to_owned(),
        "{}".to_owned(),
    ] {
        assert!(read(body.clone()).is_none(), "{body}");
    }
}

#[test]
fn a_status_has_its_failure_and_channels_and_no_free_text() {
    let id = NotificationId::ksuid("2WL3qFTEFM0qMY8xjRbt1LIKCzM").unwrap();
    let body = json!({"data": {"type": "Message", "id": id.as_str(), "attributes": {
        "messageReference": "A", "messageStatus": "failed", "messageStatusDescription": "Canary",
        "messageFailureReasonCode": "MFR_SUPE_0007",
        "channels": [
            {"type": "nhsapp", "cascadeType": "primary", "channelStatus": "failed", "supplierStatus": "unnotified",
             "channelFailureReasonCode": "CFR_SUPE_0007", "channelStatusDescription": "Canary"},
            {"type": "sms", "channelStatus": "skipped", "supplierStatus": null},
            {"type": "A pigeon called Canary", "channelStatus": "sending"},
        ],
    }}});
    let state = read_state(body.to_string().as_bytes(), &id).unwrap();
    assert_eq!(state.status.as_str(), "failed");
    assert_eq!(state.failed_because, FailureCode::parse("MFR_SUPE_0007"));
    let channels = serde_json::to_value(&state.channels).unwrap();
    assert_eq!(
        channels,
        json!([
            {"type": "nhsapp", "status": "failed", "supplier_status": "unnotified", "failed_because": "CFR_SUPE_0007"},
            {"type": "sms", "status": "skipped"},
        ])
    );
    let other = NotificationId::ksuid("2WL4GEeFVxXG9S57nRlefBwwKxp").unwrap();
    assert!(read_state(body.to_string().as_bytes(), &other).is_none());
}

#[test]
fn keys_and_addresses_of_a_rehearsal_and_of_a_campaign_are_not_mixed() {
    let settings = |base: &str, token: &str, key: &str| NhsNotifySettings {
        base_url: base.into(),
        token_url: token.into(),
        api_key: key.into(),
        key_id: "sandbox-1".into(),
        private_key: KEY.into(),
        network: Network::default(),
        timeout: Duration::from_secs(1),
        attempts: 1,
        give_up_after: Duration::from_secs(1),
        rate: 0,
        monitor: Arc::default(),
    };
    let here = "http://127.0.0.1:1/comms";
    assert!(NhsNotify::new(settings(here, here, "sandbox-key")).is_ok());
    assert!(NhsNotify::new(settings(BASE_URL, TOKEN_URL, "CanaryKey")).is_ok());
    for (base, token, key) in [
        (here, here, "CanaryKey"),
        (here, TOKEN_URL, "sandbox-key"),
        (BASE_URL, here, "CanaryKey"),
        ("http://api.service.nhs.uk/comms", TOKEN_URL, "CanaryKey"),
        ("ftp://127.0.0.1", here, "sandbox-key"),
    ] {
        let error = NhsNotify::new(settings(base, token, key)).err().unwrap();
        assert!(matches!(error, Fatal::Usage(_)), "{base} {token}");
        assert!(!error.to_string().contains("Canary"), "{error}");
    }
}
