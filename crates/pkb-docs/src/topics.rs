//! The pages and the names by which `pkb help` knows them.

/// A page of the guide.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// What to type behind `pkb help`. No command of pkb has this name.
    pub name: &'static str,
    /// Its file below `book/`.
    pub path: &'static str,
    /// Its text.
    pub markdown: &'static str,
}

/// Pages that belong together, as in `book/SUMMARY.md`.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Its pages.
    pub topics: &'static [Topic],
}

macro_rules! sections {
    ($($title:literal: $($name:literal = $path:literal,)+;)+) => {
        /// All pages, in the order of the summary.
        pub const SECTIONS: &[Section] = &[$(Section {
            title: $title,
            topics: &[$(Topic {
                name: $name,
                path: $path,
                markdown: include_str!(concat!("../book/", $path)),
            },)+],
        },)+];
    };
}

sections! {
    "Start":
        "start" = "start/what-it-does.md",
        "try-it" = "start/try-it.md",
        "glossary" = "start/glossary.md",;
    "A campaign, step by step":
        "checklist" = "campaign/checklist.md",
        "settings" = "campaign/settings.md",
        "patient-file" = "campaign/patient-file.md",
        "tracing" = "campaign/tracing.md",
        "letter" = "campaign/your-letter.md",
        "run" = "campaign/run.md",
        "print" = "campaign/verify-and-print.md",
        "text-messages" = "campaign/text-messages.md",
        "notify" = "campaign/notify.md",
        "nhs-notify" = "campaign/nhs-notify.md",
        "mail-company" = "campaign/data-for-a-mail-company.md",
        "reprint" = "campaign/reprint-and-reissue.md",
        "what-came-back" = "campaign/returns.md",
        "reminders" = "campaign/registrations-and-reminders.md",
        "the-report" = "campaign/report.md",
        "close" = "campaign/close.md",;
    "When something goes wrong":
        "trouble" = "trouble/start-here.md",
        "lost-files" = "trouble/lost-or-damaged-files.md",
        "trouble-pkb" = "trouble/pkb.md",
        "trouble-notify" = "trouble/notify.md",
        "trouble-make" = "trouble/make-and-slurm.md",
        "nothing-sent" = "trouble/outcomes.md",;
    "Large campaigns":
        "make" = "large/make.md",
        "cluster" = "large/cluster.md",;
    "For the people around you":
        "data-protection" = "people/data-protection.md",
        "printer" = "people/print-supplier.md",
        "board" = "people/board.md",
        "clinicians" = "people/clinicians.md",;
    "Reference":
        "commands" = "reference/commands.md",
        "all-settings" = "reference/settings.md",
        "environment" = "reference/environment.md",
        "exit-codes" = "reference/exit-codes.md",
        "outcomes" = "reference/outcomes.md",
        "record" = "reference/record.md",
        "summary" = "reference/summary.md",
        "manifest" = "reference/manifest.md",
        "report-json" = "reference/report.md",;
    "Developers":
        "map" = "developers/map.md",
        "fixtures" = "developers/fixtures.md",
        "results" = "developers/results.md",
        "tests" = "developers/tests.md",;
}

/// Other words for which somebody may look.
const ALIASES: &[(&str, &str)] = &[
    ("files", "lost-files"),
    ("lost-or-damaged-files", "lost-files"),
    ("journal", "lost-files"),
    ("help", "start"),
    ("codes", "exit-codes"),
    ("reasons", "outcomes"),
    ("env", "environment"),
    ("dpia", "data-protection"),
    ("privacy", "data-protection"),
    ("print-supplier", "printer"),
    ("sms", "text-messages"),
    ("texts", "text-messages"),
    ("reissue", "reprint"),
    ("registrations", "reminders"),
    ("stages", "run"),
    ("shards", "make"),
    ("slurm", "cluster"),
    ("words", "glossary"),
];

/// The topic that somebody asks for: by its name, by its file (`campaign/report`), or by a near word.
#[must_use]
pub fn find(word: &str) -> Option<&'static Topic> {
    let mut topics = SECTIONS.iter().flat_map(|section| section.topics);
    let name = ALIASES.iter().find(|(alias, _)| *alias == word);
    let name = name.map_or(word, |(_, name)| name);
    topics.find(|topic| {
        topic.name == name || topic.path == word || topic.path.strip_suffix(".md") == Some(word)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_topic_is_found_by_its_name_its_file_and_near_words() {
        for word in [
            "exit-codes",
            "reference/exit-codes.md",
            "reference/exit-codes",
            "codes",
        ] {
            assert_eq!(
                find(word).map(|topic| topic.name),
                Some("exit-codes"),
                "{word}"
            );
        }
        assert!(find("nonsense").is_none());
    }

    #[test]
    fn no_two_topics_have_one_name_and_every_alias_leads_to_a_topic() {
        let topics: Vec<_> = SECTIONS.iter().flat_map(|section| section.topics).collect();
        let names: BTreeSet<_> = topics.iter().map(|topic| topic.name).collect();
        assert_eq!(names.len(), topics.len());
        for (alias, name) in ALIASES {
            assert!(!names.contains(alias) && names.contains(name), "{alias}");
        }
    }
}
