//! PKB's id of a patient and the two codes of an invitation. PKB's examples show ids of digits
//! and codes of ten letters and digits, in which upper and lower case differ.

use super::{Problem, private_text};

private_text!(
    /// PKB's id of a patient: digits.
    PkbId,
    check_id,
    expose_id
);

private_text!(
    /// The first code of an invitation (`invitationCode`, `t1` in the join link).
    InvitationCode,
    check_code,
    expose_code
);

private_text!(
    /// The second code of an invitation (`token`, `t2` in the join link).
    AccessCode,
    check_code,
    expose_code
);

fn check_id(text: &str) -> Result<String, Problem> {
    if (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(Problem::NotAPkbId)
    }
}

/// A code goes unchanged into a link, a QR code and a line of print that is never broken: anything
/// but a short run of ASCII letters and digits is not a code that we know how to print.
fn check_code(text: &str) -> Result<String, Problem> {
    if (4..=24).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err(Problem::NotACode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_case_and_are_never_trimmed_or_mended() {
        assert_eq!(
            InvitationCode::parse("NKcYiAciBU").unwrap().expose_code(),
            "NKcYiAciBU"
        );
        for bad in [
            "",
            "abc",
            " NKcYiAciBU",
            "NKcYi-AciBU",
            "NKcYiAciBÜ",
            "<NKcYiAciBU>",
        ] {
            assert_eq!(AccessCode::parse(bad), Err(Problem::NotACode), "{bad}");
        }
    }
}
