//! What a value must be, in words that fit after the name of an option or setting: `must be a whole number`.

use std::{error::Error as _, num::ParseFloatError, num::ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What the parser of an option wants instead of the value that it was given.
pub(super) fn must(error: &clap::Error) -> String {
    if let (ErrorKind::ValueValidation, Some(source)) = (error.kind(), error.source()) {
        if source.is::<ParseIntError>() {
            return "must be a whole number".into();
        }
        if source.is::<ParseFloatError>() {
            return "must be a number".into();
        }
        if source.is::<jiff::Error>() {
            return "must be a date, such as 2026-12-05".into();
        }
        return in_limits(&source.to_string());
    }
    let list = |kind| match error.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let (valid, near) = (
        list(ContextKind::ValidValue),
        list(ContextKind::SuggestedValue),
    );
    match (valid.as_str(), near.as_str()) {
        ("", _) => "must not be empty".into(),
        (valid, "") => format!("must be one of {valid}"),
        (valid, near) => format!("must be one of {valid}. Did you mean {near}?"),
    }
}

/// What a parser said. Clap's `0 is not in 1..=100` is no operator's English; our own parsers begin with "must".
fn in_limits(said: &str) -> String {
    let limits = said.split_once(" is not in ").map(|(_, limits)| limits);
    match limits.and_then(|limits| limits.split_once("..")) {
        Some((least, "")) => format!("must be {least} or more"),
        Some((least, most)) => format!("must be from {least} to {}", most.trim_start_matches('=')),
        None if said.contains("is not in") => "must be a smaller number".into(),
        None if said.starts_with("must ") => said.to_owned(),
        None => format!("is refused: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::in_limits;

    #[test]
    fn limits_are_said_in_words() {
        for (said, words) in [
            ("0 is not in 1..=100", "must be from 1 to 100"),
            ("0 is not in 1..", "must be 1 or more"),
            ("must be a UUID", "must be a UUID"),
            ("odd", "is refused: odd"),
        ] {
            assert_eq!(in_limits(said), words);
        }
    }
}
