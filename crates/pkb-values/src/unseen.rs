//! Invisible characters, and different ways to write a digit, a space or a hyphen. Their meaning is certain, so they are
//! normalised and never a reason to reject a row. They come from web pages, PDF files and telephones'
//! address books, whose texts were copied into patient administration systems.

use std::borrow::Cow;

/// What a character means in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It is seen.
    Seen,
    /// It is white space, or a separator of lines.
    Space,
    /// Nobody sees it, and the text is the same without it.
    Unseen,
    /// It changes the order of the letters around it, or is a control character: what was meant is not known.
    Doubtful,
}

/// What a character of a name or an address means.
///
/// Direction marks, embeddings and isolates (Unicode Bidirectional Algorithm, UAX 9) leave the letters in their order.
/// An override does not, so it is doubtful. Joiners are part of words in Persian and in the scripts of India.
pub(super) fn sight(c: char) -> Sight {
    match c {
        '!'..='~' => Sight::Seen,
        // Tab, vertical tab, form feed, the separators of files, groups, records and units, and those of lines and
        // paragraphs; and an empty Braille pattern.
        '\t' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1f}' | '\u{85}' | '\u{2800}' => Sight::Space,
        '\u{202d}' | '\u{202e}' => Sight::Doubtful,
        // Where an object was, or an annotation: something is lost.
        '\u{fff9}'..='\u{fffc}' => Sight::Doubtful,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202c}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{e0000}'..='\u{e007f}' => Sight::Unseen,
        _ if c.is_control() => Sight::Doubtful,
        _ if c.is_whitespace() => Sight::Space,
        _ => Sight::Seen,
    }
}

/// A text of digits and ASCII letters (a number, a telephone, a post code, a date) in ASCII as far as that is certain:
/// trimmed, without what nobody sees, with plain spaces and hyphens, and with full-width letters and digits as ASCII
/// ones. Anything else stays, for the rules to refuse.
pub(super) fn legible(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Full-width forms of the ASCII characters.
            '\u{ff01}'..='\u{ff5e}' => plain.extend(char::from_u32(u32::from(c) - 0xfee0)),
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{2043}' => {
                plain.push('-');
            }
            '\u{2018}' | '\u{2019}' => plain.push('\''),
            // An order from left to right is the order of digits; joiners join nothing here.
            '\u{202d}' | '\u{200c}' | '\u{200d}' => {}
            _ => match sight(c) {
                Sight::Seen | Sight::Doubtful => plain.push(c),
                Sight::Space => plain.push(' '),
                Sight::Unseen => {}
            },
        }
    }
    let trimmed = plain.trim();
    if trimmed.len() == plain.len() {
        Cow::Owned(plain)
    } else {
        Cow::Owned(trimmed.to_owned())
    }
}

/// Whether a text has digits that are none of 0 to 9.
pub(super) fn has_other_digits(text: &str) -> bool {
    text.chars().any(|c| !c.is_ascii() && c.is_numeric())
}

/// Whether a text has anything in it that `legible` or a name's rules take out or replace: for counting. Line breaks,
/// and spaces around it, are not.
pub fn has_unusual_characters(text: &str) -> bool {
    text.trim()
        .chars()
        .any(|c| !matches!(c, ' ' | '\n' | '\r') && sight(c) != Sight::Seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn invisible_characters_are_removed_and_digits_become_plain() {
        for (text, plain) in [
            ("999\u{a0}700\u{202f}0005", "999 700 0005"),
            ("\u{200d}9997000013", "9997000013"),
            ("\u{feff}9997000056", "9997000056"),
            ("999\u{2009}700\u{3000}0064", "999 700 0064"),
            ("999\u{2011}700\u{2212}0072", "999-700-0072"),
            ("\u{202a}9997000102\u{202c}", "9997000102"),
            ("\u{202d}07700 900123\u{202c}", "07700 900123"),
            ("９９９７０００１４５", "9997000145"),
            ("\t9997000099\u{85}", "9997000099"),
            ("9997000188\u{2029}", "9997000188"),
            ("ＮＥ１ ４ＳＴ", "NE1 4ST"),
        ] {
            assert_eq!(legible(text), plain, "{text:?}");
        }
    }

    #[test]
    fn what_changes_the_order_of_characters_is_not_removed() {
        for text in ["12\u{202e}34", "12\u{0}34", "12\u{fffc}34"] {
            assert_eq!(legible(text), text);
        }
    }

    #[test]
    fn digits_of_other_scripts_are_known() {
        assert!(has_other_digits("٩٩٩٧"));
        assert!(has_other_digits("९९"));
        assert!(!has_other_digits("999 é"));
    }

    proptest! {
        #[test]
        fn a_legible_text_is_legible(text in "\\PC{0,30}|[\u{200b}-\u{206f}0-9]{0,12}") {
            let once = legible(&text).into_owned();
            prop_assert_eq!(legible(&once), once.as_str());
        }
    }
}
