//! What can be asked for to happen to the parts of a FHIR answer.

use serde::Deserialize;

/// More would be another test: that of a huge answer.
const MOST_STRANGERS: usize = 1_000;

/// Any of these together; rates are shares of the patients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "PartsFields")]
pub(crate) struct PartsFault {
    pub(crate) shuffle: bool,
    pub(crate) repeat: f64,
    pub(crate) omit: f64,
    pub(crate) strangers: usize,
    pub(crate) other_systems: f64,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PartsFields {
    shuffle: bool,
    repeat: f64,
    omit: f64,
    strangers: usize,
    other_systems: f64,
}

impl TryFrom<PartsFields> for PartsFault {
    type Error = &'static str;

    fn try_from(fields: PartsFields) -> Result<Self, Self::Error> {
        let PartsFields {
            shuffle,
            repeat,
            omit,
            strangers,
            other_systems,
        } = fields;
        if ![repeat, omit, other_systems]
            .iter()
            .all(|rate| (0.0..=1.0).contains(rate))
        {
            return Err("repeat, omit and other_systems must be between 0 and 1");
        }
        if strangers > MOST_STRANGERS {
            return Err("there can be 1000 strangers at most");
        }
        Ok(Self {
            shuffle,
            repeat,
            omit,
            strangers,
            other_systems,
        })
    }
}
