//! `pkb seal`: a finished campaign as one encrypted archive, and the plain files gone if that is asked for.
//!
//! The archive is a tar file, encrypted by the program `age` to the public keys of those who may open it: nobody needs this
//! program to open it again (`age -d -i key campaign.tar.age | tar x`, then `sha256sum -c SHA256SUMS`). Nothing but
//! regular files of the folder goes in: a link would lead out of it, and is refused.

mod age;
mod archive;
mod check;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use pkb_cli::{args::ONCE, progress::tell};
use pkb_core::{ExitCode, Fatal, rows::counted};
use pkb_files::exposure;

use age::Age;
use archive::{Sealed, Tree};

/// Sealing a campaign.
#[derive(Debug, Args)]
pub struct SealArgs {
    /// Folder of the campaign: records, journals, letters
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// Public key that can open the archive (age1…), or several
    ///
    /// Can be given more than once.
    #[arg(
        long,
        value_name = "KEY",
        required_unless_present = "recipients_file",
        value_parser = public_key
    )]
    pub recipient: Vec<String>,

    /// File with such keys, one a line
    ///
    /// Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub recipients_file: Vec<PathBuf>,

    /// The archive: a new file outside DIR
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Delete the plain files when the archive is complete
    ///
    /// First the archive is read again and compared. Use --identity to know that your key opens it.
    #[arg(long, help_heading = ONCE)]
    pub remove: bool,

    /// File with the secret key, to decrypt and compare the archive
    #[arg(long, value_name = "FILE", help_heading = ONCE)]
    pub identity: Option<PathBuf>,

    /// Program that encrypts: age, or one with the same arguments (rage)
    #[arg(long, value_name = "PROGRAM", default_value = "age", help_heading = ONCE)]
    pub age: PathBuf,
}

/// A public key; a secret one, which opens archives, has no business in an argument.
fn public_key(text: &str) -> Result<String, &'static str> {
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return Err(
            "must be the public key (age1…). This is a secret key, and other users of this machine can see it now. Make a new pair of keys",
        );
    }
    if text.starts_with("age1") || text.starts_with("ssh-") {
        Ok(text.to_owned())
    } else {
        Err("must be a public key of age (age1…)")
    }
}

/// Seals a campaign.
///
/// # Errors
/// What is in the way; then there is no archive, and every file is as it was.
pub fn seal(args: &SealArgs) -> Result<ExitCode, Fatal> {
    let folder = args
        .dir
        .canonicalize()
        .map_err(|source| Fatal::cannot_read(&args.dir, source))?;
    check_place(&args.out, &folder)?;
    let tree = Tree::read(&folder)?;
    if let Some(identity) = &args.identity {
        exposure::warn_of_file(identity);
    }
    let age = Age {
        program: &args.age,
        keys: &args.recipient,
        key_files: &args.recipients_file,
        identity: args.identity.as_deref(),
    };
    let sealed = age::encrypt(&age, &args.out, |pipe| tree.write(pipe))?;
    tell(format!(
        "pkb seal: {0}: {1} ({2}) sealed and checked{3}. To open it: age -d -i KEY_FILE {0} | tar x",
        args.out.display(),
        counted(sealed.len() as u64, "file", "files"),
        counted(
            sealed.iter().map(|file| file.bytes).sum::<u64>(),
            "byte",
            "bytes"
        ),
        match &args.identity {
            Some(_) => ", and opened with your key".to_owned(),
            None => format!(
                ". To check your key now: age -d -i KEY_FILE {} | tar t",
                args.out.display()
            ),
        },
    ));
    if args.remove {
        return remove(&folder, &sealed);
    }
    tell(format!(
        "pkb seal: the plain files are still in {} (--remove deletes them)",
        folder.display()
    ));
    Ok(ExitCode::Done)
}

/// An archive is never written over, and not into what it is made of.
fn check_place(out: &Path, folder: &Path) -> Result<(), Fatal> {
    if out.symlink_metadata().is_ok() {
        return Err(Fatal::Usage(format!(
            "{} exists already. Choose a different name",
            out.display()
        )));
    }
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let parent = parent
        .canonicalize()
        .map_err(|source| Fatal::cannot_write(out, source))?;
    if parent.starts_with(folder) {
        return Err(Fatal::Usage(
            "--out is in the folder that is sealed. Put the archive beside that folder".into(),
        ));
    }
    Ok(())
}

/// Deletes the files that are as they are in the archive.
fn remove(folder: &Path, sealed: &[Sealed]) -> Result<ExitCode, Fatal> {
    let mut changed = Vec::new();
    for file in sealed {
        let path = folder.join(&file.path);
        if !file.is_still_at(&path)? {
            changed.push(file.path.display().to_string());
            continue;
        }
        fs::remove_file(&path)
            .map_err(|source| Fatal::io(format!("cannot delete {}", path.display()), source))?;
    }
    remove_empty(folder);
    if folder.exists() {
        let left = Tree::read(folder).map_or_else(|_| 0, |tree| tree.len());
        tell(format!(
            "pkb seal: {}: {} deleted, {left} are left{}{}",
            folder.display(),
            counted((sealed.len() - changed.len()) as u64, "file", "files"),
            if changed.is_empty() {
                ""
            } else {
                ", changed while they were sealed: "
            },
            changed.join(", ")
        ));
    } else {
        tell(format!(
            "pkb seal: {}: the folder and its {} are deleted",
            folder.display(),
            counted(sealed.len() as u64, "file", "files")
        ));
    }
    Ok(if changed.is_empty() {
        ExitCode::Done
    } else {
        ExitCode::SomeRowsRejected
    })
}

/// Deletes folders without anything in them, the inner ones first.
fn remove_empty(folder: &Path) {
    let inner = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in inner {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    // One that has something in it stays.
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_a_public_key() {
        assert!(
            public_key("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p").is_ok()
        );
        assert!(
            public_key("AGE-SECRET-KEY-1QQ")
                .unwrap_err()
                .contains("secret")
        );
        assert!(public_key("--output").is_err());
    }

    #[test]
    fn an_archive_is_not_put_into_what_it_is_made_of_nor_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let campaign = folder.path().canonicalize().unwrap().join("campaign");
        fs::create_dir(&campaign).unwrap();
        let old = folder.path().join("old.tar.age");
        fs::write(&old, "x").unwrap();
        for (out, words) in [
            (campaign.join("a.tar.age"), "beside that folder"),
            (campaign.join("../campaign/a.tar.age"), "beside that folder"),
            (old, "exists already"),
        ] {
            let refused = check_place(&out, &campaign).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
        assert!(check_place(&folder.path().join("new.tar.age"), &campaign).is_ok());
    }
}
