//! Markdown as it is read on a terminal: no marks, links as the names of topics, tables and paragraphs in 100 columns. It knows the Markdown that
//! the guide is written in and no other.

use crate::topics::find;

const WIDTH: usize = 100;

/// A page as plain text. `folder` is where the page is below `book/`, for the links in it.
#[must_use]
pub fn plain_text(markdown: &str, folder: &str) -> String {
    let mut page = Page {
        folder: folder.to_owned(),
        ..Page::default()
    };
    let mut lines = markdown.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("```") {
            page.end_paragraph();
            let code = lines
                .by_ref()
                .take_while(|line| !line.trim_start().starts_with("```"));
            for line in code {
                page.line(&format!("    {line}"));
            }
            page.blank();
        } else if line.starts_with('|') {
            page.end_paragraph();
            let mut rows = vec![page.cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(page.cells(row));
            }
            page.table(&rows);
        } else if line.starts_with("<!--") {
            page.end_paragraph();
        } else if let Some(picture) = line.strip_prefix("![") {
            page.end_paragraph();
            let words = picture.split("](").next().unwrap_or_default();
            page.line(&format!("[picture: {words}]"));
        } else if let Some(heading) = line.strip_prefix('#') {
            page.heading(heading);
        } else if line.trim().is_empty() {
            page.end_paragraph();
            page.blank();
        } else {
            page.text(line);
        }
    }
    page.end_paragraph();
    page.out.trim_end().to_owned() + "\n"
}

#[derive(Default)]
struct Page {
    folder: String,
    out: String,
    /// What is collected of a paragraph, and how far its lines are indented: the first, and the others.
    paragraph: String,
    first: String,
    others: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn blank(&mut self) {
        if !self.out.ends_with("\n\n") && !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn heading(&mut self, heading: &str) {
        self.end_paragraph();
        self.blank();
        let depth = heading.chars().take_while(|c| *c == '#').count();
        let words = self.inline(heading.trim_start_matches('#').trim());
        let words = if depth == 0 {
            words.to_uppercase()
        } else {
            words
        };
        self.line(&words);
        if depth == 1 {
            self.line(&"-".repeat(words.chars().count()));
        }
        self.blank();
    }

    fn text(&mut self, line: &str) {
        let trimmed = line.trim_start();
        let indent = " ".repeat(line.len() - trimmed.len());
        if let Some((mark, rest)) = item(trimmed) {
            self.end_paragraph();
            self.others = format!("{indent}{}", " ".repeat(mark.chars().count()));
            self.first = format!("{indent}{mark}");
            rest.clone_into(&mut self.paragraph);
        } else {
            if !self.paragraph.is_empty() {
                self.paragraph.push(' ');
            }
            self.paragraph.push_str(trimmed);
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        let words = self.inline(&paragraph);
        let (first, others) = (
            std::mem::take(&mut self.first),
            std::mem::take(&mut self.others),
        );
        for (at, line) in wrap(&words, WIDTH - others.len()).into_iter().enumerate() {
            let indent = if at == 0 { &first } else { &others };
            self.line(&format!("{indent}{line}"));
        }
    }

    fn table(&mut self, rows: &[Vec<String>]) {
        let is_rule = |row: &Vec<String>| {
            row.iter()
                .all(|cell| cell.trim_matches(['-', ':']).is_empty() && !cell.is_empty())
        };
        let rows: Vec<_> = rows.iter().filter(|row| !is_rule(row)).collect();
        let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..columns).map(width).collect();
        // What is too wide is taken from the widest column, again and again.
        while widths.iter().sum::<usize>() + 2 * columns > WIDTH {
            let widest = widths.iter().copied().max().unwrap_or(0);
            if widest <= 8 {
                break;
            }
            if let Some(width) = widths.iter_mut().find(|width| **width == widest) {
                *width -= 1;
            }
        }
        for (at, row) in rows.iter().enumerate() {
            let wrapped: Vec<_> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| wrap(cell, *width))
                .collect();
            for line in 0..wrapped.iter().map(Vec::len).max().unwrap_or(0) {
                let cells = wrapped.iter().zip(&widths).map(|(cell, width)| {
                    let words = cell.get(line).map_or("", String::as_str);
                    format!("{words:<width$}  ")
                });
                let cells: String = cells.collect();
                self.line(&cells);
            }
            if at == 0 && row.iter().any(|cell| !cell.is_empty()) {
                let rule: String = widths
                    .iter()
                    .map(|width| format!("{}  ", "-".repeat(*width)))
                    .collect();
                self.line(&rule);
            }
        }
        self.blank();
    }

    fn cells(&self, row: &str) -> Vec<String> {
        let row = row.trim().trim_start_matches('|');
        let row = row.strip_suffix('|').unwrap_or(row);
        let row = row.replace("\\|", "\u{1}");
        row.split('|')
            .map(|cell| self.inline(cell.trim()).replace('\u{1}', "|"))
            .collect()
    }

    /// Text without its marks. A link to a page names its topic, one to somewhere else its address.
    fn inline(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['[', '*', '`', '\\']) {
            out.push_str(&rest[..at]);
            let mark = &rest[at..];
            if let Some(code) = mark.strip_prefix('`') {
                let (code, behind) = code.split_once('`').unwrap_or((code, ""));
                // What has several words needs marks, or nobody sees where it ends.
                match code.contains(' ') && !code.contains('"') {
                    true => out.push_str(&format!("\"{code}\"")),
                    false => out.push_str(code),
                }
                rest = behind;
            } else if let Some((link, behind)) = self.link(mark) {
                out.push_str(&link);
                rest = behind;
            } else if let Some(behind) = mark.strip_prefix("**") {
                rest = behind;
            } else if let Some(behind) = mark.strip_prefix('\\') {
                let mut behind = behind.chars();
                out.extend(behind.next());
                rest = behind.as_str();
            } else {
                // A star alone emphasises, a bracket alone is one.
                if mark.starts_with('[') {
                    out.push('[');
                }
                rest = &mark[1..];
            }
        }
        out + rest
    }

    fn link<'a>(&self, mark: &'a str) -> Option<(String, &'a str)> {
        let (words, behind) = mark.strip_prefix('[')?.split_once("](")?;
        if words.contains('[') {
            return None;
        }
        let (target, behind) = behind.split_once(')')?;
        let words = self.inline(words);
        let file = target.split('#').next().unwrap_or_default();
        let link = match find(&self.path(file)) {
            _ if file.is_empty() => words,
            Some(topic) => format!("{words} (pkb help {})", topic.name),
            None if target.starts_with("https://") => format!("{words} ({target})"),
            None => words,
        };
        Some((link, behind))
    }

    /// A file that a link names, from `book/`.
    fn path(&self, file: &str) -> String {
        match file.strip_prefix("../") {
            Some(file) => file.to_owned(),
            None => format!("{}/{file}", self.folder),
        }
    }
}

/// The mark of a list's item, as it is shown, and what follows.
fn item(line: &str) -> Option<(String, &str)> {
    for mark in ["* ", "- "] {
        if let Some(rest) = line.strip_prefix(mark) {
            let (mark, rest) = rest
                .strip_prefix("[ ] ")
                .map_or(("* ", rest), |rest| ("[ ] ", rest));
            return Some((mark.to_owned(), rest));
        }
    }
    let (number, rest) = line.split_once(". ")?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| (format!("{number}. "), rest))
}

/// Words in lines of a width. A word that is longer has a line of its own.
fn wrap(words: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_left_out_and_links_name_topics() {
        let text = plain_text(
            "# A page\n\n![A picture](x.svg)\n\nRead **this** `code` and `more code` in [Exit codes](../reference/exit-codes.md#x), and [age](https://age.example).\n\n## Part\n\n* one\n  more\n* two\n",
            "trouble",
        );
        assert_eq!(
            text,
            "A PAGE\n\n[picture: A picture]\n\nRead this code and \"more code\" in Exit codes (pkb help exit-codes), and age (https://age.example).\n\nPart\n----\n\n* one more\n* two\n"
        );
    }

    #[test]
    fn a_table_has_columns_and_its_long_cells_are_wrapped() {
        let long = "word ".repeat(30);
        let text = plain_text(
            &format!("| a | b |\n|---|---|\n| `x` | {long} |\n| y\\|z | short |\n"),
            "start",
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert!(text.starts_with("a    b\n---  ---"), "{text}");
        assert!(
            text.contains("\nx    word") && text.contains("\ny|z  short\n"),
            "{text}"
        );
    }

    #[test]
    fn code_is_as_it_is_written() {
        assert_eq!(plain_text("```sh\na  *b*\n```\n", "start"), "    a  *b*\n");
    }
}
