//! What spreadsheet programs make of a CSV file that they open.

/// A text that a spreadsheet does not take for a formula (OWASP, "CSV Injection"): an apostrophe in
/// front makes it text.
pub fn defused(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn formulas_are_defused() {
        for text in ["=1+1", "+44", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(super::defused(text), format!("'{text}"));
        }
        assert_eq!(super::defused("O'Brien=1"), "O'Brien=1");
    }
}
