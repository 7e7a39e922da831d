//! Headings of options in help that also say where an option may be set.

/// Heading of the options that concern a single run, and are refused in a settings file, where they would hold for
/// every run.
pub const ONCE: &str = "For one run (not in pkb.toml)";

/// Heading of the options about what a command reads and writes. In a settings file, those of a command are not those
/// of its subcommands.
pub const STREAM: &str = "Stream";
