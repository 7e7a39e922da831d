//! Whether text reads as names, addresses and notes do. Bytes that are read in a wrong encoding give
//! letters where no name has them: `Siƒn`, `ZoÙ`, `Nu–ez`, `Pawe³`.
//!
//! A word is plausible if its capitals stand where people write them and each letter that is not ASCII
//! stands where the languages that have it use it. Other characters are plausible in their usual
//! places. When in doubt the answer is no: that costs a question, and a wrong yes a wrong name.

/// Whether each character that is not ASCII is plausible in its place. `text` is that of a cell, or of a
/// part of one between separators.
pub(super) fn is_plausible(text: &[char]) -> bool {
    let mut at = 0;
    while at < text.len() {
        if is_letter(text[at]) {
            let length = text[at..].iter().take_while(|c| is_letter(**c)).count();
            let end = at + length;
            let word = &text[at..end];
            let in_place = is_word(word) && stands_free(text, at, end);
            if !in_place && !word.iter().all(char::is_ascii) {
                return false;
            }
            at = end;
        } else {
            if !text[at].is_ascii() && !is_sign_in_place(text, at) {
                return false;
            }
            at += 1;
        }
    }
    true
}

/// Letters of languages that are written with Latin letters, as far as single-byte encodings have them.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic()
        || (matches!(c, '\u{c0}'..='\u{17f}' | '\u{218}'..='\u{21b}' | '\u{1e00}'..='\u{1eff}')
            && !matches!(c, '×' | '÷' | 'ĸ' | 'ſ'))
}

/// No digit touches a letter that is not ASCII.
fn stands_free(text: &[char], start: usize, end: usize) -> bool {
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(char::is_ascii_digit)
    };
    (text[start].is_ascii() || !is_digit(start.checked_sub(1)))
        && (text[end - 1].is_ascii() || !is_digit(Some(end)))
}

fn is_word(word: &[char]) -> bool {
    let foreign = word.iter().filter(|c| !c.is_ascii()).count();
    (word.len() < 4 || foreign * 2 <= word.len())
        && has_usual_capitals(word)
        && !is_possessive(word)
        && (0..word.len()).all(|at| word[at].is_ascii() || is_letter_in_place(word, at))
}

/// `José`, `JOSÉ`, `josé`, `McÉwan`.
fn has_usual_capitals(word: &[char]) -> bool {
    let is_small = |c: &char| c.is_lowercase();
    // ß has no capital that anybody writes.
    let is_capital = |c: &char| c.is_uppercase() || *c == 'ß';
    let [first, rest @ ..] = word else {
        return true;
    };
    let is_usual = |first: &char, rest: &[char]| {
        first.is_uppercase() && (rest.iter().all(is_small) || rest.iter().all(is_capital))
    };
    if rest.is_empty() {
        // "Ó Briain"; a small letter alone is a word in Welsh and French.
        return first.is_uppercase() || matches!(first, 'â' | 'ô' | 'à' | 'é' | 'ó' | 'ŷ');
    }
    if word.iter().all(is_small) || is_usual(first, rest) {
        return true;
    }
    PREFIXES.iter().any(|prefix| {
        let length = prefix.len();
        word.len() > length
            && prefix.chars().eq(word[..length].iter().copied())
            && is_usual(&word[length], &word[length + 1..])
    })
}

/// What names have in front of a second capital.
const PREFIXES: [&str; 13] = [
    "Mc", "Mac", "De", "Di", "Da", "Du", "La", "Le", "Van", "Von", "Fitz", "Del", "El",
];

/// Words that have an apostrophe before their last letter in many addresses. A letter there is one that
/// was an apostrophe.
const POSSESSIVES: [&str; 40] = [
    "abbot",
    "andrew",
    "anne",
    "bishop",
    "canon",
    "catherine",
    "children",
    "david",
    "dean",
    "duke",
    "earl",
    "edmund",
    "farmer",
    "fisher",
    "george",
    "giles",
    "helen",
    "hunter",
    "james",
    "john",
    "king",
    "knight",
    "lady",
    "land",
    "lord",
    "luke",
    "margaret",
    "mark",
    "martin",
    "mary",
    "men",
    "michael",
    "miller",
    "monk",
    "paul",
    "peter",
    "prince",
    "queen",
    "shepherd",
    "women",
];

fn is_possessive(word: &[char]) -> bool {
    let [stem @ .., mark, 's' | 'S'] = word else {
        return false;
    };
    !mark.is_ascii()
        && POSSESSIVES.iter().any(|known| {
            known
                .chars()
                .eq(stem.iter().map(|c| c.to_ascii_lowercase()))
        })
}

fn is_vowel(c: char) -> bool {
    // Vowels with an accent as without.
    "aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýÿŵŷœ".contains(lower(c))
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Letters that the languages which have them use in some places only.
fn is_letter_in_place(word: &[char], at: usize) -> bool {
    let near = |at: Option<usize>| at.and_then(|at| word.get(at)).map(|c| lower(*c));
    let (before, after) = (near(at.checked_sub(1)), near(Some(at + 1)));
    let vowel_before = before.is_some_and(is_vowel);
    let vowel_after = after.is_some_and(is_vowel);
    match lower(word[at]) {
        // Weiß, Großmann.
        'ß' => {
            vowel_before
                && (after.is_none() || vowel_after || near(Some(at + 2)).is_some_and(is_vowel))
        }
        // Lebœuf.
        'œ' => after == Some('u'),
        // Lærke, Ægir; not Zoæ.
        'æ' => !vowel_before && !vowel_after && after.is_some(),
        // Søren; not Dvoøák.
        'ø' => !vowel_before,
        // Guðrún: within a word, behind a vowel or r.
        'ð' => vowel_before || before == Some('r'),
        // Þór: a word begins with it.
        'þ' => before.is_none(),
        // Nuñez.
        'ñ' => vowel_after,
        // João, Simões.
        'ã' => before.is_some() && matches!(after, None | Some('o' | 'e' | 's')),
        'õ' => after == Some('e'),
        // Françoise, Çelik.
        'ç' => vowel_after || vowel_before || before.is_none(),
        // Croÿ.
        'ÿ' => vowel_before,
        // Dŵr: a vowel of Welsh, which follows no other.
        'ŵ' | 'ẁ' | 'ẃ' | 'ẅ' => !vowel_before,
        // Turkish: Erdoğan.
        'ğ' => vowel_before,
        'ı' => (!vowel_before || before == Some('y')) && !vowel_after,
        _ => true,
    }
}

/// Whether a character that is neither ASCII nor a letter is in a place where people write it.
fn is_sign_in_place(text: &[char], at: usize) -> bool {
    let near = |at: Option<usize>| at.and_then(|at| text.get(at)).copied();
    let (before, after) = (near(at.checked_sub(1)), near(Some(at + 1)));
    let is = |c: Option<char>, what: fn(char) -> bool| c.is_some_and(what);
    let (letter_before, letter_after) = (is(before, is_letter), is(after, is_letter));
    let digit = |c: Option<char>| is(c, |c| c.is_ascii_digit());
    let free = |c: Option<char>| c.is_none_or(|c| c == ' ' || c == '\u{a0}');
    match text[at] {
        '\u{a0}' => true,
        // O’Brien, James’ Road, 6’; ‘Rose Cottage’.
        '’' | '‘' if text[at] == '’' && (letter_before || digit(before)) => true,
        '’' | '‘' => !letter_before && letter_after,
        // O´Brien.
        '´' => letter_before && is(after, |c| is_letter(c) && c.is_uppercase()),
        '“' => !letter_before && !digit(before) && after.is_some_and(|c| c != ' '),
        '”' => {
            let opened = text[..at].contains(&'“');
            !letter_after && (digit(before) || (opened && before.is_some_and(|c| c != ' ')))
        }
        // 12–14, Smith–Jones, a – b.
        '–' => {
            free(before) && free(after)
                || digit(before) && digit(after)
                || letter_before && is(after, |c| is_letter(c) && c.is_uppercase())
        }
        '—' => free(before) && free(after) || digit(before) && digit(after),
        '…' => !letter_after,
        '£' | '€' => !letter_before && (digit(after) || free(after)),
        '¼' | '½' | '¾' => !letter_before && !letter_after,
        // 20°, N° 4, 3º.
        '°' | 'º' | 'ª' => {
            (digit(before) || free(before) || is(before, |c| matches!(c, 'N' | 'n')))
                && !is(after, char::is_lowercase)
        }
        // m²
        '²' | '³' => {
            (digit(before) || is(before, |c| c == 'm')) && !letter_after && !digit(after)
        }
        '•' | '·' => free(before) || before == Some('"'),
        '™' | '®' | '©' => !letter_after,
        '×' | '÷' | '±' | '§' | '¶' | '«' | '»' | '†' | '‡' | '¬' => {
            !letter_before && !letter_after
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plausible(text: &str) -> bool {
        is_plausible(&text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn names_and_addresses_as_people_write_them_are_plausible() {
        for text in [
            "Siân",
            "Zoë",
            "Müller",
            "José",
            "JOSÉ",
            "josé",
            "Françoise",
            "O’Brien",
            "D’ARCY",
            "St John’s Road",
            "James’ Way",
            "14½ High Street",
            "£5",
            "Ó Briain",
            "Áine Ní Dhónaill",
            "Großmann",
            "WEIß",
            "Weiß",
            "Nuñez-García",
            "João Simões",
            "Søren Kjær",
            "Guðrún",
            "Þór",
            "Lebœuf",
            "McÉwan",
            "12–14",
            "Smith–Jones",
            "‘Rose Cottage’",
            "“The Mill”",
            "20°C",
            "N° 4",
            "Ŵyn",
            "Gŵen Ŷnys",
            "dŵr",
            "Erdoğan",
            "Jürgen Bäcker",
            "Flat 2 – rear",
            "Caitrìona",
            "Croÿ",
            "30 m²",
            "Smith\u{a0}Jones",
            "O´Brien",
            "ÅSE",
            "Öz",
            "Yıldız",
            "plain ASCII",
        ] {
            assert!(plausible(text), "{text}");
        }
    }

    #[test]
    fn what_a_wrong_encoding_makes_of_names_is_not() {
        for text in [
            "Siƒn",
            "Zo‰",
            "Jos‚",
            "M\u{81}ller",
            "SiÉn",
            "ZoÙ",
            "JosÚ",
            "SiΓn",
            "Nu–ez",
            "Ðyn",
            "Gðen",
            "Ram—n",
            "Pawe³",
            "£ukasz",
            "Dvoøák",
            "Milutinoviæ",
            "Wiœniewski",
            "OíBrien",
            "OÆBrien",
            "DÆARCY",
            "Johnís",
            "Seßn",
            "Zoæ",
            "Tomßs",
            "Guŵrún",
            "Franþoise",
            "Bõcker",
            "14Ẅ",
            "ú5",
            "Jasiñski",
            "Àííà",
            "Si\u{fffd}n",
            "MšLLER",
            "JOSé",
            "Brãila",
            "Sm╜th",
            "‡lvaro",
        ] {
            assert!(!plausible(text), "{text}");
        }
    }
}
