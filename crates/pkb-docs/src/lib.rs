//! The guide. Its pages are Markdown files in `book/`, in mdBook's form, and are compiled in, so that `pkb help TOPIC` prints them on a
//! terminal. What tests keep true is in `tests/` and in `pkb-e2e/tests/all/guide`.

mod plain_text;
mod topics;

pub use plain_text::plain_text;
pub use topics::{SECTIONS, Section, Topic, find};

impl Topic {
    /// The heading of the page.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let heading = self
            .markdown
            .lines()
            .find_map(|line| line.strip_prefix("# "));
        heading.unwrap_or(self.name)
    }

    /// The page as it is read on a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        plain_text(
            self.markdown,
            self.path.split('/').next().unwrap_or_default(),
        )
    }
}

/// All topics, by their sections, as `pkb help` lists them.
#[must_use]
pub fn list() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        text.push_str(&format!("{}:\n", section.title));
        for topic in section.topics {
            text.push_str(&format!("  {:<18} {}\n", topic.name, topic.title()));
        }
        text.push('\n');
    }
    text
}
