//! What shows who we are: a JSON Web Token (RFC 7519) that is signed with our private key (RS512), as NHS England's
//! OAuth 2.0 wants it for applications ("private key JWT").

use std::{
    fmt,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::{SecureRandom as _, SystemRandom},
    signature::{RSA_PKCS1_SHA512, RsaKeyPair},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::secret::read_secret_file;
use pkb_core::Fatal;

/// How long a signed token is good for. The server takes 5 minutes at most.
const LIFE_SECONDS: u64 = 180;

/// The setting that names the file of the private key.
pub(super) const PRIVATE_KEY_FILE: &str = "NHS_NOTIFY_PRIVATE_KEY_FILE";

/// What signs.
pub(super) struct Signer {
    pair: RsaKeyPair,
    key_id: String,
    api_key: SecretString,
    audience: String,
    random: SystemRandom,
}

impl Signer {
    /// Takes the private key from text in PEM form (PKCS#8 or PKCS#1). `audience` is the address that the token is for.
    ///
    /// # Errors
    /// It is not an RSA key of 2,048 to 8,192 bits.
    pub(super) fn new(
        pem: &SecretString,
        key_id: &str,
        api_key: SecretString,
        audience: &str,
    ) -> Result<Self, Fatal> {
        let pair = match PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(der)) => {
                RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| no_rsa_key())?
            }
            Ok(PrivateKeyDer::Pkcs1(der)) => {
                RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| no_rsa_key())?
            }
            _ => return Err(no_key()),
        };
        Ok(Self {
            pair,
            key_id: key_id.to_owned(),
            api_key,
            audience: audience.to_owned(),
            random: SystemRandom::new(),
        })
    }

    /// A token for a request that is made `now`.
    ///
    /// # Errors
    /// This machine has no random numbers.
    pub(super) fn sign(&self, now: SystemTime) -> Result<SecretString, Fatal> {
        let header = json!({"alg": "RS512", "typ": "JWT", "kid": self.key_id});
        let seconds = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let api_key = self.api_key.expose_secret();
        let claims = json!({
            "iss": api_key, "sub": api_key, "jti": self.new_id()?, "aud": self.audience,
            "exp": seconds + LIFE_SECONDS,
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA512,
                &self.random,
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Fatal::Bug("a token cannot be signed".into()))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }

    /// A random UUID (version 4), different for each token.
    fn new_id(&self) -> Result<String, Fatal> {
        let mut bytes = [0_u8; 16];
        self.random
            .fill(&mut bytes)
            .map_err(|_| Fatal::Bug("this machine has no random numbers".into()))?;
        let bits = u128::from_be_bytes(bytes);
        // The version and the variant are where RFC 9562 has them.
        let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        let parts = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        Ok(parts.join("-"))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// Reads the private key from its file.
///
/// # Errors
/// No file is named, or it cannot be read.
pub fn read_private_key(file: Option<&Path>) -> Result<SecretString, Fatal> {
    let file = file.ok_or_else(|| {
        Fatal::Usage(format!(
            "no private key. What to do: set {PRIVATE_KEY_FILE} to the file (PEM, mode 0600) with the private key. Its \
             public key must be registered with NHS England"
        ))
    })?;
    read_secret_file(file, PRIVATE_KEY_FILE).map(SecretString::from)
}

/// Reads the API key of the application from a file or from `NHS_NOTIFY_API_KEY`.
///
/// # Errors
/// Neither is set, or the file cannot be read.
pub fn read_api_key(file: Option<&Path>) -> Result<SecretString, Fatal> {
    let text = match file {
        Some(path) => read_secret_file(path, "NHS_NOTIFY_API_KEY_FILE")?,
        None => std::env::var("NHS_NOTIFY_API_KEY").unwrap_or_default(),
    };
    match text.trim() {
        "" => Err(Fatal::Usage(
            "no API key for NHS Notify. What to do: set NHS_NOTIFY_API_KEY_FILE to a file that holds it, or \
             NHS_NOTIFY_API_KEY".into(),
        )),
        text => Ok(SecretString::from(text)),
    }
}

fn no_key() -> Fatal {
    Fatal::Usage(format!(
        "the file of {PRIVATE_KEY_FILE} holds no private key in PEM form. What to do: name the file that begins with \
         -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----"
    ))
}

fn no_rsa_key() -> Fatal {
    Fatal::Usage(format!(
        "the key in the file of {PRIVATE_KEY_FILE} is not an RSA key of at least 2,048 bits, which NHS England needs (RS512). What to \
         do: make a new key (openssl genrsa -out key.pem 4096). Then register its public key with NHS England"
    ))
}
