//! What GOV.UK Notify makes of the characters of a text message, and how it counts them.
//!
//! Notify sends a message in the GSM 7-bit alphabet (GSM 03.38) where it can. Of the characters that
//! are not in it Notify keeps Welsh vowels with their accents, which turn the whole message into
//! UCS-2 with less than half the room; all others it replaces. A message is billed by fragments.

use unicode_normalization::{UnicodeNormalization as _, char::decompose_canonical};

/// Characters of a message at most, without the name of the service before it (Notify).
pub const MAX_CHARACTERS: usize = 918;

/// Characters of the alphabet's extension table: they count as two in a message of that alphabet.
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
    /// Of a message as it was written.
    pub fn of(written: &str) -> Self {
        if written.chars().any(is_welsh_beyond_gsm) {
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

/// The fragments of a message, with the name before it, as it was written: Notify looks at that for the encoding, and counts the
/// characters that it sends (notifications-utils, `fragment_count`). So ấ, of which it sends â, does not make a message UCS-2.
///
/// A character of the extension table counts twice in the GSM alphabet and once in UCS-2.
pub fn fragments(written: &str) -> usize {
    let encoding = Encoding::of(written);
    let sent = as_sent(written);
    let is_double = |c: &char| encoding == Encoding::Gsm7 && is_extended(*c);
    let count = sent.chars().count() + sent.chars().filter(is_double).count();
    let (one, each) = encoding.room();
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

/// `text` without what makes a message UCS-2, and without strokes, for which Notify mostly sends `?`:
/// Siân becomes Sian, Łukasz Lukasz. Whatever else Notify replaces is left to it.
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match replacement(c) {
            Sent::Kept if is_welsh_beyond_gsm(c) => folded.push(base_letter(c)),
            Sent::Base(base) if is_welsh_beyond_gsm(base) => folded.push(base_letter(base)),
            Sent::Lost | Sent::As(_) => match (without_stroke(c), base_letter(c)) {
                (Some(letters), _) => folded.push_str(letters),
                // Of Vietnamese: ậ has two accents, and Notify takes away one.
                (None, base) if is_gsm(base) => folded.push(base),
                (None, _) => folded.push(c),
            },
            Sent::Kept | Sent::Base(_) => folded.push(c),
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
        'ł' => Sent::As("l"),
        'Ł' => Sent::As("L"),
        '\u{2011}' | '–' | '—' | '\u{2212}' => Sent::As("-"),
        '…' => Sent::As("..."),
        '‘' | '’' | '‚' => Sent::As("'"),
        '“' | '”' | '„' => Sent::As("\""),
        '\t' | '\u{a0}' | '\u{202f}' => Sent::As(" "),
        '\u{180e}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2060}'
        | '\u{feff}' => Sent::As(""),
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
/// these accents, and of all of them Notify has something for ł alone.
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
        // As in passports (ICAO 9303).
        'Ə' => "E",
        'ə' => "e",
        'Ŋ' => "N",
        'ŋ' => "n",
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
            ("Đorđe 王 `", "?or?e ? ?"),
            ("a\u{a0}b\tc\u{200b}d", "a b cd"),
            ("Siân Zoë Jörg", "Siân Zoë Jörg"),
        ] {
            assert_eq!(as_sent(text), sent);
        }
        assert!(loses_letters("Đorđe") && !loses_letters("François"));
    }

    #[test]
    fn polish_letters_and_low_quotes_are_sent_as_their_nearest_incident_24() {
        for (text, sent) in [
            ("Łukasz Pawłowski", "Lukasz Pawlowski"),
            ("„Anna‚", "\"Anna'"),
            ("2\u{2212}1 2\u{2011}1", "2-1 2-1"),
            ("a\u{2028}b\u{2029}c", "abc"),
            ("a\u{202f}b", "a b"),
        ] {
            assert_eq!(as_sent(text), sent);
            assert!(!loses_letters(text), "{text}");
            assert_eq!(Encoding::of(sent), Encoding::Gsm7);
        }
    }

    #[test]
    fn what_decomposes_to_a_letter_that_the_alphabet_lacks_is_lost_and_counted_incident_25() {
        let ideographs = '\u{2f880}'..='\u{2fa1d}';
        // With and without a final consonant.
        for c in ideographs.chain(['\u{f900}', '\u{ac00}', '\u{ac01}', '\u{d7a3}']) {
            let text = format!("Ann {c}");
            assert_eq!(as_sent(&text), "Ann ?", "{c:?}");
            assert!(loses_letters(&text), "{c:?}");
            assert_eq!(fragments(&as_sent(&c.to_string().repeat(161))), 2, "{c:?}");
        }
    }

    #[test]
    fn folding_leaves_the_alphabet_alone() {
        for (text, sent) in [
            ("Siân", "Sian"),
            ("Zoë Ŵyn", "Zoe Wyn"),
            ("Jörg Renée", "Jörg Renée"),
            ("Łukasz Œuvre Nguyễn", "Lukasz OEuvre Nguyen"),
            ("Trần Thị Ậ Ặ ợ", "Tran Thị A A o"),
            ("Əliyev Ŋaja", "Eliyev Naja"),
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
            ("ấ", 160, 1),
            ("ấ", 161, 2),
        ] {
            assert_eq!(
                fragments(&unit.repeat(count)),
                fragments_of,
                "{count} {unit}"
            );
        }
    }

    #[test]
    fn characters_of_the_extension_table_count_once_in_ucs2_incident_23() {
        assert_eq!(fragments(&format!("{}{{", "â".repeat(69))), 1);
        assert_eq!(fragments(&format!("{}{{", "â".repeat(70))), 2);
        assert_eq!(fragments(&format!("â{}", "{".repeat(69))), 1);
        // In the GSM alphabet they count twice.
        assert_eq!(fragments(&format!("{}{{", "a".repeat(158))), 1);
        assert_eq!(fragments(&format!("{}{{", "a".repeat(159))), 2);
    }

    /// Fills fragment after fragment, a character at a time; a pair is not split in Notify's sum
    /// but counted, so the model counts units.
    fn by_filling(text: &str) -> usize {
        let wide = text
            .chars()
            .any(|c| WELSH.contains(c) && !ALPHABET.contains(c));
        let units: Vec<char> = text
            .chars()
            .flat_map(|c| {
                let twice = ['^', '{', '}', '\\', '[', '~', ']', '|', '€'].contains(&c);
                std::iter::repeat_n(c, if twice && !wide { 2 } else { 1 })
            })
            .collect();
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
