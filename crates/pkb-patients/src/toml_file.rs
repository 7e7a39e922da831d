//! Reading the TOML files that operators write.

use serde::de::DeserializeOwned;

/// What a text says.
///
/// # Errors
/// Why it is not understood, with the line.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        format!("line {line}: {}", error.message())
    })
}
