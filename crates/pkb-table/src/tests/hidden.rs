//! Rows, columns and sheets that a workbook does not show.

use rust_xlsxwriter::{FilterCondition, Workbook};

use super::{
    made::{Sheet, ods, ods_row, one_sheet, text, xlsx},
    *,
};

const CASES: [&[u8]; 3] = [
    include_bytes!("../../../../fixtures/patient-files/hidden-rows.xlsx"),
    include_bytes!("../../../../fixtures/patient-files/hidden-rows.ods"),
    include_bytes!("../../../../fixtures/patient-files/hidden-rows.xls"),
];

fn dropping() -> TableOptions {
    TableOptions {
        drops_hidden_rows: true,
        ..Default::default()
    }
}

/// The hidden rows, and the numbers of the rows that are left without them.
fn hidden(bytes: &[u8]) -> (String, Vec<u64>) {
    let kept = open(bytes).unwrap();
    let dropped = open_with(bytes, &dropping()).unwrap();
    assert_eq!(kept.hidden_rows(), dropped.hidden_rows());
    let numbers = |table: &Table| -> Vec<u64> {
        let rows = all(table.rows().unwrap()).unwrap();
        rows.iter().map(|(number, _)| *number).collect()
    };
    let all: Vec<u64> = numbers(&kept);
    let left = numbers(&dropped);
    assert_eq!(
        all.len() as u64,
        left.len() as u64 + kept.hidden_rows().count()
    );
    (kept.hidden_rows().to_string(), left)
}

#[test]
fn filtered_rows_are_found_in_workbooks_of_each_kind() {
    for bytes in CASES {
        let (rows, left) = hidden(bytes);
        assert_eq!(rows, "4 and 7");
        assert_eq!(left, [1, 2, 3, 5, 6, 8, 9, 10, 11]);
        let table = open_with(bytes, &dropping()).unwrap();
        let words = table.how_read().to_string();
        assert!(words.ends_with(", without 2 hidden rows"), "{words}");
    }
}

#[test]
fn rows_that_excel_hides_in_any_way_are_found() {
    let row = |attributes: &str| format!("<row {attributes}>{}</row>", text("", "x"));
    let rows = [
        row("r=\"1\""),
        // Collapsed, in the words of another program, without height, without numbers, and a shown one
        // behind a gap.
        row("r=\"2\" hidden=\"1\" outlineLevel=\"1\""),
        row("r=\"3\" hidden=\"true\""),
        row("r=\"4\" ht=\"0\" customHeight=\"1\""),
        row("hidden=\"1\""),
        row("r=\"9\" ht=\"15\" hidden=\"0\""),
        "<row r=\"10\" hidden=\"1\"/>".to_owned(),
    ];
    assert_eq!(
        hidden(&one_sheet("", &rows.concat())),
        ("2-5".into(), vec![1, 9])
    );
}

#[test]
fn a_filter_that_excel_saved_is_found_incident_1() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, consent) in ["Consent", "yes", "no", "yes", "no"].iter().enumerate() {
        sheet.write(row as u32, 0, *consent).unwrap();
    }
    sheet.autofilter(0, 0, 4, 0).unwrap();
    sheet
        .filter_column(0, &FilterCondition::new().add_list_filter("yes"))
        .unwrap();
    sheet.set_column_hidden(2).unwrap();
    let bytes = book.save_to_buffer().unwrap();
    assert_eq!(hidden(&bytes), ("3 and 5".into(), vec![1, 2, 4]));
    assert_eq!(open(&bytes).unwrap().hidden_columns().to_string(), "3");
}

#[test]
fn rows_that_libreoffice_hides_in_any_way_are_found() {
    let styles = "<style:style style:name=\"flat\"><style:table-row-properties style:row-height=\"0cm\"/></style:style>\
                  <style:style style:name=\"high\"><style:table-row-properties style:row-height=\"0.45cm\"/></style:style>";
    let rows = [
        ods_row("table:style-name=\"high\"", &["1"]),
        ods_row(
            "table:visibility=\"collapse\" table:number-rows-repeated=\"2\"",
            &["2-3"],
        ),
        "<table:table-row-group table:display=\"false\"><table:table-row-group>".to_owned(),
        ods_row("", &["4"]),
        "</table:table-row-group></table:table-row-group>".to_owned(),
        ods_row("table:style-name=\"flat\"", &["5"]),
        ods_row("table:number-rows-repeated=\"3\"", &[]),
        ods_row("table:visibility=\"filter\"", &["9"]),
        ods_row("", &["10"]),
        "<table:table-row table:visibility=\"collapse\" table:number-rows-repeated=\"1048566\"/>"
            .to_owned(),
    ];
    let table = format!(
        "<table:table table:name=\"P\">{}</table:table>",
        rows.concat()
    );
    assert_eq!(
        hidden(&ods(styles, &table)),
        ("2-5 and 9".into(), vec![1, 10])
    );
}

/// The case with other flags in its records of rows: bit 5 of the flags, or no height, hides.
#[test]
fn rows_of_old_workbooks_are_hidden_by_flag_or_height() {
    let case = CASES[2];
    let record = |row: u8| {
        let begin = [0x08, 0x02, 16, 0, row, 0];
        case.windows(6).position(|at| at == begin).unwrap()
    };
    let mut bytes = case.to_vec();
    // Row 4 is shown, row 5 is hidden by its flag, row 6 by its height.
    bytes[record(3) + 4 + 12] &= !0x20;
    bytes[record(4) + 4 + 12] |= 0x20;
    bytes[record(5) + 4 + 6..record(5) + 4 + 8].fill(0);
    assert_eq!(hidden(&bytes).0, "5-7");
}

#[test]
fn columns_that_are_not_shown_are_found() {
    let columns = "<cols><col min=\"1\" max=\"1\" width=\"9\"/><col min=\"2\" max=\"3\" hidden=\"1\"/>\
                   <col min=\"5\" max=\"5\" width=\"0\" customWidth=\"1\"/></cols>";
    let bytes = one_sheet(columns, "<row><c t=\"n\"><v>1</v></c></row>");
    assert_eq!(
        open(bytes).unwrap().hidden_columns().to_string(),
        "2-3 and 5"
    );
    let table = format!(
        "<table:table table:name=\"P\"><table:table-column/>\
         <table:table-column table:visibility=\"collapse\" table:number-columns-repeated=\"2\"/>\
         <table:table-column-group table:display=\"false\"><table:table-column/></table:table-column-group>\
         <table:table-column/>{}</table:table>",
        ods_row("", &["a"])
    );
    let bytes = ods("", &table);
    assert_eq!(open(bytes).unwrap().hidden_columns().to_string(), "2-4");
}

#[test]
fn a_hidden_sheet_is_read_only_if_there_is_no_other() {
    let content = |name: &str| {
        format!(
            "<worksheet><sheetData><row>{}</row></sheetData></worksheet>",
            text("", name)
        )
    };
    let (first, second) = (content("one"), content("two"));
    for state in ["state=\"hidden\"", "state=\"veryHidden\""] {
        let bytes = xlsx(
            &[Sheet("One", state, &first), Sheet("Two", "", &second)],
            None,
        );
        let table = open(&bytes).unwrap();
        assert_eq!(shown(all(table.rows().unwrap())), ["1: two"]);
        assert_eq!(
            table.how_read().to_string(),
            "sheet \"Two\" of an XLSX workbook (sheets: One (hidden), Two)"
        );
        let hidden: Vec<_> = table.sheets().iter().map(|sheet| sheet.is_hidden).collect();
        assert_eq!(hidden, [true, false]);
    }
    let styles = "<style:style style:name=\"off\"><style:table-properties table:display=\"false\"/></style:style>";
    let table = format!(
        "<table:table table:name=\"One\" table:style-name=\"off\">{}</table:table>",
        ods_row("", &["one"])
    );
    let table = open(ods(styles, &table)).unwrap();
    assert!(table.sheets()[0].is_hidden && table.sheets()[0].is_read);
}

proptest::proptest! {
    #[test]
    fn whichever_rows_are_hidden_just_those_are_left_out(
        hides in proptest::collection::vec(proptest::bool::ANY, 1..30),
    ) {
        let row = |(at, hidden): (usize, &bool)| {
            let number = at + 1;
            let attributes = if *hidden { " hidden=\"1\"" } else { "" };
            format!("<row r=\"{number}\"{attributes}>{}</row>", text("", &number.to_string()))
        };
        let xlsx: String = hides.iter().enumerate().map(row).collect();
        let row = |(at, hidden): (usize, &bool)| {
            let attributes = if *hidden { "table:visibility=\"filter\"" } else { "" };
            ods_row(attributes, &[&(at + 1).to_string()])
        };
        let rows: String = hides.iter().enumerate().map(row).collect();
        let ods = ods("", &format!("<table:table table:name=\"P\">{rows}</table:table>"));
        for bytes in [one_sheet("", &xlsx), ods] {
            let kept = open(&bytes).unwrap();
            let dropped = open_with(&bytes, &dropping()).unwrap();
            proptest::prop_assert_eq!(all(kept.rows().unwrap()).unwrap().len(), hides.len());
            let left = all(dropped.rows().unwrap()).unwrap();
            let expected: Vec<ReadRow> = (1..)
                .zip(&hides)
                .filter(|(_, hidden)| !**hidden)
                .map(|(number, _): (u64, _)| (number, vec![Some(number.to_string())]))
                .collect();
            proptest::prop_assert_eq!(left, expected);
        }
    }
}

#[test]
fn a_cell_of_an_ods_file_that_another_covers_is_empty() {
    let covered = "<table:covered-table-cell office:value-type=\"string\"><text:p>a ghost</text:p></table:covered-table-cell>";
    let cell = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let row = format!(
        "<table:table-row>{}{covered}<table:covered-table-cell/>{}</table:table-row>",
        cell("shown"),
        cell("last")
    );
    let table = open(ods(
        "",
        &format!("<table:table table:name=\"Patients\">{row}</table:table>"),
    ))
    .unwrap();
    let mut rows = table.rows().unwrap();
    let mut row = Row::default();
    assert!(rows.next_row(&mut row).unwrap());
    let cells: Vec<&str> = (0..row.len()).map(|at| row.cell(at).unwrap()).collect();
    assert_eq!(cells, ["shown", "", "", "last"]);
    assert_eq!(table.covered_rows().to_string(), "1");
}
