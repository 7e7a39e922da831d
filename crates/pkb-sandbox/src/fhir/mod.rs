//! PKB's FHIR (STU3) operations about many patients at once: who has registered, and codes for those who may be invited.
//!
//! Operations, headers, limits, names of the parts and who is left out are published. Which status refuses what, and that one bad
//! parameter refuses the whole request in all cases, is not; see [`refusal`].

pub(crate) mod altered_parts;
pub(crate) mod definitions;
pub(crate) mod operations;
mod parameters;
pub(crate) mod refusal;
pub(crate) mod search;

pub use operations::{MAX_INVITATION_TOKENS, MAX_STATUS_QUERY};
