//! The fonts of a template, and which characters they can print.

use typst::foundations::Bytes;
use typst::text::Font;
use unicode_normalization::char::is_combining_mark;

use crate::letter_fields::LetterFields;

/// Arimo for words (the measures of Arial, which NHS letters use), Cousine for codes (0 and O, 1, l and I differ), and Noto
/// Sans Arabic for names.
const BUILT_IN: [&[u8]; 4] = [
    include_bytes!("../assets/fonts/Arimo-Regular.ttf"),
    include_bytes!("../assets/fonts/Arimo-Bold.ttf"),
    include_bytes!("../assets/fonts/Cousine-Bold.ttf"),
    include_bytes!("../assets/fonts/NotoSansArabic-Regular.ttf"),
];

/// The built-in fonts, then those of a template.
#[derive(Debug, Clone)]
pub struct Fonts {
    fonts: Vec<Font>,
}

impl Fonts {
    /// Arimo Regular and Bold, Cousine Bold, Noto Sans Arabic.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            fonts: BUILT_IN
                .into_iter()
                .flat_map(|file| Font::iter(Bytes::new(file)))
                .collect(),
        }
    }

    /// Adds the fonts of a .ttf or .otf file. Returns how many it held: none means that the file is not a font.
    pub fn add(&mut self, file: Bytes) -> usize {
        let before = self.fonts.len();
        self.fonts.extend(Font::iter(file));
        self.fonts.len() - before
    }

    /// The fonts, in the order in which they are tried.
    #[must_use]
    pub fn as_slice(&self) -> &[Font] {
        &self.fonts
    }

    /// The characters of name and address that no font can print, each once, in order. Such a letter must not be
    /// printed: it would have an empty box in place of the character.
    ///
    /// Spaces and invisible format characters need no glyph. A combining mark is printable if one font has both the
    /// mark and the letter before it. A control character is never printable.
    #[must_use]
    pub fn missing_glyphs(&self, letter: &LetterFields) -> Vec<char> {
        let lines = std::iter::once(&letter.name).chain(&letter.address);
        self.missing_in(lines.map(String::as_str))
    }

    /// Whether the fonts have all characters of a text.
    #[must_use]
    pub fn can_print(&self, text: &str) -> bool {
        self.missing_in([text]).is_empty()
    }

    fn missing_in<'t>(&self, lines: impl IntoIterator<Item = &'t str>) -> Vec<char> {
        let mut missing = Vec::new();
        for line in lines {
            let mut base = None;
            for character in line.chars() {
                let printable = if character.is_control() || is_line_break(character) {
                    false
                } else if character.is_whitespace() || is_invisible(character) {
                    true
                } else if is_combining_mark(character) {
                    self.one_font_has([base, Some(character)])
                } else {
                    base = Some(character);
                    self.one_font_has([Some(character), None])
                };
                if !printable && !missing.contains(&character) {
                    missing.push(character);
                }
            }
        }
        missing
    }

    fn one_font_has(&self, characters: [Option<char>; 2]) -> bool {
        self.fonts.iter().any(|font| {
            characters
                .iter()
                .flatten()
                .all(|character| font.info().coverage.contains(u32::from(*character)))
        })
    }
}

/// Line and paragraph separator: Unicode counts them as space, and they would break an address line.
const fn is_line_break(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}')
}

/// Format characters that a reader never sees: joiners, direction marks, soft hyphen, variation selectors.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0100}'..='\u{E01EF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(name: &str) -> String {
        Fonts::built_in()
            .missing_glyphs(&LetterFields {
                name: name.into(),
                ..LetterFields::sample()
            })
            .into_iter()
            .collect()
    }

    #[test]
    fn welsh_polish_vietnamese_greek_and_cyrillic_names_are_printable_incident_22() {
        for name in [
            "Siân Ŵyn Llŷr",
            "Gŵen Ŷnys",
            "Ẁ Ẃ Ẅ Ỳ ẁ ẃ ẅ ỳ",
            "Łukasz Żółć",
            "Nguyễn Thị Hường",
            "Ελένη",
            "Щербак",
            "محمد علي",
            "شاهین پژوهش",
            "דוד",
            "O’Brien–Smith",
            "Zoë  D'Arcy",
        ] {
            assert_eq!(missing(name), "", "{name}");
        }
    }

    #[test]
    fn a_han_or_thai_name_is_reported_as_missing_glyphs() {
        assert_eq!(missing("Ms 王 小明 王"), "王小明");
        assert_eq!(missing("สม"), "สม");
    }

    #[test]
    fn a_character_missing_from_the_address_is_found_too() {
        let letter = LetterFields {
            address: vec!["1 丁目".into(), "AB1 2CD".into()],
            ..LetterFields::sample()
        };
        assert_eq!(Fonts::built_in().missing_glyphs(&letter), ['丁', '目']);
    }

    #[test]
    fn spaces_and_format_characters_need_no_glyph_but_line_breaks_are_refused() {
        assert_eq!(missing("A\u{A0}B\u{2003}C\u{200D}D\u{AD}E"), "");
        assert_eq!(missing("A\nB\u{2028}C"), "\n\u{2028}");
    }

    #[test]
    fn a_mark_without_a_letter_that_its_font_has_is_missing() {
        assert_eq!(missing("e\u{301}"), "");
        assert_eq!(missing("王\u{301}"), "王\u{301}");
    }

    #[test]
    fn a_file_that_is_no_font_adds_nothing() {
        assert_eq!(
            Fonts::built_in().add(Bytes::new(b"not a font".as_slice())),
            0
        );
    }
}
