//! The key of a request's references. Without it nobody can tell whom a reference means: it is made of number and date of birth
//! with the key, so that it is the same for a patient whatever row and file the patient is in.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use pkb_core::{
    Fatal, Record,
    record::{Patient, Reference, opaque_name},
};
use pkb_files::{atomic_file::AtomicFile, exposure};
use pkb_values::NationalIdType;
use serde::{Deserialize, Serialize};

/// The key of the references of one request.
#[derive(Clone)]
pub struct Key {
    hex: String,
}

/// The name of a question: 20 digits of Base32, of 100 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question(u128);

#[derive(Serialize, Deserialize)]
struct KeyFile {
    schema: String,
    key: String,
}

const SCHEMA: &str = "pkb-trace-key/1";
const LENGTH: usize = Reference::LENGTH;

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Where the key of a request is: beside it.
    #[must_use]
    pub fn beside(request: &Path) -> PathBuf {
        let mut name = request.as_os_str().to_owned();
        name.push(".key");
        name.into()
    }

    /// A new key.
    ///
    /// # Errors
    /// The machine has no random numbers.
    pub fn random() -> Result<Self, Fatal> {
        let mut bytes = [0_u8; 32];
        let filled = rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty());
        let filled = filled.map_err(|source| Fatal::io("cannot make a key", source.into()))?;
        if filled != bytes.len() {
            return Err(Fatal::Bug("the key is too short".into()));
        }
        Ok(Self {
            hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    /// The key in a file, if the file is there.
    ///
    /// # Errors
    /// It cannot be read, or holds no key.
    pub fn read(path: &Path) -> Result<Self, Fatal> {
        exposure::warn_of_file(path);
        let text = std::fs::read(path).map_err(|source| Fatal::cannot_read(path, source))?;
        let file: Option<KeyFile> = serde_json::from_slice(&text).ok();
        let is_key = |file: &KeyFile| {
            let is_hex = file.key.bytes().all(|byte| byte.is_ascii_hexdigit());
            file.schema == SCHEMA && file.key.len() == 64 && is_hex
        };
        let file = file.filter(is_key).ok_or_else(|| {
            Fatal::Input(format!(
                "{} is not a key of a trace. pkb trace request writes it beside the request",
                path.display()
            ))
        })?;
        Ok(Self { hex: file.key })
    }

    /// Writes the key into a file that is its owner's alone.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Fatal> {
        let file = KeyFile {
            schema: SCHEMA.into(),
            key: self.hex.clone(),
        };
        let text =
            serde_json::to_vec(&file).map_err(|_| Fatal::Bug("a key cannot be written".into()))?;
        AtomicFile::write(path, &text)
    }

    /// The reference of the question about a patient.
    #[must_use]
    pub fn reference(&self, patient: &Patient) -> String {
        let id = &patient.national_id;
        let parts = [
            "pkb-trace/1",
            &self.hex,
            id.value.expose_digits(),
            &patient.date_of_birth.expose_iso(),
        ];
        opaque_name(&parts, LENGTH)
    }

    /// The same, to be looked up.
    #[must_use]
    pub fn question(&self, patient: &Patient) -> Option<Question> {
        Question::parse(&self.reference(patient))
    }
}

impl Question {
    /// A reference as it came back, in any case; `None` if it can be none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let reference = Reference::parse(text).filter(|own| own.as_str().len() == LENGTH)?;
        Some(Self(reference.packed()))
    }

    /// A person of a list, by national number.
    #[must_use]
    pub fn of_number(number: u64) -> Self {
        // 20 digits of base 36 are far below.
        Self(u128::MAX - u128::from(number))
    }
}

/// Whether the register can be asked about the patient of a record: it knows NHS numbers alone.
#[must_use]
pub fn is_asked_about(record: &Record) -> bool {
    let erased = record
        .outcome
        .as_ref()
        .is_some_and(pkb_core::Outcome::is_erased);
    let patient = record.patient.as_ref();
    !erased
        && patient.is_some_and(|patient| patient.national_id.scheme == NationalIdType::NhsNumber)
}
