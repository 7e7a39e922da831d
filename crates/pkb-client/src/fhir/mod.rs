//! PKB's FHIR (STU3) operations about many patients at once.
//!
//! * `parameters`: FHIR's Parameters resource, and whom a part of an answer is about.
//! * [`PatientStatus`] (`status`), `codes`: what an answer says of the patients that were asked for.
//! * `endpoint`, `operations`, `error`: where the interface is, the requests, and how they can fail.
//! * `definition`: what PKB publishes of the operations for anybody. `search`: one patient, for the name.
//! * [`halving`]: one patient whom PKB does not take must not cost the others their answer.
//!
//! PKB leaves patients out of an answer without a word, and nothing promises an order: each answer is sorted to the patients by
//! identifier system and number, and by nothing else.

mod codes;
mod definition;
pub(crate) mod endpoint;
mod error;
mod halving;
mod operations;
pub(crate) mod parameters;
mod search;
mod status;
#[cfg(test)]
mod tests;

pub use codes::Codes;
pub(crate) use definition::RequestLimits;
pub use definition::{Definition, Operation, definition};
pub use endpoint::FhirSettings;
pub use error::{BatchError, RequestRefusal};
pub use halving::halving;
pub use operations::{MAX_INVITATION_TOKENS, MAX_STATUS_QUERY};
pub use search::NameAtPkb;
pub use status::PatientStatus;
