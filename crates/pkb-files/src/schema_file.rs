//! Are the JSON Schemas that are checked in those of the types? For tests of all crates that have one.

use std::{fs, path::Path};

/// Compares `schema/name` in the folder of a crate (`CARGO_MANIFEST_DIR`) with what the types say. With PKB_WRITE_SCHEMAS=1 in the
/// environment it is written first.
///
/// # Errors
/// They differ, or the file cannot be written; in words.
pub fn check(crate_folder: &str, name: &str, schema: &schemars::Schema) -> Result<(), String> {
    let path = Path::new(crate_folder).join("schema").join(name);
    let words = serde_json::to_string_pretty(schema).map_err(|error| error.to_string())?;
    let text = format!("{words}\n");
    if std::env::var_os("PKB_WRITE_SCHEMAS").is_some() {
        fs::write(&path, &text).map_err(|error| error.to_string())?;
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    match text == checked_in {
        true => Ok(()),
        false => Err(format!(
            "schema/{name} is not what the types say: PKB_WRITE_SCHEMAS=1 cargo test --workspace --lib schema"
        )),
    }
}
