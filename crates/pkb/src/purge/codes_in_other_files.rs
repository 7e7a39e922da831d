//! Codes in files that none of these programs has written, such as a list that somebody has made of the records.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufReader, Read as _},
    path::Path,
};

use jiff::Timestamp;
use pkb_core::Record;

use super::Whose;

/// Codes that go. They are searched for byte by byte, since anything may stand around them.
#[derive(Default)]
pub(super) struct CodesInOtherFiles {
    codes: HashSet<Vec<u8>>,
    /// How long they are: all codes of PKB have one length.
    lengths: Vec<usize>,
}

impl CodesInOtherFiles {
    /// Notes the codes of a record that go.
    pub(super) fn see(&mut self, whose: &Whose, record: &Record, now: Timestamp) {
        let Some(codes) = &record.invitation else {
            return;
        };
        let go = match whose {
            Whose::Ended => codes.expires_at <= now,
            Whose::These(_) => whose.is(record),
        };
        if go {
            for code in [codes.code.expose_code(), codes.token.expose_code()] {
                if !self.lengths.contains(&code.len()) {
                    self.lengths.push(code.len());
                }
                self.codes.insert(code.as_bytes().to_vec());
            }
        }
    }

    /// Why a file needs a look; `None` if none of the codes is in it.
    pub(super) fn look_into(&self, path: &Path) -> Option<String> {
        match self.is_in(path) {
            Ok(false) => None,
            Ok(true) => Some(
                "it has codes, and is not a file of these programs. Delete the file, or delete the codes in it \
                 yourself".to_owned(),
            ),
            Err(error) => Some(format!("it cannot be read ({}). Look at it yourself", error.kind())),
        }
    }

    fn is_in(&self, path: &Path) -> io::Result<bool> {
        let Some(longest) = self.lengths.iter().max() else {
            return Ok(false);
        };
        let mut recent = Vec::with_capacity(2 * longest);
        for byte in BufReader::with_capacity(256 << 10, File::open(path)?).bytes() {
            let byte = byte?;
            if !byte.is_ascii_alphanumeric() {
                recent.clear();
                continue;
            }
            if recent.len() == 2 * longest {
                recent.drain(..*longest);
            }
            recent.push(byte);
            let ends = |length: &usize| recent.len().checked_sub(*length).map(|at| &recent[at..]);
            if self
                .lengths
                .iter()
                .filter_map(ends)
                .any(|end| self.codes.contains(end))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
