//! `pkb help`: the pages of the guide on a terminal.

use std::process::Command;

use crate::harness::{Ended, programs, run};

fn pkb(words: &[&str]) -> Ended {
    let mut command = Command::new(programs().join("pkb"));
    run(command.env_clear().args(words), b"")
}

fn text(words: &[&str]) -> String {
    let ended = pkb(words);
    assert_eq!(ended.code, 0, "{words:?}: {}", ended.stderr);
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn pkb_help_lists_every_command_and_every_topic() {
    let list = text(&["help"]);
    for topic in pkb_docs::SECTIONS.iter().flat_map(|section| section.topics) {
        assert!(
            list.contains(&format!("\n  {} ", topic.name)),
            "{}: {list}",
            topic.name
        );
    }
    for command in ["doctor", "verify", "ledger"] {
        assert!(
            list.contains(&format!("\n  {command} ")),
            "{command}: {list}"
        );
    }
}

#[test]
fn pkb_help_prints_each_topic_as_plain_text() {
    for topic in pkb_docs::SECTIONS.iter().flat_map(|section| section.topics) {
        assert_eq!(text(&["help", topic.name]), topic.text());
    }
    let trouble = text(&["help", "trouble"]);
    assert!(trouble.contains("(pkb help lost-files)"), "{trouble}");
}

#[test]
fn pkb_help_of_a_command_is_still_its_help() {
    assert_eq!(text(&["help", "verify"]), text(&["verify", "--help"]));
    assert_eq!(
        text(&["help", "trace", "apply"]),
        text(&["trace", "apply", "--help"])
    );
}

#[test]
fn pkb_without_a_word_shows_its_commands_and_the_guide() {
    let ended = pkb(&[]);
    let said = ended.stderr + &String::from_utf8(ended.stdout).unwrap();
    assert!(
        said.contains("  ledger ") && said.contains("pkb help trouble"),
        "{said}"
    );
}

#[test]
fn an_unknown_topic_is_answered_with_a_command_that_works() {
    let ended = pkb(&["help", "exit-code"]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.stderr,
        "pkb: there is no topic exit-code. Did you mean: pkb help exit-codes\n"
    );
}
