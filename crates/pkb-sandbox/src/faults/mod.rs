//! Faults on demand: [`rules`] are what can be asked for, [`mod@json`] reads them, [`chance`] says which request is hit, [`inflict`] does it over HTTP.

pub(crate) mod chance;
mod extra;
pub(crate) mod inflict;
mod json;
mod json_checks;
pub(crate) mod parts;
pub(crate) mod person;
pub(crate) mod rules;
pub(crate) mod upload;

pub use rules::{Faults, FaultsError};
