//! `pkb merge`: the shards of a campaign as one stream, and what only all of them together show.

use pkb_cli::progress::tell;
use pkb_core::{
    ExitCode, Fatal, Record, atomic_file::AtomicFile, print_files::shared_mobiles::SharedMobiles,
    shards::merge,
};

use crate::args::MergeArgs;

/// Merges the shards, or proves that they could be.
///
/// # Errors
/// They are not the whole, or a file cannot be read or written.
pub fn merge(args: &MergeArgs) -> Result<ExitCode, Fatal> {
    let whole = merge::prove(&args.shards, args.partial)?;
    if let Some(path) = &args.output {
        let mut shared = SharedMobiles::default();
        whole.write(path, |line| {
            if args.shared_mobiles.is_some() {
                let record: Record = serde_json::from_slice(line)
                    .map_err(|_| Fatal::Bug("a record that was read is none".into()))?;
                shared.add_record(&record);
            }
            Ok(())
        })?;
        if let Some(path) = &args.shared_mobiles {
            AtomicFile::write(path, shared.csv().as_bytes())?;
            if let Some(warning) = shared.warning(path) {
                tell(warning);
            }
        }
    }
    tell(format!(
        "pkb merge: {} rows in, of {} shards: {}",
        whole.rows(),
        args.shards.len(),
        if args.partial {
            "none came twice"
        } else {
            "each row of the patient file once"
        }
    ));
    Ok(ExitCode::Done)
}
