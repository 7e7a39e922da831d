//! The forms of files, from their JSON Schemas.

use std::fmt::Write as _;

use serde_json::Value;

use super::{check, made, table};
use crate::harness::root;

fn schema(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(root().join("crates").join(path)).unwrap()).unwrap()
}

#[test]
fn the_pages_of_record_summary_and_report_are_those_of_the_schemas() {
    for (page, heading, path, introduction) in [
        (
            "reference/record.md",
            "Record",
            "pkb-core/schema/record.json",
            "One line of a stream: `pkb-record/1`. A section is absent until its stage has done its work. Fields that a program does not know stay as they are.",
        ),
        (
            "reference/summary.md",
            "Summary file",
            "pkb-core/schema/summary.json",
            "What `--summary FILE` writes, also if the stage was stopped: `pkb-summary/1`.",
        ),
        (
            "reference/report.md",
            "Figures of the report",
            "pkb-report/schema/report.json",
            "What `pkb report --json FILE` writes: `pkb-report/1`. `figures` has one entry for each table of the page, under the names of the files of `--csv DIR`.",
        ),
    ] {
        let introduction = format!("{introduction} The JSON Schema is `crates/{path}`.");
        check(page, &made(heading, &introduction, &forms(&schema(path))));
    }
}

#[test]
fn the_page_of_the_manifest_has_the_columns_of_the_csv_file_and_the_form_of_the_json_file() {
    let path = "pkb-print-files/schema/manifest.json";
    let schema = schema(path);
    let row = &schema["$defs"]["ManifestRow"]["properties"];
    // The columns of a manifest that was made.
    let columns = pinned_columns();
    let rows = columns.iter().map(|column| {
        [
            format!("`{column}`"),
            about(&row[column], &schema),
            kind(&row[column], &schema),
        ]
    });
    let contents = format!(
        "## manifest.csv\n\nOne line for each letter, in the order of the files, under a line with the names of the columns. A rehearsal has one more column, `REHEARSAL`.\n\n{}\n\
         ## manifest.json\n\nThe same, with digests and counts: `pkb-manifest/1`. The JSON Schema is `crates/{path}`.\n\n{}",
        table(["column", "what it is", "kind"], rows),
        forms(&schema)
    );
    let introduction = "\
The list of letters that goes to the printer with them. It has no name and no code. `manifest.csv` and `manifest.json` say the same. Letters that were made again are in
`reprint-manifest` and `reissue-manifest`, those of a rehearsal in `rehearsal-manifest`. For printers: [Print supplier](../people/print-supplier.md).";
    check(
        "reference/manifest.md",
        &made("Manifest", introduction, &contents),
    );
}

/// The first line of a manifest that pkb-letters writes, without what a rehearsal adds.
fn pinned_columns() -> Vec<String> {
    let campaign = crate::harness::Campaign::fixture();
    let ended = campaign.journey(
        &crate::harness::fixture("patients.csv"),
        &["--out", "print"],
    );
    assert_eq!(ended[3].code, 65, "{}", ended[3].stderr);
    let manifest = String::from_utf8(campaign.read("print/rehearsal-manifest.csv")).unwrap();
    let columns = manifest.lines().next().unwrap().split(',');
    columns
        .filter(|column| *column != "REHEARSAL")
        .map(str::to_owned)
        .collect()
}

/// A section for the whole, and one for each part of it that has fields or a list of words.
fn forms(schema: &Value) -> String {
    let mut text = fields(schema, schema);
    let parts = schema["$defs"].as_object();
    for (name, part) in parts.into_iter().flatten() {
        let words = words(part);
        if !has_section(part) {
            continue;
        }
        write!(text, "\n## {name}\n\n").unwrap();
        let about = about(part, schema);
        if !about.is_empty() {
            write!(text, "{about}\n\n").unwrap();
        }
        text.push_str(&fields(part, schema));
        if !words.is_empty() {
            text.push_str(&table(["value", "what it means"], words.into_iter()));
        }
    }
    text
}

fn has_section(form: &Value) -> bool {
    !form["properties"].is_null() || !words(form).is_empty()
}

fn fields(form: &Value, schema: &Value) -> String {
    let Some(properties) = form["properties"].as_object() else {
        return String::new();
    };
    let is_required = |name: &str| {
        form["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|required| required == name))
    };
    let rows = properties.iter().map(|(name, field)| {
        let always = if is_required(name) { "always" } else { "" };
        [
            format!("`{name}`"),
            kind(field, schema),
            always.to_owned(),
            about(field, schema),
        ]
    });
    table(["field", "kind", "there", "what it is"], rows)
}

/// The words that a value may be, with what they mean.
fn words(form: &Value) -> Vec<[String; 2]> {
    let one_of = form["oneOf"].as_array().or(form["anyOf"].as_array());
    let explained = one_of.into_iter().flatten().filter_map(|one| {
        let word = one["const"].as_str()?;
        Some([
            format!("`{word}`"),
            one["description"].as_str().unwrap_or_default().to_owned(),
        ])
    });
    let plain = form["enum"].as_array().into_iter().flatten();
    let plain = plain.filter_map(|word| Some([format!("`{}`", word.as_str()?), String::new()]));
    explained.chain(plain).collect()
}

/// What a field is: its own words, or those of the form that it refers to. Names of Rust are left out.
fn about(field: &Value, schema: &Value) -> String {
    let own = field["description"].as_str();
    let referred = reference(field).and_then(|name| schema["$defs"][name]["description"].as_str());
    let words = own.or(referred).unwrap_or_default();
    let words = words
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .replace('\n', " ");
    let words = words.replace(" (see [`crate::rehearsal`])", "");
    words
        .replace("[`", "`")
        .replace("`]", "`")
        .trim_end_matches('.')
        .to_owned()
}

fn reference(field: &Value) -> Option<&str> {
    let of_any = field["anyOf"]
        .as_array()
        .and_then(|any| any.iter().find_map(|one| one["$ref"].as_str()));
    field["$ref"].as_str().or(of_any)?.strip_prefix("#/$defs/")
}

fn kind(field: &Value, schema: &Value) -> String {
    if let Some(name) = reference(field) {
        let form = &schema["$defs"][name];
        // A form without a section of its own is what it is made of.
        return match has_section(form) {
            true => link(name),
            false => kind(form, schema),
        };
    }
    let of = |field: &Value| match &field["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => String::new(),
    };
    match of(field).as_str() {
        "array" => match reference(&field["items"]) {
            Some(name) => format!("list of {}", link(name)),
            None => format!("list of {}", of(&field["items"])),
        },
        kind => kind.to_owned(),
    }
}

fn link(name: &str) -> String {
    format!("`{name}`")
}
