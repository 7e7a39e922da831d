//! What the sandbox remembers of patients: records and invitations. No HTTP in here.

mod batch;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::Config;
use crate::alarm::Alarm;
use crate::clock::{Clock, later};
use crate::derive;
use crate::faults::{FaultBook, PersonFault};
use crate::ledger::Ledger;
use crate::national_id::NationalId;
use crate::notify;
use crate::processing::{Queue, UploadStatus};
use crate::tokens::Tokens;
use crate::upload::{Report, Row, Rows};
use crate::world::{BirthAtPkb, World, WorldPatient};
pub(crate) use batch::PatientStatus;

/// How long an invitation lives: the thirty days of PKB's guide.
const INVITATION_DAYS: i64 = 30;

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
    registered: bool,
    updates: usize,
    issued: Vec<Timestamp>,
}

/// The answer to a question about one patient.
pub(crate) enum Access<T> {
    Given(T),
    NotFound,
    Refused,
}

/// What the join page makes of the details.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    Registered,
    AlreadyRegistered,
    NoMatch,
}

/// What a good row of an upload did.
pub(crate) enum Added {
    Created,
    Updated,
}

/// What is answered to an upload.
pub(crate) enum Taken {
    Processed(Report),
    Queued(UploadStatus),
}

pub(crate) struct State {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) org_id: String,
    pub(crate) value_date_time: bool,
    pub(crate) tokens: Tokens,
    pub(crate) faults: FaultBook,
    pub(crate) ledger: Ledger,
    pub(crate) notify: notify::Service,
    /// Wakes whoever would keep the sandbox from stopping.
    pub(crate) stopping: Notify,
    /// What latencies are waited for by.
    pub(crate) alarm: Alarm,
    seed: u64,
    same_codes: bool,
    /// What codes are made and expire by.
    clock: Clock,
    world: World,
    /// What uploads are processed by.
    machine_clock: Clock,
    /// Locked before the memory where both are.
    queue: Mutex<Queue>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    records: Vec<Record>,
    by_national_id: HashMap<String, usize>,
    by_local_id: HashMap<String, usize>,
    by_pkb_id: HashMap<u64, usize>,
    by_email: HashMap<String, usize>,
    /// Invitation code -> record and which of its pairs.
    codes: HashMap<String, (usize, usize)>,
    /// The pair of codes that an answer told last.
    told: Option<(String, String)>,
}

impl State {
    pub(crate) fn new(config: Config, alarm: Alarm) -> Self {
        let memory = Memory::of_world(config.seed, &config.world);
        Self {
            client_id: config.client_id,
            client_secret: config.client_secret,
            org_id: config.org_id,
            value_date_time: config.value_date_time,
            tokens: Tokens::new(config.seed, config.clock.clone(), config.refresh_token),
            faults: FaultBook::new(config.faults),
            ledger: Ledger::default(),
            notify: notify::Service::new(config.notify, config.seed),
            stopping: Notify::new(),
            alarm,
            seed: config.seed,
            same_codes: config.same_codes,
            machine_clock: config.clock.clone(),
            clock: config.fixed_time.map_or(config.clock, Clock::fixed),
            world: config.world,
            queue: Mutex::new(Queue::new(SignedDuration::from_millis(
                config.processing_ms.into(),
            ))),
            memory: Mutex::new(memory),
        }
    }

    /// The records, with the uploads that are processed by now. A panic in one request must not take the others with it.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        let mut queue = self.queue();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        queue.process_due(self.machine_clock.now(), |rows| {
            memory.import(self.seed, &self.world, rows)
        });
        memory
    }

    /// What the machine's own time is, as opposed to that of the codes.
    pub(crate) fn machine_clock(&self) -> &Clock {
        &self.machine_clock
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an upload: processes it, or queues it where that takes time. `sha256` is the file's.
    pub(crate) fn upload(&self, rows: Rows, sha256: &str) -> Taken {
        let mut queue = self.queue();
        if queue.is_instant() {
            drop(queue);
            return Taken::Processed(self.memory().import(self.seed, &self.world, rows));
        }
        // With the file in it, an id of a sandbox that has been stopped means no other file in the next one.
        let id = derive::text(self.seed, &["upload", &queue.len().to_string(), sha256], 20);
        queue.push(id.clone(), rows, self.machine_clock.now());
        Taken::Queued(UploadStatus::processing(id))
    }

    /// Where an upload that was queued stands.
    pub(crate) fn upload_status(&self, id: &str) -> Option<UploadStatus> {
        drop(self.memory());
        self.queue().status(id)
    }

    /// The record that `byNationalId` is asked for.
    pub(crate) fn by_national_id(&self, id: &NationalId) -> Access<Record> {
        let memory = self.memory();
        match memory.find(id).map(|index| &memory.records[index]) {
            None => Access::NotFound,
            Some(record) if record.world.no_access => Access::Refused,
            Some(record) => Access::Given(record.clone()),
        }
    }

    /// The record that was made after this one; after the last comes the first.
    pub(crate) fn next_record(&self, record: &Record) -> Record {
        let memory = self.memory();
        let index = memory.by_pkb_id.get(&record.pkb_id).copied();
        let next = memory.next(index.unwrap_or_default());
        memory.records.get(next).unwrap_or(record).clone()
    }

    /// A new pair of codes; earlier pairs stay as they are. Or always the first pair, which then lives on. Or what `fault` makes of it.
    pub(crate) fn invite(
        &self,
        pkb_id: &str,
        fault: Option<PersonFault>,
    ) -> Access<(String, String)> {
        let mut memory = self.memory();
        let Some(index) = pkb_id
            .parse()
            .ok()
            .and_then(|id: u64| memory.by_pkb_id.get(&id).copied())
        else {
            return Access::NotFound;
        };
        let world = &memory.records[index].world;
        if world.no_access || world.no_access_tokens {
            return Access::Refused;
        }
        let index = match fault {
            Some(PersonFault::AnotherPerson) => memory.next(index),
            _ => index,
        };
        let Invitation { code, token, .. } = self.issue(&mut memory, index);
        let pair = match (fault, memory.told.take()) {
            (Some(PersonFault::RepeatedCodes), Some(before)) => before,
            (Some(PersonFault::RepeatedCode), Some((before, _))) => (before, token),
            (Some(PersonFault::RepeatedToken), Some((_, before))) => (code, before),
            _ => (code, token),
        };
        memory.told = Some(pair.clone());
        Access::Given(pair)
    }

    /// The pair of codes that an answer told last, once `pair` is the one.
    pub(crate) fn told_before(&self, pair: Option<(String, String)>) -> Option<(String, String)> {
        let mut memory = self.memory();
        match pair {
            Some(pair) => memory.told.replace(pair),
            None => memory.told.clone(),
        }
    }

    fn issue(&self, memory: &mut Memory, index: usize) -> Invitation {
        let expires_at = later(
            self.clock.now(),
            SignedDuration::from_hours(24 * INVITATION_DAYS),
        );
        let record = &mut memory.records[index];
        if self.same_codes {
            record.issued.clear();
        }
        let call = record.issued.len();
        let (code, token) = derive::codes(self.seed, record.pkb_id, call);
        record.issued.push(expires_at);
        memory.codes.insert(code.clone(), (index, call));
        Invitation {
            code,
            token,
            expires_at,
        }
    }

    /// Registers the patient whom both codes belong to, if the date of birth is theirs.
    pub(crate) fn join(&self, code: &str, token: &str, date_of_birth: Option<Date>) -> Joined {
        let now = self.clock.now();
        let mut memory = self.memory();
        let Some(&(index, call)) = memory.codes.get(code) else {
            return Joined::NoMatch;
        };
        let record = &mut memory.records[index];
        let pair_is_good =
            derive::codes(self.seed, record.pkb_id, call).1 == token && record.issued[call] > now;
        if !pair_is_good || date_of_birth.is_none() || record.date_of_birth != date_of_birth {
            return Joined::NoMatch;
        }
        if record.registered {
            return Joined::AlreadyRegistered;
        }
        record.registered = true;
        Joined::Registered
    }

    pub(crate) fn record_death(&self, national_id: &str, day: Date) {
        let mut memory = self.memory();
        if let Some(&index) = memory.by_national_id.get(national_id) {
            memory.records[index].world.deceased = Some(day);
        }
    }

    pub(crate) fn view(&self, national_id: &str) -> Option<PatientView> {
        let memory = self.memory();
        let record = &memory.records[*memory.by_national_id.get(national_id)?];
        Some(PatientView {
            pkb_id: record.pkb_id.to_string(),
            registered: record.registered,
            invitations: record.issued.len(),
            updates: record.updates,
            date_of_birth: record.date_of_birth,
            deceased: record.world.deceased,
        })
    }

    pub(crate) fn invitations(&self, national_id: &str) -> Vec<Invitation> {
        let memory = self.memory();
        let Some(&index) = memory.by_national_id.get(national_id) else {
            return Vec::new();
        };
        let record = &memory.records[index];
        let issued = record.issued.iter().enumerate();
        issued
            .map(|(call, &expires_at)| {
                let (code, token) = derive::codes(self.seed, record.pkb_id, call);
                Invitation {
                    code,
                    token,
                    expires_at,
                }
            })
            .collect()
    }

    pub(crate) fn count_patients(&self) -> usize {
        self.memory().records.len()
    }

    /// The national id of the record with a PKB id.
    pub(crate) fn national_id(&self, pkb_id: &str) -> Option<String> {
        let memory = self.memory();
        let index = memory.by_pkb_id.get(&pkb_id.parse().ok()?)?;
        let national_id = &memory.records[*index].row.national_id;
        (!national_id.is_empty()).then(|| national_id.clone())
    }
}

impl Memory {
    /// The place of the record after the one at `index`.
    fn next(&self, index: usize) -> usize {
        (index + 1) % self.records.len().max(1)
    }

    /// The records that are there before anything is uploaded.
    fn of_world(seed: u64, world: &World) -> Self {
        let mut memory = Self::default();
        for entry in world.entries() {
            if let Some(record) = &entry.record {
                // Such a row has nothing that could belong to another record.
                let _ = memory.add(seed, world, record.row(&entry.national_id));
            }
        }
        memory
    }

    /// Adds the rows of one upload, in order.
    fn import(&mut self, seed: u64, world: &World, rows: Rows) -> Report {
        let add = |(line, row): (u64, Result<Row, &'static str>)| {
            (line, row.and_then(|row| self.add(seed, world, row)))
        };
        Report::new(rows.into_iter().map(add))
    }

    /// The record with a number. An upload does not say of which scheme a number is, so it is of each, unless the world says which.
    fn find(&self, id: &NationalId) -> Option<usize> {
        let index = *self.by_national_id.get(&id.number)?;
        let scheme = self.records[index].world.scheme;
        scheme
            .is_none_or(|scheme| scheme == id.scheme)
            .then_some(index)
    }

    fn add(&mut self, seed: u64, world: &World, row: Row) -> Result<Added, &'static str> {
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
