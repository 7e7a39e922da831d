//! What a column of a patient file can hold.

/// Defines [`Field`]: key in a mapping file and in `data/columns.toml`, and what messages call it.
macro_rules! fields {
    ($($name:ident = $key:literal, $words:literal;)+) => {
        /// What a column holds. Its headers are in `data/columns.toml`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field { $(#[doc = $words] $name,)+ }

        impl Field {
            /// All fields, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// How many fields there are.
            pub const COUNT: usize = Self::ALL.len();

            /// What messages call it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $words,)+ }
            }

            /// What a mapping file calls it: `national_id`.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }
        }
    };
}

fields! {
    NationalId = "national_id", "NHS number";
    NumberType = "number_type", "Number type";
    NhsNumberStatus = "nhs_number_status", "NHS number status";
    OrganisationId = "organisation_id", "Organisation identifier";
    TeamId = "team_id", "Team identifier";
    Title = "title", "Title";
    FirstName = "first_name", "First name";
    LastName = "last_name", "Last name";
    DateOfBirth = "date_of_birth", "Date of birth";
    BirthDay = "birth_day", "Day of birth";
    BirthMonth = "birth_month", "Month of birth";
    BirthYear = "birth_year", "Year of birth";
    Gender = "gender", "Gender";
    FullAddress = "full_address", "Full address";
    Flat = "flat", "Flat";
    Building = "building", "Building";
    HouseNumber = "house_number", "House number";
    Street = "street", "Street";
    Address1 = "address_1", "Address 1";
    Address2 = "address_2", "Address 2";
    Address3 = "address_3", "Address 3";
    Address4 = "address_4", "Address 4";
    Address5 = "address_5", "Address 5";
    Locality = "locality", "Locality";
    Town = "town", "Town";
    County = "county", "County";
    Postcode = "postcode", "Post code";
    Mobile = "mobile", "Mobile";
    HomePhone = "home_phone", "Home telephone";
    WorkPhone = "work_phone", "Work telephone";
    OtherPhone = "other_phone", "Other telephone";
    Email = "email", "Email";
    Language = "language", "Language";
    LetterFormat = "letter_format", "Letter format";
    Deceased = "deceased", "Deceased";
    Alive = "alive", "Alive";
    LifeStatus = "life_status", "Life status";
    DischargeMethod = "discharge_method", "Discharge method";
    DischargeDestination = "discharge_destination", "Discharge destination";
    PatientStatus = "patient_status", "Patient status";
    SearchedText = "searched_text", "Searched text";
    Sensitive = "sensitive", "Sensitive";
    DoNotContact = "do_not_contact", "Do not contact";
    Consent = "consent", "Consent";
    RemovalReason = "removal_reason", "Removal reason";
    RemovalDate = "removal_date", "Removal date";
    Carer1FirstName = "carer_1_first_name", "Carer 1 first name";
    Carer1LastName = "carer_1_last_name", "Carer 1 last name";
    Carer1Email = "carer_1_email", "Carer 1 email";
    Carer2FirstName = "carer_2_first_name", "Carer 2 first name";
    Carer2LastName = "carer_2_last_name", "Carer 2 last name";
    Carer2Email = "carer_2_email", "Carer 2 email";
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

/// The cells of an address, in the order of its lines. A house number has no line of its own: it goes before
/// the street.
pub const ADDRESS: [Field; 13] = [
    Field::FullAddress,
    Field::Flat,
    Field::Building,
    Field::HouseNumber,
    Field::Street,
    Field::Address1,
    Field::Address2,
    Field::Address3,
    Field::Address4,
    Field::Address5,
    Field::Locality,
    Field::Town,
    Field::County,
];

/// Fields of an address that are not simply a line of their own.
pub const COMPOSED: [Field; 4] = [
    Field::FullAddress,
    Field::Flat,
    Field::Building,
    Field::HouseNumber,
];

/// Fields that say in which house a patient lives: without one of them no letter arrives.
pub const HOUSE: [Field; 10] = [
    Field::FullAddress,
    Field::Flat,
    Field::Building,
    Field::HouseNumber,
    Field::Street,
    Field::Address1,
    Field::Address2,
    Field::Address3,
    Field::Address4,
    Field::Address5,
];

/// Lines of an address that are nothing but lines.
pub const ADDRESS_LINES: [Field; 5] = [
    Field::Address1,
    Field::Address2,
    Field::Address3,
    Field::Address4,
    Field::Address5,
];

/// A date of birth in three columns: day, month, year.
pub const BIRTH_PARTS: [Field; 3] = [Field::BirthDay, Field::BirthMonth, Field::BirthYear];

/// What it means that several columns have the same field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Several {
    /// Nobody knows which one counts: the file is refused.
    Refused,
    /// The same, unless the mapping names them in their order: then the first cell that is filled counts.
    FirstFilled,
    /// All of them count.
    All,
}

impl Field {
    /// The field of a mapping file's key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.key() == key)
    }

    /// Whether its columns decide, by what their cells say, if a patient may be written to.
    pub fn decides_who_is_written_to(self) -> bool {
        matches!(
            self,
            Self::Deceased
                | Self::Alive
                | Self::LifeStatus
                | Self::DischargeMethod
                | Self::DischargeDestination
                | Self::PatientStatus
                | Self::SearchedText
                | Self::Sensitive
                | Self::DoNotContact
                | Self::Consent
                | Self::RemovalReason
                | Self::RemovalDate
        )
    }

    /// Whether its columns say who has died.
    pub fn is_about_death(self) -> bool {
        matches!(
            self,
            Self::Deceased
                | Self::Alive
                | Self::LifeStatus
                | Self::DischargeMethod
                | Self::DischargeDestination
                | Self::PatientStatus
        )
    }

    /// What several columns of it mean.
    pub fn several(self) -> Several {
        match self {
            Self::Gender
            | Self::Mobile
            | Self::HomePhone
            | Self::WorkPhone
            | Self::OtherPhone
            | Self::Email => Several::FirstFilled,
            field if field.decides_who_is_written_to() => Several::All,
            _ => Several::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_key() {
        for (at, field) in Field::ALL.iter().enumerate() {
            assert_eq!(*field as usize, at, "{}", field.name());
            assert_eq!(Field::of_key(field.key()), Some(*field));
        }
        assert_eq!(Field::of_key("ward"), None);
    }
}
