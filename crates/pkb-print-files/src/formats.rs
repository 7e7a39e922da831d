//! Letters in other formats than print: the text of each in a file of its own, for the supplier that makes braille, audio and so on
//! of it, and a list of them. The list has no name and no code.

use serde::{Deserialize, Serialize};

use super::series::Series;
use pkb_core::{
    Record,
    record::{Channel, Delivery},
};

/// Name of the folder, after what a rehearsal puts before it.
const FOLDER: &str = "formats";

/// Where the text of a letter is, from the folder of the letters: `formats/braille/0123456789ABCDEFGHJK.txt`.
#[must_use]
pub fn file_name(delivery: &Delivery, series: Series) -> String {
    let reference = delivery.reference.as_ref();
    format!(
        "{}/{}/{}.txt",
        series.named(FOLDER),
        delivery.format.unwrap_or_default().as_str(),
        reference.map_or("", |reference| reference.as_str())
    )
}

/// Name of the list: `formats.csv`, or that of a shard or a rehearsal.
#[must_use]
pub fn list_name(series: Series) -> String {
    format!("{}.csv", series.named(FOLDER))
}

/// Whether a file or folder in the folder of the letters has such a name.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    let first = super::editions::plain_name(name);
    let first = first.split(['/', '.']).next().unwrap_or_default();
    let rest = first.strip_prefix(FOLDER);
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_number))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatRow {
    /// The letter's name for those who make and send it.
    pub reference: String,
    /// Row of the patient file.
    pub row: u64,
    /// Which format.
    pub format: String,
    /// In which languages.
    pub language: String,
    /// The file with the text.
    pub file: String,
}

impl FormatRow {
    /// That of a delivery; `None` if it is not of this channel.
    #[must_use]
    pub fn of(record: &Record, delivery: &Delivery) -> Option<Self> {
        (delivery.channel == Channel::Format).then(|| Self {
            reference: super::manifest::reference_of(delivery.reference.as_ref()),
            row: record.row.number,
            format: delivery.format.unwrap_or_default().as_str().to_owned(),
            language: delivery.languages.unwrap_or_default().as_str().to_owned(),
            file: delivery.file.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkb_values::LetterFormat;

    #[test]
    fn files_and_lists_say_of_which_shard_and_rehearsal_they_are() {
        let mut delivery = Delivery::new(Channel::Format, String::new());
        delivery.format = Some(LetterFormat::EasyRead);
        delivery.reference = pkb_core::record::Reference::parse("0123456789ABCDEFGHJK");
        let third = Series::new(Some(3));
        for (series, file, list) in [
            (
                Series::new(None),
                "formats/easy-read/0123456789ABCDEFGHJK.txt",
                "formats.csv",
            ),
            (
                third,
                "formats-03/easy-read/0123456789ABCDEFGHJK.txt",
                "formats-03.csv",
            ),
            (
                third.in_rehearsal(true),
                "rehearsal-formats-03/easy-read/0123456789ABCDEFGHJK.txt",
                "rehearsal-formats-03.csv",
            ),
        ] {
            assert_eq!(file_name(&delivery, series), file);
            assert_eq!(list_name(series), list);
            assert!(is_ours(file) && is_ours(list));
        }
        assert!(!is_ours("formatting.csv") && !is_ours("letters-0001.pdf"));
    }
}
