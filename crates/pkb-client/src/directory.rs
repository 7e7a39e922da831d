//! What PKB knows of patients, and their codes, whichever of its interfaces is asked.
//!
//! REST takes one patient a request and knows the name; FHIR takes thousands, knows who has
//! registered, and needs no PKB id. A stage sees neither.

use std::{future::Future, sync::Arc};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::{
    CallError, Client,
    fhir::{MAX_STATUS_QUERY, PatientStatus, Refusal, halving},
    rest::PathTemplate,
};
use pkb_core::{Fatal, Reason, Verdict};
use pkb_values::{DateOfBirth, NationalId, PkbId};

/// What PKB knows of a patient, as far as this program needs it.
pub struct Known {
    /// PKB's id; FHIR does not tell it.
    pub id: Option<PkbId>,
    /// Whether PKB knows of a death.
    pub deceased: bool,
    /// Whether the patient has registered; REST does not tell it.
    pub registered: Option<bool>,
    /// PKB's date of birth.
    pub date_of_birth: Option<DateOfBirth>,
    /// PKB's first name; FHIR does not tell it.
    pub first_name: Option<Box<str>>,
    /// PKB's last name; FHIR does not tell it.
    pub last_name: Option<Box<str>>,
    /// PKB's address; FHIR does not tell it.
    pub address: Option<Box<KnownAddress>>,
}

/// An address at PKB: nothing but texts, as somebody typed them there.
#[derive(Default, PartialEq, Eq)]
pub struct KnownAddress {
    /// First line, second line, town and county; empty where PKB has none.
    pub lines: [Box<str>; 4],
    /// Postcode; empty where PKB has none.
    pub postcode: Box<str>,
}

/// Shows nothing of the patient.
impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known(…)")
    }
}

/// One answer for each patient, in the order in which they were asked for.
pub type Answers<T> = Result<Vec<Result<T, Verdict>>, Fatal>;

/// Where to look patients up.
pub trait Directory: Send + Sync + 'static {
    /// What PKB knows of each patient.
    fn look_up(&self, ids: &[NationalId]) -> impl Future<Output = Answers<Known>> + Send;

    /// Whether the answers say who has registered.
    fn tells_registered(&self) -> bool;

    /// Whether the answers have PKB's id, name and address.
    fn tells_id(&self) -> bool;
}

/// PKB's REST interface.
pub struct RestDirectory {
    pkb: Arc<Client>,
    path: PathTemplate,
    /// Calls at a time, of all batches together.
    in_flight: Semaphore,
    registered_check: bool,
}

impl RestDirectory {
    /// Most patients to ask for together, where FHIR is asked who has registered.
    pub const MAX_BATCH: usize = 500;

    /// Asks `byNationalId` at `path`, at most `in_flight` requests at a time.
    pub fn new(pkb: impl Into<Arc<Client>>, path: PathTemplate, in_flight: usize) -> Self {
        Self {
            pkb: pkb.into(),
            path,
            in_flight: Semaphore::new(in_flight.max(1)),
            registered_check: false,
        }
    }

    /// Whether FHIR is set up, so that it can be asked who has registered.
    pub fn can_check_registered(&self) -> bool {
        self.pkb.has_fhir()
    }

    /// Asks FHIR, too, who has registered.
    pub fn with_registered_check(mut self) -> Self {
        self.registered_check = true;
        self
    }
}

impl Directory for RestDirectory {
    async fn look_up(&self, ids: &[NationalId]) -> Answers<Known> {
        let statuses = if self.registered_check {
            let _permit = self.in_flight.acquire().await;
            statuses(&self.pkb, ids).await?
        } else {
            Vec::new()
        };
        let mut statuses = statuses.into_iter();
        // All at once: a slow one keeps no other from starting, and the permits are shared with other batches.
        let found = join_all(ids.iter().map(|id| async move {
            let _permit = self.in_flight.acquire().await;
            self.pkb.find_patient(&self.path, id).await
        }));
        let mut answers = Vec::with_capacity(ids.len());
        for (place, found) in found.await.into_iter().enumerate() {
            let status = statuses.next().map(|status| status.and_then(known));
            answers.push(match (found, status) {
                (Ok(found), None) => Ok(found),
                // What either says against an invitation counts.
                (Ok(found), Some(Ok(status))) => Ok(Known {
                    registered: status.registered,
                    deceased: found.deceased || status.deceased,
                    ..found
                }),
                // REST has just found the patient: an answer about somebody else is none.
                (Ok(_), Some(Err(verdict))) if verdict.reason == Reason::NotFound => {
                    Err(Reason::OmittedByPkb.into())
                }
                (Ok(_), Some(Err(verdict))) => Err(verdict),
                (Err(error), _) => Err(error
                    .into_verdict()
                    .map_err(|fatal| fatal.at_place(|_| Some(place)))?),
            });
        }
        Ok(answers)
    }

    fn tells_registered(&self) -> bool {
        self.registered_check
    }

    fn tells_id(&self) -> bool {
        true
    }
}

/// PKB's FHIR interface.
pub struct FhirDirectory {
    pkb: Arc<Client>,
}

impl FhirDirectory {
    /// Most patients that `$status-query` takes.
    pub const MAX_BATCH: usize = MAX_STATUS_QUERY;

    /// Asks `$status-query`.
    ///
    /// # Errors
    /// FHIR is not set up.
    pub fn new(pkb: impl Into<Arc<Client>>) -> Result<Self, Fatal> {
        let pkb = pkb.into();
        need_fhir(&pkb, "--api fhir")?;
        Ok(Self { pkb })
    }
}

/// Who has registered, which PKB tells by FHIR alone.
pub struct Registrations {
    pkb: Arc<Client>,
}

impl Registrations {
    /// Most patients to ask for together.
    pub const MAX_BATCH: usize = MAX_STATUS_QUERY;

    /// Asks `$status-query`, for what the operator calls `purpose`.
    ///
    /// # Errors
    /// FHIR is not set up.
    pub fn new(pkb: impl Into<Arc<Client>>, purpose: &str) -> Result<Self, Fatal> {
        let pkb = pkb.into();
        need_fhir(&pkb, purpose)?;
        Ok(Self { pkb })
    }

    /// Where each patient stands, also of those whose record we may not see.
    ///
    /// # Errors
    /// What makes all further questions pointless.
    pub async fn look_up(&self, ids: &[NationalId]) -> Answers<PatientStatus> {
        statuses(&self.pkb, ids).await
    }
}

impl Directory for FhirDirectory {
    async fn look_up(&self, ids: &[NationalId]) -> Answers<Known> {
        let statuses = statuses(&self.pkb, ids).await?;
        Ok(statuses
            .into_iter()
            .map(|status| status.and_then(known))
            .collect())
    }

    fn tells_registered(&self) -> bool {
        true
    }

    fn tells_id(&self) -> bool {
        false
    }
}

/// Checks that FHIR is set up, for what the operator calls `purpose`.
pub(super) fn need_fhir(pkb: &Client, purpose: &str) -> Result<(), Fatal> {
    if pkb.has_fhir() {
        return Ok(());
    }
    Err(Fatal::Usage(format!(
        "{purpose} needs PKB_FHIR_URL and PKB_ORG_ID (for a rehearsal: eval \"$(pkb-sandbox env)\")"
    )))
}

/// Where each patient stands by `$status-query`.
pub(super) async fn statuses(pkb: &Client, ids: &[NationalId]) -> Answers<PatientStatus> {
    settle(ids.len(), halving(ids, |part| pkb.status_query(part)).await)
}

/// Verdicts for what became of a batch of `count` patients: one for each whom PKB refuses, or one for all
/// if the batch failed.
pub(super) fn settle<T>(
    count: usize,
    answered: Result<Vec<Result<T, Refusal>>, CallError>,
) -> Answers<T> {
    match answered {
        Ok(answers) => answers
            .into_iter()
            .map(|answer| match answer {
                Ok(answer) => Ok(Ok(answer)),
                Err(refusal) => CallError::from(refusal).into_verdict().map(Err),
            })
            .collect(),
        Err(error) => {
            let verdict = error.into_verdict()?;
            Ok((0..count).map(|_| Err(verdict.clone())).collect())
        }
    }
}

fn known(status: PatientStatus) -> Result<Known, Verdict> {
    match status {
        PatientStatus::Found {
            deceased,
            registered,
            date_of_birth,
        } => Ok(Known {
            id: None,
            deceased,
            registered: Some(registered),
            date_of_birth,
            first_name: None,
            last_name: None,
            address: None,
        }),
        PatientStatus::NotFound => Err(Reason::NotFound.into()),
        PatientStatus::NoAccess { .. } => Err(Reason::NoAccess.into()),
        PatientStatus::Missing => Err(Reason::OmittedByPkb.into()),
        PatientStatus::Contradictory => Err(Verdict::with_detail(
            Reason::OmittedByPkb,
            "PKB gave two different answers for the patient",
        )),
        PatientStatus::Unreadable(what) => Err(Verdict::with_detail(Reason::NotUnderstood, what)),
    }
}
