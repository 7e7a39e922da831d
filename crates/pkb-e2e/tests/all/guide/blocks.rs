//! The blocks of code of a page, with what the comments around them say.

/// A block of code.
pub struct Block {
    pub language: String,
    /// Its first line in the page, from 1.
    pub line: usize,
    /// Its lines.
    pub lines: Vec<String>,
    /// The comment on the line before it.
    pub comment: String,
}

/// The blocks of a page, in their order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut before = "";
    let mut open: Option<Block> = None;
    for (at, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    line: at + 2,
                    lines: Vec::new(),
                    comment: comment(before).unwrap_or_default().to_owned(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
        before = line;
    }
    blocks
}

/// What a comment says: `<!-- exit codes: 0, 65 -->`.
pub fn comment(line: &str) -> Option<&str> {
    Some(line.strip_prefix("<!--")?.strip_suffix("-->")?.trim())
}

/// What the first comment of a page says behind a word, up to the next sentence.
pub fn said_at_the_top<'a>(page: &'a str, word: &str) -> Option<&'a str> {
    let comment = comment(page.lines().next()?)?;
    let (_, behind) = comment.split_once(word)?;
    Some(behind.split(". ").next().unwrap_or_default().trim())
}

impl Block {
    /// The commands, each with its continuation lines, and where it begins.
    pub fn commands(&self) -> Vec<(usize, String)> {
        let mut commands: Vec<(usize, String)> = Vec::new();
        let mut goes_on = false;
        for (at, line) in self.lines.iter().enumerate() {
            match commands.last_mut().filter(|_| goes_on) {
                Some((_, command)) => {
                    command.push('\n');
                    command.push_str(line);
                }
                None if line.trim().is_empty() => continue,
                None => commands.push((self.line + at, line.clone())),
            }
            goes_on = line.ends_with('|') || line.ends_with('\\');
        }
        commands
    }

    /// The exit code of each command: 0, unless the comment says otherwise.
    pub fn exit_codes(&self, count: usize) -> Vec<i32> {
        match self.comment.strip_prefix("exit codes:") {
            Some(codes) => codes
                .split(',')
                .map(|code| code.trim().parse().unwrap())
                .collect(),
            None => vec![0; count],
        }
    }
}
