//! Who may call: a JSON Web Token (RFC 7519) by HMAC-SHA256, issued by the service within the last 30 seconds.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use super::errors::NotifyError;

/// How old, or how far ahead, a token may be.
const TOLERANCE_SECONDS: i64 = 30;
/// Characters of a UUID.
const UUID: usize = 36;

/// Service and secret of a key `{name}-{service}-{secret}`.
fn halves(key: &str) -> Option<(&str, &str)> {
    let secret_at = key.len().checked_sub(UUID)?;
    let service_at = secret_at.checked_sub(UUID + 1)?;
    Some((
        key.get(service_at..secret_at.checked_sub(1)?)?,
        key.get(secret_at..)?,
    ))
}

/// Checks the token of a request.
pub(super) fn check(headers: &HeaderMap, key: &str, now: Timestamp) -> Result<(), NotifyError> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or(NotifyError::NoToken)?;
    let (service, secret) = halves(key).ok_or(NotifyError::UnknownKey)?;
    let (signed, signature) = token.rsplit_once('.').ok_or(NotifyError::UnknownKey)?;
    let (head, claims) = signed.split_once('.').ok_or(NotifyError::UnknownKey)?;
    let head = json(head)?;
    let claims = json(claims)?;
    if head["alg"] != "HS256" || claims["iss"] != service {
        return Err(NotifyError::UnknownKey);
    }
    let signature = decode(signature)?;
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| NotifyError::UnknownKey)?
        .chain_update(signed)
        .verify_slice(&signature)
        .map_err(|_| NotifyError::UnknownKey)?;
    let issued = claims["iat"].as_i64().ok_or(NotifyError::UnknownKey)?;
    if (now.as_second() - issued).abs() > TOLERANCE_SECONDS {
        return Err(NotifyError::Clock);
    }
    Ok(())
}

fn decode(part: &str) -> Result<Vec<u8>, NotifyError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| NotifyError::UnknownKey)
}

fn json(part: &str) -> Result<Value, NotifyError> {
    serde_json::from_slice(&decode(part)?).map_err(|_| NotifyError::UnknownKey)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const KEY: &str =
        "live-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0";
    /// Made with another implementation: issued at 1568818578.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiIyNjc4NWEwOS1hYjE2LTRlYjAtODQwNy1hMzc0OTdhNTc1MDYiLCJpYXQiOjE1Njg4MTg1Nzh9.YT_aQYNif0l3HaPwy62Cj9g0qsYzjnj1K5pLwkELiFw";

    fn checked(token: &str, seconds: i64) -> Result<(), NotifyError> {
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {token}").parse().unwrap();
        headers.insert(header::AUTHORIZATION, value);
        check(&headers, KEY, Timestamp::from_second(seconds).unwrap())
    }

    #[test]
    fn a_token_is_good_for_thirty_seconds() {
        assert_eq!(checked(TOKEN, 1_568_818_578), Ok(()));
        assert_eq!(checked(TOKEN, 1_568_818_608), Ok(()));
        assert_eq!(checked(TOKEN, 1_568_818_609), Err(NotifyError::Clock));
        assert_eq!(checked(TOKEN, 1_568_818_547), Err(NotifyError::Clock));
    }

    #[test]
    fn a_token_of_another_key_or_none_is_refused() {
        let now = 1_568_818_578;
        let (signed, _) = TOKEN.rsplit_once('.').unwrap();
        for token in [
            signed,
            &format!("{signed}."),
            &format!("{signed}.AAAA"),
            "x.y.z",
            "",
        ] {
            assert_eq!(checked(token, now), Err(NotifyError::UnknownKey), "{token}");
        }
        assert_eq!(
            check(&HeaderMap::new(), KEY, Timestamp::UNIX_EPOCH),
            Err(NotifyError::NoToken)
        );
    }
}
