//! PKB's "Add many patients" file: its columns, its cells and its lines.

mod profile;
mod special_characters;
mod template;

use std::borrow::Cow;

use jiff::civil::Date;
use pkb_core::{Fatal, record::Patient};
use pkb_files::journal::Key;
use pkb_values::{AddressLine, Email, LocalId, PersonName, Phone, Postcode, UkMobile};

pub use profile::{MAX_ROWS, Profile};
pub use special_characters::SpecialCharacters;

use profile::{PkbColumn, PkbField};

/// Which columns are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FilledColumns {
    /// All that the patient file has something for
    All,
    /// Names and number, without which PKB takes no row: for patients who are on PKB already, whose other
    /// details an upload would overwrite. A message also has gender and date of birth
    Minimal,
}

/// What is sent of a patient besides names and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentColumns {
    /// The date of birth.
    pub dates: bool,
    /// Address and postcode.
    pub addresses: bool,
}

impl SentColumns {
    /// Names and number alone.
    pub const NAMES: Self = Self {
        dates: false,
        addresses: false,
    };
}

/// How lines are made.
#[derive(Debug, Clone, Copy)]
pub struct LineOptions {
    /// Which columns are filled.
    pub columns: FilledColumns,
    /// What becomes of commas, quotes and apostrophes.
    pub special_characters: SpecialCharacters,
    /// Whether e-mail addresses are uploaded. PKB sends invitations to them.
    pub emails: bool,
    /// The day on which ages are counted.
    pub today: Date,
}

/// Age from which a patient's e-mail address is the patient's own: that of a child is often a parent's,
/// and PKB would invite the parent into the child's record.
const OWN_EMAIL_FROM: i16 = 16;

/// Whether a patient has an e-mail address that is the patient's own.
pub fn has_own_email(patient: &Patient, today: Date) -> bool {
    patient.email.is_some() && patient.date_of_birth.age_on(today) >= OWN_EMAIL_FROM
}

/// The file: its columns and how its lines are made.
#[derive(Debug)]
pub struct PkbFile {
    /// The columns.
    pub profile: Profile,
    /// How lines are made.
    pub options: LineOptions,
}

impl PkbFile {
    /// The file as the program makes it if nobody says otherwise. Ages are those on `today`.
    ///
    /// # Errors
    /// The columns that come with the program are not good.
    pub fn built_in(today: Date) -> Result<Self, Fatal> {
        Ok(Self {
            profile: Profile::read(None)?,
            options: LineOptions {
                columns: FilledColumns::All,
                special_characters: SpecialCharacters::Typographic,
                emails: false,
                today,
            },
        })
    }

    /// The header line.
    pub fn header_line(&self) -> Vec<u8> {
        csv_line(self.profile.headers())
    }

    /// The line of one patient. Cells that look like formulas stay as they are: the file is for a
    /// program, and an apostrophe before a name would be part of the name.
    pub fn patient_line(&self, patient: &Patient) -> Vec<u8> {
        self.line(patient, self.options.columns)
    }

    /// The same with nothing in it but names and number: it leaves alone what else PKB has of the patient.
    pub fn minimal_line(&self, patient: &Patient) -> Vec<u8> {
        self.line(patient, FilledColumns::Minimal)
    }

    /// What lines have besides names and number.
    pub fn sent(&self) -> SentColumns {
        let all = |fields: &[PkbField]| {
            self.options.columns == FilledColumns::All
                && fields.iter().all(|field| self.profile.has(*field))
        };
        SentColumns {
            dates: all(&[
                PkbField::BirthDay,
                PkbField::BirthMonth,
                PkbField::BirthYear,
            ]),
            addresses: all(&[PkbField::Address1, PkbField::Address2, PkbField::Postcode]),
        }
    }

    /// How a row is known in the journal: the patient and all that is uploaded of them, so that a row that was corrected is
    /// uploaded again. What is left out for a patient that PKB already has does not count.
    pub fn key(&self, patient: &Patient) -> Key {
        Key::of(&[
            &patient.national_id.key_bytes(),
            &self.patient_line(patient),
        ])
    }

    fn line(&self, patient: &Patient, filled: FilledColumns) -> Vec<u8> {
        let address = address_cells(patient);
        let columns = self.profile.columns().iter();
        csv_line(columns.map(|column| self.expose_cell(patient, &address, column, filled)))
    }

    /// Whether the patient's line has an e-mail address in it: then PKB itself invites the patient.
    pub fn invites_by_email(&self, patient: &Patient) -> bool {
        self.options.emails
            && self.options.columns == FilledColumns::All
            && self.profile.has(PkbField::Email)
            && has_own_email(patient, self.options.today)
    }

    /// Whether any e-mail address is in the patient's line.
    pub fn has_emails(&self, patient: &Patient) -> bool {
        let carers = self.options.emails
            && self.options.columns == FilledColumns::All
            && patient.carers.iter().any(|carer| carer.email.is_some());
        carers || self.invites_by_email(patient)
    }

    fn expose_cell<'a>(
        &self,
        patient: &'a Patient,
        address: &'a [Cow<'a, str>; 4],
        column: &PkbColumn,
        filled: FilledColumns,
    ) -> Cow<'a, str> {
        let Some(field) = column.field else {
            return Cow::default();
        };
        if filled == FilledColumns::Minimal && !field.is_essential() {
            return Cow::default();
        }
        let born: Date = patient.date_of_birth.expose_date();
        let name = |name: Option<&'a PersonName>| {
            self.cleansed(name.map(PersonName::expose_name).unwrap_or_default())
        };
        let plain = |text: Option<&'a str>| Cow::Borrowed(text.unwrap_or_default());
        let carer = patient.carers.get(usize::from(column.carer.get()) - 1);
        match field {
            PkbField::Title => name(patient.title.as_ref()),
            PkbField::FirstName => name(Some(&patient.first_name)),
            PkbField::LastName => name(Some(&patient.last_name)),
            PkbField::NationalId => plain(Some(patient.national_id.value.expose_digits())),
            PkbField::OrganisationId => {
                plain(patient.organisation_id.as_ref().map(LocalId::expose_id))
            }
            PkbField::TeamId => plain(patient.team_id.as_ref().map(LocalId::expose_id)),
            PkbField::Email if !self.invites_by_email(patient) => Cow::default(),
            PkbField::Email => plain(patient.email.as_ref().map(Email::expose_address)),
            PkbField::BirthDay => format!("{:02}", born.day()).into(),
            PkbField::BirthMonth => format!("{:02}", born.month()).into(),
            PkbField::BirthYear => format!("{:04}", born.year()).into(),
            PkbField::Address1 => self.cleansed(&address[0]),
            PkbField::Address2 => self.cleansed(&address[1]),
            PkbField::City => self.cleansed(&address[2]),
            PkbField::County => self.cleansed(&address[3]),
            PkbField::Postcode => plain(patient.postcode.as_ref().map(Postcode::expose_postcode)),
            PkbField::Mobile => plain(patient.mobile.as_ref().map(UkMobile::expose_e164)),
            PkbField::HomePhone => plain(patient.home_phone.as_ref().map(Phone::expose_e164)),
            PkbField::WorkPhone => plain(patient.work_phone.as_ref().map(Phone::expose_e164)),
            PkbField::OtherPhone => plain(patient.other_phone.as_ref().map(Phone::expose_e164)),
            PkbField::CarerFirstName => name(carer.and_then(|carer| carer.first_name.as_ref())),
            PkbField::CarerLastName => name(carer.and_then(|carer| carer.last_name.as_ref())),
            // Whether PKB writes to carers is not published.
            PkbField::CarerEmail if !self.options.emails => Cow::default(),
            PkbField::CarerEmail => plain(
                carer
                    .and_then(|carer| carer.email.as_ref())
                    .map(Email::expose_address),
            ),
        }
    }

    fn cleansed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.options.special_characters.apply(text)
    }
}

/// Address1, Address2, City and County of a patient.
pub fn address_cells(patient: &Patient) -> [Cow<'_, str>; 4] {
    let lines: Vec<&str> = patient
        .address
        .iter()
        .map(AddressLine::expose_line)
        .collect();
    let place = |at: Option<u8>| at.map(usize::from);
    spread(&lines, place(patient.town_line), place(patient.county_line))
}

/// Address1, Address2, City and County from the lines of an address. Nothing is lost: lines that are too
/// many share Address2. Where the file does not say which line is the town, it is the last one.
fn spread<'a>(lines: &[&'a str], town: Option<usize>, county: Option<usize>) -> [Cow<'a, str>; 4] {
    let town = town.or_else(|| (0..lines.len()).skip(1).rfind(|at| Some(*at) != county));
    let street = (0..lines.len()).find(|at| Some(*at) != town && Some(*at) != county);
    let middle = (0..lines.len())
        .filter(|at| ![town, county, street].contains(&Some(*at)))
        .map(|at| lines[at])
        .fold(Cow::default(), |before: Cow<'a, str>, line| {
            if before.is_empty() {
                line.into()
            } else {
                format!("{before}, {line}").into()
            }
        });
    let cell = |at: Option<usize>| {
        let line = at.and_then(|at| lines.get(at)).copied();
        Cow::Borrowed(line.unwrap_or_default())
    };
    [cell(street), middle, cell(town), cell(county)]
}

/// Rows of a batch, so that batches are of even size: of 50,001 rows two files are made with 25,001 and
/// 25,000 rows, not one of 50,000 and one of a single row.
pub fn even_batch_rows(rows: u64, most: u32) -> usize {
    let batches = rows.div_ceil(u64::from(most)).max(1);
    usize::try_from(rows.div_ceil(batches))
        .unwrap_or(usize::MAX)
        .max(1)
}

/// More than most lines have.
const LINE_BYTES: usize = 512;

/// One line by RFC 4180, with its line end.
fn csv_line(cells: impl Iterator<Item = impl AsRef<str>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .buffer_capacity(LINE_BYTES)
        .from_writer(Vec::new());
    // Writing to memory cannot fail, and `flexible` is off for one record only.
    for cell in cells {
        let _ = writer.write_field(cell.as_ref());
    }
    let _ = writer.write_record(None::<&str>);
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests;
