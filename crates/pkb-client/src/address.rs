//! Addresses that secrets may be sent to, and paths under them.

use pkb_core::Fatal;
use reqwest::Url;

use crate::error::CallError;

/// An address that secrets may be sent to: https, or this very machine.
pub(crate) fn checked_url(text: &str, name: &str) -> Result<Url, Fatal> {
    let url = Url::parse(text.trim()).map_err(|_| Fatal::Usage(format!("{name} is not a URL")))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(Fatal::Usage(format!(
            "{name} must begin with https://. Only an address on this machine may begin with http://, for a rehearsal"
        ))),
        _ => Err(Fatal::Usage(format!("{name} must begin with https://"))),
    }
}

/// The address of `path` under `base`.
pub(crate) fn under(base: &Url, path: &str) -> Result<Url, CallError> {
    // Host and port have been parsed already, and a plain path is quickly put behind them.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
    if path.bytes().all(is_plain) && base.query().is_none() && base.fragment().is_none() {
        let mut url = base.clone();
        let folder = base.path().trim_end_matches('/');
        url.set_path(&format!("{folder}/{}", path.trim_start_matches('/')));
        return Ok(url);
    }
    parsed_under(base, path)
}

/// The same for any path.
fn parsed_under(base: &Url, path: &str) -> Result<Url, CallError> {
    let base = base.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}/{}", path.trim_start_matches('/'))).map_err(|_| {
        CallError::Fatal(Fatal::Usage(
            "a path of PKB's interface is malformed".into(),
        ))
    })
}

/// Why a secret is not sent to this machine.
pub(crate) fn not_a_sandbox_secret(what: &str, address: &str) -> String {
    format!(
        "{what} is not for a sandbox, and {address} begins with http. It would be sent unencrypted. What to do: use an https \
         address. For a rehearsal: eval \"$(pkb-sandbox env)\""
    )
}

/// Whether an address is this very machine's.
pub fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "localhost.") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            // ::ffff:127.0.0.1 is 127.0.0.1.
            .is_ok_and(|address| address.to_canonical().is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_is_put_together_as_a_parser_does(
            base in "https://(pkb[.]example|127[.]0[.]0[.]1:8180|\\[::1\\])(/[a-z%./]{0,8})?([?#]x)?",
            path in "[/]{0,2}[a-zA-Z0-9{}%.~:@!$&'()*+,;=/\\\\|^`\"<> ?#\u{e9}\t-]{0,16}",
        ) {
            let base = Url::parse(&base).unwrap();
            let quick = under(&base, &path).unwrap();
            prop_assert_eq!(quick, parsed_under(&base, &path).unwrap());
        }
    }

    #[test]
    fn secrets_go_over_https_or_stay_on_this_machine() {
        for good in [
            "https://pkb.example/x",
            "http://127.0.0.1:8180",
            "http://localhost:1",
            "http://[::1]:9/",
        ] {
            assert!(checked_url(good, "X").is_ok(), "{good}");
        }
        for bad in [
            "http://pkb.example",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "http://127.0.0.1.pkb.example",
            "x",
        ] {
            assert!(checked_url(bad, "X").is_err(), "{bad}");
        }
    }
}
