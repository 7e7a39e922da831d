//! What a look at everything has found.

use std::fmt;

use pkb_core::{ExitCode, Fatal, rows::counted};

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    Warning,
    /// The programs would end with this.
    Problem(ExitCode),
}

/// What was found.
#[derive(Debug)]
struct DoctorFinding {
    level: Level,
    /// What was looked at.
    about: &'static str,
    /// What it is like, and what to do.
    what: String,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<DoctorFinding>);

impl Findings {
    pub(super) fn add(&mut self, level: Level, about: &'static str, what: impl Into<String>) {
        let what = what.into();
        self.0.push(DoctorFinding { level, about, what });
    }

    pub(super) fn ok(&mut self, about: &'static str, what: impl Into<String>) {
        self.add(Level::Ok, about, what);
    }

    pub(super) fn warn(&mut self, about: &'static str, what: impl Into<String>) {
        self.add(Level::Warning, about, what);
    }

    pub(super) fn problem(&mut self, about: &'static str, code: ExitCode, what: impl Into<String>) {
        self.add(Level::Problem(code), about, what);
    }

    pub(super) fn fatal(&mut self, about: &'static str, fatal: &Fatal) {
        self.problem(about, fatal.exit_code(), fatal.to_string());
    }

    /// The code of the gravest: what has to be mended first comes first.
    pub(super) fn exit_code(&self) -> ExitCode {
        const MOST_SERIOUS_FIRST: [ExitCode; 6] = [
            ExitCode::Usage,
            ExitCode::Credentials,
            ExitCode::NotUnderstood,
            ExitCode::Input,
            ExitCode::Io,
            ExitCode::TryLater,
        ];
        let has = |code: &ExitCode| {
            self.0
                .iter()
                .any(|finding| finding.level == Level::Problem(*code))
        };
        let other = self.0.iter().find_map(|finding| match finding.level {
            Level::Problem(code) => Some(code),
            _ => None,
        });
        MOST_SERIOUS_FIRST
            .into_iter()
            .find(has)
            .or(other)
            .unwrap_or(ExitCode::Done)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for DoctorFinding { level, about, what } in &self.0 {
            let level = match level {
                Level::Ok => "ok",
                Level::Warning => "warning",
                Level::Problem(_) => "problem",
            };
            writeln!(
                f,
                "{level:<8} {about:<12} {}",
                what.replace('\n', "\n                      ")
            )?;
        }
        let count = |wanted: fn(&Level) -> bool| {
            self.0
                .iter()
                .filter(|finding| wanted(&finding.level))
                .count()
        };
        let (problems, warnings) = (
            count(|level| matches!(level, Level::Problem(_))),
            count(|level| *level == Level::Warning),
        );
        let [problems_in_words, warnings_in_words] = [(problems, "problem"), (warnings, "warning")]
            .map(|(count, noun)| counted(count as u64, noun, &format!("{noun}s")));
        match (problems, warnings) {
            (0, 0) => writeln!(f, "\nready"),
            (0, _) => writeln!(f, "\nready, with {warnings_in_words}"),
            (_, _) => writeln!(
                f,
                "\nnot ready: {problems_in_words} and {warnings_in_words}. Correct them, and run the same command again"
            ),
        }
    }
}
