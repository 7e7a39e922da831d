//! What an option is as a setting.

use clap::{Arg, ArgAction};

use crate::args::ONCE;

/// The option that names the settings file, which every program has.
pub(super) const SETTINGS_FILE: &str = "settings_file";

/// The key of an option: its long name, with `_`.
pub(super) fn key(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().replace('-', "_")
}

/// Whether an option can stand in a settings file.
pub(super) fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some() && why_not(arg).is_none()
}

/// Why an option cannot stand in a settings file.
pub(super) fn why_not(arg: &Arg) -> Option<&'static str> {
    if arg.get_help_heading() == Some(ONCE) {
        return Some(
            "is for one run only, and a settings file is for every run. Give the option on the command line",
        );
    }
    if arg.is_hide_set() {
        return Some("is for tests and rehearsals. Give the option on the command line");
    }
    let is_ours = arg.get_id() == SETTINGS_FILE;
    let informs = !matches!(
        arg.get_action(),
        ArgAction::Set | ArgAction::Append | ArgAction::SetTrue
    );
    (is_ours || informs).then_some("is for the command line only")
}

/// Whether an option may be given several times.
pub(super) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
        || arg
            .get_num_args()
            .is_some_and(|range| range.max_values() > 1)
}

/// Whether an option is on or off.
pub(super) fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}
