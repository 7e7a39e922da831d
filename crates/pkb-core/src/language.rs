//! The few words that a letter's values need in each language: dates and page numbers.

use jiff::civil::Date;

const MONTHS_IN_WELSH: [&str; 12] = [
    "Ionawr",
    "Chwefror",
    "Mawrth",
    "Ebrill",
    "Mai",
    "Mehefin",
    "Gorffennaf",
    "Awst",
    "Medi",
    "Hydref",
    "Tachwedd",
    "Rhagfyr",
];

/// A date as letters in a language write it: "22 December 2026", "22 Rhagfyr 2026".
#[must_use]
pub fn date_in(language: &str, date: Date) -> String {
    match language {
        "cy" => {
            let month = usize::from(date.month().unsigned_abs()).saturating_sub(1);
            let month = MONTHS_IN_WELSH.get(month).copied().unwrap_or_default();
            format!("{} {month} {}", date.day(), date.year())
        }
        _ => date.strftime("%-d %B %Y").to_string(),
    }
}

/// The number of a page: "Page 1 of 2", "Tudalen 1 o 2".
#[must_use]
pub fn page_in(language: &str, page: usize, pages: usize) -> String {
    match language {
        "cy" => format!("Tudalen {page} o {pages}"),
        _ => format!("Page {page} of {pages}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn dates_and_pages_are_written_as_each_language_does() {
        assert_eq!(date_in("en", date(2026, 12, 2)), "2 December 2026");
        assert_eq!(date_in("cy", date(2026, 12, 2)), "2 Rhagfyr 2026");
        assert_eq!(date_in("cy", date(2027, 1, 31)), "31 Ionawr 2027");
        assert_eq!(page_in("cy", 1, 2), "Tudalen 1 o 2");
        assert_eq!(page_in("en", 2, 2), "Page 2 of 2");
    }
}
