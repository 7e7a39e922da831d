//! Sheets as reporting tools write them: without sizes, places or results, and with cells under others.

use super::{
    made::{Sheet, ods, ods_row, one_sheet, text, xlsx},
    *,
};
use crate::CellType;

/// The types of the cells of each row, those without one as `-`.
fn types(bytes: &[u8]) -> Vec<String> {
    let mut rows = open(bytes).unwrap().rows().unwrap();
    let mut row = Row::default();
    let mut types = Vec::new();
    while rows.next_row(&mut row).unwrap() {
        let letter = |at| row.cell_type(at).map_or('-', CellType::letter);
        types.push((0..row.len()).map(letter).collect());
    }
    types
}

#[test]
fn fifty_rows_are_read_whatever_the_dimension_says_incident_5() {
    let case = include_bytes!("../../../../fixtures/patient-files/dimension-a0.xlsx");
    assert_eq!(read(case).unwrap().len(), 51);
    let rows: String = (1..=50)
        .map(|row| format!("<row r=\"{row}\">{}</row>", text(&format!("A{row}"), "x")))
        .collect();
    for dimension in [
        "<dimension ref=\"A1:A1\"/>",
        "<dimension ref=\"A0:AZ48943\"/>",
        "<dimension ref=\"C9:A1\"/>",
        "<dimension ref=\"\"/>",
        "<dimension ref=\"A1:B2:C3\"/>",
        "<dimension ref=\"A1:A99999999999999999999\"/>",
        "<dimension ref=\"ZZZZZZZZZZ1\"/>",
        "<dimension ref=\"A0\"></dimension>",
        "<x:dimension xmlns:x=\"x\" ref='Sheet!A1'/>",
        "<dimension/>",
        "",
    ] {
        let rows = read(one_sheet(dimension, &rows)).unwrap();
        assert_eq!(rows.len(), 50, "{dimension}");
        assert_eq!(rows[49].0, 50, "{dimension}");
    }
}

#[test]
fn a_broken_dimension_of_one_sheet_leaves_the_others_as_they_are() {
    let content = |dimension: &str, name: &str| {
        format!(
            "<worksheet>{dimension}<sheetData><row>{}</row></sheetData></worksheet>",
            text("", name)
        )
    };
    let (one, two) = (
        content("<dimension ref=\"A0\"/>", "one"),
        content("", "two"),
    );
    let bytes = xlsx(&[Sheet("One", "", &one), Sheet("Two", "", &two)], None);
    let table = open(&bytes).unwrap();
    assert_eq!(shown(all(table.rows().unwrap())), ["1: one"]);
    assert_eq!(table.sheets()[1].first_rows, [["two"]]);
}

#[test]
fn cells_without_places_follow_the_one_before_incident_4() {
    let rows = format!(
        "<row r=\"1\">{}{}{}{}</row><row>{}{}</row><row r=\"7\">{}</row>",
        text("A1", "a"),
        text("", "b"),
        text("D1", "d"),
        text("", "e"),
        text("", "f"),
        text("", "g"),
        text("", "h"),
    );
    assert_eq!(
        shown(read(one_sheet("", &rows))),
        ["1: a|b||d|e", "2: f|g|||", "7: h||||"]
    );
}

#[test]
fn cells_in_the_place_of_another_are_refused_by_name() {
    for (rows, place) in [
        (
            format!("<row r=\"1\">{}{}</row>", text("A1", "a"), text("A1", "b")),
            "row 1, column A",
        ),
        (
            format!("<row r=\"2\">{}</row>", text("C3", "a")),
            "row 3, column C",
        ),
        (
            format!(
                "<row r=\"3\">{}</row><row r=\"2\">{}</row>",
                text("B3", "a"),
                text("B2", "b")
            ),
            "row 2, column B",
        ),
        (
            format!(
                "<row r=\"1\">{}{}{}</row>",
                text("B1", "a"),
                text("A1", "b"),
                text("", "c")
            ),
            "row 1, column B",
        ),
    ] {
        let words = error(one_sheet("", &rows));
        assert!(words.contains(place), "{words}");
    }
}

#[test]
fn what_is_under_a_merged_cell_stays_in_its_column_incident_6() {
    let merged = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><v>2</v></c><c r=\"C1\"><v>3</v></c></row>\
                  </sheetData><mergeCells count=\"1\"><mergeCell ref=\"A1:B1\"/></mergeCells></worksheet>";
    assert_eq!(
        shown(read(xlsx(&[Sheet("P", "", merged)], None))),
        ["1: 1||3"]
    );
    let covered = "<table:table table:name=\"P\"><table:table-row>\
        <table:table-cell office:value-type=\"string\" table:number-columns-spanned=\"2\"><text:p>1 Mill Lane</text:p></table:table-cell>\
        <table:covered-table-cell office:value-type=\"string\"><text:p>Newcastle</text:p></table:covered-table-cell>\
        <table:table-cell office:value-type=\"string\"><text:p>NE1 4ST</text:p></table:table-cell></table:table-row>\
        <table:table-row><table:table-cell table:number-columns-spanned=\"2\" office:value-type=\"float\" office:value=\"7\"/>\
        <table:covered-table-cell/><table:table-cell office:value-type=\"string\"><text:p>NE1</text:p></table:table-cell>\
        </table:table-row></table:table>";
    assert_eq!(
        shown(read(ods("", covered))),
        ["1: 1 Mill Lane||NE1 4ST", "2: 7||NE1"]
    );
}

#[test]
fn what_excel_makes_of_text_keeps_its_type() {
    let case = include_bytes!("../../../../fixtures/patient-files/date-cell-in-address.xlsx");
    assert_eq!(types(case)[1], "-----d-------");
    let rows = "<row><c s=\"1\"><v>46145</v></c><c s=\"1\"><v>0.5</v></c><c s=\"2\"><v>1.5</v></c>\
                <c t=\"b\"><v>1</v></c><c><v>12</v></c><c><v>2.1</v></c><c><v>1.0E+10</v></c><c t=\"str\"><v>3-5</v></c>\
                <c><f>A1</f></c><c><f>A1</f><v>7</v></c><c t=\"str\"><f>A1</f><v></v></c><c><f t=\"shared\" si=\"0\"/><v/></c>\
                <c t=\"e\"><v>#N/A</v></c><c t=\"d\"><v>2026-05-03</v></c></row>";
    assert_eq!(types(&one_sheet("", rows)), ["dttl-nn-u--u-d"]);
}

#[test]
fn what_libreoffice_makes_of_text_keeps_its_type() {
    let cell = |attributes: &str, text: &str| {
        format!("<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>")
    };
    let cells = [
        cell(
            "office:value-type=\"date\" office:date-value=\"2026-05-03\"",
            "3-5",
        ),
        cell(
            "office:value-type=\"time\" office:time-value=\"PT3H30M\"",
            "3:30",
        ),
        cell(
            "office:value-type=\"boolean\" office:boolean-value=\"true\"",
            "TRUE",
        ),
        cell("office:value-type=\"float\" office:value=\"12\"", "12"),
        cell(
            "office:value-type=\"percentage\" office:value=\"0.5\"",
            "50%",
        ),
        cell(
            "office:value-type=\"currency\" office:value=\"3.5\"",
            "£3.50",
        ),
        cell(
            "office:value-type=\"string\" calcext:value-type=\"error\" office:string-value=\"\"",
            "#N/A",
        ),
        "<table:table-cell table:formula=\"of:=[.A1]\"/>".to_owned(),
        cell("office:value-type=\"string\"", "x"),
    ];
    let table = format!(
        "<table:table table:name=\"P\"><table:table-row>{}</table:table-row></table:table>",
        cells.concat()
    );
    let bytes = ods("", &table);
    assert_eq!(types(&bytes), ["dtl-nn-u-"]);
    assert_eq!(
        shown(read(&bytes)),
        ["1: 2026-05-03|PT3H30M|TRUE|12|0.5|3.5|#N/A||x"]
    );
}

#[test]
fn a_text_of_an_ods_cell_is_what_is_shown() {
    let paragraphs = "<text:p>1<text:s text:c=\"2\"/>Mill &amp; <text:span>La<text:a>ne</text:a></text:span></text:p>\
                      <office:annotation><text:p>a note</text:p></office:annotation>\n  <text:p>Flat&#32;2<text:tab/>b<text:line-break/>c</text:p>";
    let table = format!(
        "<table:tracked-changes><table:deletion><table:table-cell/></table:deletion></table:tracked-changes>\
         <table:table table:name=\"P\"><table:shapes><text:p>drawn</text:p></table:shapes><office:forms/>\
         <table:table-header-rows>{}</table:table-header-rows><table:table-row>\
         <table:table-cell office:value-type=\"string\">{paragraphs}</table:table-cell></table:table-row></table:table>",
        ods_row("", &["Address"])
    );
    assert_eq!(
        shown(read(ods("", &table))),
        ["1: Address", "2: 1  Mill & Lane\nFlat 2\tb\nc"]
    );
}
