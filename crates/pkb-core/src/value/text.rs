//! Names and address lines: any script, but nothing that could change the text around it.

use unicode_normalization::UnicodeNormalization as _;

use super::{Problem, excel_damage, private_text};

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
        return unless_error(text.to_owned());
    }
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Problem::Undecodable);
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
        1..=MAX_CHARACTERS => unless_error(line),
        _ => Err(Problem::TooLong),
    }
}

fn unless_error(line: String) -> Result<String, Problem> {
    if excel_damage::is_error(&line) {
        Err(Problem::SpreadsheetError)
    } else {
        Ok(line)
    }
}

/// Whether `text` seems to be UTF-8 that was once read as Windows-1252: `Ã©` for `é`, `Åµ` for `ŵ`,
/// `â€™` for `’`. A sign and no proof, so for a warning only.
pub fn looks_like_mojibake(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let next = text.chars().skip(1);
    text.chars().zip(next).any(|pair| match pair {
        // The first bytes of Latin-1, Latin Extended-A and (with three bytes) of curly quotes.
        ('Â' | 'Ã' | 'Ä' | 'Å', second) => is_continuation(second),
        ('â', second) => second == '€',
        _ => false,
    })
}

/// What Windows-1252 makes of the bytes 0x80 to 0xBF. Five of them it leaves undefined; decoders
/// make control characters of those.
fn is_continuation(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{bf}') || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(c)
}

/// Printable ASCII with single spaces within: there is nothing to fold, compose or refuse.
fn is_plain(text: &str) -> bool {
    let mut before = b' ';
    for &byte in text.as_bytes() {
        if !(b' '..=b'~').contains(&byte) || (byte == b' ' && before == b' ') {
            return false;
        }
        before = byte;
    }
    before != b' '
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
            '\u{feff}' | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{2028}' | '\u{2029}' | '\u{fff9}'
                ..='\u{fffc}'
        )
}

/// The header of a column without case, spaces, underscores and punctuation: what it is known by.
pub fn folded_header(header: &str) -> String {
    header
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
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

    #[test]
    fn what_a_spreadsheet_or_a_decoder_spoilt_is_named() {
        for text in ["#N/A", " #REF!", "####", "Err:502"] {
            assert_eq!(PersonName::parse(text), Err(Problem::SpreadsheetError));
            assert_eq!(AddressLine::parse(text), Err(Problem::SpreadsheetError));
        }
        assert!(AddressLine::parse("#12 Mill Lane").is_ok());
        assert_eq!(PersonName::parse("Si\u{fffd}n"), Err(Problem::Undecodable));
    }

    #[test]
    fn text_that_was_in_a_wrong_encoding_once_is_noticed() {
        for text in [
            "SiÃ¢n",
            "ZoÃ«",
            "TÅµm",
            "LlÅ·r",
            "BjÃ¶rk",
            "Oâ€™Brien",
            "NE1Â\u{a0}1XC",
            "Ã\u{a0}",
            "Ã‰mile",
        ] {
            assert!(looks_like_mojibake(text), "{text}");
        }
        for text in [
            "",
            "Sian",
            "Siân",
            "SIÂN",
            "Tŵm",
            "Llŷr",
            "Åse",
            "ÅÄÖ",
            "Ängelholm",
            "João",
            "JOÃO",
            "O’Brien",
            "€",
            "Łódź",
            "Ã",
            "â",
        ] {
            assert!(!looks_like_mojibake(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_in_a_wrong_encoding_is_noticed_and_the_original_is_not(
            text in "[a-zA-Z]{0,5}[à-öø-ſ][a-zA-Z]{0,5}",
        ) {
            let garbled: String = text.bytes().map(char::from).collect();
            prop_assert!(!looks_like_mojibake(&text));
            prop_assert!(looks_like_mojibake(&garbled));
        }

        #[test]
        fn reading_a_checked_line_again_changes_nothing(text in "\\PC{0,40}|[#A/N!\u{212a} ]{0,6}") {
            if let Ok(line) = AddressLine::parse(&text) {
                prop_assert_eq!(AddressLine::parse(line.expose_line()).unwrap(), line);
            }
            if let Ok(name) = PersonName::parse(&text) {
                prop_assert_eq!(PersonName::parse(name.expose_name()).unwrap(), name);
            }
        }
    }
}
