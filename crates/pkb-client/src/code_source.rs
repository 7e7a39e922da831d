//! Where codes come from, whichever of PKB's interfaces is asked.

use std::future::Future;

use futures_util::future::try_join_all;
use jiff::civil::Date;

use crate::{
    access_watch::AccessWatch,
    client::Client,
    directory::{Answers, need_fhir, settle, statuses},
    fhir::{Codes, MAX_INVITATION_TOKENS, Operation, PatientStatus, halving},
    rest::{PathTemplate, RecordAccess},
};
use pkb_core::{Fatal, Reason, Verdict};
use pkb_values::{NationalId, PkbId};

/// Somebody who gets codes.
#[derive(Debug, Clone)]
pub struct Invitee {
    /// The national id, by which FHIR knows the patient.
    pub national_id: NationalId,
    /// PKB's id, by which REST does.
    pub id: Option<PkbId>,
}

/// Where codes come from.
pub trait CodeSource: Send + Sync + 'static {
    /// A new pair of codes for each.
    fn make_codes(
        &self,
        invitees: &[Invitee],
    ) -> impl Future<Output = Answers<RecordAccess>> + Send;
}

/// PKB's REST interface: one patient a request.
pub struct RestCodeSource {
    pkb: Client,
    path: PathTemplate,
    access: AccessWatch,
}

impl RestCodeSource {
    /// Asks `recordAccessToken` at `path`.
    pub fn new(pkb: Client, path: PathTemplate) -> Self {
        Self {
            pkb,
            path,
            access: AccessWatch::default(),
        }
    }

    async fn codes_of(&self, invitee: &Invitee) -> Result<Result<RecordAccess, Verdict>, Fatal> {
        let Some(id) = &invitee.id else {
            return Ok(Err(Reason::NoPkbId.into()));
        };
        Ok(match self.pkb.make_codes(&self.path, id).await {
            Ok(codes) => Ok(codes),
            Err(error) => Err(error.into_verdict()?),
        })
    }
}

impl CodeSource for RestCodeSource {
    async fn make_codes(&self, invitees: &[Invitee]) -> Answers<RecordAccess> {
        let made = try_join_all(invitees.iter().map(|invitee| self.codes_of(invitee))).await?;
        self.access.note(&made)?;
        Ok(made)
    }
}

/// PKB's FHIR interface.
pub struct FhirCodeSource {
    pkb: Client,
    today: Date,
    access: AccessWatch,
}

/// Age from which PKB makes codes.
const PKB_MIN_AGE: i16 = 16;

impl FhirCodeSource {
    /// Most patients that `$generate-invitation-tokens` takes.
    pub const MAX_BATCH: usize = MAX_INVITATION_TOKENS;

    /// Asks `$generate-invitation-tokens`; ages are those on `today`.
    ///
    /// # Errors
    /// FHIR is not set up.
    pub fn new(pkb: Client, today: Date) -> Result<Self, Fatal> {
        need_fhir(&pkb, "--api fhir")?;
        Ok(Self {
            pkb,
            today,
            access: AccessWatch::default(),
        })
    }

    /// Why PKB left a patient out of its reply, without a word.
    fn why_left_out(&self, status: PatientStatus) -> Verdict {
        let reason = match status {
            PatientStatus::Found { deceased: true, .. } => Reason::Deceased,
            PatientStatus::Found {
                registered: true, ..
            } => Reason::Registered,
            PatientStatus::Found {
                date_of_birth: None,
                ..
            } => Reason::NoDateOfBirth,
            PatientStatus::Found {
                date_of_birth: Some(born),
                ..
            } if born.age_on(self.today) < PKB_MIN_AGE => Reason::UnderAge,
            PatientStatus::NotFound => Reason::NotFound,
            PatientStatus::NoAccess { .. } => Reason::NoAccess,
            PatientStatus::Unreadable(what) => {
                return Verdict::with_detail(Reason::NotUnderstood, what);
            }
            PatientStatus::Found { .. } | PatientStatus::Missing | PatientStatus::Contradictory => {
                Reason::OmittedByPkb
            }
        };
        reason.into()
    }
}

impl CodeSource for FhirCodeSource {
    async fn make_codes(&self, invitees: &[Invitee]) -> Answers<RecordAccess> {
        let ids: Vec<NationalId> = invitees.iter().map(|invitee| invitee.national_id).collect();
        let limit = self.pkb.request_limit(Operation::InvitationTokens).await;
        let made = halving(&ids, limit, |part| self.pkb.invitation_tokens(part)).await;
        let made = settle(ids.len(), made)?;
        let left_out: Vec<NationalId> = ids
            .iter()
            .zip(&made)
            .filter_map(|(id, codes)| matches!(codes, Ok(Codes::LeftOut)).then_some(*id))
            .collect();
        let statuses = statuses(&self.pkb, &left_out).await?;
        let mut why = statuses.into_iter().map(|status| match status {
            Ok(status) => self.why_left_out(status),
            Err(verdict) => verdict,
        });
        let made: Vec<Result<RecordAccess, Verdict>> = made
            .into_iter()
            .map(|codes| match codes {
                Ok(Codes::Made(codes)) => Ok(codes),
                Ok(Codes::LeftOut) => {
                    Err(why.next().unwrap_or_else(|| Reason::OmittedByPkb.into()))
                }
                Ok(Codes::Doubtful(what)) => Err(Verdict::with_detail(Reason::NotUnderstood, what)),
                Err(verdict) => Err(verdict),
            })
            .collect();
        self.access.note(&made)?;
        Ok(made)
    }
}
