//! E-mail addresses: enough of RFC 5321 to keep out what no mail server would take.

use super::{Problem, private_text};

private_text!(
    /// An e-mail address as written, trimmed.
    Email,
    check,
    expose_address
);

fn check(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let (local, domain) = text.rsplit_once('@').ok_or(Problem::NotAnEmail)?;
    let local_is_good = (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
    let labels: Vec<&str> = domain.split('.').collect();
    let domain_is_good = domain.len() <= 253
        && labels.len() >= 2
        && labels.iter().all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        });
    if local_is_good && domain_is_good {
        Ok(text.to_owned())
    } else {
        Err(Problem::NotAnEmail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for good in ["a@example.org", " o'brien+nhs@mail.example.org "] {
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
        ] {
            assert_eq!(Email::parse(bad), Err(Problem::NotAnEmail), "{bad}");
        }
    }
}
