//! `[organisation]` of `template.toml`: what a letter says about its sender.

use serde::{Deserialize, Serialize};

/// Who sends the letter. Every field is printed as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Name of the organisation.
    pub name: String,
    /// Site or department.
    pub department: String,
    /// Address lines of the sender, post code last.
    pub address: Vec<String>,
    /// Telephone number for help.
    pub phone: String,
    /// When the telephone is answered, such as "Monday to Friday, 9am to 5pm".
    pub help_hours: String,
    /// E-mail address for help.
    pub email: String,
    /// Website of the sender.
    pub website: String,
    /// File name of the logo in the template folder.
    pub logo: String,
    /// File name of the signature in the template folder.
    pub signature: String,
    /// Name of the clinician who signs.
    pub clinician_name: String,
    /// Role of the clinician who signs.
    pub clinician_role: String,
    /// What the patient gains, one line each.
    pub gains: Vec<String>,
    /// Who sees the record, in two sentences.
    pub privacy: String,
    /// Where the privacy notice is, as a person types it.
    pub privacy_notice: String,
}

/// `translation.toml` in the folder of a language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Translation {
    /// Whether the words of the folder are approved.
    pub is_approved: bool,
    /// What is said differently about the organisation.
    pub organisation: TranslatedOrganisation,
}

/// What is said differently about the organisation. What is absent is said as in `template.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TranslatedOrganisation {
    name: Option<String>,
    department: Option<String>,
    address: Option<Vec<String>>,
    help_hours: Option<String>,
    email: Option<String>,
    website: Option<String>,
    clinician_role: Option<String>,
    gains: Option<Vec<String>>,
    privacy: Option<String>,
    privacy_notice: Option<String>,
}

impl Organisation {
    /// As letters in another language say it.
    #[must_use]
    pub fn translated(&self, other: &TranslatedOrganisation) -> Self {
        let (other, own) = (other.clone(), self.clone());
        Self {
            name: other.name.unwrap_or(own.name),
            department: other.department.unwrap_or(own.department),
            address: other.address.unwrap_or(own.address),
            help_hours: other.help_hours.unwrap_or(own.help_hours),
            email: other.email.unwrap_or(own.email),
            website: other.website.unwrap_or(own.website),
            clinician_role: other.clinician_role.unwrap_or(own.clinician_role),
            gains: other.gains.unwrap_or(own.gains),
            privacy: other.privacy.unwrap_or(own.privacy),
            privacy_notice: other.privacy_notice.unwrap_or(own.privacy_notice),
            ..own
        }
    }

    /// The key of the first value that is empty.
    #[must_use]
    pub fn empty_key(&self) -> Option<&'static str> {
        let is_empty = |text: &String| text.trim().is_empty();
        let ones = [
            ("name", &self.name),
            ("department", &self.department),
            ("phone", &self.phone),
            ("help_hours", &self.help_hours),
            ("email", &self.email),
            ("website", &self.website),
            ("logo", &self.logo),
            ("signature", &self.signature),
            ("clinician_name", &self.clinician_name),
            ("clinician_role", &self.clinician_role),
            ("privacy", &self.privacy),
            ("privacy_notice", &self.privacy_notice),
        ];
        let lists = [("address", &self.address), ("gains", &self.gains)];
        let one = ones.into_iter().find(|(_, text)| is_empty(text));
        let list = lists
            .into_iter()
            .find(|(_, list)| list.is_empty() || list.iter().any(is_empty));
        one.map(|(key, _)| key).or(list.map(|(key, _)| key))
    }
}
