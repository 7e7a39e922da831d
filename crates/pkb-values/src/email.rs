//! E-mail addresses: enough of RFC 5321 to keep out what no mail server would take. Addresses with
//! letters beyond ASCII (RFC 6531) are kept out too: PKB does not say that it takes them.

use std::borrow::Cow;

use super::{Problem, excel_damage, private_text, unseen::legible};

private_text!(
    /// An e-mail address as written, trimmed.
    Email,
    check,
    expose_address
);

/// Longest address in characters (RFC 5321, erratum 1690 to RFC 3696).
const MAX_CHARACTERS: usize = 254;

impl Email {
    /// The address in lower case, for finding one that comes twice. Case may matter before the
    /// `@` (RFC 5321), but hardly a mail server has it so.
    pub fn expose_folded(&self) -> Cow<'_, str> {
        if self.0.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(self.0.to_ascii_lowercase())
        } else {
            Cow::Borrowed(&self.0)
        }
    }
}

fn check(text: &str) -> Result<String, Problem> {
    let text = legible(text);
    let text = &*text;
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let is_good = text.len() <= MAX_CHARACTERS
        && text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
    if is_good {
        Ok(text.to_owned())
    } else {
        Err(excel_damage::name_or(text, Problem::NotAnEmail))
    }
}

fn is_local_part(local: &str) -> bool {
    local.len() <= 64
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
                })
        })
}

/// Two labels at least, and the last not of digits alone: that is an address of a machine.
fn is_domain(domain: &str) -> bool {
    domain
        .rsplit_once('.')
        .is_some_and(|(_, last)| !last.bytes().all(|byte| byte.is_ascii_digit()))
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for good in [
            "a@example.org",
            " o'brien+nhs@mail.example.org ",
            "a.b@1.example.org",
        ] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "a",
            "a@b",
            "@example.org",
            "a b@example.org",
            "a@example..org",
            "a@-x.org",
            "a@@example.org",
            ".a@example.org",
            "a.@example.org",
            "a..b@example.org",
            "a@192.0.2.1",
            "a@example.org.",
            "a@example.org; b@example.org",
            "siân@example.org",
            "sian@exâmple.org",
            "A Person <a@example.org>",
            &format!("{}@example.org", "a".repeat(65)),
            &format!("a@{}org", "abcdefg.".repeat(32)),
        ] {
            assert_eq!(Email::parse(bad), Err(Problem::NotAnEmail), "{bad}");
        }
        assert_eq!(Email::parse(" "), Err(Problem::Empty));
        assert_eq!(Email::parse("#NAME?"), Err(Problem::SpreadsheetError));
    }

    #[test]
    fn an_address_is_as_long_as_mail_servers_allow_and_no_longer() {
        // 196 characters with the @, and the rest before it.
        let domain = format!("{}org", "abcdefg.".repeat(24));
        let of_length = |length: usize| format!("{}@{domain}", "a".repeat(length - 196));
        assert_eq!(of_length(254).len(), 254);
        assert!(Email::parse(&of_length(254)).is_ok());
        assert_eq!(Email::parse(&of_length(255)), Err(Problem::NotAnEmail));
    }

    #[test]
    fn addresses_that_differ_in_case_alone_fold_to_one() {
        let folded = |text: &str| Email::parse(text).unwrap().expose_folded().into_owned();
        assert_eq!(folded("A.Person@Example.ORG"), "a.person@example.org");
        assert_eq!(folded("a.person@example.org"), "a.person@example.org");
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_reads_back(text in "\\PC{0,30}|[a-c.@-]{0,12}|[A-c.']{1,8}@[a-c.-]{1,8}[.][a-c0-9]{1,4}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.expose_address()).unwrap(), email);
            }
        }
    }
}
