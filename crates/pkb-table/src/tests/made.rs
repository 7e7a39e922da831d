//! Workbooks that are made part by part: such as no library writes.

use std::io::{Cursor, Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

/// A ZIP archive of parts with these names.
pub(super) fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        let stored = SimpleFileOptions::default().compression_method(if *name == "mimetype" {
            zip::CompressionMethod::Stored
        } else {
            zip::CompressionMethod::Deflated
        });
        zip.start_file(*name, stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A sheet of an XLSX workbook: its name, the attributes of its entry, and its XML.
pub(super) struct Sheet<'a>(pub &'a str, pub &'a str, pub &'a str);

/// An XLSX workbook; style 1 is a date, style 2 a duration.
pub(super) fn xlsx(sheets: &[Sheet<'_>], shared_strings: Option<&str>) -> Vec<u8> {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut entries = String::new();
    let mut relations = String::new();
    for (at, Sheet(name, attributes, _)) in sheets.iter().enumerate() {
        entries.push_str(&format!(
            "<sheet name=\"{name}\" sheetId=\"{at}\" {attributes} r:id=\"r{at}\"/>"
        ));
        relations.push_str(&format!(
            "<Relationship Id=\"r{at}\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet{at}.xml\"/>"
        ));
    }
    let root = format!(
        "<Relationships><Relationship Id=\"r\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let workbook =
        format!("<workbook xmlns:r=\"{RELATIONS}\"><sheets>{entries}</sheets></workbook>");
    let relations = format!("<Relationships>{relations}</Relationships>");
    let styles = "<styleSheet><numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"[h]:mm\"/></numFmts>\
                  <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/></cellXfs></styleSheet>";
    let names: Vec<String> = (0..sheets.len())
        .map(|at| format!("xl/worksheets/sheet{at}.xml"))
        .collect();
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
    ];
    for (name, Sheet(_, _, content)) in names.iter().zip(sheets) {
        parts.push((name, content.as_bytes()));
    }
    if let Some(strings) = shared_strings {
        parts.push(("xl/sharedStrings.xml", strings.as_bytes()));
    }
    package(&parts)
}

/// An XLSX workbook of one sheet: what stands before its rows, and the rows.
pub(super) fn one_sheet(before: &str, rows: &str) -> Vec<u8> {
    let content = format!("<worksheet>{before}<sheetData>{rows}</sheetData></worksheet>");
    xlsx(&[Sheet("Patients", "", &content)], None)
}

/// A cell of text; without a place if that is empty.
pub(super) fn text(place: &str, text: &str) -> String {
    let place = if place.is_empty() {
        String::new()
    } else {
        format!(" r=\"{place}\"")
    };
    format!("<c{place} t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

/// An ODS workbook: its styles and its tables.
pub(super) fn ods(styles: &str, tables: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:automatic-styles>{styles}</office:automatic-styles>\
         <office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    );
    package(&[
        (
            "mimetype",
            b"application/vnd.oasis.opendocument.spreadsheet",
        ),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", b"<manifest:manifest/>"),
    ])
}

/// A row of an ODS table with one cell of text in each column.
pub(super) fn ods_row(attributes: &str, texts: &[&str]) -> String {
    let cells: Vec<String> = texts
        .iter()
        .map(|text| {
            format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
        })
        .collect();
    format!(
        "<table:table-row {attributes}>{}</table:table-row>",
        cells.concat()
    )
}
