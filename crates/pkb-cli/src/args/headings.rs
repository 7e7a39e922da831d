//! Headings of options in help. Some also say where an option may be set, and whether `-h` shows it.

/// Heading of the options that concern a single run, and are refused in a settings file, where they would hold for
/// every run.
pub const ONCE: &str = "For one run (not in pkb.toml)";

/// Heading of the options about what a command reads and writes. In a settings file, those of a command are not those
/// of its subcommands.
pub const STREAM: &str = "Records";

/// Heading of the options about journals, progress and messages that are rarely needed.
pub const RUN: &str = "Logging and journals";

/// Heading of the options that say where PKB is, and who asks.
pub const PKB: &str = "PKB connection";

/// Heading of the options about calls to PKB.
pub const PKB_CALLS: &str = "Calls to PKB";

/// Heading of the options about GOV.UK Notify.
pub const NOTIFY: &str = "GOV.UK Notify";

/// Heading of the options about NHS Notify.
pub const NHS_NOTIFY: &str = "NHS Notify";

/// Heading of the options about lists of patients who are not invited.
pub const EXCLUSIONS: &str = "Exclusions";

/// Headings whose options `-h` shows, beside those without a heading. All others are in `--help` only.
pub const DAILY: [&str; 3] = [ONCE, STREAM, EXCLUSIONS];
