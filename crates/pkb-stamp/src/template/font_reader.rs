//! A font of the template, as far as a reader of its text needs it: what each code means, and how wide it is.

use std::collections::HashMap;

use hayro_syntax::object::{Array, Dict, Name, Stream};

use crate::lexer::{Lexeme, Token, lexemes};

/// A font of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct FontReader {
    /// PostScript name, without the tag of the part that is embedded.
    pub name: String,
    meanings: HashMap<u16, String>,
    widths: HashMap<u16, f64>,
}

impl FontReader {
    /// Reads a font. `None` if it is not of the kind that Typst's export embeds.
    pub(super) fn of(font: &Dict<'_>) -> Option<Self> {
        let name = font.get::<Name<'_>>("BaseFont")?;
        let name = name.as_str();
        let name = name.split_once('+').map_or(name, |(_, name)| name);
        let map = font.get::<Stream<'_>>("ToUnicode")?.decoded().ok()?;
        let descendant: Dict<'_> = font
            .get::<Array<'_>>("DescendantFonts")?
            .iter::<Dict<'_>>()
            .next()?;
        Some(Self {
            name: name.strip_suffix("-Identity-H").unwrap_or(name).to_owned(),
            meanings: meanings(&map)?,
            widths: widths(descendant.get::<Array<'_>>("W")?.data())?,
        })
    }

    /// What a code means.
    pub(super) fn meaning(&self, code: u16) -> Option<&str> {
        self.meanings.get(&code).map(String::as_str)
    }

    /// How wide it is, in thousandths of the letter size.
    pub(super) fn width(&self, code: u16) -> f64 {
        self.widths.get(&code).copied().unwrap_or_default()
    }
}

/// A ToUnicode map: `<code> <text>` between `beginbfchar` and `endbfchar`, `<first> <last> <text>` in a range.
fn meanings(map: &[u8]) -> Option<HashMap<u16, String>> {
    let mut found = HashMap::new();
    let mut pending: Vec<Vec<u8>> = Vec::new();
    for lexeme in lexemes(map)? {
        match &lexeme.token {
            Token::String(bytes) => pending.push(bytes.clone()),
            Token::Word if lexeme.is_word(map, b"endbfchar") => {
                for pair in pending.chunks(2) {
                    let [code, text] = pair else { return None };
                    found.insert(code_of(code)?, text_of(text)?);
                }
            }
            Token::Word if lexeme.is_word(map, b"endbfrange") => {
                for range in pending.chunks(3) {
                    let [first, last, text] = range else {
                        return None;
                    };
                    let start = u32::from(text_of(text)?.chars().next()?);
                    for (code, point) in (code_of(first)?..=code_of(last)?).zip(start..) {
                        found.insert(code, char::from_u32(point)?.to_string());
                    }
                }
            }
            Token::Word => pending.clear(),
            _ => {}
        }
    }
    Some(found)
}

fn code_of(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn text_of(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks(2).map(code_of).collect::<Option<Vec<_>>>()?;
    String::from_utf16(&units).ok()
}

/// `first [width …]` and `first last width`.
fn widths(array: &[u8]) -> Option<HashMap<u16, f64>> {
    let tokens: Vec<Lexeme> = lexemes(array)?;
    let inner = match tokens.as_slice() {
        [open, inner @ .., close]
            if (&open.token, &close.token) == (&Token::ArrayStart, &Token::ArrayEnd) =>
        {
            inner
        }
        inner => inner,
    };
    let code = |lexeme: &Lexeme| lexeme.number().map(|number| number as u16);
    let mut found = HashMap::new();
    let mut rest = inner;
    loop {
        rest = match rest {
            [] => return Some(found),
            [first, open, list @ ..] if open.token == Token::ArrayStart => {
                let end = list
                    .iter()
                    .position(|lexeme| lexeme.token == Token::ArrayEnd)?;
                for (code, width) in (code(first)?..).zip(list.get(..end)?) {
                    found.insert(code, width.number()?);
                }
                list.get(end + 1..)?
            }
            [first, last, width, rest @ ..] => {
                for code in code(first)?..=code(last)? {
                    found.insert(code, width.number()?);
                }
                rest
            }
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_meanings_one_by_one_and_in_ranges() {
        let map = b"1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfchar <0001> <004E> <0002> <00660069>\nendbfchar \
                    1 beginbfrange <0010> <0012> <0041> endbfrange";
        let found = meanings(map).unwrap();
        assert_eq!(found[&1], "N");
        assert_eq!(found[&2], "fi");
        assert_eq!(found[&0x12], "C");
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn widths_come_in_both_forms() {
        for text in [b"[1[500 600]5 7 250]".as_slice(), b"1[500 600]5 7 250"] {
            let found = widths(text).unwrap();
            assert_eq!((found[&2], found[&7], found.len()), (600.0, 250.0, 5));
        }
        assert_eq!(widths(b"[1 2]"), None);
    }
}
