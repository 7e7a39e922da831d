//! The page where patients register, as letters and texts name it.

use clap::Args;
use pkb_client::is_loopback;
use pkb_core::{
    Fatal,
    record::Invitation,
    rehearsal::{Evidence, Origin, Origins},
};
use url::Url;

/// Where patients register.
#[derive(Debug, Clone, Args)]
pub struct JoinUrlArgs {
    /// Page on which patients register
    ///
    /// The codes are added to it. https, or in a rehearsal an address on this machine.
    #[arg(
        long,
        env = "PKB_JOIN_URL",
        default_value = "https://joinpkb.com/",
        value_parser = parse,
        value_name = "URL"
    )]
    pub join_url: Url,
}

/// The page with both codes filled in (PKB: `?t1=…&t2=…`).
pub fn with_codes(page: &Url, codes: &Invitation) -> Url {
    let mut url = page.clone();
    url.query_pairs_mut()
        .append_pair("t1", codes.code.expose_code())
        .append_pair("t2", codes.token.expose_code());
    url
}

/// Reads the address. It carries a patient's two codes, and a letter with it cannot be taken back: it must be https. Rehearsals may
/// have a loopback address.
///
/// # Errors
/// It is another address, or none.
fn parse(text: &str) -> Result<Url, &'static str> {
    let url =
        Url::parse(text.trim()).map_err(|_| "must be an address, such as https://joinpkb.com/")?;
    let is_for_patients = url.scheme() == "https" && url.username().is_empty();
    let is_for_rehearsals = url.scheme() == "http" && is_loopback(&url);
    match is_for_patients || is_for_rehearsals {
        true => Ok(url),
        false => Err(
            "must begin with https:// and have no user name, because the link carries a patient's codes. Only a rehearsal \
             may use http:// and an address on this machine",
        ),
    }
}

/// Hears that a run is a rehearsal, if its page is on this machine: no patient could open the link.
///
/// # Errors
/// Something else has told that it is real.
pub fn note_origin(url: &Url, origins: &Origins) -> Result<(), Fatal> {
    match is_loopback(url) {
        true => origins.note(Origin::Rehearsal, || Evidence::Address("PKB_JOIN_URL")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_only_put_into_links_that_are_encrypted_or_stay_on_this_machine() {
        for good in [
            "https://joinpkb.com/",
            " https://pkb.example/join?lang=cy ",
            "http://127.0.0.1:8180/join/",
            "http://localhost:8180/",
            "https://[::1]/",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://joinpkb.com/",
            "HTTP://joinpkb.com",
            "http://10.0.0.1/",
            "http://127.0.0.1.pkb.example/",
            "http://localhost@pkb.example/",
            "https://joinpkb.com@pkb.example/",
            "ftp://joinpkb.com/",
            "javascript:alert(1)",
            "file:///join",
            "joinpkb.com",
            "",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
