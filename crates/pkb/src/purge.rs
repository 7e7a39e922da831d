//! `pkb purge`: takes codes that have ended out of records and journals, or all that can go of single patients.
//!
//! What was sent to whom and when stays, so that the ledger, the next campaign and a recheck still have their
//! answers. Codes that are good stay, too. A file is replaced as a whole, and locked meanwhile as a stage locks its
//! journal; if the command is killed, the same command does the rest.
//!
//! * `locked`: records and journals; `letter_files`: letters and spreadsheets; `whose`: which codes go.
//! * `campaign_files`: what there is in a folder; `codes_in_other_files`: codes in files that are not ours.

mod campaign_files;
mod codes_in_other_files;
mod letter_files;
mod locked;
mod whose;

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Args;
use pkb_cli::{
    args::{ClockArgs, ONCE},
    progress::tell,
};
use pkb_core::{ExitCode, Fatal};
use pkb_files::shown;

use campaign_files::CampaignFiles;
use codes_in_other_files::CodesInOtherFiles;
use letter_files::LetterFiles;
use locked::{Locked, lock_all};
use whose::Whose;

/// Taking codes out.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// Folders of campaigns, or single records and journals
    ///
    /// In a folder, every file that can hold codes is found. Single files are those of pkb-tokens and later stages.
    #[arg(value_name = "DIR|FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Also delete letters in DIR whose codes have all expired
    ///
    /// Their journal, or the records that pkb-letters wrote with them, must be among the FILEs. The manifests stay.
    #[arg(long, value_name = "DIR")]
    pub letters: Option<PathBuf>,

    /// Erase the patients of these rows: 812,2040
    ///
    /// Their codes may still be valid. Codes and contact details are deleted. The NHS number, the name and what was
    /// sent stay, so that no later run invites them again.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', conflicts_with = "national_ids", help_heading = ONCE)]
    pub row: Vec<u64>,

    /// Erase the patients whose NHS numbers are in FILE, one a line
    ///
    /// "-" is standard input.
    #[arg(long, value_name = "FILE", help_heading = ONCE)]
    pub national_ids: Option<PathBuf>,

    /// Only say what would be changed and deleted
    #[arg(short = 'n', long, help_heading = ONCE)]
    pub dry_run: bool,

    /// The time.
    #[command(flatten)]
    pub clock: ClockArgs,
}

/// Takes the codes out of all files.
///
/// # Errors
/// A file is in use, or not of a campaign: then it is as it was. Those before it are done.
pub fn purge(args: &PurgeArgs) -> Result<ExitCode, Fatal> {
    let now = args.clock.clock().now();
    let found = CampaignFiles::find(&args.files)?;
    // Before anything is changed: all files that cannot be.
    let files = lock_all(&found.records)?;
    let whose = Whose::read(args, &files)?;
    let mut traces = CodesInOtherFiles::default();
    // First, while the records still have what says which of them may go.
    for file in &files {
        file.read(|record| traces.see(&whose, &record, now))?;
    }
    let mut left = found.left;
    for folder in found.letters.iter().chain(&args.letters) {
        let mut papers = LetterFiles::open(folder)?;
        for file in &files {
            file.read(|record| papers.see(&whose, &record))?;
        }
        match whose {
            Whose::Ended => papers.remove(now, args.dry_run)?,
            Whose::These(_) => left.extend(papers.erase(args.dry_run)?),
        }
    }
    for file in &files {
        let counts = file.purge(&whose, now, args.dry_run)?;
        tell(format!(
            "pkb purge: {}: {}{counts}",
            file.path.display(),
            if args.dry_run { "would be: " } else { "" },
        ));
    }
    for path in &found.abandoned {
        delete(path, args.dry_run)?;
    }
    for path in found.others {
        if let Some(why) = traces.look_into(&path) {
            left.push((path, why));
        }
    }
    for (path, why) in left {
        let path = path.to_string_lossy();
        tell(format!(
            "pkb purge: {} is left: {why}",
            shown::in_line(&path)
        ));
    }
    Ok(whose.told())
}

/// Deletes a file or folder, or says that it would be. Making a file anew may have deleted what a killed run left of it.
fn delete(path: &Path, dry_run: bool) -> Result<(), Fatal> {
    let name = path.to_string_lossy();
    let name = shown::in_line(&name);
    if dry_run {
        tell(format!("pkb purge: would be deleted: {name}"));
        return Ok(());
    }
    let deleted = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match deleted {
        Ok(()) => tell(format!("pkb purge: deleted: {name}")),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(Fatal::io(format!("cannot delete {name}"), source)),
    }
    Ok(())
}
