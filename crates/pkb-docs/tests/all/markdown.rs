//! As much of Markdown as the guide is written in.

use std::path::Path;

/// A page.
pub struct Page {
    /// From the root of the workspace.
    pub path: String,
    pub text: String,
}

/// A piece of prose: a paragraph, an item of a list, a heading or a cell of a table.
pub struct Prose {
    /// Its first line, from 1.
    pub line: usize,
    /// Without marks, code and addresses: each piece of code is the word `CODE`.
    pub words: String,
}

impl Page {
    pub fn read(root: &Path, path: &str) -> Self {
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        Self {
            path: path.to_owned(),
            text,
        }
    }

    /// The lines outside of blocks of code and comments, with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_code = false;
        self.text.lines().enumerate().filter_map(move |(at, line)| {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
                return None;
            }
            (!is_code && !line.starts_with("<!--")).then_some((at + 1, line))
        })
    }

    /// Everything that is read as sentences.
    pub fn prose(&self) -> Vec<Prose> {
        let mut prose: Vec<Prose> = Vec::new();
        let mut goes_on = false;
        let mut last = 0;
        for (line, text) in self.lines() {
            let trimmed = text.trim_start();
            let begins = ["* ", "- ", "#"]
                .iter()
                .any(|mark| trimmed.starts_with(mark))
                || is_numbered(trimmed);
            if trimmed.is_empty() {
                goes_on = false;
            } else if trimmed.starts_with('|') {
                let cells = trimmed.trim_matches('|').split('|');
                prose.extend(cells.map(|cell| Prose {
                    line,
                    words: plain(cell),
                }));
                goes_on = false;
            } else if goes_on && !begins && last + 1 == line {
                let paragraph = prose.last_mut().unwrap();
                paragraph.words.push(' ');
                paragraph.words.push_str(trimmed);
            } else {
                let words = trimmed.trim_start_matches(['*', '-', '#', ' ']).to_owned();
                prose.push(Prose { line, words });
                goes_on = !trimmed.starts_with('#');
            }
            last = line;
        }
        for piece in &mut prose {
            piece.words = plain(&piece.words);
        }
        prose
    }

    /// Names of its headings as links have them.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.lines().filter(|(_, line)| line.starts_with('#'));
        let anchor = |line: &str| {
            let words =
                without_marks(&line.trim_start_matches('#').trim().replace('`', "")).to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        };
        headings.map(|(_, line)| anchor(line)).collect()
    }

    /// Targets of its links and pictures, with their lines.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (line, text) in self.lines() {
            let text = without_code(text, "");
            for part in text.split("](").skip(1) {
                links.push((line, part.split(')').next().unwrap().to_owned()));
            }
            for part in text.split("src=\"").skip(1) {
                links.push((line, part.split('"').next().unwrap().to_owned()));
            }
        }
        links
    }
}

fn is_numbered(line: &str) -> bool {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    digits.len() < line.len() && digits.starts_with(". ")
}

/// Text with another text in the place of each piece of code.
fn without_code(text: &str, instead: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 0 { part } else { instead })
        .collect()
}

/// Text without marks and addresses, and with `CODE` in the place of each piece of code.
fn plain(text: &str) -> String {
    without_marks(&without_code(text, "CODE"))
}

fn without_marks(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("](") {
        out.push_str(before);
        rest = link.split_once(')').map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out.replace(['*', '['], "")
}
