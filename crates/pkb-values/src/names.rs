//! Whether two names are the same name, written differently: last names and first names alike.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Whether two names are alike: case, accents, hyphens, apostrophes and spaces do not count.
pub fn are_alike(one: &str, other: &str) -> bool {
    // Nearly all names are ASCII, which folds to itself.
    if one.is_ascii() && other.is_ascii() {
        return ascii_folded(one).eq(ascii_folded(other));
    }
    folded(one).eq(folded(other))
}

/// What two spellings of one name have in common, to be hashed: two names are alike if this is the same for both.
pub fn folded_name(name: &str) -> String {
    folded(name).collect()
}

fn ascii_folded(name: &str) -> impl Iterator<Item = u8> + '_ {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase())
}

fn folded(name: &str) -> impl Iterator<Item = char> + '_ {
    name.nfkd()
        .filter(|c| !is_combining_mark(*c) && c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .flat_map(plain)
}

/// Letters that have no decomposition, in the spelling of those who do not have them on the keyboard.
fn plain(c: char) -> impl Iterator<Item = char> {
    let spelling: &'static str = match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        _ => "",
    };
    let itself = spelling.is_empty().then_some(c);
    itself.into_iter().chain(spelling.chars())
}

#[cfg(test)]
mod tests {
    use super::{are_alike, folded_name};

    #[test]
    fn ascii_is_folded_as_everything_else_is() {
        let letters = ["", "a", "A", "b", "Z", "9", " ", "'", "-"];
        let names = letters.map(|one| letters.map(|other| format!("{one}{other}")));
        let names: Vec<String> = names.into_iter().flatten().collect();
        for one in &names {
            for other in &names {
                let alike = folded_name(one) == folded_name(other);
                assert_eq!(are_alike(one, other), alike, "{one} {other}");
            }
        }
    }

    #[test]
    fn spellings_of_one_name_are_alike_and_other_names_are_not() {
        for (one, other) in [
            ("O'BRIEN", "O\u{2019}Brien"),
            ("Smith-Jones", "SMITH JONES"),
            ("Siân", "Sian"),
            ("Sia\u{302}n", "Siân"),
            ("Łukasz", "lukasz"),
            ("Weiß", "WEISS"),
            ("Mac Donald", "MacDonald"),
        ] {
            assert!(are_alike(one, other), "{one} {other}");
        }
        for (one, other) in [("Smith", "Smyth"), ("Jones", "Smith-Jones"), ("李", "王")] {
            assert!(!are_alike(one, other), "{one} {other}");
        }
    }
}
