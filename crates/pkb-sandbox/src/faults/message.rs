//! What a success of the messaging endpoint can look like: PKB does not publish it.

use serde::Deserialize;

/// How a message is answered. All but the last two are successes, and the message is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageFault {
    /// 200 with the patient.
    Patient,
    /// 200 with an OperationOutcome that says nothing.
    Outcome,
    /// 200 with an OperationOutcome of two warnings.
    Warnings,
    /// 201 without a body.
    Created,
    /// 202 without a body.
    Accepted,
    /// 204.
    NoContent,
    /// 200 with a patient whom the message is not about.
    AnotherPatient,
    /// 200 with an OperationOutcome of an error. The message is not carried out.
    Error,
}
