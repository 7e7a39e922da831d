//! What PKB knows of patients, and their codes, whichever of its interfaces is asked.
//!
//! REST takes one patient a request and knows the name; FHIR takes thousands, knows who has
//! registered, and needs no PKB id. A stage sees neither.

use std::{future::Future, sync::Arc};

use futures_util::future::join_all;

use crate::{
    client::Client,
    error::CallError,
    fhir::{MAX_STATUS_QUERY, NameAtPkb, Operation, PatientStatus, RequestRefusal, halving},
    known_patient::KnownPatient,
    rest::PathTemplate,
};
use pkb_core::{Fatal, Reason, Verdict};
use pkb_values::NationalId;

/// One answer for each patient, in the order in which they were asked for.
pub type Answers<T> = Result<Vec<Result<T, Verdict>>, Fatal>;

/// Where to look patients up.
pub trait Directory: Send + Sync + 'static {
    /// What PKB knows of each patient.
    fn look_up(&self, ids: &[NationalId]) -> impl Future<Output = Answers<KnownPatient>> + Send;

    /// Whether the answers say who has registered.
    fn tells_registered(&self) -> bool;

    /// Whether the answers have PKB's id, name and address.
    fn tells_id(&self) -> bool;
}

/// PKB's REST interface.
pub struct RestDirectory {
    pkb: Arc<Client>,
    path: PathTemplate,
    registered_check: bool,
}

impl RestDirectory {
    /// Most patients to ask for together, where FHIR is asked who has registered. One by one that takes half a minute: a run
    /// that is stopped loses no more.
    pub const MAX_BATCH: usize = 100;

    /// Asks `byNationalId` at `path`.
    pub fn new(pkb: impl Into<Arc<Client>>, path: PathTemplate) -> Self {
        Self {
            pkb: pkb.into(),
            path,
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
    async fn look_up(&self, ids: &[NationalId]) -> Answers<KnownPatient> {
        let statuses = if self.registered_check {
            statuses(&self.pkb, ids).await?
        } else {
            Vec::new()
        };
        let mut statuses = statuses.into_iter();
        // Each waits for its turn to call: a slow one keeps no other from starting where PKB has agreed to several at a time.
        let find = |id| self.pkb.find_patient(&self.path, id);
        let found = join_all(ids.iter().map(find));
        let mut answers = Vec::with_capacity(ids.len());
        for (place, found) in found.await.into_iter().enumerate() {
            let status = statuses.next().map(|status| status.and_then(known));
            answers.push(match (found, status) {
                (Ok(found), None) => Ok(found),
                // What either says against an invitation counts.
                (Ok(found), Some(Ok(status))) => Ok(KnownPatient {
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
    check_names: bool,
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
        Ok(Self {
            pkb,
            check_names: false,
        })
    }

    /// Also searches for each patient, one call each, since `$status-query` does not tell names.
    pub fn with_names(mut self) -> Self {
        self.check_names = true;
        self
    }

    /// What PKB knows of a patient, with the name.
    async fn named(
        &self,
        known: Result<KnownPatient, Verdict>,
        id: &NationalId,
    ) -> Result<Result<KnownPatient, Verdict>, Fatal> {
        let known = match known {
            Ok(known) => known,
            Err(verdict) => return Ok(Err(verdict)),
        };
        Ok(match self.pkb.search_name(id).await {
            // What either says against an invitation counts.
            Ok(Some(NameAtPkb {
                last_name,
                deceased,
            })) => Ok(KnownPatient {
                last_name,
                deceased: known.deceased || deceased,
                ..known
            }),
            // PKB has just found the patient.
            Ok(None) => Err(Verdict::with_detail(
                Reason::OmittedByPkb,
                "PKB's search did not find the patient, and its status query did",
            )),
            Err(error) => Err(error.into_verdict()?),
        })
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
    async fn look_up(&self, ids: &[NationalId]) -> Answers<KnownPatient> {
        let statuses = statuses(&self.pkb, ids).await?;
        let known = statuses.into_iter().map(|status| status.and_then(known));
        if !self.check_names {
            return Ok(known.collect());
        }
        let named = join_all(known.zip(ids).map(|(known, id)| self.named(known, id)));
        let named = named.await.into_iter().enumerate();
        named
            .map(|(place, named)| named.map_err(|fatal| fatal.at_place(|_| Some(place))))
            .collect()
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
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let limit = pkb.request_limit(Operation::StatusQuery).await;
    let answers = halving(ids, limit, |part| pkb.status_query(part)).await;
    settle(ids.len(), answers)
}

/// Verdicts for what became of a batch of `count` patients: one for each whom PKB refuses, or one for all
/// if the batch failed.
pub(super) fn settle<T>(
    count: usize,
    answered: Result<Vec<Result<T, RequestRefusal>>, CallError>,
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

fn known(status: PatientStatus) -> Result<KnownPatient, Verdict> {
    match status {
        PatientStatus::Found {
            deceased,
            registered,
            date_of_birth,
        } => Ok(KnownPatient {
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
