//! How bad a file may be before nothing of it is sent: a number of rows, or a part of them.

use std::{fmt, str::FromStr};

/// The most rows that something may be wrong with: a number, or a part of all that are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// A number of rows.
    Rows(u64),
    /// Of a hundred rows.
    Percent(f64),
}

impl Limit {
    /// Whether `bad` of `rows` are too many.
    pub fn is_exceeded(self, bad: u64, rows: u64) -> bool {
        match self {
            Self::Rows(most) => bad > most,
            Self::Percent(percent) => bad as f64 * 100.0 > percent * rows as f64,
        }
    }
}

/// Fewer rows than this are not a sign of a wrong file if the limit is a percentage.
const FEWEST: u64 = 3;

impl Limit {
    /// The same where few rows may be looked at: of three rows, one is no sign of anything.
    pub fn is_clearly_exceeded(self, bad: u64, rows: u64) -> bool {
        let enough = matches!(self, Self::Rows(_)) || bad >= FEWEST;
        enough && self.is_exceeded(bad, rows)
    }
}

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be a number of rows, such as 20, or a percentage, such as 0.5%";
        match text.strip_suffix('%') {
            Some(percent) => match percent.trim().parse() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(wrong),
            },
            None => text.parse().map(Self::Rows).map_err(|_| wrong),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => rows.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_percentage_is_a_limit() {
        let limit = |text: &str| text.parse::<Limit>().unwrap();
        assert!(limit("20").is_exceeded(21, 1000) && !limit("20").is_exceeded(20, 1000));
        assert!(limit("0.5%").is_exceeded(6, 1000) && !limit("0.5%").is_exceeded(5, 1000));
        assert!(limit("0").is_exceeded(1, 1) && !limit("0%").is_exceeded(0, 1));
        assert!(!limit("1%").is_clearly_exceeded(2, 3) && limit("1%").is_clearly_exceeded(3, 3));
        assert!(limit("0").is_clearly_exceeded(1, 1) && !limit("1%").is_clearly_exceeded(3, 300));
        for text in ["", "-1", "101%", "NaN%", "a few", "%"] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }
}
