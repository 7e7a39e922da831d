//! The records of patients, and how uploads change them.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use pkb_synthetic::{BirthAtPkb, Gender, World, WorldPatient, derive};

use crate::national_id::NationalId;
use crate::upload::{Added, Report, Row, Rows};

/// What can be seen of a record from outside, for tests and demonstrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatientView {
    /// PKB's id.
    pub pkb_id: String,
    /// Registered, earlier or through the join page.
    pub registered: bool,
    /// How many pairs of codes were issued.
    pub invitations: usize,
    /// How many times an upload changed the record after it was made.
    pub updates: usize,
    /// M, F, I or U; empty if PKB has none.
    pub gender: String,
    /// The number that PKB has.
    pub mobile: String,
    /// Two lines, town and county; any may be empty.
    pub address: [String; 4],
    /// The date of birth that PKB has.
    pub date_of_birth: Option<Date>,
    /// The date of death that PKB has.
    pub deceased: Option<Date>,
}

/// One pair of codes.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The invitation code, t1 in the join link.
    pub code: String,
    /// The access code, t2 in the join link.
    pub token: String,
    /// When the pair stops working.
    pub expires_at: Timestamp,
}

/// A record, with what the world file says already applied.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) pkb_id: u64,
    pub(crate) row: Row,
    pub(crate) date_of_birth: Option<Date>,
    pub(crate) world: WorldPatient,
    pub(super) registered: bool,
    pub(super) updates: usize,
    pub(super) issued: Vec<Timestamp>,
}

impl Record {
    /// The gender that PKB has: the world's, or what was uploaded.
    pub(crate) fn gender(&self) -> Gender {
        let uploaded = || match self.row.gender.as_str() {
            "M" => Gender::M,
            "F" => Gender::F,
            "I" => Gender::I,
            _ => Gender::U,
        };
        self.world.gender.unwrap_or_else(uploaded)
    }
}

/// All records, and how they are found.
#[derive(Default)]
pub(super) struct Records {
    pub(super) records: Vec<Record>,
    pub(super) by_national_id: HashMap<String, usize>,
    pub(super) by_local_id: HashMap<String, usize>,
    pub(super) by_pkb_id: HashMap<u64, usize>,
    pub(super) by_email: HashMap<String, usize>,
    /// Invitation code -> record and which of its pairs.
    pub(super) codes: HashMap<String, (usize, usize)>,
    /// The pair of codes that an answer told last.
    pub(super) told: Option<(String, String)>,
}

impl Records {
    /// The place of the record after the one at `index`.
    pub(super) fn next(&self, index: usize) -> usize {
        (index + 1) % self.records.len().max(1)
    }

    /// The records that are there before anything is uploaded.
    pub(super) fn of_world(seed: u64, world: &World) -> Self {
        let mut memory = Self::default();
        for entry in world.entries() {
            if let Some(record) = &entry.record {
                // Such a row has nothing that could belong to another record.
                let _ = memory.add(seed, world, Row::of_known(record, &entry.national_id));
            }
        }
        memory
    }

    /// Adds the rows of one upload, in order.
    pub(super) fn import(&mut self, seed: u64, world: &World, rows: Rows) -> Report {
        let add = |(line, row): (u64, Result<Row, &'static str>)| {
            (line, row.and_then(|row| self.add(seed, world, row)))
        };
        Report::new(rows.into_iter().map(add))
    }

    /// The record with a number. An upload does not say of which scheme a number is, so it is of each, unless the world says which.
    pub(super) fn find(&self, id: &NationalId) -> Option<usize> {
        let index = *self.by_national_id.get(&id.number)?;
        let scheme = self.records[index].world.scheme;
        scheme
            .is_none_or(|scheme| scheme == id.scheme)
            .then_some(index)
    }

    pub(super) fn add(
        &mut self,
        seed: u64,
        world: &World,
        row: Row,
    ) -> Result<Added, &'static str> {
        let entry = world.get(&row.national_id).cloned().unwrap_or_default();
        if entry.missing {
            return Ok(Added::Created);
        }
        let local_ids = [
            ("organisation", &row.organisation_id),
            ("team", &row.team_id),
        ]
        .into_iter()
        .filter(|(_, id)| !id.is_empty())
        .map(|(kind, id)| format!("{kind}:{id}"))
        .collect::<Vec<_>>();
        let known = match self.by_national_id.get(&row.national_id) {
            Some(&index) => Some(index),
            None if row.national_id.is_empty() => local_ids
                .iter()
                .find_map(|id| self.by_local_id.get(id).copied()),
            None => None,
        };
        let taken_by_another =
            |owner: Option<&usize>| owner.is_some_and(|owner| Some(*owner) != known);
        if local_ids
            .iter()
            .any(|id| taken_by_another(self.by_local_id.get(id)))
        {
            return Err("an organisation or team identifier belongs to another patient");
        }
        let email = row.email.to_lowercase();
        if !email.is_empty() && taken_by_another(self.by_email.get(&email)) {
            return Err("the e-mail address stands in another patient's record");
        }

        let index = known.unwrap_or(self.records.len());
        for id in &local_ids {
            self.by_local_id.insert(id.clone(), index);
        }
        if !email.is_empty() {
            self.by_email.insert(email, index);
        }
        if known.is_some() {
            let record = &mut self.records[index];
            record.row.overwrite_with(row);
            record.updates += 1;
            record.date_of_birth = born(&record.world, &record.row);
            return Ok(Added::Updated);
        }
        let pkb_id = derive::pkb_id_of_national_id(seed, &row.national_id)
            .or_else(|| {
                local_ids
                    .first()
                    .map(|id| derive::pkb_id_of_local_id(seed, id))
            })
            .ok_or("there is no identifier")?;
        if !row.national_id.is_empty() {
            self.by_national_id.insert(row.national_id.clone(), index);
        }
        self.by_pkb_id.insert(pkb_id, index);
        self.records.push(Record {
            pkb_id,
            date_of_birth: born(&entry, &row),
            registered: entry.registered,
            world: entry,
            row,
            updates: 0,
            issued: Vec::new(),
        });
        Ok(Added::Created)
    }
}

fn born(world: &WorldPatient, row: &Row) -> Option<Date> {
    match world.date_of_birth {
        BirthAtPkb::AsUploaded => row.date_of_birth,
        BirthAtPkb::Unknown => None,
        BirthAtPkb::On(date) => Some(date),
    }
}
