//! `pkb merge`: the shards of a campaign as one stream, and what only all of them together show.

use std::{collections::HashSet, path::PathBuf};

use pkb_cli::{args::usual_journal, progress::tell};
use pkb_core::{ExitCode, Fatal, Record, rows::counted};

use crate::shards::merge;

use crate::args::MergeArgs;
use pkb_files::atomic_file::AtomicFile;
use pkb_print_files::shared_mobiles::SharedMobiles;

/// The shards without the journals that lie beside them, which `delivered/*` also names.
fn without_their_journals(paths: &[PathBuf]) -> Vec<PathBuf> {
    let journals: HashSet<PathBuf> = paths
        .iter()
        .filter_map(|path| usual_journal(path))
        .collect();
    let shards = paths.iter().filter(|path| !journals.contains(*path));
    shards.cloned().collect()
}

/// Merges the shards, or proves that they could be.
///
/// # Errors
/// They are not the whole, or a file cannot be read or written.
pub fn merge(args: &MergeArgs) -> Result<ExitCode, Fatal> {
    let shards = without_their_journals(&args.shards);
    let whole = merge::prove(&shards, args.partial)?;
    if let Some(path) = &args.output {
        let mut shared = SharedMobiles::default();
        whole.write(path, args.replace, |line| {
            if args.shared_mobiles.is_some() {
                let record: Record = serde_json::from_slice(line)
                    .map_err(|_| Fatal::Bug("a record that was read is none".into()))?;
                shared.add_record(&record);
            }
            Ok(())
        })?;
        if let Some(path) = &args.shared_mobiles {
            let (list, what) = (shared.csv(), "a list of shared mobiles");
            AtomicFile::write_instead(path, list.as_bytes(), what, &["group,row"])?;
            if let Some(warning) = shared.warning(path) {
                tell(warning);
            }
        }
    }
    tell(format!(
        "pkb merge: {} in, of {}: {}",
        counted(whole.rows(), "row", "rows"),
        counted(shards.len() as u64, "shard", "shards"),
        if args.partial {
            "no row is in the parts twice"
        } else {
            "each row of the patient file is in the parts once"
        }
    ));
    Ok(ExitCode::Done)
}
