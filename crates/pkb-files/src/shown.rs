//! Texts of others as people may see them: what a file, a header, a sheet, a file's name, a settings file, a template or a
//! server says may hold characters that steer a terminal, or that turn the order of letters round (Unicode Bidirectional
//! Algorithm, UAX 9; "Trojan Source"). They are shown as `\u{1b}` and not sent.
//!
//! All messages go through here on their way out: `pkb_cli::progress::tell`, log lines, the line of progress and
//! `pkb_cli::app::print`.

use std::borrow::Cow;

/// `text` with all that is not to be sent to a terminal or a log escaped, and its line ends as they are.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_unfit(c))
}

/// The same for a name or a value that belongs into a line: its line ends are escaped, too, so that it cannot pretend to
/// be the next message.
pub fn in_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unfit)
}

/// Whether a character steers a terminal, changes the order of others, or ends a line for some programs.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Marks, embeddings, overrides and isolates of the bidirectional algorithm.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Ends of lines and of paragraphs; deprecated format characters; tags.
            | '\u{2028}' | '\u{2029}' | '\u{206a}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

fn escaped(text: &str, is_unfit: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_unfit) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_unfit(c) {
            true => plain.extend(c.escape_unicode()),
            false => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_turns_letters_round_is_seen_and_not_sent() {
        for (text, expected) in [
            ("NHS number", "NHS number"),
            (
                "Zo\u{eb} \u{5d0}\u{5d1} \u{633}\u{200c}\u{645}",
                "Zo\u{eb} \u{5d0}\u{5d1} \u{633}\u{200c}\u{645}",
            ),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\rb\tc\u{7f}", "a\\u{d}b\\u{9}c\\u{7f}"),
            ("up\u{202e}txet", "up\\u{202e}txet"),
            ("\u{2066}x\u{2069}\u{200f}", "\\u{2066}x\\u{2069}\\u{200f}"),
            ("a\u{2028}b", "a\\u{2028}b"),
            ("two\nlines", "two\nlines"),
        ] {
            assert_eq!(shown(text), expected);
        }
        assert_eq!(in_line("a\nnext: rm x"), "a\\u{a}next: rm x");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_said_nothing_of_it_steers_a_terminal(text in "(.|\n|\\p{Cc}|\\p{Cf}){0,40}") {
            for c in shown(&text).chars() {
                proptest::prop_assert!(c == '\n' || !is_unfit(c));
            }
            let line = in_line(&text);
            proptest::prop_assert!(!line.contains(is_unfit));
            proptest::prop_assert_eq!(in_line(&line), line.as_ref());
        }
    }
}
