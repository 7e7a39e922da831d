//! Names and address lines: any script, but nothing that could change the text around it.

use unicode_normalization::UnicodeNormalization as _;

use super::{
    Problem, excel_damage, private_text,
    unseen::{Sight, sight},
};

private_text!(
    /// A title, first name or last name: trimmed, inner spaces folded, without what nobody sees, composed (NFC). It has
    /// a letter, and does not begin like a formula, so it is safe in a spreadsheet.
    PersonName,
    check_name,
    expose_name
);

private_text!(
    /// One line of an address: trimmed, inner spaces folded, without what nobody sees, composed (NFC).
    AddressLine,
    check_line,
    expose_line
);

/// Longest name or line in characters; PKB publishes no limit, letters and windows have one.
const MAX_CHARACTERS: usize = 100;

fn check_name(text: &str) -> Result<String, Problem> {
    let name = check_line(text)?;
    if !name.chars().any(char::is_alphabetic) {
        Err(Problem::NoLetter)
    } else if name.starts_with(FORMULA_BEGINNINGS) {
        Err(Problem::BeginsLikeFormula)
    } else {
        Ok(name)
    }
}

/// What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection"), also in full width.
const FORMULA_BEGINNINGS: [char; 8] = [
    '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

fn check_line(text: &str) -> Result<String, Problem> {
    // Nearly every line is plain and was checked before: a record is read once by each stage.
    if is_plain(text) && text.len() <= MAX_CHARACTERS {
        return unless_error(text.to_owned());
    }
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Problem::Undecodable);
    }
    let mut seen = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match sight(c) {
            Sight::Seen => seen.push(c),
            Sight::Space => seen.push(' '),
            Sight::Unseen => {}
            Sight::Doubtful => return Err(Problem::ControlCharacter),
        }
    }
    let mut line = String::with_capacity(seen.len());
    for word in seen.split_whitespace() {
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

/// Whether a letter of a name was lost, or became a sign: `Si?n`, `Zo¿`, `Jos?`. No name has such a sign beside a letter.
pub fn has_lost_letter(name: &str) -> bool {
    if name.is_ascii() && !name.contains('?') {
        return false;
    }
    let mut before = ' ';
    name.chars().any(|c| {
        let pair = (before, c);
        before = c;
        match pair {
            ('?', other) | (other, '?') => other.is_alphabetic(),
            (one, two) => {
                (is_no_letter(one) && two.is_alphabetic())
                    || (is_no_letter(two) && one.is_alphabetic())
            }
        }
    })
}

/// Signs that stand where another encoding has letters; not the signs that Spanish names have (`Mª`), apostrophes,
/// dashes and daggers.
fn is_no_letter(c: char) -> bool {
    matches!(c, '¡'..='©' | '¬' | '®'..='³' | '¶' | '¹' | '¼'..='¿' | '×' | '÷')
        || "ƒ…‡ˆ‰•˜™€‚\u{fffd}".contains(c)
        || matches!(c, '\u{2500}'..='\u{259f}')
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
    fn invisible_characters_are_removed_from_names_and_separators_become_spaces() {
        for (text, name) in [
            ("Le\u{200e}e", "Lee"),
            ("\u{202a}Lee\u{202c}", "Lee"),
            ("\u{2067}לוי\u{2069}", "לוי"),
            ("Le\u{feff}e", "Lee"),
            ("Le\u{ad}e\u{2060}", "Lee"),
            ("L\u{e0041}ee", "Lee"),
            ("Ann\u{a0}Mary", "Ann Mary"),
            ("Ann\tMary", "Ann Mary"),
            ("Ann\u{2028}Mary", "Ann Mary"),
            ("Ann\u{b}\u{c}\u{1c}\u{85}Mary", "Ann Mary"),
            // A joiner is part of the word.
            ("می\u{200c}نا", "می\u{200c}نا"),
        ] {
            let read = PersonName::parse(text).unwrap();
            assert_eq!(read.expose_name(), name, "{text:?}");
        }
        assert_eq!(PersonName::parse("\u{200b}"), Err(Problem::Empty));
        let line = AddressLine::parse("1 Mill\u{2028}Lane\u{200e}").unwrap();
        assert_eq!(line.expose_line(), "1 Mill Lane");
    }

    #[test]
    fn a_name_has_a_letter_and_does_not_begin_like_a_formula() {
        for text in [
            "=HYPERLINK(\"http://x\")",
            "+Ann",
            "-Ann",
            "@Ann",
            "\u{ff1d}A",
        ] {
            assert_eq!(PersonName::parse(text), Err(Problem::BeginsLikeFormula));
        }
        for text in ["-", "...", "123", "'", "4 5", "\u{3164}\u{2800}1"] {
            assert_eq!(PersonName::parse(text), Err(Problem::NoLetter), "{text}");
        }
        for text in ["O'Brien", "'t Hooft", "Smith-Jones", "Ng", "王"] {
            assert!(PersonName::parse(text).is_ok(), "{text}");
        }
        assert!(AddressLine::parse("-5 Mill Lane").is_ok());
    }

    #[test]
    fn what_could_change_the_text_around_it_is_refused() {
        for text in [
            "a\u{202e}b",
            "a\u{202d}b",
            "a\u{0}b",
            "a\nb",
            "a\rb",
            "a\u{7}b",
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

    #[test]
    fn a_lost_letter_is_seen() {
        for name in [
            "Si?n",
            "Zo\u{bf}",
            "Jos?",
            "?ngel",
            "Si\u{fffd}n",
            "Zo\u{a2}",
            "Nu\u{a4}ez",
            "Si\u{192}n",
            "Si\u{2021}n",
            "Jos\u{201a}",
            "Si\u{251c}n",
        ] {
            assert!(has_lost_letter(name), "{name}");
        }
        for name in [
            "Si\u{e2}n",
            "M\u{aa} Jos\u{e9}",
            "O\u{2019}Brien",
            "Ann (?)",
            "Smith \u{2020}",
            "Ann \u{2013} Mary",
            "Zo\u{eb}",
            "\u{160}\u{17e}",
        ] {
            assert!(!has_lost_letter(name), "{name}");
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
