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
    pub(crate) moved: f64,
    pub(crate) renamed: f64,
    pub(crate) two_names: f64,
    pub(crate) unnamed: f64,
    pub(crate) shared_codes: f64,
    pub(crate) shared_code: f64,
    pub(crate) shared_token: f64,
    pub(crate) earlier_codes: f64,
    pub(crate) earlier_token: f64,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PartsFields {
    shuffle: bool,
    repeat: f64,
    omit: f64,
    strangers: usize,
    other_systems: f64,
    moved: f64,
    renamed: f64,
    two_names: f64,
    unnamed: f64,
    shared_codes: f64,
    shared_code: f64,
    shared_token: f64,
    earlier_codes: f64,
    earlier_token: f64,
}

impl TryFrom<PartsFields> for PartsFault {
    type Error = &'static str;

    fn try_from(fields: PartsFields) -> Result<Self, Self::Error> {
        let fault = Self {
            shuffle: fields.shuffle,
            repeat: fields.repeat,
            omit: fields.omit,
            strangers: fields.strangers,
            other_systems: fields.other_systems,
            moved: fields.moved,
            renamed: fields.renamed,
            two_names: fields.two_names,
            unnamed: fields.unnamed,
            shared_codes: fields.shared_codes,
            shared_code: fields.shared_code,
            shared_token: fields.shared_token,
            earlier_codes: fields.earlier_codes,
            earlier_token: fields.earlier_token,
        };
        let is_share = |rate: &f64| (0.0..=1.0).contains(rate);
        if !fault.rates().iter().all(is_share) {
            return Err("all shares of parts must be between 0 and 1");
        }
        if fault.strangers > MOST_STRANGERS {
            return Err("there can be 1000 strangers at most");
        }
        Ok(fault)
    }
}

impl PartsFault {
    fn rates(&self) -> [f64; 12] {
        [
            self.repeat,
            self.omit,
            self.other_systems,
            self.moved,
            self.renamed,
            self.two_names,
            self.unnamed,
            self.shared_codes,
            self.shared_code,
            self.shared_token,
            self.earlier_codes,
            self.earlier_token,
        ]
    }
}
