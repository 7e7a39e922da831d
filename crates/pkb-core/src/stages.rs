//! The table of stages: what each writes into the record, and all else in which they differ. Nothing else in this crate
//! names a stage.

use serde::{Deserialize, Serialize};

use crate::{Kind, Outcome, Reason, Record, owners::Kinds, record::keep_dispatches};

/// A part of a record that is absent until a stage has spoken.
trait Section: Default {
    fn is_there(&self) -> bool;
}

impl<T> Section for Option<T> {
    fn is_there(&self) -> bool {
        self.is_some()
    }
}

impl<T> Section for Vec<T> {
    fn is_there(&self) -> bool {
        !self.is_empty()
    }
}

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident {
        name: $wire:literal,
        program: $program:literal,
        done: $done:literal,
        without_journal: $without_journal:literal,
        writes: [$($section:ident),*],
        takes_over_also: [$($also:ident),*],
        needs_own: $needs:ident,
        brings_own: $brings:ident,
        fixes: [$($fixed:ident),*],
        traits: [$($trait:ident),*],
    })+) => {
        /// The stages in the order a record goes through them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum StageName {
            $($(#[$doc])* #[serde(rename = $wire)] $name,)+
        }

        impl StageName {
            /// All stages, in their order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name on the wire: `resolve`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire,)+ }
            }

            /// The program that runs the stage: `pkb-resolve`.
            #[must_use]
            pub fn program(self) -> &'static str {
                match self { $(Self::$name => $program,)+ }
            }

            /// What a summary calls its work.
            #[must_use]
            pub fn done(self) -> &'static str {
                match self { $(Self::$name => $done,)+ }
            }

            /// What the same command does again without a journal.
            #[must_use]
            pub fn without_journal(self) -> &'static str {
                match self { $(Self::$name => $without_journal,)+ }
            }

            /// What of a record must be no other patient's before the work is done on it (see [`crate::owners`]).
            #[must_use]
            pub fn needs_own(self) -> Kinds {
                match self { $(Self::$name => Kinds::$needs,)+ }
            }

            /// What of a record must be no other patient's once the work is done, since the work brings it. PKB may have
            /// corrected it by the next run, so PKB is asked again, whatever the journal says.
            #[must_use]
            pub fn brings_own(self) -> Kinds {
                match self { $(Self::$name => Kinds::$brings,)+ }
            }

            /// The earlier stage that corrects a record with this outcome when it is run on it.
            #[must_use]
            pub fn that_fixes(reason: Reason) -> Option<Self> {
                match reason {
                    $($(Reason::$fixed => Some(Self::$name),)*)+
                    _ => None,
                }
            }

            fn has(self, wanted: Trait) -> bool {
                let traits: &[Trait] = match self { $(Self::$name => &[$(Trait::$trait),*],)+ };
                traits.contains(&wanted)
            }

            fn has_section(self, record: &Record) -> bool {
                match self { $(Self::$name => false $(|| record.$section.is_there())*,)+ }
            }

            fn clear_sections(self, record: &mut Record) {
                match self { $(Self::$name => { $(record.$section = Default::default();)* })+ }
            }

            fn take_over_sections(self, record: &mut Record, settled: Record) {
                match self {
                    $(Self::$name => { $(record.$section = settled.$section;)* $(record.$also = settled.$also;)* })+
                }
            }
        }
    };
}

/// What is true of some stages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trait {
    /// Its calls must not be repeated: they get time to end, and what they did stays in the record.
    ActsOnce,
    /// The records of a batch go into the journal after those of all batches before it, so that what a later run counts
    /// there (files, numbers) has no gap.
    SettlesInOrder,
    /// It asks about patients who were invited before, in each run again, and only a death is for good. It has done its
    /// work when PKB has said anything of anybody.
    FollowsUp,
    /// It may be the last of a campaign, and so counts what all others have stopped.
    AccountsForAll,
    /// It is the first: it has the patient file.
    ReadsPatientFile,
    /// It works on the letters of staff, too: see [`Record::seed`].
    TakesSeeds,
    /// It hands the deliveries of a channel to a service, and writes what that says into them ([`crate::record::Channel::sent_by`]).
    Sends,
}

stages! {
    /// pkb trace apply, and the same within pkb-upload: what the NHS's own register says of a patient.
    Trace {
        name: "trace",
        program: "pkb trace apply",
        done: "verified by the trace",
        without_journal: "starts from the beginning",
        writes: [trace],
        takes_over_also: [],
        needs_own: NONE,
        brings_own: NONE,
        fixes: [TraceTooOld],
        traits: [],
    }
    /// pkb-upload.
    Upload {
        name: "upload",
        program: "pkb-upload",
        done: "checked and uploaded or prepared",
        without_journal: "starts from the beginning, and sends PKB all rows again",
        writes: [upload],
        takes_over_also: [],
        needs_own: NONE,
        brings_own: NONE,
        fixes: [],
        traits: [ActsOnce, ReadsPatientFile],
    }
    /// pkb-resolve.
    Resolve {
        name: "resolve",
        program: "pkb-resolve",
        done: "found at PKB and may be invited",
        without_journal: "starts from the beginning",
        writes: [pkb],
        takes_over_also: [],
        needs_own: NONE,
        brings_own: ID,
        fixes: [AnswerTooOld, NoPkbId, SharedRecord],
        traits: [],
    }
    /// pkb-tokens.
    Tokens {
        name: "tokens",
        program: "pkb-tokens",
        done: "given an invitation code and an access code",
        without_journal: "starts from the beginning, and fetches new codes",
        writes: [invitation, purged],
        takes_over_also: [],
        needs_own: ID,
        brings_own: CODES,
        fixes: [CodesExpiring, SharedCodes],
        traits: [],
    }
    /// pkb-letters.
    Letters {
        name: "letters",
        program: "pkb-letters",
        done: "given a letter or a text message",
        without_journal: "starts from the beginning, and needs a new folder: --out DIR",
        writes: [deliveries],
        // The codes on a letter are those that count, not new ones from another run of pkb-tokens.
        takes_over_also: [invitation, purged],
        needs_own: ALL,
        brings_own: NONE,
        fixes: [],
        traits: [SettlesInOrder, AccountsForAll, TakesSeeds],
    }
    /// pkb-notify sms: text messages through GOV.UK Notify.
    Sms {
        name: "sms",
        program: "pkb-notify sms",
        done: "texted through GOV.UK Notify",
        without_journal: "starts from the beginning",
        writes: [],
        takes_over_also: [],
        needs_own: ALL,
        brings_own: NONE,
        fixes: [],
        traits: [ActsOnce, AccountsForAll, Sends],
    }
    /// pkb-notify post: letters through GOV.UK Notify.
    Post {
        name: "post",
        program: "pkb-notify post",
        done: "given to GOV.UK Notify to post",
        without_journal: "starts from the beginning",
        writes: [],
        takes_over_also: [],
        needs_own: ALL,
        brings_own: NONE,
        fixes: [],
        traits: [ActsOnce, AccountsForAll, Sends, TakesSeeds],
    }
    /// pkb-notify rows: rows of data through GOV.UK Notify, which makes a letter of each by a template.
    Rows {
        name: "rows",
        program: "pkb-notify rows",
        done: "given to GOV.UK Notify as a row, to post",
        without_journal: "starts from the beginning",
        writes: [],
        takes_over_also: [],
        needs_own: ALL,
        brings_own: NONE,
        fixes: [],
        traits: [ActsOnce, AccountsForAll, Sends, TakesSeeds],
    }
    /// pkb-notify nhs: messages through NHS Notify. It makes the entry in the deliveries itself.
    Nhs {
        name: "nhs",
        program: "pkb-notify nhs",
        done: "given to NHS Notify",
        without_journal: "starts from the beginning",
        writes: [],
        takes_over_also: [],
        needs_own: ALL,
        brings_own: NONE,
        fixes: [],
        traits: [ActsOnce, AccountsForAll, Sends],
    }
    /// pkb returns: what a mail company reports of the letters. It writes into the deliveries.
    Returns {
        name: "returns",
        program: "pkb returns",
        done: "read from the reports of the mail company",
        without_journal: "starts from the beginning",
        writes: [],
        takes_over_also: [],
        needs_own: NONE,
        brings_own: NONE,
        fixes: [],
        traits: [AccountsForAll, TakesSeeds],
    }
    /// pkb-resolve --recheck: who has registered since, and who gets a reminder.
    Recheck {
        name: "recheck",
        program: "pkb-resolve --recheck",
        done: "invited, and looked up again",
        without_journal: "starts from the beginning",
        writes: [uptake],
        takes_over_also: [pkb],
        needs_own: NONE,
        brings_own: NONE,
        fixes: [],
        traits: [FollowsUp, AccountsForAll],
    }
}

impl StageName {
    /// Whether its calls must not be repeated.
    #[must_use]
    pub fn acts_once(self) -> bool {
        self.has(Trait::ActsOnce)
    }

    /// Whether the records of a batch go into the journal after those of all batches before it.
    #[must_use]
    pub fn settles_in_order(self) -> bool {
        self.has(Trait::SettlesInOrder)
    }

    /// Whether it asks about patients who were invited before.
    #[must_use]
    pub fn follows_up(self) -> bool {
        self.has(Trait::FollowsUp)
    }

    /// Whether it works on the letters of staff.
    #[must_use]
    pub fn takes_seeds(self) -> bool {
        self.has(Trait::TakesSeeds)
    }

    /// Whether it counts what all other stages have stopped.
    #[must_use]
    pub fn accounts_for_all(self) -> bool {
        self.has(Trait::AccountsForAll)
    }

    /// Whether it reads the patient file.
    #[must_use]
    pub fn reads_patient_file(self) -> bool {
        self.has(Trait::ReadsPatientFile)
    }

    /// Whether a record that it has stopped with `outcome` is looked at again by its next run.
    #[must_use]
    pub fn tries_again(self, outcome: &Outcome) -> bool {
        outcome.stage == self
            && match self.follows_up() {
                true => outcome.reason != Reason::Deceased,
                false => outcome.kind == Kind::Failed,
            }
    }

    /// Whether it has written into a record.
    pub(crate) fn has_written(self, record: &Record) -> bool {
        match self.has(Trait::Sends) {
            true => !record.dispatches(self).is_empty(),
            false => self.has_section(record),
        }
    }

    /// Removes what it wrote.
    pub(crate) fn clear(self, record: &mut Record) {
        match self.has(Trait::Sends) {
            true => record.clear_dispatches(self),
            false => self.clear_sections(record),
        }
    }

    /// Takes over what it wrote into `settled`, an earlier form of the record. What services were given stays with the
    /// deliveries that it was given for.
    pub(crate) fn take_over(self, record: &mut Record, settled: Record) {
        if self.has(Trait::Sends) {
            return record.take_over_dispatches(self, settled.deliveries);
        }
        let deliveries = record.deliveries.clone();
        self.take_over_sections(record, settled);
        keep_dispatches(&mut record.deliveries, deliveries);
    }

    /// The stage that wrote into a record last.
    pub(crate) fn last_in(record: &Record) -> Option<Self> {
        let stopped = record.outcome.as_ref().map(|outcome| outcome.stage);
        let wrote = || {
            Self::ALL
                .iter()
                .rev()
                .find(|stage| stage.has_written(record))
        };
        stopped.or_else(|| wrote().copied())
    }
}
