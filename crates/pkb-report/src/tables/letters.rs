//! Letters and texts: of what form they are, in which files, and how far GOV.UK Notify is with them.

use pkb_core::record::{Channel, Design, Edition};
use pkb_values::{LetterFormat, LetterLanguages};

use super::table::{Cell, Column, Reader, Section, Table, division, of};
use crate::{
    figures::{Figures, paper::LetterFile},
    words::{counted, number},
};

/// Files that the page lists.
const FILES_SHOWN: usize = 12;

pub(super) fn section(figures: &Figures) -> Option<Section> {
    let paper = &figures.paper;
    if paper.made() == 0 {
        return None;
    }
    let channels: Vec<_> = (paper.channels.iter())
        .map(|(channels, count)| {
            (
                Channel::joined(channels),
                channels_in_words(channels),
                *count,
            )
        })
        .collect();
    let channels = (channels.iter()).map(|(key, words, count)| (&**key, words.clone(), *count));
    let languages = LetterLanguages::all().map(|languages| {
        let names: Vec<&str> = (languages.languages().iter())
            .map(|language| language.name())
            .collect();
        (
            languages.as_str(),
            names.join(" and "),
            of(&paper.languages, &languages),
        )
    });
    let formats = LetterFormat::PRINTED
        .into_iter()
        .chain(LetterFormat::SUPPLIED);
    let formats = formats.map(|format| {
        let words = match format {
            LetterFormat::Standard => "Standard print",
            LetterFormat::Large => "Large print",
            LetterFormat::Braille => "Braille",
            LetterFormat::Audio => "Audio",
            LetterFormat::EasyRead => "Easy Read",
            LetterFormat::Email => "Email",
            LetterFormat::Bsl => "British Sign Language",
        };
        (
            format.as_str(),
            words.to_owned(),
            of(&paper.formats, &format),
        )
    });
    let designs = Design::ALL.map(|design| {
        let words = match design {
            Design::Letter => "Letter",
            Design::Insert => "Insert",
            Design::Reminder => "Reminder",
            Design::NhsLogin => "NHS login, without codes",
        };
        (
            design.as_str(),
            words.to_owned(),
            of(&paper.designs, &design),
        )
    });
    let editions = Edition::ALL.map(|edition| {
        let words = match edition {
            Edition::First => "First",
            Edition::Reprint => "Reprint, with the same codes",
            Edition::Reissue => "Reissue, with new codes",
        };
        (
            edition.as_str(),
            words.to_owned(),
            of(&paper.editions, &edition),
        )
    });
    let tables = vec![
        division("channels", "By channel", "Channel", channels),
        division("languages", "Letters by language", "Language", languages),
        division("formats", "Letters by format", "Format", formats),
        division("designs", "Letters by design", "Design", designs),
        division("editions", "Made again", "Edition", editions),
        spreadsheets(figures),
        files(figures),
    ];
    Some(Section {
        reader: Reader::Operator,
        id: "letters",
        title: "Letters and texts",
        lead: lead(figures),
        tables: tables
            .into_iter()
            .filter(|table| !table.rows.is_empty())
            .collect(),
    })
}

fn lead(figures: &Figures) -> Vec<String> {
    let LetterFile {
        letters,
        pages,
        duplex_sheets,
    } = figures.paper.letters();
    let mut lead = Vec::new();
    if letters > 0 {
        lead.push(format!(
            "{} on {}, in {}: {} of paper printed on one side, or {} on both, each letter beginning a sheet.",
            counted(letters, "letter", "letters"),
            counted(pages, "page", "pages"),
            counted(figures.paper.files.len() as u64, "file or folder", "files or folders"),
            counted(pages, "sheet", "sheets"),
            number(duplex_sheets),
        ));
    }
    let stopped = figures.stopped_since.len();
    if stopped > 0 {
        lead.push(format!(
            "{} for patients who were stopped afterwards (rows.csv, “made”).",
            counted(
                stopped,
                "of the letters and texts is",
                "of the letters and texts are"
            )
        ));
    }
    lead
}

fn files(figures: &Figures) -> Table {
    let columns = [
        Column::text("file", "File or folder"),
        Column::count("letters", "Letters"),
        Column::count("pages", "Pages"),
        Column::count("duplex_sheets", "Sheets, both sides"),
    ];
    let mut table = Table::new("files", "Files of letters", &columns);
    table.most_shown = FILES_SHOWN;
    for (name, file) in &figures.paper.files {
        let cells = vec![
            name.as_str().into(),
            Cell::Count(file.letters),
            Cell::Count(file.pages),
            Cell::Count(file.duplex_sheets),
        ];
        table.row(name.as_str(), cells);
    }
    table
}

fn spreadsheets(figures: &Figures) -> Table {
    let columns = [
        Column::text("file", "Spreadsheet"),
        Column::count("patients", "Patients"),
    ];
    let mut table = Table::new("spreadsheets", "Spreadsheets of text messages", &columns).narrow();
    table.most_shown = FILES_SHOWN;
    for (name, patients) in &figures.paper.spreadsheets {
        table.row(
            name.as_str(),
            vec![name.as_str().into(), Cell::Count(*patients)],
        );
    }
    table
}

/// The channels of an invitation, as the page names them: `Letter and text message`.
pub(super) fn channels_in_words(channels: &[Channel]) -> String {
    let words: Vec<&str> = channels.iter().map(|channel| channel.words()[0]).collect();
    let words = words.join(" and ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

pub(super) fn notify(figures: &Figures) -> Option<Section> {
    let counts = &figures.paper.dispatches;
    if counts.is_empty() {
        return None;
    }
    let columns = [
        Column::text("what", "What"),
        Column::text("status", "Status"),
        Column::count("count", "Number"),
        Column::share("share", "Share"),
    ];
    let mut table = Table::new(
        "dispatches",
        "Letters and text messages by status",
        &columns,
    );
    for ((channel, status), count) in counts {
        let same = counts.iter().filter(|((other, _), _)| other == channel);
        let whole = same.map(|(_, count)| count).sum();
        let words = match status {
            status if status.is_failure() => "will not arrive",
            status if status.is_final() => "arrived",
            _ => "under way",
        };
        let cells = vec![
            channels_in_words(&[*channel]).into(),
            format!("{} ({words})", status.as_str()).into(),
            Cell::Count(*count),
            Cell::Share(*count, whole),
        ];
        table.row(format!("{}_{}", channel.as_str(), status.as_str()), cells);
    }
    Some(Section {
        reader: Reader::Operator,
        id: "notify",
        title: "Through GOV.UK Notify",
        lead: vec!["What GOV.UK Notify said when it was asked last, in its own words.".to_owned()],
        tables: vec![table],
    })
}
