//! What the sandbox remembers of patients: records and invitations. No HTTP in here.

pub(crate) mod batch;
pub(crate) mod records;

use jiff::SignedDuration;
use jiff::civil::Date;
use parking_lot::{Mutex, MutexGuard};
use pkb_synthetic::{World, derive};
use tokio::sync::Notify;

use crate::alarm::Alarm;
use crate::clock::{Clock, later};
use crate::config::Config;
use crate::faults::person::PersonFault;
use crate::faults::selection::ActiveFaults;
use crate::ledger::Ledger;
use crate::messaging::message::Deceased;
use crate::national_id::NationalId;
use crate::nhs_notify::memory::NhsService;
use crate::notify::memory::Service;
use crate::one_at_a_time::CallsInHand;
use crate::processing::{Queue, UploadStatus};
use crate::tokens::Tokens;
use crate::upload::{Added, Report, Row, Rows};
pub(crate) use records::Record;
use records::Records;
pub use records::{Invitation, PatientView};

/// How long an invitation lives: the thirty days of PKB's guide.
const INVITATION_DAYS: i64 = 30;

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

/// What is answered to an upload.
pub(crate) enum Taken {
    Processed(Report),
    Queued(UploadStatus),
}

pub(crate) struct State {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) org_id: String,
    pub(crate) team_aliases: Vec<String>,
    pub(crate) value_date_time: bool,
    pub(crate) json_mounts: bool,
    pub(crate) max_status_query: usize,
    pub(crate) max_invitation_tokens: usize,
    not_enabled: Vec<String>,
    pub(crate) calls_in_hand: CallsInHand,
    pub(crate) tokens: Tokens,
    pub(crate) faults: ActiveFaults,
    pub(crate) ledger: Ledger,
    pub(crate) notify: Service,
    pub(crate) nhs_notify: NhsService,
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
    memory: Mutex<Records>,
}

impl State {
    pub(crate) fn new(config: Config, alarm: Alarm) -> Self {
        let memory = Records::of_world(config.seed, &config.world);
        Self {
            client_id: config.client_id,
            client_secret: config.client_secret,
            org_id: config.org_id,
            team_aliases: config.team_aliases,
            value_date_time: config.value_date_time,
            json_mounts: config.json_mounts,
            max_status_query: config.max_status_query,
            max_invitation_tokens: config.max_invitation_tokens,
            not_enabled: config.not_enabled,
            calls_in_hand: CallsInHand::new(config.one_at_a_time),
            tokens: Tokens::new(config.seed, config.clock.clone(), config.refresh_token),
            faults: ActiveFaults::new(config.faults),
            ledger: Ledger::default(),
            notify: Service::new(config.notify, config.seed),
            nhs_notify: NhsService::new(config.nhs_notify, config.seed),
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
    fn memory(&self) -> MutexGuard<'_, Records> {
        let mut queue = self.queue();
        let mut memory = self.memory.lock();
        queue.process_due(self.machine_clock.now(), |rows| {
            memory.import(self.seed, &self.world, rows)
        });
        memory
    }

    /// Whether a FHIR endpoint is switched on for the client.
    pub(crate) fn is_enabled(&self, endpoint: &str) -> bool {
        !self.not_enabled.iter().any(|name| name == endpoint)
    }

    /// The exceptions among the patients.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// What the machine's own time is, as opposed to that of the codes.
    pub(crate) fn machine_clock(&self) -> &Clock {
        &self.machine_clock
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
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

    /// Creates the record of one patient, or updates it.
    pub(crate) fn process_message(
        &self,
        row: Row,
        deceased: Option<Deceased>,
    ) -> Result<Added, &'static str> {
        let number = row.national_id.clone();
        let added = self.memory().add(self.seed, &self.world, row)?;
        if let Some(Deceased(day)) = deceased {
            self.record_death(&number, day.unwrap_or_else(|| self.today()));
        }
        Ok(added)
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

    fn issue(&self, memory: &mut Records, index: usize) -> Invitation {
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
            gender: record.row.gender.clone(),
            mobile: record.row.mobile.clone(),
            address: [
                record.row.address1.clone(),
                record.row.address2.clone(),
                record.row.city.clone(),
                record.row.county.clone(),
            ],
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
