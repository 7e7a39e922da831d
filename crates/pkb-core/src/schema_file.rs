//! Are the JSON Schemas that are checked in those of the types? For tests.

use std::path::Path;

/// Compares `schema/name` with what the types say; with PKB_WRITE_SCHEMAS=1 in the environment it is written.
pub(crate) fn check(name: &str, schema: schemars::Schema) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("schema")
        .join(name);
    let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os("PKB_WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == checked_in,
        "schema/{name} is not what the types say: PKB_WRITE_SCHEMAS=1 cargo test --workspace --lib schema"
    );
}
