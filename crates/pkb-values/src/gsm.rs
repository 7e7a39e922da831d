//! What GOV.UK Notify makes of the characters of a text message, and how it counts them.
//!
//! Notify sends a message in the GSM 7-bit alphabet (GSM 03.38) where it can. Of the characters that
//! are not in it Notify keeps Welsh vowels with their accents, which turn the whole message into
//! UCS-2 with less than half the room; all others it replaces. A message is billed by fragments.

use unicode_normalization::{UnicodeNormalization as _, char::decompose_canonical};

/// Characters of a message at most, without the name of the service before it (Notify).
pub const MAX_CHARACTERS: usize = 918;

/// Characters of the alphabet's extension table: they count as two.
const EXTENDED: &str = "^{}\\[~]|€";
/// Printable ASCII characters that are not in the alphabet's basic table.
const NOT_BASIC: &str = "^{}\\[~]|`";
/// Other characters that are.
const BASIC: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";

/// How a message is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The GSM 7-bit alphabet: 160 characters in one fragment, 153 in each of several.
    Gsm7,
    /// Two bytes a character: 70 in one fragment, 67 in each of several.
    Ucs2,
}

impl Encoding {
    /// Of a message as it is sent.
    pub fn of(sent: &str) -> Self {
        if sent.chars().any(is_welsh_beyond_gsm) {
            Self::Ucs2
        } else {
            Self::Gsm7
        }
    }

    /// Characters of a message of one fragment, and of each fragment of a longer one.
    fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// The fragments of a message as it is sent (see [`as_sent`]), with the name before it.
///
/// Notify counts a character of the extension table twice in either encoding.
pub fn fragments(sent: &str) -> usize {
    let count: usize = sent.chars().map(|c| 1 + usize::from(is_extended(c))).sum();
    let (one, each) = Encoding::of(sent).room();
    if count <= one {
        1
    } else {
        count.div_ceil(each)
    }
}

/// What Notify sends for `text`.
pub fn as_sent(text: &str) -> String {
    let mut sent = String::with_capacity(text.len());
    for c in text.chars() {
        match replacement(c) {
            Sent::Kept => sent.push(c),
            Sent::As(words) => sent.push_str(words),
            Sent::Base(base) => sent.push(base),
            Sent::Lost => sent.push('?'),
        }
    }
    sent
}

/// Whether Notify sends a question mark for a character of `text`.
pub fn loses_letters(text: &str) -> bool {
    text.chars().any(|c| matches!(replacement(c), Sent::Lost))
}

/// `text` without what makes a message UCS-2, and without what would be lost for want of an accent:
/// Siân becomes Sian, Łukasz Lukasz. Whatever else Notify replaces is left to it.
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match replacement(c) {
            Sent::Kept if is_welsh_beyond_gsm(c) => folded.push(base_letter(c)),
            Sent::Base(base) if is_welsh_beyond_gsm(base) => folded.push(base_letter(base)),
            Sent::Lost => match without_stroke(c) {
                Some(letters) => folded.push_str(letters),
                None => folded.push(c),
            },
            Sent::Kept | Sent::As(_) | Sent::Base(_) => folded.push(c),
        }
    }
    folded
}

/// What Notify sends for a character.
enum Sent {
    /// The character.
    Kept,
    /// Something simpler.
    As(&'static str),
    /// The letter without one of its accents.
    Base(char),
    /// A question mark.
    Lost,
}

fn replacement(c: char) -> Sent {
    if is_gsm(c) || is_welsh_beyond_gsm(c) {
        return Sent::Kept;
    }
    match c {
        '–' | '—' => Sent::As("-"),
        '…' => Sent::As("..."),
        '‘' | '’' => Sent::As("'"),
        '“' | '”' => Sent::As("\""),
        '\t' | '\u{a0}' => Sent::As(" "),
        '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => Sent::As(""),
        _ => match without_last_accent(c) {
            Some(base) if is_gsm(base) || is_welsh_beyond_gsm(base) => Sent::Base(base),
            _ => Sent::Lost,
        },
    }
}

fn is_gsm(c: char) -> bool {
    match c {
        '\n' | '\r' => true,
        ' '..='~' => !NOT_BASIC.contains(c) || is_extended(c),
        _ => BASIC.contains(c) || is_extended(c),
    }
}

fn is_extended(c: char) -> bool {
    EXTENDED.contains(c)
}

/// A vowel with one of the accents of Welsh (grave, acute, circumflex, diaeresis) that the alphabet
/// lacks: â, ŵ or á, but not à or ö.
fn is_welsh_beyond_gsm(c: char) -> bool {
    if c.is_ascii() || is_gsm(c) {
        return false;
    }
    let mut parts = ['\0'; 3];
    let mut count = 0;
    decompose_canonical(c, |part| {
        if let Some(place) = parts.get_mut(count) {
            *place = part;
        }
        count += 1;
    });
    count == 2
        && "aeiouwyAEIOUWY".contains(parts[0])
        && matches!(parts[1], '\u{300}' | '\u{301}' | '\u{302}' | '\u{308}')
}

/// The letter under all accents.
fn base_letter(c: char) -> char {
    let mut base = c;
    let mut first = true;
    decompose_canonical(c, |part| {
        if std::mem::take(&mut first) {
            base = part;
        }
    });
    base
}

/// One accent less: ş becomes s, ế becomes ê.
fn without_last_accent(c: char) -> Option<char> {
    let mut parts = Vec::new();
    decompose_canonical(c, |part| parts.push(part));
    parts.pop();
    let mut rest = parts.into_iter().nfc();
    match (rest.next(), rest.next()) {
        (Some(base), None) => Some(base),
        _ => None,
    }
}

/// Letters of European names that have a stroke or are two letters in one: Unicode does not call
/// these accents, and Notify has nothing for them.
fn without_stroke(c: char) -> Option<&'static str> {
    Some(match c {
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'ħ' => "h",
        'Ħ' => "H",
        'ı' => "i",
        'œ' => "oe",
        'Œ' => "OE",
        'þ' => "th",
        'Þ' => "Th",
        'ẞ' => "SS",
        '`' | 'ʻ' | 'ʼ' => "'",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The two tables of GSM 03.38, written out once more.
    const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
        ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€";
    /// The vowels of Welsh with each of their accents.
    const WELSH: &str = "àèìòùẁỳÀÈÌÒÙẀỲáéíóúẃýÁÉÍÓÚẂÝäëïöüẅÿÄËÏÖÜẄŸâêîôûŵŷÂÊÎÔÛŴŶ";

    #[test]
    fn the_alphabet_and_the_welsh_vowels_are_kept_and_nothing_else() {
        assert_eq!(ALPHABET.chars().count(), 127 + 9);
        for c in '\0'..='\u{ffff}' {
            let kept = ALPHABET.contains(c) || WELSH.contains(c);
            assert_eq!(matches!(replacement(c), Sent::Kept), kept, "{c:?}");
            assert_eq!(
                is_welsh_beyond_gsm(c),
                WELSH.contains(c) && !ALPHABET.contains(c),
                "{c:?}"
            );
        }
    }

    #[test]
    fn other_characters_are_simplified_or_become_question_marks() {
        for (text, sent) in [
            ("O’Brien – “ok”…", "O'Brien - \"ok\"..."),
            ("François Şahin", "Francois Sahin"),
            ("Nguyễn", "Nguyên"),
            ("Łukasz 王 `", "?ukasz ? ?"),
            ("a\u{a0}b\tc\u{200b}d", "a b cd"),
            ("Siân Zoë Jörg", "Siân Zoë Jörg"),
        ] {
            assert_eq!(as_sent(text), sent);
        }
        assert!(loses_letters("Łukasz") && !loses_letters("François"));
    }

    #[test]
    fn folding_leaves_the_alphabet_alone() {
        for (text, sent) in [
            ("Siân", "Sian"),
            ("Zoë Ŵyn", "Zoe Wyn"),
            ("Jörg Renée", "Jörg Renée"),
            ("Łukasz Œuvre Nguyễn", "Lukasz OEuvre Nguyen"),
            ("王", "王"),
        ] {
            assert_eq!(folded(text), sent);
        }
    }

    #[test]
    fn fragments_are_counted_at_the_edges_as_notify_does() {
        for (unit, count, fragments_of) in [
            ("a", 0, 1),
            ("a", 160, 1),
            ("a", 161, 2),
            ("a", 306, 2),
            ("a", 307, 3),
            ("a", 459, 3),
            ("a", 918, 6),
            ("€", 80, 1),
            ("€", 81, 2),
            ("ŵ", 70, 1),
            ("ŵ", 71, 2),
            ("ŵ", 134, 2),
            ("ŵ", 135, 3),
            ("á", 71, 2),
            ("à", 160, 1),
        ] {
            assert_eq!(
                fragments(&unit.repeat(count)),
                fragments_of,
                "{count} {unit}"
            );
        }
        // Extension characters count twice in UCS-2, too.
        assert_eq!(fragments(&format!("ŵ{}", "[".repeat(35))), 2);
    }

    /// Fills fragment after fragment, a character at a time; a pair is not split in Notify's sum
    /// but counted, so the model counts units.
    fn by_filling(text: &str) -> usize {
        let units: Vec<char> = text
            .chars()
            .flat_map(|c| {
                let twice = ['^', '{', '}', '\\', '[', '~', ']', '|', '€'].contains(&c);
                std::iter::repeat_n(c, if twice { 2 } else { 1 })
            })
            .collect();
        let wide = text
            .chars()
            .any(|c| WELSH.contains(c) && !ALPHABET.contains(c));
        let (one, each) = if wide { (70, 67) } else { (160, 153) };
        if units.len() <= one {
            return 1;
        }
        let (mut fragments, mut left) = (1, each);
        for _ in units {
            if left == 0 {
                fragments += 1;
                left = each;
            }
            left -= 1;
        }
        fragments
    }

    proptest! {
        #[test]
        fn counting_agrees_with_filling_fragments_one_by_one(
            text in "[a-z €^\\[é]{0,400}|[a-zâŵ|]{0,300}",
        ) {
            prop_assert_eq!(fragments(&as_sent(&text)), by_filling(&as_sent(&text)));
        }

        #[test]
        fn what_is_sent_is_sent_again_unchanged(text in "\\PC{0,60}") {
            let sent = as_sent(&text);
            prop_assert_eq!(as_sent(&sent), sent.clone());
            prop_assert!(sent.chars().all(|c| ALPHABET.contains(c) || WELSH.contains(c)));
        }

        #[test]
        fn what_is_folded_never_needs_ucs2_and_folds_once(text in "\\PC{0,60}|[A-Za-z âŵáéöŁœ]{0,60}") {
            let folded_once = folded(&text);
            prop_assert_eq!(Encoding::of(&as_sent(&folded_once)), Encoding::Gsm7);
            prop_assert_eq!(folded(&folded_once), folded_once.clone());
            prop_assert!(fragments(&as_sent(&folded_once)) <= fragments(&as_sent(&text)) + 1);
        }
    }
}
