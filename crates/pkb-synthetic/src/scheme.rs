//! Which national scheme a number belongs to. NHS, CHI and Health and Care numbers are all ten digits of one form, so the number alone
//! does not tell.

use serde::{Deserialize, Serialize};

/// A national scheme. In JSON it has the name of PKB's REST path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scheme {
    /// NHS number: England and Wales.
    NhsNumber,
    /// CHI number: Scotland.
    ChiNumber,
    /// Health and Care number: Northern Ireland.
    HcNumber,
}
