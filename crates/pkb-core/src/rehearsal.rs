//! Whether a campaign is a rehearsal: codes of a sandbox must never be taken for codes of PKB, nor the other way round.
//!
//! A run is one or the other as a whole. [`Origin`] says which; [`Origins`] hears all that tells it (addresses, answers,
//! records, journals), and stops the run as soon as two of them disagree.
//!
//! What tells a rehearsal:
//! * an address on this very machine (loopback);
//! * the header [`MARK`] in an answer, which every answer of a sandbox has;
//! * `"rehearsal": true` in a record;
//! * for records that have lost that: the name of the letter's file ([`FILE_PREFIX`]), and the codes and PKB ids of a sandbox. Its ids have 15 digits of which the first are 999,
//!   and both codes of a pair begin with TRY. Of PKB's pairs, one in 57 thousand million does. The patient of PKB's guide has
//!   the guide's id and codes in a sandbox, too: so for that patient only the mark and the file tell.

mod ahead;

use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Fatal, Record, record::Upload};
use pkb_values::{AccessCode, InvitationCode, PkbId};

pub use ahead::look_ahead;

/// The header that every answer of a sandbox has.
pub const MARK: &str = "x-pkb-sandbox";
/// What the names of a rehearsal's letters, sheets and manifests begin with.
pub const FILE_PREFIX: &str = "rehearsal-";
/// What secrets begin with that open nothing but sandboxes.
const SANDBOX_SECRET: &str = "sandbox-";
/// What both codes of a pair begin with that a sandbox made.
const SANDBOX_CODE: &str = "TRY";
/// What PKB ids begin with that a sandbox made.
const SANDBOX_ID: &str = "999";
/// How many digits those have.
const SANDBOX_ID_DIGITS: usize = 15;

/// What a run, a record or a journal is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A rehearsal, against a sandbox or another server on this machine.
    Rehearsal,
    /// A campaign with PKB.
    Real,
}

impl Origin {
    /// What a record tells; `None` as long as it has nothing of any PKB.
    pub fn of(record: &Record) -> Option<Self> {
        let codes = record.invitation.as_ref();
        let delivery = record.deliveries.first();
        let is_rehearsal = record.rehearsal
            || (record.pkb.as_ref())
                .and_then(|pkb| pkb.id.as_ref())
                .is_some_and(is_of_sandbox)
            || codes.is_some_and(|own| are_of_sandbox(&own.code, &own.token))
            || delivery.is_some_and(|delivery| delivery.file.starts_with(FILE_PREFIX));
        let has_answers = record.pkb.is_some()
            || codes.is_some()
            || record.purged.is_some()
            || record.upload.as_ref().is_some_and(Upload::has_answer);
        match (is_rehearsal, has_answers) {
            (true, _) => Some(Self::Rehearsal),
            (false, true) => Some(Self::Real),
            (false, false) => None,
        }
    }
}

fn is_of_sandbox(id: &PkbId) -> bool {
    let id = id.expose_id();
    id.len() == SANDBOX_ID_DIGITS && id.starts_with(SANDBOX_ID)
}

fn are_of_sandbox(code: &InvitationCode, token: &AccessCode) -> bool {
    code.expose_code().starts_with(SANDBOX_CODE) && token.expose_code().starts_with(SANDBOX_CODE)
}

/// Whether a secret opens nothing but sandboxes, so that it may go to this machine unencrypted.
pub fn is_sandbox_secret(secret: &str) -> bool {
    secret.starts_with(SANDBOX_SECRET)
}

/// What told that a run is a rehearsal, or that it is real. Shown as the start of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The address in a setting of this name.
    Address(&'static str),
    /// The answers of a server of this name.
    Answer(&'static str),
    /// A journal or another file of an earlier run.
    File(PathBuf),
    /// A record.
    Row {
        /// Its patient file.
        file: String,
        /// Its row there.
        number: u64,
        /// It has no mark, and the codes or the id of a sandbox.
        unmarked: bool,
    },
}

impl Evidence {
    /// That of a record.
    pub fn of(record: &Record) -> Self {
        Self::Row {
            file: record.row.file.clone(),
            number: record.row.number,
            unmarked: !record.rehearsal,
        }
    }

    fn sentence(&self, origin: Origin) -> String {
        match (self, origin) {
            (Self::Address(name), Origin::Rehearsal) => {
                format!("{name} is an address on this machine, which is for rehearsals")
            }
            (Self::Address(name), Origin::Real) => {
                format!("{name} is not an address on this machine")
            }
            (Self::Answer(server), Origin::Rehearsal) => {
                format!("a sandbox answered in place of {server}")
            }
            (Self::Answer(server), Origin::Real) => {
                format!("{server} answered, and is not a sandbox")
            }
            (Self::File(path), Origin::Rehearsal) => {
                format!("{} is from a rehearsal", path.display())
            }
            (Self::File(path), Origin::Real) => {
                format!("{} is from a real campaign", path.display())
            }
            (Self::Row { file, number, .. }, Origin::Real) => {
                format!("row {number} of {file} is from a real campaign")
            }
            (
                Self::Row {
                    file,
                    number,
                    unmarked: false,
                },
                Origin::Rehearsal,
            ) => format!("row {number} of {file} is from a rehearsal"),
            (
                Self::Row {
                    file,
                    number,
                    unmarked: true,
                },
                Origin::Rehearsal,
            ) => format!(
                "row {number} of {file} is from a rehearsal (it is not marked as one, but its codes or PKB id are from a sandbox)"
            ),
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Address(_) | Self::Answer(_) => {
                "run pkb config to see which addresses are set and where. Use either the addresses of the rehearsal or \
                 those of the campaign"
            }
            Self::File(_) => {
                "give the rehearsal and the campaign their own journals and folders, and begin with the patient file"
            }
            Self::Row { .. } => {
                "give this command the records of the rehearsal or of the campaign, not both"
            }
        }
    }
}

/// What has told first whether a run is a rehearsal. Shared by all that work for the run.
#[derive(Debug, Default)]
pub struct Origins {
    first: OnceLock<(Origin, Evidence)>,
    /// Whether the operator has been told that it is a rehearsal.
    is_said: AtomicBool,
}

impl Origins {
    /// What is known so far.
    pub fn known(&self) -> Option<Origin> {
        self.first.get().map(|(origin, _)| *origin)
    }

    /// Whether it is known to be a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.known() == Some(Origin::Rehearsal)
    }

    /// Hears what `evidence` tells.
    ///
    /// # Errors
    /// Something else has told the opposite: the message names both.
    pub fn note(&self, origin: Origin, evidence: impl FnOnce() -> Evidence) -> Result<(), Fatal> {
        if self.known() == Some(origin) {
            return Ok(());
        }
        let told = (origin, evidence());
        let first = self.first.get_or_init(|| told.clone());
        match first.0 == origin {
            true => Ok(()),
            false => Err(mixed(first, &told)),
        }
    }

    /// Hears what a record tells, if anything.
    ///
    /// # Errors
    /// As [`Self::note`].
    pub fn note_record(&self, record: &Record) -> Result<(), Fatal> {
        Origin::of(record).map_or(Ok(()), |origin| self.note(origin, || Evidence::of(record)))
    }

    /// Hears what a file of an earlier run tells.
    ///
    /// # Errors
    /// As [`Self::note`].
    pub fn note_file(&self, origin: Origin, path: &Path) -> Result<(), Fatal> {
        self.note(origin, || Evidence::File(path.to_owned()))
    }

    /// [`Self::words`], the first time that they are asked for so: a run begins with them.
    pub fn first_words(&self) -> Option<String> {
        let words = self.words()?;
        (!self.is_said.swap(true, Ordering::Relaxed)).then_some(words)
    }

    /// What the operator is told at the beginning and at the end of a rehearsal; `None` if it is none.
    pub fn words(&self) -> Option<String> {
        let (_, evidence) = self.first.get().filter(|_| self.is_rehearsal())?;
        let why = evidence.sentence(Origin::Rehearsal);
        Some(format!(
            "REHEARSAL: {why}. Nothing of this run may be sent to a patient"
        ))
    }
}

/// Why a run with both is stopped.
fn mixed(first: &(Origin, Evidence), second: &(Origin, Evidence)) -> Fatal {
    let advice = match first.1 {
        Evidence::Row { .. } => second.1.advice(),
        _ => first.1.advice(),
    };
    Fatal::Usage(format!(
        "{}, but {}. A rehearsal and a real campaign must not be mixed. What to do: {advice}",
        first.1.sentence(first.0),
        second.1.sentence(second.0)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &str) -> Record {
        let line = format!(
            r#"{{"schema":"pkb-record/1","row":{{"file":"a.csv","number":7,"of":9}}{fields}}}"#
        );
        serde_json::from_str(&line).unwrap()
    }

    fn codes(code: &str, token: &str) -> String {
        format!(
            r#","invitation":{{"code":"{code}","token":"{token}","expires_at":"2026-12-22T09:00:00Z"}}"#
        )
    }

    #[test]
    fn a_record_tells_where_its_answers_and_codes_are_from_with_and_without_its_mark() {
        let pkb =
            |id: &str| format!(r#","pkb":{{"id":"{id}","checked_at":"2026-11-22T09:00:00Z"}}"#);
        let (rehearsal, real) = (Some(Origin::Rehearsal), Some(Origin::Real));
        for (fields, origin) in [
            (String::new(), None),
            (
                r#","outcome":{"stage":"upload","kind":"rejected","reason":"bad_name"}"#.into(),
                None,
            ),
            (r#","rehearsal":true"#.into(), rehearsal),
            (pkb("3594342"), real),
            (pkb("999000000000001"), rehearsal),
            (pkb("99900000000001"), real),
            (pkb("998000000000001"), real),
            (codes("NKcYiAciBU", "KVPnrFYPay"), real),
            (
                format!(r#","rehearsal":true{}"#, codes("NKcYiAciBU", "KVPnrFYPay")),
                rehearsal,
            ),
            (codes("TRYabcdefg", "TRY0123456"), rehearsal),
            (codes("TRYabcdefg", "KVPnrFYPay"), real),
            (codes("tryabcdefg", "tryabcdefh"), real),
            (
                format!("{}{}", pkb("3594342"), codes("TRYabcdefg", "TRY0123456")),
                rehearsal,
            ),
        ] {
            let record = record(&fields);
            assert_eq!(Origin::of(&record), origin, "{fields}");
        }
    }

    #[test]
    fn the_first_of_each_is_named_when_a_rehearsal_and_a_campaign_are_mixed() {
        let origins = Origins::default();
        origins.note_record(&record("")).unwrap();
        assert_eq!(origins.known(), None);
        origins
            .note_record(&record(&codes("TRYabcdefg", "TRY0123456")))
            .unwrap();
        origins
            .note(Origin::Rehearsal, || Evidence::Address("PKB_BASE_URL"))
            .unwrap();
        let stopped = origins
            .note_file(Origin::Real, Path::new("tokens.journal"))
            .unwrap_err();
        assert_eq!(
            stopped.to_string(),
            "row 7 of a.csv is from a rehearsal (it is not marked as one, but its codes or PKB id are from a sandbox), but tokens.journal is from a real \
             campaign. A rehearsal and a real campaign must not be mixed. What to do: give the rehearsal and the campaign \
                 their own journals and folders, and \
             begin with the patient file"
        );
        assert!(matches!(stopped, Fatal::Usage(_)));
        assert!(origins.is_rehearsal(), "what was heard first holds");
    }
}
