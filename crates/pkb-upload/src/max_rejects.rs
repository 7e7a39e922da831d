//! How bad a file may be before nothing of it is sent.

use std::{fmt, str::FromStr};

/// The most rows that may be rejected: a number, or a part of all rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxRejects {
    /// A number of rows.
    Rows(u64),
    /// Of a hundred rows.
    Percent(f64),
}

impl MaxRejects {
    /// Whether `rejected` of `rows` are too many.
    pub fn is_exceeded(self, rejected: u64, rows: u64) -> bool {
        match self {
            Self::Rows(most) => rejected > most,
            Self::Percent(percent) => rejected as f64 * 100.0 > percent * rows as f64,
        }
    }
}

impl FromStr for MaxRejects {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "write a number of rows (20) or a percentage (0.5%)";
        match text.strip_suffix('%') {
            Some(percent) => match percent.trim().parse() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(wrong),
            },
            None => text.parse().map(Self::Rows).map_err(|_| wrong),
        }
    }
}

impl fmt::Display for MaxRejects {
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
        let limit = |text: &str| text.parse::<MaxRejects>().unwrap();
        assert!(limit("20").is_exceeded(21, 1000) && !limit("20").is_exceeded(20, 1000));
        assert!(limit("0.5%").is_exceeded(6, 1000) && !limit("0.5%").is_exceeded(5, 1000));
        assert!(limit("0").is_exceeded(1, 1) && !limit("0%").is_exceeded(0, 1));
        for text in ["", "-1", "101%", "NaN%", "a few", "%"] {
            assert!(text.parse::<MaxRejects>().is_err(), "{text}");
        }
    }
}
