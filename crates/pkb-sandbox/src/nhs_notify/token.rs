//! Access tokens for NHS Notify: `POST /oauth2/token` with a token that the application has signed (RS512), as NHS England's
//! description of application-restricted interfaces with a signed JWT has it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as AxumState;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use pkb_synthetic::derive;
use ring::signature::{RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::clock::later;
use crate::reply;
use crate::state::State;

/// How long an access token lives, in seconds, unless the faults say otherwise.
const TOKEN_SECONDS: u32 = 599;
/// How far ahead a signed token may end.
const LONGEST_SECONDS: i64 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Access tokens that were handed out, and signed tokens that were used.
#[derive(Default)]
pub(super) struct Issued(Mutex<Tokens>);

#[derive(Default)]
struct Tokens {
    good: HashMap<String, Timestamp>,
    used: HashSet<String>,
}

impl Issued {
    /// Whether an access token is good.
    pub(super) fn is_good(&self, token: &str, now: Timestamp) -> bool {
        self.0.lock().good.get(token).is_some_and(|end| now < *end)
    }

    /// Uses a signed token, once.
    fn spend(&self, id: &str) -> bool {
        self.0.lock().used.insert(id.to_owned())
    }

    fn issue(&self, seed: u64, until: Timestamp) -> String {
        let mut tokens = self.0.lock();
        let place = tokens.good.len().to_string();
        let token = derive::text(seed, &["nhs-token", &place], 20);
        tokens.good.insert(token.clone(), until);
        token
    }

    /// Ends all tokens that were handed out.
    pub(super) fn end_all(&self) {
        self.0.lock().good.clear();
    }
}

/// `POST /oauth2/token`.
pub(crate) async fn token(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let refused = |word: &str, what: &str| reply::error(StatusCode::BAD_REQUEST, word, what);
    if field("grant_type") != "client_credentials" {
        return refused("unsupported_grant_type", "grant_type is invalid");
    }
    if field("client_assertion_type") != ASSERTION_TYPE {
        return refused("invalid_request", "client_assertion_type is invalid");
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let audience = format!("http://{}/oauth2/token", host.unwrap_or_default());
    let now = state.machine_clock().now();
    if let Err((status, word, what)) = check(
        &state,
        field("client_assertion"),
        &audience,
        now.as_second(),
    ) {
        return reply::error(status, word, what);
    }
    let settings = state.faults.token_settings();
    let seconds = settings.seconds.unwrap_or(TOKEN_SECONDS);
    if settings.one_live {
        state.nhs_notify.tokens().end_all();
    }
    let until = later(now, SignedDuration::from_secs(seconds.into()));
    let token = state
        .nhs_notify
        .tokens()
        .issue(state.nhs_notify.seed(), until);
    let mut answer = json!({"access_token": token, "token_type": "Bearer"});
    if !settings.omit {
        // As text, which RFC 6749 does not know.
        answer["expires_in"] = seconds.to_string().into();
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

type Refusal = (StatusCode, &'static str, &'static str);

/// Checks a signed token.
fn check(state: &State, token: &str, audience: &str, now: i64) -> Result<(), Refusal> {
    let malformed = (
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "malformed JWT in client_assertion",
    );
    let bad = |what| (StatusCode::BAD_REQUEST, "invalid_request", what);
    let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(malformed)?;
    let part = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let header = part(header).ok_or(malformed)?;
    let claims = part(claims).ok_or(malformed)?;
    if header["alg"] != "RS512" {
        return Err(bad("invalid 'alg' header in JWT: only RS512 is accepted"));
    }
    if header["typ"].as_str().is_some_and(|kind| kind != "JWT") {
        return Err(bad("invalid 'typ' header in JWT"));
    }
    let config = state.nhs_notify.config();
    let unauthorized = |what| (StatusCode::UNAUTHORIZED, "invalid_client", what);
    if claims["iss"] != claims["sub"] || claims["iss"] != config.api_key.as_str() {
        return Err(unauthorized("invalid iss/sub claims in JWT"));
    }
    let key = config
        .key(header["kid"].as_str().unwrap_or_default())
        .ok_or(unauthorized(
            "invalid 'kid' header in JWT: no matching public key",
        ))?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
    key.verify(&RSA_PKCS1_2048_8192_SHA512, signed.as_bytes(), &signature)
        .map_err(|_| unauthorized("JWT signature verification failed"))?;
    if claims["aud"] != audience {
        return Err(bad("missing or invalid 'aud' claim in JWT"));
    }
    match claims["exp"].as_i64() {
        Some(end) if end <= now => return Err(bad("invalid 'exp' claim in JWT: expired")),
        Some(end) if end <= now + LONGEST_SECONDS => {}
        _ => {
            return Err(bad(
                "invalid 'exp' claim in JWT: more than 5 minutes in future",
            ));
        }
    }
    match claims["jti"].as_str() {
        Some(id) if !id.is_empty() && state.nhs_notify.tokens().spend(id) => Ok(()),
        _ => Err(bad("missing or non-unique 'jti' claim in JWT")),
    }
}

/// The public keys of a JSON Web Key Set (RFC 7517), by their ids.
pub(super) fn keys(jwks: &str) -> Option<HashMap<String, RsaPublicKeyComponents<Vec<u8>>>> {
    let set: Value = serde_json::from_str(jwks).ok()?;
    let keys = set["keys"].as_array()?.iter().map(|key| {
        let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?).ok();
        let components = RsaPublicKeyComponents {
            n: number("n")?,
            e: number("e")?,
        };
        let is_rsa = key["kty"] == "RSA";
        is_rsa.then(|| Some((key["kid"].as_str()?.to_owned(), components)))?
    });
    keys.collect()
}
