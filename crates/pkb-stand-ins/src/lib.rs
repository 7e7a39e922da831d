//! Stand-ins that work with files: the NHS's register of patients (MESH) and a mail company. They are commands of `pkb-sandbox`.
//!
//! [`mesh`] answers request files as the Personal Demographics Service (PDS) does through MESH: for each request a response with a row for
//! each row of it, and patients of a patient file who have died, moved, have another number or must not be found. [`mail_company`] takes a
//! folder of letters by its manifest, and writes a status file and the letters that came back. Both choose their exceptions by seed, write
//! them to the file of `--truth` for tests, and go wrong with `--fault`.

pub mod mail_company;
pub mod mesh;
