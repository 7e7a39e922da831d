//! Synthetic patients, made from a seed, and what a world file says of them.
//!
//! A seed gives the same patients, ids and codes every time. The world file says what PKB knows about a patient, and how it answers
//! about one. The sandbox and the stand-ins share this, and the few helpers for the files that they write.
//!
//! ```
//! use pkb_synthetic::{generate, nhs_number};
//!
//! let patients: Vec<_> = generate::patients(3, 1).collect();
//! assert_eq!(patients.len(), 3);
//! assert!(patients.iter().all(|one| nhs_number::is_valid(&one.national_id)));
//! ```

pub mod derive;
pub mod generate;
mod known_record;
mod names;
pub mod nhs_number;
mod private_file;
mod scheme;
pub mod torn;
mod world;
mod world_of_file;

pub use known_record::KnownRecord;
pub use private_file::PrivateFile;
pub use scheme::Scheme;
pub use world::{BirthAtPkb, Gender, NhsFate, OddAnswer, World, WorldError, WorldPatient};
pub use world_of_file::date_of_parts;
