//! A data file as a mail company's importer reads it: a layout that was agreed once, and a reader of its own.

use serde::Deserialize;

/// The layout that was agreed: the file that comes with the data. What is not about reading is of no use here.
#[derive(Debug, Deserialize)]
pub(super) struct Layout {
    form: FileForm,
    #[serde(default = "comma")]
    separator: char,
    #[serde(default)]
    quoting: String,
    #[serde(default)]
    encoding: String,
    trailer: Option<String>,
    columns: Vec<LayoutColumn>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum FileForm {
    Csv,
    Jsonl,
}

#[derive(Debug, Deserialize)]
struct LayoutColumn {
    header: String,
    value: Option<String>,
}

fn comma() -> char {
    ','
}

/// A row, by the meaning of its columns: cells without one are left out.
#[derive(Debug, Default)]
pub(super) struct Row(Vec<(String, String)>);

impl Row {
    /// The cell with a meaning; empty if there is none.
    pub(super) fn cell(&self, meaning: &str) -> &str {
        let own = self.0.iter().find(|(own, _)| own == meaning);
        own.map_or("", |(_, cell)| cell)
    }

    /// The lines of name and address, as they are printed.
    pub(super) fn lines(&self) -> Vec<&str> {
        let numbered =
            |prefix: &'static str| (1..=9).map(move |number| self.cell_of(prefix, number));
        let letter_lines = numbered("letter_line_").filter(|line| !line.is_empty());
        let whole: Vec<&str> = letter_lines.collect();
        if !whole.is_empty() {
            return whole;
        }
        let last = ["post_code", "country"].map(|meaning| self.cell(meaning));
        let lines = [self.cell("name_line")].into_iter();
        let lines = lines.chain(numbered("address_line_")).chain(last);
        lines.filter(|line| !line.is_empty()).collect()
    }

    fn cell_of(&self, prefix: &str, number: u8) -> &str {
        self.cell(&format!("{prefix}{number}"))
    }
}

impl Layout {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|_| "the layout of the data cannot be read".to_owned())
    }

    /// The rows of a file. The error says what is wrong and no value.
    pub(super) fn rows(&self, bytes: &[u8]) -> Result<Vec<Row>, String> {
        let mut table = match self.form {
            FileForm::Csv => self.cells(bytes)?.into_iter(),
            FileForm::Jsonl => json_cells(bytes)?.into_iter(),
        };
        let header = table.next().ok_or("it is empty")?;
        let place = |column: &LayoutColumn| {
            let found = header.iter().position(|own| *own == column.header);
            found.ok_or_else(|| format!("it has no column \"{}\"", column.header))
        };
        let places: Vec<usize> = self.columns.iter().map(place).collect::<Result<_, _>>()?;
        let row = |(number, cells): (usize, Vec<String>)| {
            if cells.len() != header.len() {
                return Err(format!("row {number} has not as many cells as the header"));
            }
            let columns = self.columns.iter().zip(&places);
            let meant = columns
                .filter_map(|(column, at)| Some((column.value.clone()?, cells.get(*at)?.clone())));
            Ok(Row(meant.collect()))
        };
        (2..).zip(table).map(row).collect()
    }

    fn cells(&self, bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
        let mut text = self.text(bytes)?;
        if let Some(trailer) = &self.trailer {
            let whole = text.trim_end_matches(['\r', '\n']).to_owned();
            let (rows, last) = whole.rsplit_once('\n').ok_or("it has no last line")?;
            let count = rows.lines().count().saturating_sub(1);
            if last != trailer.replace("{rows}", &count.to_string()) {
                return Err("its last line does not have the number of rows".to_owned());
            }
            text = format!("{rows}\n");
        }
        let mut reader = Reader::default();
        let has_quotes = self.quoting != "never";
        for character in text.chars() {
            reader.take(character, self.separator, has_quotes)?;
        }
        reader.end()
    }

    fn text(&self, bytes: &[u8]) -> Result<String, String> {
        if self.encoding == "windows-1252" {
            return Ok(bytes.iter().map(|byte| windows_1252(*byte)).collect());
        }
        let bytes = match self.encoding.as_str() {
            "utf-8-bom" => bytes
                .strip_prefix(b"\xEF\xBB\xBF")
                .ok_or("it has no mark")?,
            _ => bytes,
        };
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        Ok(text.to_owned())
    }
}

fn json_cells(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let mut table: Vec<Vec<String>> = Vec::new();
    for line in bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(line).map_err(|_| "a line is not a JSON object")?;
        if table.is_empty() {
            table.push(object.keys().cloned().collect());
        }
        let header = table[0].clone();
        let cell = |key: &String| object.get(key)?.as_str().map(str::to_owned);
        let cells: Option<Vec<String>> = header.iter().map(cell).collect();
        table.push(cells.ok_or("an object lacks a key, or a value is not text")?);
    }
    Ok(table)
}

/// A reader of cells, one character after the other.
#[derive(Default)]
struct Reader {
    table: Vec<Vec<String>>,
    row: Vec<String>,
    cell: String,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Plain,
    Quoted,
    /// A quotation mark in a quoted cell: its end, or the first of two.
    Mark,
    CarriageReturn,
}

impl Reader {
    fn take(&mut self, character: char, separator: char, has_quotes: bool) -> Result<(), String> {
        use State::{CarriageReturn, Mark, Plain, Quoted, Start};
        self.state = match (self.state, character) {
            (Quoted, '"') => Mark,
            (Quoted, other) => {
                self.cell.push(other);
                Quoted
            }
            (Mark, '"') => {
                self.cell.push('"');
                Quoted
            }
            (Start, '"') if has_quotes => Quoted,
            (CarriageReturn, '\n') | (Start | Plain | Mark, '\n') => {
                self.end_cell();
                self.table.push(std::mem::take(&mut self.row));
                Start
            }
            (CarriageReturn, _) => return Err("a line ends with half a line end".to_owned()),
            (Start | Plain | Mark, '\r') => CarriageReturn,
            (Start | Plain | Mark, other) if other == separator => {
                self.end_cell();
                Start
            }
            (Mark, _) => return Err("a quotation mark is inside a cell".to_owned()),
            (Plain, '"') if has_quotes => {
                return Err("a quotation mark is inside a cell".to_owned());
            }
            (Start | Plain, other) => {
                self.cell.push(other);
                Plain
            }
        };
        Ok(())
    }

    fn end_cell(&mut self) {
        self.row.push(std::mem::take(&mut self.cell));
    }

    fn end(self) -> Result<Vec<Vec<String>>, String> {
        match self.state == State::Start && self.row.is_empty() && self.cell.is_empty() {
            true => Ok(self.table),
            false => Err("it ends in the middle of a row".to_owned()),
        }
    }
}

/// Windows-1252 (Unicode's CP1252.TXT).
fn windows_1252(byte: u8) -> char {
    const HIGH: [u16; 32] = [
        0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
    ];
    let high = usize::from(byte).checked_sub(0x80);
    let code = high.and_then(|at| HIGH.get(at).copied());
    char::from_u32(code.map_or(u32::from(byte), u32::from)).unwrap_or('\u{FFFD}')
}
