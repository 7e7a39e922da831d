//! Links lead to files, headings and topics that are there.

use std::path::Path;

use crate::{markdown::Page, pages, root};

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut dead = String::new();
    for page in pages() {
        for (line, target) in page.links() {
            if ["https://", "mailto:"]
                .iter()
                .any(|address| target.starts_with(address))
            {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = match file {
                "" => page.path.clone(),
                file => normal(&page.path, file),
            };
            let is_there = root().join(&path).is_file();
            let has_anchor = anchor.is_empty()
                || is_there
                    && Page::read(&root(), &path)
                        .anchors()
                        .iter()
                        .any(|known| known == anchor);
            if !is_there || !has_anchor {
                dead.push_str(&format!("\n{}, line {line}: {target}", page.path));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:{dead}");
}

#[test]
fn every_topic_that_a_page_names_is_one() {
    for page in pages() {
        for part in page.text.split("`pkb help ").skip(1) {
            let name = part.split('`').next().unwrap();
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(
                !is_name || pkb_docs::find(name).is_some(),
                "{}: pkb help {name}",
                page.path
            );
        }
    }
}

/// A file that a page names, from the root.
fn normal(page: &str, file: &str) -> String {
    let mut parts: Vec<&str> = Path::new(page)
        .parent()
        .unwrap()
        .iter()
        .map(|part| part.to_str().unwrap())
        .collect();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
