//! Ids that PKB and GOV.UK Notify give out.

/// Whether a text is a UUID as both write it: five groups of hexadecimal digits, with hyphens between them.
pub fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
