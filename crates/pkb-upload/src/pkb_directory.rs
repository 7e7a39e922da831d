//! Where PKB is asked about patients of the file, in parts of any size.

use std::sync::Arc;

use pkb_cli::{args::Api, progress::Asking};
use pkb_client::{
    Client,
    directory::{Answers, Directory as _, FhirDirectory, RestDirectory},
    known_patient::KnownPatient,
    rest::PathTemplate,
};
use pkb_core::{Fatal, StageName};
use pkb_values::NationalId;

use crate::args::CompareArgs;

/// Patients to ask REST for before anything else is done: one by one that takes half a minute.
const REST_PART: usize = 100;

/// Where PKB is asked.
pub enum PkbDirectory {
    /// One patient a call.
    Rest(RestDirectory),
    /// FHIR for all, and REST for what FHIR does not tell.
    Fhir(FhirDirectory, RestDirectory),
}

impl PkbDirectory {
    /// With the settings of `args`. Nothing is asked yet.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn new(args: &CompareArgs, pkb: &Arc<Client>) -> Result<Self, Fatal> {
        let path = PathTemplate::of_user(&args.user_path)?;
        let rest = RestDirectory::new(Arc::clone(pkb), path);
        Ok(match args.api {
            Api::Fhir => Self::Fhir(FhirDirectory::new(Arc::clone(pkb))?, rest),
            Api::Rest => Self::Rest(rest),
        })
    }

    /// Most patients to ask for together.
    pub fn part_rows(&self) -> usize {
        match self {
            Self::Rest(_) => REST_PART,
            Self::Fhir(..) => FhirDirectory::MAX_BATCH,
        }
    }

    /// How PKB is asked, for the operator.
    pub fn asking(&self) -> Asking {
        let (patients_a_call, with_fhir) = match self {
            Self::Rest(_) => (1, Some(FhirDirectory::MAX_BATCH)),
            Self::Fhir(..) => (FhirDirectory::MAX_BATCH, None),
        };
        Asking {
            program: StageName::Upload.program(),
            patients_a_call,
            with_fhir,
        }
    }

    /// What PKB knows of each patient, of at most [`Self::part_rows`].
    ///
    /// # Errors
    /// What makes all further questions pointless.
    pub async fn look_up(&self, ids: &[NationalId]) -> Answers<KnownPatient> {
        match self {
            Self::Rest(directory) => directory.look_up(ids).await,
            Self::Fhir(directory, _) => directory.look_up(ids).await,
        }
    }
}
