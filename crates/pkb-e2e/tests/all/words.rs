//! The words that operators read: of messages, help and the settings files that come with the programs. They are plain, each
//! thing has one name, and counts have the right noun.

mod literals;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::harness::root;
use literals::literals;

/// What is not written, and what is written instead.
const WORDS: &[(&str, &str)] = &[
    ("mend", "fix or correct"),
    ("mended", "fixed or corrected"),
    ("put right", "correct"),
    ("anew", "again or new"),
    ("whom", "a sentence that begins with the patient"),
    ("stands", "is"),
    ("stands in", "is in"),
    ("lies in", "is in"),
    ("broke off", "stopped or ended unexpectedly"),
    ("breaks off", "stops or ends here"),
    ("gravest", "most serious"),
    (", too", "also, before the verb"),
    ("post code", "postcode"),
    ("post codes", "postcodes"),
    ("e-mail", "email"),
    ("e-mails", "emails"),
    ("telephone", "phone"),
    ("square code", "QR code"),
    ("at most", "up to"),
    ("is no pdf", "is not a PDF"),
    ("is no record", "is not a record"),
    ("is no file", "is not a file"),
    ("is no letter", "is not a letter"),
    ("is no json", "is not JSON"),
    ("another one", "a different one"),
    ("another number", "a different number"),
    ("another name", "a different name"),
    ("codes end", "codes expire"),
    ("codes have ended", "codes have expired"),
    ("ended codes", "expired codes"),
    ("codes are good", "codes are valid"),
    ("are good for", "are valid for"),
    ("will not do", "must be"),
    ("is wanted", "must be"),
    ("nobody knows", "it is not known"),
    ("meanwhile", "until then"),
    ("dearer", "costs more"),
    ("heeded", "obeyed"),
    ("aloud", "nothing"),
    ("for you alone", "owner only (mode 0600)"),
    ("waited out", "retried"),
    ("wait out", "retry"),
    ("passes by", "skips"),
    ("let through", "skip or allow"),
    ("left aside", "skipped"),
    ("over this stream", "on this stream"),
    ("over that stream", "on that stream"),
    ("don't", "do not"),
    ("doesn't", "does not"),
    ("can't", "cannot"),
    ("isn't", "is not"),
    ("won't", "will not"),
    ("should", "must, or say what to do"),
    ("please", "nothing"),
    ("sorry", "nothing"),
];

/// Nouns that a number before them may make wrong: `1 rows`.
const NOUNS: [&str; 16] = [
    "rows", "letters", "patients", "files", "sheets", "texts", "records", "lines", "pages",
    "batches", "warnings", "problems", "failures", "shards", "messages", "codes",
];

/// What is in the list above and may be written all the same: the file, a part of the text, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "pkb-cli/src/app/panics.rs",
        "can't spawn",
        "tokio's words, by which its panic is known",
    ),
    (
        "pkb-patients/src/columns/field.rs",
        "elephone",
        "headers that patient files have",
    ),
    (
        "pkb-patients/src/columns/field.rs",
        "Post code",
        "a header that patient files have",
    ),
    (
        "pkb-postal/src/street.rs",
        "please check",
        "words in addresses",
    ),
    (
        "pkb-upload/src/same_on_threads.rs",
        "Post code",
        "a patient file of a test",
    ),
    (
        "pkb-print-files/src/data_profile.rs",
        ", | ;",
        "the semicolon is what is described",
    ),
    (
        "pkb-print-files/src/profiles/default.toml",
        ", | ;",
        "the semicolon is what is described",
    ),
    ("pkb-patients/data/words.toml", ";", "a table in comments"),
    (
        "pkb-patients/data/columns.toml",
        "",
        "comments on how headers are matched, for developers",
    ),
    (
        "pkb-patients/data/deciding-words.toml",
        ";",
        "a list of codes and their meanings",
    ),
    (
        "pkb-report/src/page.rs",
        "default-src",
        "the page's Content-Security-Policy",
    ),
];

/// A text with the place that it is from.
struct Text {
    place: String,
    text: String,
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// Sentences in the code of the programs. Those of the sandbox and its crates are in the words of the services that they stand for.
fn in_code() -> Vec<Text> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let is_ours = !["pkb-e2e", "pkb-sandbox", "pkb-stand-ins", "pkb-synthetic"]
            .iter()
            .any(|name| folder.ends_with(name));
        if !is_ours || !folder.join("src").is_dir() {
            continue;
        }
        let is_of_a_test = |path: &Path| {
            let path = shown(path);
            ["/tests/", "/tests.rs", "_tests.rs", "on_loopback", "test_"]
                .iter()
                .any(|part| path.contains(part))
        };
        for path in files(&folder.join("src"), ".rs")
            .into_iter()
            .filter(|path| !is_of_a_test(path))
        {
            let source = fs::read_to_string(&path).unwrap();
            texts.extend(literals(&source).into_iter().map(|literal| Text {
                place: format!("{}:{}", shown(&path), literal.line),
                text: literal.text,
            }));
        }
    }
    texts.retain(|text| text.text.trim().contains(' '));
    texts
}

fn lines_of(path: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<Text> {
    let content = fs::read_to_string(path).unwrap();
    let lines = content.lines().enumerate();
    lines
        .filter(|(_, line)| is_wanted(line))
        .map(|(number, line)| Text {
            place: format!("{}:{}", shown(path), number + 1),
            text: line.to_owned(),
        })
        .collect()
}

/// Help, and what is said of the files that come with the programs. Lists of words that patient files use are not ours.
fn in_files() -> Vec<Text> {
    let help = root().join("crates/pkb-e2e/tests/cmd/help");
    let mut texts: Vec<Text> = files(&help, ".trycmd")
        .iter()
        .flat_map(|path| lines_of(path, |_| true))
        .collect();
    for path in files(&root().join("crates"), ".toml") {
        let name = shown(&path);
        if name.ends_with("Cargo.toml") || name.contains("/tests/") || name.contains("/target/") {
            continue;
        }
        texts.extend(lines_of(&path, |line| line.trim_start().starts_with('#')));
    }
    texts
}

/// Whether a text has a word or a phrase, by itself.
fn has(text: &str, phrase: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.match_indices(phrase).any(|(at, _)| {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let begins_with_a_letter = phrase.as_bytes()[0].is_ascii_alphanumeric();
        let goes_on = begins_with_a_letter && is_part(before);
        !(goes_on || is_part(bytes.get(at + phrase.len())))
    })
}

/// What is wrong with a text.
fn faults(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut faults: Vec<String> = WORDS
        .iter()
        .filter(|(word, _)| has(&lower, word))
        .map(|(word, instead)| format!("\"{word}\": write {instead}"))
        .collect();
    if has(&lower, "1 rows") {
        faults.push("\"1 rows\": write 1 row".into());
    }
    let is_sentence = text.split_whitespace().count() > 3;
    if is_sentence && text.contains("; ") {
        faults.push("a semicolon: write a full stop".into());
    }
    faults.extend(
        NOUNS
            .iter()
            .filter(|noun| may_be_one(&lower, noun))
            .map(|noun| {
                format!("\"{{}} {noun}\": write it with rows::counted, because the number may be 1")
            }),
    );
    faults
}

/// What stands before a number that is a part of others, or a limit.
const BEFORE_MANY: [&str; 8] = ["of", "to", "than", "the", "first", "these", "its", "all"];

/// Whether a text has a placeholder before a noun in the plural, and the number may be 1.
fn may_be_one(text: &str, noun: &str) -> bool {
    let after = format!("}} {noun}");
    text.match_indices(&after).any(|(at, _)| {
        let rest = &text[at + after.len()..];
        let is_whole = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        let before = text[..at].rsplit_once('{').map_or("", |(before, _)| before);
        let word = before
            .trim_end()
            .rsplit([' ', '('])
            .next()
            .unwrap_or_default();
        is_whole && before.ends_with([' ', '(']) | before.is_empty() && !BEFORE_MANY.contains(&word)
    })
}

fn is_excepted(text: &Text) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(file, part, _)| text.place.contains(file) && text.text.contains(part))
}

#[test]
fn messages_and_help_are_in_plain_words() {
    let mut said = String::new();
    for text in in_code().into_iter().chain(in_files()) {
        if !is_excepted(&text) {
            for fault in faults(&text.text) {
                writeln!(said, "{}: {fault}\n    {}", text.place, text.text).unwrap();
            }
        }
    }
    assert!(
        said.is_empty(),
        "{} faults:\n{said}",
        said.matches("\n    ").count()
    );
}

/// An exception for what is no longer there hides the next mistake.
#[test]
fn every_exception_is_used() {
    let texts: Vec<Text> = in_code().into_iter().chain(in_files()).collect();
    for (file, part, why) in EXCEPTIONS {
        let mut found = texts
            .iter()
            .filter(|text| text.place.contains(file) && text.text.contains(part));
        let is_used = found.any(|text| !faults(&text.text).is_empty());
        assert!(is_used && !why.is_empty(), "{file}: {part}");
    }
}

#[test]
fn a_fault_is_found_and_good_words_are_not() {
    for text in [
        "mend that row",
        "in that row, too.",
        "{} rows in",
        "codes end on Monday",
        "wait; then",
    ] {
        let sentence = format!("a sentence: {text}");
        assert_ne!(faults(&sentence), Vec::<String>::new(), "{text}");
    }
    for text in [
        "recommend it",
        "1 row in",
        "too long a name",
        "{count} in {file}",
        "the codes ended",
    ] {
        let sentence = format!("a sentence: {text}");
        assert_eq!(faults(&sentence), Vec::<String>::new(), "{text}");
    }
}
