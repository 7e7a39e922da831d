//! Why a command failed.

use std::io::{self, ErrorKind};

use pkb_stand_ins::mail_company::MailError;
use pkb_stand_ins::mesh::MeshError;
use pkb_synthetic::WorldError;

use crate::faults::rules::FaultsError;
use crate::sandbox::StartError;

pub(super) const USAGE: u8 = 2;
const WRONG_DATA: u8 = 65;
pub(super) const NO_INPUT: u8 = 66;
const INPUT_OUTPUT: u8 = 74;

/// Why a command failed, with the exit code that says so. Without a message where there is nobody left to read it.
pub(super) struct Failure {
    pub(super) code: u8,
    pub(super) error: Option<anyhow::Error>,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self {
            code: INPUT_OUTPUT,
            error: Some(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let nobody_reads = error.kind() == ErrorKind::BrokenPipe;
        let error = anyhow::Error::new(error).context("cannot write");
        Self {
            code: INPUT_OUTPUT,
            error: (!nobody_reads).then_some(error),
        }
    }
}

impl From<csv::Error> for Failure {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => error.into(),
            _ => anyhow::anyhow!("cannot write a row").into(),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let code = match error {
            StartError::NotLoopback(_) => USAGE,
            StartError::Bind { .. } | StartError::Timer(_) => INPUT_OUTPUT,
        };
        Self {
            code,
            error: Some(error.into()),
        }
    }
}

impl From<WorldError> for Failure {
    fn from(error: WorldError) -> Self {
        let code = match error {
            WorldError::Unreadable { .. } => NO_INPUT,
            WorldError::Invalid { .. }
            | WorldError::Repeated { .. }
            | WorldError::PatientFile { .. } => USAGE,
        };
        Self {
            code,
            error: Some(error.into()),
        }
    }
}

impl From<FaultsError> for Failure {
    fn from(error: FaultsError) -> Self {
        let code = match error {
            FaultsError::Unreadable { .. } => NO_INPUT,
            FaultsError::Invalid { .. } => USAGE,
        };
        Self {
            code,
            error: Some(error.into()),
        }
    }
}

impl From<MeshError> for Failure {
    fn from(error: MeshError) -> Self {
        let code = match error {
            MeshError::Patients(error) => return error.into(),
            MeshError::Unreadable { .. } => NO_INPUT,
            MeshError::TooMany { .. } => USAGE,
            MeshError::Unwritable { .. } => INPUT_OUTPUT,
        };
        Self {
            code,
            error: Some(error.into()),
        }
    }
}

impl From<MailError> for Failure {
    fn from(error: MailError) -> Self {
        let code = match error {
            MailError::Unreadable { .. } => NO_INPUT,
            MailError::Delivery(_) => WRONG_DATA,
            MailError::TooMany { .. } | MailError::NoReturns => USAGE,
            MailError::Unwritable(_) => INPUT_OUTPUT,
        };
        Self {
            code,
            error: Some(error.into()),
        }
    }
}
