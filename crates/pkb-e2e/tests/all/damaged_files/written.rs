//! Patient files as systems and spreadsheets write them: text in many encodings, XLSX and ODS.

use std::io::{Cursor, Write as _};

use pkb_e2e::hostile_pkb::Random;
use pkb_synthetic::generate::COLUMNS;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{
    damage::Damage,
    hospital::{BORN, Row},
};

/// How a file is written.
#[derive(Debug, Clone)]
pub enum Form {
    Text {
        encoding: &'static str,
        separator: char,
        quoted: bool,
        line_end: &'static str,
    },
    Xlsx,
    Ods,
}

const ENCODINGS: [&str; 8] = [
    "utf-8",
    "utf-8 with a mark",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "cp850",
    "macintosh",
    "iso-8859-14",
];
/// Letters of code page 850 from 80 on, as far as names have them; a space for all others.
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»     ÁÂÀ©             ãÃ        ðÐÊËÈıÍÎÏ    ¦Ì ÓßÔÒõÕµþÞÚÛÙýÝ";

impl Form {
    /// Any that the damage can be done to.
    pub fn new(is_text: bool, is_workbook: bool, random: &mut Random) -> Self {
        let draw = random.below(10);
        if is_workbook || (!is_text && draw < 3) {
            return if random.below(2) == 0 {
                Self::Xlsx
            } else {
                Self::Ods
            };
        }
        // Half are in UTF-8: other encodings are often asked about, and nothing is sent.
        let encoding = if draw < 6 {
            0
        } else {
            random.below(ENCODINGS.len() as u64)
        };
        Self::Text {
            encoding: ENCODINGS[encoding as usize],
            separator: [',', ';', '\t'][random.below(3) as usize],
            quoted: random.below(3) == 0,
            line_end: ["\n", "\r\n"][random.below(2) as usize],
        }
    }

    /// Whether all characters of the text can be written.
    pub fn has_all_of(&self, text: &str) -> bool {
        match self {
            Self::Text { encoding, .. } => encoded(text, encoding).is_some(),
            Self::Xlsx | Self::Ods => true,
        }
    }

    /// What the file is called.
    pub fn file_name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "patients.csv",
            Self::Xlsx => "patients.xlsx",
            Self::Ods => "patients.ods",
        }
    }

    /// The file, with the damage; `rows` have it already as far as it is one of cells.
    pub fn write(&self, rows: &[Row], damage: &Damage, day_first: bool) -> Vec<u8> {
        let header: Row = COLUMNS.iter().map(|&name| name.to_owned()).collect();
        let rows = rows.iter().map(|row| with_date(row, day_first));
        let rows: Vec<Row> = std::iter::once(header).chain(rows).collect();
        let is_hidden = |at: usize| match damage {
            // The first row is the header.
            Damage::Hidden { rows, .. } => at > 0 && rows.contains(&(at - 1)),
            _ => false,
        };
        match self {
            Self::Text {
                encoding,
                separator,
                quoted,
                line_end,
            } => {
                let line = |row: &Row| {
                    let cells: Vec<String> = row
                        .iter()
                        .map(|cell| cell_of_text(cell, *separator, *quoted))
                        .collect();
                    cells.join(&separator.to_string()) + line_end
                };
                let lines: Vec<String> = rows.iter().map(line).collect();
                encoded(&damage.done_to_text(&lines), encoding).unwrap()
            }
            Self::Xlsx => xlsx(&rows, is_hidden),
            Self::Ods => ods(&rows, is_hidden),
        }
    }
}

/// The row, with 21/04/1999 rather than 1999-04-21 where that is so.
fn with_date(row: &Row, day_first: bool) -> Row {
    let parts: Vec<&str> = row
        .get(BORN)
        .map_or(Vec::new(), |born| born.split('-').collect());
    let mut row = row.clone();
    if let ([year, month, day], true) = (parts.as_slice(), day_first) {
        row[BORN] = format!("{day}/{month}/{year}");
    }
    row
}

fn cell_of_text(cell: &str, separator: char, quoted: bool) -> String {
    if quoted || cell.contains([separator, '"']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// `None` if the encoding lacks a character.
fn encoded(text: &str, encoding: &str) -> Option<Vec<u8>> {
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| {
        format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(bytes)
            .collect()
    };
    match encoding {
        "utf-8" => Some(text.into()),
        "utf-8 with a mark" => Some(format!("\u{feff}{text}").into_bytes()),
        "utf-16le" => Some(utf_16(u16::to_le_bytes)),
        "utf-16be" => Some(utf_16(u16::to_be_bytes)),
        "cp850" => text
            .chars()
            .map(
                |character| match CP850.chars().position(|other| other == character) {
                    _ if character.is_ascii() => Some(character as u8),
                    Some(at) => Some(0x80 + at as u8),
                    None => None,
                },
            )
            .collect(),
        _ => {
            let (bytes, _, lacks) = encoding_rs::Encoding::for_label(encoding.as_bytes())
                .unwrap()
                .encode(text);
            (!lacks).then(|| bytes.into_owned())
        }
    }
}

fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(*name, stored).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn xlsx(rows: &[Row], is_hidden: impl Fn(usize) -> bool) -> Vec<u8> {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"r\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let mut sheet = String::from("<worksheet><sheetData>");
    for (at, row) in rows.iter().enumerate() {
        let hidden = if is_hidden(at) { " hidden=\"1\"" } else { "" };
        sheet.push_str(&format!("<row r=\"{}\"{hidden}>", at + 1));
        for (column, cell) in ('A'..).zip(row).filter(|(_, cell)| !cell.is_empty()) {
            sheet.push_str(&format!(
                "<c r=\"{column}{}\" t=\"inlineStr\"><is><t>{}</t></is></c>",
                at + 1,
                escaped(cell)
            ));
        }
        sheet.push_str("</row>");
    }
    sheet.push_str("</sheetData></worksheet>");
    let book = format!(
        "<workbook xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"Patients\" sheetId=\"1\" r:id=\"r\"/></sheets></workbook>"
    );
    package(&[
        (
            "_rels/.rels",
            &relation("officeDocument", "xl/workbook.xml"),
        ),
        ("xl/workbook.xml", &book),
        (
            "xl/_rels/workbook.xml.rels",
            &relation("worksheet", "worksheets/sheet1.xml"),
        ),
        ("xl/worksheets/sheet1.xml", &sheet),
    ])
}

fn ods(rows: &[Row], is_hidden: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut table = String::new();
    for (at, row) in rows.iter().enumerate() {
        let hidden = if is_hidden(at) {
            " table:visibility=\"filter\""
        } else {
            ""
        };
        table.push_str(&format!("<table:table-row{hidden}>"));
        for cell in row {
            table.push_str(&match cell.as_str() {
                "" => "<table:table-cell/>".to_owned(),
                text => format!(
                    "<table:table-cell office:value-type=\"string\"><text:p>{}</text:p></table:table-cell>",
                    escaped(text)
                ),
            });
        }
        table.push_str("</table:table-row>");
    }
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"Patients\">{table}\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    package(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", &content),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
    ])
}
