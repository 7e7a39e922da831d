//! Short sentences, and the words of the style guide: one word for one thing, as people say it.

use regex::Regex;

use crate::{markdown::Page, written_pages};

/// Words of a sentence (GOV.UK: 25).
const LONGEST: usize = 25;

/// What is not written, and what is written instead.
const NOT_WRITTEN: &[(&str, &str)] = &[
    (
        r"\bcodes? (have |has )?(ends?|ended)\b|\bthe day (that )?they end\b",
        "expire, expired, valid until",
    ),
    (
        r"\b(be|are|is) good (for|until)\b",
        "valid for, valid until",
    ),
    (r"\bmend(s|ed)?\b|\bput right\b", "fix, correct"),
    (r"\b(stands?|lies) (in|on|beside)\b", "is in, appears in"),
    (r"\banother\b", "a different, one more"),
    (r"\bbr(oke|eaks) off\b", "stopped, cut off"),
    (r"\banew\b", "again"),
    (r"\bgravest\b", "most serious"),
    (r", too[.,:]", "also, before the verb"),
    (
        r"\b(it|this|that|file|value|row|page|which|who|number|name) is no [a-z]+\b",
        "is not a, has no",
    ),
    (
        r"(?i)\bpost codes?\b|\be-mails?\b|\btelephones?\b|\bsquare code",
        "postcode, email, phone, QR code",
    ),
    (r"\bSMS\b", "text message"),
    (r"\bput together\b", "merge, group"),
    (
        r"\blet through\b|\blets? by\b|\bleaves? aside\b|\bpass(es|ed)? by\b",
        "skip",
    ),
    (r"\bwait(s|ed)? out\b|\bwaited for\b", "wait for, retry"),
    (
        r"\b(take|takes|took|taken) (it |them |these |codes )?(out|away)\b",
        "delete, remove",
    ),
    (
        r"\bfor you alone\b|\bowner's alone\b",
        "owner only (mode 0600)",
    ),
    (r"\bover (this|that|the) stream\b", "on this stream"),
    (
        r"\baloud\b|\bheeded\b|\bmeanwhile\b|\bdearer\b|\bwhom\b",
        "plain words",
    ),
    (
        r"\b(it's|don't|can't|won't|doesn't|isn't|aren't|you'll|we'll)\b",
        "no contractions",
    ),
    (r"\bshould\b", "say what to do: must, or the imperative"),
    (r"\bplease\b|\bsorry\b", "nothing"),
    (r"\b1 rows\b", "1 row"),
    (
        r"\bhas to be\b|\bhave to be\b|\bis wanted\b",
        "the imperative: you, or who does it",
    ),
];

/// What is written all the same: the end of the page's name, words of the sentence, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "people/clinicians.md",
    "Read it aloud",
    "reading a letter aloud is what it says",
)];

#[test]
fn no_sentence_is_longer_than_25_words() {
    let mut long = String::new();
    for page in written_pages() {
        for piece in page.prose() {
            for sentence in sentences(&piece.words) {
                let count = sentence
                    .split_whitespace()
                    .filter(|word| word.contains(char::is_alphanumeric))
                    .count();
                if count > LONGEST {
                    long.push_str(&format!(
                        "\n{}, line {}, {count} words: {sentence}",
                        page.path, piece.line
                    ));
                }
            }
        }
    }
    assert!(
        long.is_empty(),
        "sentences of more than {LONGEST} words:{long}"
    );
}

#[test]
fn there_is_no_semicolon_in_prose() {
    let mut found = String::new();
    for page in written_pages() {
        for piece in page
            .prose()
            .iter()
            .filter(|piece| piece.words.contains(';'))
        {
            found.push_str(&format!(
                "\n{}, line {}: {}",
                page.path, piece.line, piece.words
            ));
        }
    }
    assert!(found.is_empty(), "write two sentences, or a list:{found}");
}

#[test]
fn the_words_are_those_of_the_style_guide() {
    let patterns: Vec<_> = NOT_WRITTEN
        .iter()
        .map(|(pattern, instead)| (Regex::new(pattern).unwrap(), instead))
        .collect();
    let mut found = String::new();
    for page in written_pages() {
        for piece in page.prose() {
            for (pattern, instead) in &patterns {
                for sentence in
                    sentences(&piece.words).filter(|sentence| pattern.is_match(sentence))
                {
                    if !is_exception(&page, sentence) {
                        let word = pattern.find(sentence).unwrap().as_str();
                        found.push_str(&format!(
                            "\n{}, line {}: \"{word}\", write: {instead}: {sentence}",
                            page.path, piece.line
                        ));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "words of the style guide:{found}");
}

#[test]
fn every_exception_is_still_needed() {
    let pages = written_pages();
    for (end, words, _) in EXCEPTIONS {
        let page = pages.iter().find(|page| page.path.ends_with(end));
        assert!(
            page.is_some_and(|page| page.text.contains(words)),
            "{end}: {words}"
        );
    }
}

fn is_exception(page: &Page, sentence: &str) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(end, words, _)| page.path.ends_with(end) && sentence.contains(words))
}

/// The sentences of a piece of prose. A point within a number or a name ends none.
fn sentences(words: &str) -> impl Iterator<Item = &str> {
    let ends = words.char_indices().filter(|(at, c)| {
        let next = words[at + c.len_utf8()..].chars().next();
        matches!(c, '.' | '?' | '!')
            && next.is_none_or(|next| next.is_whitespace() || ")\"”".contains(next))
    });
    let mut ends: Vec<usize> = ends.map(|(at, _)| at + 1).collect();
    ends.push(words.len());
    let mut start = 0;
    ends.into_iter().map(move |end| {
        let sentence = words[start..end].trim();
        start = end;
        sentence
    })
}
