//! A profile as it is written in TOML.

use serde::Deserialize;

use super::{
    Column, Content, CsvForm, DataProfile, Encoding, Form, LineEnd, Postage, Quoting, Value,
};

/// Reads a profile, which is not yet checked.
pub(super) fn read(text: &str) -> Result<DataProfile, String> {
    let settings: Settings = toml::from_str(text).map_err(|error| error.to_string())?;
    let columns = settings.columns.iter().map(Column::of);
    Ok(DataProfile {
        form: settings.form()?,
        columns: columns.collect::<Result<_, _>>()?,
        rows_per_file: settings.rows_per_file,
        longest_line: settings.longest_line,
        refused_first: settings.refused_first,
        notify_addresses: settings.notify_addresses,
        postage: settings.postage,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    form: FormName,
    separator: Option<char>,
    quoting: Option<Quoting>,
    encoding: Option<Encoding>,
    line_end: Option<LineEnd>,
    trailer: Option<String>,
    rows_per_file: u32,
    longest_line: Option<usize>,
    #[serde(default)]
    refused_first: String,
    #[serde(default)]
    notify_addresses: bool,
    #[serde(default)]
    postage: Postage,
    columns: Vec<ColumnSettings>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum FormName {
    Csv,
    Jsonl,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnSettings {
    header: String,
    value: Option<Value>,
    text: Option<String>,
}

impl Settings {
    fn form(&self) -> Result<Form, String> {
        if self.form == FormName::Csv {
            return Ok(Form::Csv(CsvForm {
                separator: self.separator.unwrap_or(','),
                quoting: self.quoting.unwrap_or_default(),
                encoding: self.encoding.unwrap_or_default(),
                line_end: self.line_end.unwrap_or_default(),
                trailer: self.trailer.clone(),
            }));
        }
        let is_plain = self.separator.is_none()
            && self.quoting.is_none()
            && self.line_end.is_none()
            && self.trailer.is_none()
            && matches!(self.encoding, None | Some(Encoding::Utf8));
        match is_plain {
            true => Ok(Form::JsonLines),
            false => Err(
                "separator, quoting, encoding, line_end and trailer are for form = \"csv\": delete them"
                    .to_owned(),
            ),
        }
    }
}

impl Column {
    fn of(raw: &ColumnSettings) -> Result<Self, String> {
        let content = match (raw.value, &raw.text) {
            (Some(value), None) => Content::Value(value),
            (None, Some(text)) if !text.contains(char::is_control) => Content::Text(text.clone()),
            (None, Some(_)) => {
                return Err(format!("the text of \"{}\" must be one line", raw.header));
            }
            _ => {
                return Err(format!(
                    "the column \"{}\" must have either a value or a text",
                    raw.header
                ));
            }
        };
        Ok(Self {
            header: raw.header.clone(),
            content,
        })
    }
}
