//! What a column of a patient file can hold, and what hospitals call it.

use pkb_core::value::folded_header;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    NationalId,
    NumberType,
    OrganisationId,
    TeamId,
    Title,
    FirstName,
    LastName,
    DateOfBirth,
    BirthDay,
    BirthMonth,
    BirthYear,
    Address1,
    Address2,
    Address3,
    Address4,
    Address5,
    Town,
    County,
    PostCode,
    Mobile,
    HomePhone,
    WorkPhone,
    OtherPhone,
    Email,
    Language,
    LetterFormat,
    Deceased,
    Carer1FirstName,
    Carer1LastName,
    Carer1Email,
    Carer2FirstName,
    Carer2LastName,
    Carer2Email,
}

/// First name, last name and e-mail address of each carer.
pub const CARERS: [[Field; 3]; 2] = [
    [
        Field::Carer1FirstName,
        Field::Carer1LastName,
        Field::Carer1Email,
    ],
    [
        Field::Carer2FirstName,
        Field::Carer2LastName,
        Field::Carer2Email,
    ],
];

/// The cells of an address, in the order of its lines.
pub const ADDRESS: [Field; 7] = [
    Field::Address1,
    Field::Address2,
    Field::Address3,
    Field::Address4,
    Field::Address5,
    Field::Town,
    Field::County,
];

/// A date of birth in three columns: day, month, year.
pub const BIRTH_PARTS: [Field; 3] = [Field::BirthDay, Field::BirthMonth, Field::BirthYear];

/// A field, its name, its key in a mapping file, and its aliases: headers as [`folded_header`] leaves them.
struct Entry {
    field: Field,
    name: &'static str,
    key: &'static str,
    aliases: &'static [&'static str],
}

const fn entry(
    field: Field,
    name: &'static str,
    key: &'static str,
    aliases: &'static [&'static str],
) -> Entry {
    Entry {
        field,
        name,
        key,
        aliases,
    }
}

/// All fields, in the order in which they are declared. The aliases are what patient administration
/// systems and their reports write; the name and the key themselves need none.
#[rustfmt::skip]
const TABLE: [Entry; 33] = [
    entry(Field::NationalId, "NHS number", "national_id", &[
        "nhsno", "nhsnum", "nhs", "nhsid", "nhsnumb", "nhsnr", "patientnhsnumber", "patientnhsno", "newnhsnumber", "newnhsno",
        "nationalid", "nationalidentifier", "nationalnumber",
        "chi", "chino", "chinumber", "chinum", "patientchinumber",
        "hc", "hcn", "hcnumber", "hcno", "hcnnumber", "handcnumber", "healthandcarenumber", "healthcarenumber", "hscnumber",
    ]),
    entry(Field::NumberType, "Number type", "number_type", &["nhsnumbertype", "idtype", "identifiertype", "nationalidtype", "typeofnumber"]),
    entry(Field::OrganisationId, "Organisation identifier", "organisation_id", &[
        "organisationid", "organizationidentifier", "organizationid", "orgid", "orgidentifier", "hospitalnumber", "hospitalno", "hospno", "hospitalid",
        "mrn", "patientid", "patientnumber", "patientno", "pasnumber", "pasno", "pasid", "localpatientidentifier", "districtnumber", "unitnumber", "crn",
    ]),
    entry(Field::TeamId, "Team identifier", "team_id", &["teamid", "clinicnumber", "clinicid"]),
    entry(Field::Title, "Title", "title", &["salutation", "prefix", "nametitle", "patienttitle", "honorific"]),
    entry(Field::FirstName, "First name", "first_name", &[
        "firstnames", "forename", "forenames", "forename1", "givenname", "givennames", "patientforename", "patientfirstname", "christianname", "first", "fname",
    ]),
    entry(Field::LastName, "Last name", "last_name", &[
        "surname", "familyname", "patientsurname", "patientlastname", "last", "lname", "secondname",
    ]),
    entry(Field::DateOfBirth, "Date of birth", "date_of_birth", &[
        "dob", "birthdate", "born", "dateofbirthddmmyyyy", "dobddmmyyyy", "dateofbirthyyyymmdd", "patientdob", "patientdateofbirth", "dateborn",
    ]),
    entry(Field::BirthDay, "Day of birth", "birth_day", &["dd", "dobday", "dobdd", "birthdd", "dayofbirth"]),
    entry(Field::BirthMonth, "Month of birth", "birth_month", &["mm", "dobmonth", "dobmm", "birthmm", "monthofbirth"]),
    entry(Field::BirthYear, "Year of birth", "birth_year", &["yyyy", "dobyear", "dobyyyy", "birthyyyy", "yearofbirth", "yob"]),
    entry(Field::Address1, "Address 1", "address_1", &[
        "addr1", "add1", "address", "addressline1", "addrline1", "addressline", "patientaddress", "patientaddress1", "patientaddressline1", "street", "streetaddress", "postaladdress", "homeaddress",
    ]),
    entry(Field::Address2, "Address 2", "address_2", &["addr2", "add2", "addressline2", "addrline2", "patientaddress2", "patientaddressline2", "locality"]),
    entry(Field::Address3, "Address 3", "address_3", &["addr3", "add3", "addressline3", "addrline3", "patientaddress3", "patientaddressline3"]),
    entry(Field::Address4, "Address 4", "address_4", &["addr4", "add4", "addressline4", "addrline4", "patientaddress4", "patientaddressline4"]),
    entry(Field::Address5, "Address 5", "address_5", &["addr5", "add5", "addressline5", "addrline5", "patientaddress5", "patientaddressline5"]),
    entry(Field::Town, "Town", "town", &["city", "posttown", "towncity", "townorcity", "addresstown", "addresscity", "patienttown"]),
    entry(Field::County, "County", "county", &["state", "province", "region", "stateprovincecounty", "addresscounty", "patientcounty"]),
    entry(Field::PostCode, "Post code", "post_code", &[
        "pcode", "pc", "postalcode", "zip", "zipcode", "addresspostcode", "patientpostcode", "postcodeofusualaddress", "postcd",
    ]),
    entry(Field::Mobile, "Mobile", "mobile", &[
        "mobilenumber", "mobileno", "mobiletel", "mobiletelephone", "mobiletelephonenumber", "mobilephone", "mobilephonenumber", "mob", "mobtel", "telmobile", "phonemobile",
        "telephonemobile", "cell", "cellphone", "mobile1", "patientmobile", "smsnumber", "contactmobile",
    ]),
    entry(Field::HomePhone, "Home telephone", "home_phone", &[
        "homephone", "homenumber", "hometel", "homephonenumber", "hometelephonenumber", "hometelno", "telhome", "phonehome", "telephonehome", "telephone", "telephonenumber", "tel", "telno",
        "phone", "phonenumber", "landline", "patienttelephone", "daytimephone",
    ]),
    entry(Field::WorkPhone, "Work telephone", "work_phone", &["workphone", "worknumber", "worktel", "workphonenumber", "worktelephonenumber", "telwork", "phonework", "telephonework", "businessphone"]),
    entry(Field::OtherPhone, "Other telephone", "other_phone", &["otherphone", "othernumber", "othertel", "othertelephonenumber", "telother", "phoneother", "alternativephone"]),
    entry(Field::Email, "Email", "email", &["emailaddress", "mail", "patientemail", "patientemailaddress", "emailid", "contactemail"]),
    entry(Field::Language, "Language", "language", &["preferredlanguage", "firstlanguage", "spokenlanguage", "lang", "languagecode", "mainlanguage"]),
    entry(Field::LetterFormat, "Letter format", "letter_format", &["format", "printformat", "preferredformat", "accessibleformat", "aisformat", "communicationformat", "printsize", "letterprint"]),
    entry(Field::Deceased, "Deceased", "deceased", &[
        "dateofdeath", "dod", "deathdate", "deceaseddate", "datedeceased", "deceasedflag", "deceasedindicator", "isdeceased", "dead", "deathindicator", "dateofdeathddmmyyyy",
        "patientdeceased", "died",
    ]),
    entry(Field::Carer1FirstName, "Carer 1 first name", "carer_1_first_name", &["carerfirstname", "carerforename", "carer1forename"]),
    entry(Field::Carer1LastName, "Carer 1 last name", "carer_1_last_name", &["carerlastname", "carersurname", "carer1surname"]),
    entry(Field::Carer1Email, "Carer 1 email", "carer_1_email", &["careremail", "careremailaddress", "carer1emailaddress"]),
    entry(Field::Carer2FirstName, "Carer 2 first name", "carer_2_first_name", &["carer2forename"]),
    entry(Field::Carer2LastName, "Carer 2 last name", "carer_2_last_name", &["carer2surname"]),
    entry(Field::Carer2Email, "Carer 2 email", "carer_2_email", &["carer2emailaddress"]),
];

impl Field {
    /// How many fields there are.
    pub const COUNT: usize = TABLE.len();

    /// All fields, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|entry| entry.field)
    }

    fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }

    /// What messages call it.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// What a mapping file calls it: `national_id`.
    pub fn key(self) -> &'static str {
        self.entry().key
    }

    /// The field of a mapping file's key.
    pub fn of_key(key: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| entry.field)
    }

    /// The field that a header means.
    pub fn of_header(header: &str) -> Option<Self> {
        let wanted = folded_header(header);
        TABLE
            .iter()
            .find(|entry| entry.spellings().any(|spelling| spelling == wanted))
            .map(|entry| entry.field)
    }

    /// How alike a header is to the nearest spelling of this field, from 0 to 1 (Jaro-Winkler).
    pub fn likeness(self, header: &str) -> f64 {
        let wanted = folded_header(header);
        self.entry()
            .spellings()
            .map(|spelling| strsim::jaro_winkler(&spelling, &wanted))
            .fold(0.0, f64::max)
    }
}

impl Entry {
    fn spellings(&self) -> impl Iterator<Item = String> {
        [self.name, self.key]
            .into_iter()
            .chain(self.aliases.iter().copied())
            .map(folded_header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_table_is_in_the_order_of_the_fields() {
        for (at, entry) in TABLE.iter().enumerate() {
            assert_eq!(entry.field as usize, at, "{}", entry.name);
        }
    }

    #[test]
    fn no_header_means_two_fields() {
        let mut seen: HashMap<String, Field> = HashMap::new();
        for entry in &TABLE {
            for spelling in entry.spellings() {
                let first = *seen.entry(spelling.clone()).or_insert(entry.field);
                assert_eq!(first, entry.field, "{spelling}");
            }
        }
    }

    #[test]
    fn headers_are_known_in_any_dress() {
        for (header, field) in [
            ("NHS No", Field::NationalId),
            ("nhs_number", Field::NationalId),
            ("CHI Number", Field::NationalId),
            ("H&C No.", Field::NationalId),
            ("FORENAME", Field::FirstName),
            ("Surname ", Field::LastName),
            ("D.O.B.", Field::DateOfBirth),
            ("Addr1", Field::Address1),
            ("Postcode", Field::PostCode),
            ("Mobile Tel", Field::Mobile),
            ("E-mail", Field::Email),
            ("Hospital No.", Field::OrganisationId),
            ("YYYY", Field::BirthYear),
        ] {
            assert_eq!(Field::of_header(header), Some(field), "{header}");
        }
        assert_eq!(Field::of_header("Ward"), None);
        assert_eq!(Field::of_header(""), None);
    }
}
