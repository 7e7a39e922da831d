//! Faults on demand: [`rules`] are what can be asked for, [`mod@json`] reads them, [`selection`] says which request is hit, [`apply`] does it over HTTP.

pub(crate) mod apply;
mod extra;
mod json;
mod json_checks;
pub(crate) mod message;
pub(crate) mod parts;
pub(crate) mod person;
pub(crate) mod rules;
pub(crate) mod selection;
pub(crate) mod upload;

pub use rules::{Faults, FaultsError};
