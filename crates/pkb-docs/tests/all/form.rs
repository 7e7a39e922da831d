//! The form of the book: mdBook builds what is in SUMMARY.md and nothing else.

use std::collections::BTreeSet;

use crate::{BOOK, markdown::Page, pages, root};

#[test]
fn every_page_is_in_the_summary_once_and_is_a_topic_of_pkb_help() {
    let summary = Page::read(&root(), &format!("{BOOK}/SUMMARY.md"));
    let listed: Vec<String> = summary
        .links()
        .into_iter()
        .map(|(_, target)| target)
        .collect();
    let in_summary: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(
        listed.len(),
        in_summary.len(),
        "a page is in SUMMARY.md twice"
    );
    let pages = pages();
    let files: BTreeSet<&str> = pages
        .iter()
        .filter_map(|page| page.path.strip_prefix(&format!("{BOOK}/")))
        .collect();
    assert_eq!(in_summary, files, "SUMMARY.md and the pages differ");
    let topics = pkb_docs::SECTIONS.iter().flat_map(|section| section.topics);
    let topics: Vec<&str> = topics.map(|topic| topic.path).collect();
    assert_eq!(
        listed, topics,
        "SUMMARY.md and the topics (src/topics.rs) differ"
    );
}

#[test]
fn every_page_has_one_heading_of_the_first_rank_with_the_words_of_the_summary() {
    let summary = std::fs::read_to_string(root().join(BOOK).join("SUMMARY.md")).unwrap();
    for page in pages().iter().filter(|page| page.path.starts_with(BOOK)) {
        let headings: Vec<_> = page
            .lines()
            .filter(|(_, line)| line.starts_with("# "))
            .collect();
        assert_eq!(headings.len(), 1, "{}", page.path);
        let file = page.path.strip_prefix(&format!("{BOOK}/")).unwrap();
        let words = headings[0].1.trim_start_matches("# ");
        assert!(
            summary.contains(&format!("[{words}]({file})")),
            "{file}: its heading is not in SUMMARY.md: {words}"
        );
    }
}

#[test]
fn every_block_of_code_says_what_it_is() {
    for page in pages() {
        let mut is_open = false;
        for (at, line) in page.text.lines().enumerate() {
            let Some(language) = line.trim_start().strip_prefix("```") else {
                continue;
            };
            is_open = !is_open;
            let is_known = ["sh", "console", "text", "toml", "json"].contains(&language);
            assert!(
                !is_open || is_known,
                "{}, line {}: {language}",
                page.path,
                at + 1
            );
        }
        assert!(!is_open, "{}: a block of code has no end", page.path);
    }
}

#[test]
fn every_page_can_be_read_on_a_terminal() {
    for topic in pkb_docs::SECTIONS.iter().flat_map(|section| section.topics) {
        let text = topic.text();
        assert!(
            !text.contains("](") && !text.contains("**"),
            "{}: {text}",
            topic.path
        );
        assert!(
            text.starts_with(&topic.title().to_uppercase()),
            "{}",
            topic.path
        );
    }
}

#[test]
fn the_readme_has_at_most_220_lines() {
    let readme = Page::read(&root(), "README.md");
    assert!(readme.text.lines().count() <= 220);
}

#[test]
fn the_first_page_of_the_guide_leads_to_what_is_needed_in_a_hurry() {
    let first = pkb_docs::find("start").unwrap().markdown;
    for target in [
        "trouble/start-here.md#exit-code-75",
        "trouble/lost-or-damaged-files.md",
        "people/data-protection.md#which-fields-are-sent-where",
        "reference/manifest.md#manifestcsv",
        "campaign/reprint-and-reissue.md#reprint-by-the-number-on-the-sheet",
    ] {
        assert!(first.contains(target), "{target}");
    }
}
