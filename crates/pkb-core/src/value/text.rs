//! Names and address lines: any script, but nothing that could change the text around it.

use unicode_normalization::UnicodeNormalization as _;

use super::{Problem, private_text};

private_text!(
    /// A title, first name or last name: trimmed, inner spaces folded, composed (NFC).
    PersonName,
    check_name,
    expose_name
);

private_text!(
    /// One line of an address: trimmed, inner spaces folded, composed (NFC).
    AddressLine,
    check_line,
    expose_line
);

/// Longest name or line in characters; PKB publishes no limit, letters and windows have one.
const MAX_CHARACTERS: usize = 100;

fn check_name(text: &str) -> Result<String, Problem> {
    let name = check_line(text)?;
    if name.chars().any(char::is_alphanumeric) {
        Ok(name)
    } else {
        Err(Problem::NoLetter)
    }
}

fn check_line(text: &str) -> Result<String, Problem> {
    // Nearly every line is plain and was checked before: a record is read once by each stage.
    if is_plain(text) && text.len() <= MAX_CHARACTERS {
        return Ok(text.to_owned());
    }
    // Line breaks are folded with other white space below; the original is what is searched.
    if text.trim().chars().any(is_forbidden) {
        return Err(Problem::ControlCharacter);
    }
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.nfc());
    }
    match line.chars().count() {
        0 => Err(Problem::Empty),
        1..=MAX_CHARACTERS => Ok(line),
        _ => Err(Problem::TooLong),
    }
}

/// Printable ASCII with single spaces within: there is nothing to fold, compose or refuse.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
        && bytes[0] != b' '
        && bytes[bytes.len() - 1] != b' '
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

/// Control characters, and the characters that set, embed or isolate a text direction (Unicode
/// Bidirectional Algorithm, UAX 9): they could make a letter show something else than it holds.
/// Also what nobody sees and what would break a line: byte-order mark, soft hyphen, zero-width space,
/// line and paragraph separators.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(
            c,
            '\u{feff}'
                | '\u{ad}'
                | '\u{200b}'
                | '\u{2060}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{fffd}'
                | '\u{fff9}'..='\u{fffc}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_trimmed_folded_and_composed_but_not_recased() {
        let name = PersonName::parse("  O'BRIEN   Sia\u{302}n ").unwrap();
        assert_eq!(name.expose_name(), "O'BRIEN Siân");
    }

    #[test]
    fn what_could_change_the_text_around_it_is_refused() {
        for text in [
            "a\u{202e}b",
            "a\u{0}b",
            "a\nb",
            "a\tb",
            "a\u{feff}b",
            "a\u{2066}b",
            "a\u{85}b",
        ] {
            assert_eq!(
                PersonName::parse(text),
                Err(Problem::ControlCharacter),
                "{text:?}"
            );
        }
        assert_eq!(PersonName::parse("-."), Err(Problem::NoLetter));
        assert_eq!(
            PersonName::parse("é".repeat(101).as_str()),
            Err(Problem::TooLong)
        );
        assert!(AddressLine::parse("12").is_ok());
    }

    proptest! {
        #[test]
        fn reading_a_checked_line_again_changes_nothing(text in "\\PC{0,40}") {
            if let Ok(line) = AddressLine::parse(&text) {
                prop_assert_eq!(AddressLine::parse(line.expose_line()).unwrap(), line);
            }
        }
    }
}
