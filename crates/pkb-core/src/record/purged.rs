//! Codes that have ended, and are no longer kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Record, Unknown};
use crate::{Reason, Verdict};

/// What is left of codes that were taken out of a record: it stands in the place of the invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Purged {
    /// When the codes ended.
    pub expires_at: Timestamp,
    /// When they were taken out.
    pub purged_at: Timestamp,
    /// Kept for whoever wrote it.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// How the codes of a record stand when those that have ended are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesStand {
    /// It has none.
    None,
    /// They are good until then, and stay.
    Good(Timestamp),
    /// They had ended, and are out now.
    TakenOut,
    /// They were taken out before.
    OutBefore,
}

impl Record {
    /// Takes the codes out if they have ended by `now`.
    pub fn purge(&mut self, now: Timestamp) -> CodesStand {
        match self.invitation.take_if(|codes| codes.expires_at <= now) {
            Some(codes) => {
                self.purged = Some(Purged {
                    expires_at: codes.expires_at,
                    purged_at: now,
                    unknown: Unknown::new(),
                });
                CodesStand::TakenOut
            }
            None => match (&self.invitation, &self.purged) {
                (Some(codes), _) => CodesStand::Good(codes.expires_at),
                (None, Some(_)) => CodesStand::OutBefore,
                (None, None) => CodesStand::None,
            },
        }
    }

    /// When the codes of the record end or have ended.
    pub fn codes_end(&self) -> Option<Timestamp> {
        let purged = self.purged.as_ref().map(|purged| purged.expires_at);
        self.invitation
            .as_ref()
            .map(|codes| codes.expires_at)
            .or(purged)
    }

    /// Why a stage that needs the codes cannot have them, if they were taken out.
    pub fn without_codes(&self) -> Option<Verdict> {
        self.purged.as_ref().map(|_| {
            let words = "the codes have ended, and were taken out by pkb purge";
            Verdict::with_detail(Reason::CodesExpiring, words)
        })
    }
}
