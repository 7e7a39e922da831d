//! What the joined forms of Arabic letters mean. A letter looks different at the beginning, in the middle and at the end of a
//! word; a font's own table (`cmap`) names the form that stands alone, and what joins the others is the shaper's work. So
//! each letter is set in all of its places.

use unicode_normalization::UnicodeNormalization as _;

use super::Face;
use crate::shaper::{Features, Shaper};

/// Lam with an alef, which fonts join into one glyph.
const LIGATURES: [&str; 4] = [
    "\u{644}\u{622}",
    "\u{644}\u{623}",
    "\u{644}\u{625}",
    "\u{644}\u{627}",
];
/// Joins what stands beside it, and shows nothing (U+200D).
const JOINER: &str = "\u{200D}";

/// Letters of Arabic, Persian, Kurdish and Urdu.
fn letters() -> impl Iterator<Item = String> {
    let points = (0x621..=0x63A).chain(0x641..=0x64A).chain(0x671..=0x6D3);
    points.filter_map(char::from_u32).map(String::from)
}

/// The glyphs of all letters in all of their places, in the order of the letters.
pub(super) fn forms(face: &Face) -> Vec<(u16, String)> {
    let mut found = Vec::new();
    if !face.is_arabic {
        return found;
    }
    let mut shaper = Shaper::of(std::iter::once(face));
    for text in letters().chain(LIGATURES.map(str::to_owned)) {
        for (before, after) in [("", ""), ("", JOINER), (JOINER, JOINER), (JOINER, "")] {
            let joined = [before, &text, after].concat();
            if let Some([only]) = shaper.right_to_left(0, &joined, Features::ALL).as_deref()
                && only.id != 0
            {
                found.push((only.id, text.clone()));
            }
        }
    }
    found
}

/// What a glyph means whose only name is a form of a letter, or of letters that are joined into one: Unicode has such
/// characters for the sake of older sets of characters. `None` for all others.
pub(super) fn meaning_of_form(form: &str) -> Option<String> {
    let is_form =
        |character| matches!(character, '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}');
    form.chars().all(is_form).then(|| form.nfkc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_mean_their_letters() {
        for (form, letters) in [
            ("\u{FE91}", "\u{628}"),
            ("\u{FEFB}", "\u{644}\u{627}"),
            ("\u{FC86}", "\u{644}\u{649}"),
        ] {
            assert_eq!(meaning_of_form(form).as_deref(), Some(letters));
        }
        assert_eq!(meaning_of_form("\u{628}"), None);
        assert_eq!(meaning_of_form("a"), None);
    }
}
