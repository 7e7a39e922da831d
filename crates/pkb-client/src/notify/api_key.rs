//! The key to GOV.UK Notify, and the token that each request shows: a JSON Web Token (RFC 7519) that is signed with
//! the key's secret half by HMAC-SHA256 and good for 30 seconds.

use std::{
    fmt,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::secret::read_secret_file;
use pkb_core::{Fatal, record::NotificationId, rehearsal};

/// `{"typ":"JWT","alg":"HS256"}` in base64url.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";
/// Characters of a UUID.
const UUID: usize = 36;

/// A key, as Notify shows it: `{name}-{id of the service}-{secret}`, both UUIDs.
pub struct ApiKey {
    service: String,
    secret: SecretString,
    /// It opens nothing but sandboxes.
    is_sandbox: bool,
}

impl ApiKey {
    /// Takes a key apart; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, secret) = split_uuid(text.trim())?;
        let (name, service) = split_uuid(rest)?;
        (!name.is_empty()).then(|| Self {
            service: service.to_owned(),
            secret: SecretString::from(secret),
            is_sandbox: rehearsal::is_sandbox_secret(text.trim()),
        })
    }

    /// Whether it opens nothing but sandboxes.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.is_sandbox
    }

    /// The token for a request that is made `now`.
    pub(crate) fn sign(&self, now: SystemTime) -> SecretString {
        let seconds = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let claims = format!(r#"{{"iss":"{}","iat":{seconds}}}"#, self.service);
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        // HMAC takes keys of any length.
        let signature = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes())
            .map(|hmac| hmac.chain_update(&signed).finalize().into_bytes())
            .unwrap_or_default();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// What stands before a hyphen and a UUID at the end, and the UUID.
fn split_uuid(text: &str) -> Option<(&str, &str)> {
    let at = text.len().checked_sub(UUID)?;
    let (rest, uuid) = (text.get(..at)?, text.get(at..)?);
    NotificationId::uuid(uuid)?;
    Some((rest.strip_suffix('-')?, uuid))
}

/// Reads the key from a file or from `NOTIFY_API_KEY`.
///
/// # Errors
/// Neither is set, the file cannot be read, or what is in it is no key.
pub fn read_api_key(file: Option<&Path>) -> Result<ApiKey, Fatal> {
    let text = match file {
        Some(path) => read_secret_file(path, "NOTIFY_API_KEY_FILE")?,
        None => std::env::var("NOTIFY_API_KEY").unwrap_or_default(),
    };
    if text.trim().is_empty() {
        return Err(Fatal::Usage(
            "no API key. What to do: set NOTIFY_API_KEY_FILE to a file that holds it, or NOTIFY_API_KEY".into(),
        ));
    }
    ApiKey::parse(&text).ok_or_else(|| {
        Fatal::Usage(
            "the API key is not a key of GOV.UK Notify, which ends in two UUIDs with a hyphen between them. What to do: \
             copy the whole key again".into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const SERVICE: &str = "26785a09-ab16-4eb0-8407-a37497a57506";
    const SECRET: &str = "3d844edf-8d35-48ac-975b-e847b4f122b0";

    #[test]
    fn a_key_may_have_hyphens_in_its_name_and_white_space_around_it() {
        for name in ["live", "my-live-key", "x"] {
            let key = ApiKey::parse(&format!(" {name}-{SERVICE}-{SECRET}\n")).unwrap();
            assert_eq!(key.service, SERVICE);
            assert_eq!(key.secret.expose_secret(), SECRET);
            assert_eq!(format!("{key:?}"), "ApiKey(…)");
        }
        for text in [
            "",
            SECRET,
            &format!("{SERVICE}-{SECRET}"),
            &format!("-{SERVICE}-{SECRET}"),
            &format!("live-{SERVICE}{SECRET}"),
            &format!("live-{SERVICE}-{SECRET}x"),
        ] {
            assert!(ApiKey::parse(text).is_none(), "{text}");
        }
    }

    /// Worked out with another implementation of RFC 7519.
    #[test]
    fn a_token_is_signed_as_the_standard_says() {
        let key = ApiKey::parse(&format!("live-{SERVICE}-{SECRET}")).unwrap();
        let token = key.sign(UNIX_EPOCH + Duration::from_secs(1_568_818_578));
        assert_eq!(
            token.expose_secret(),
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\
             eyJpc3MiOiIyNjc4NWEwOS1hYjE2LTRlYjAtODQwNy1hMzc0OTdhNTc1MDYiLCJpYXQiOjE1Njg4MTg1Nzh9.\
             YT_aQYNif0l3HaPwy62Cj9g0qsYzjnj1K5pLwkELiFw"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_none(text in "\\PC{0,100}|[-0-9a-f]{60,90}") {
            let _ = ApiKey::parse(&text);
        }
    }
}
