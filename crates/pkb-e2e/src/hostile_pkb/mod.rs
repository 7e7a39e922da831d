//! A PKB that gives wrong answers, and knows which patient it made each code for: for the test that no letter, text
//! message or spreadsheet has a different patient's codes.
//!
//! It is a server of its own, without a library for HTTP: so that it can send what no such library would, as an answer
//! too many. `wire` are connections, `answers` what is said.

mod answers;
mod wire;

use std::{
    collections::{HashMap, HashSet},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};

/// What goes wrong, always of one kind in one campaign. Where the kind is one of a single interface, the other one is
/// asked without any harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mischief {
    /// Nothing: everybody has to get a letter or text.
    Nothing,
    /// REST: the answer about another patient, who is named in it.
    OthersUser,
    /// REST: the answer that was given last, whoever it was about.
    RepeatedUser,
    /// REST: the right answer with the id of the first patient.
    OthersId,
    /// REST: no national ids in the answers, and now and then the id of the first patient.
    OthersIdNobodyNamed,
    /// REST: answers without an id.
    NoId,
    /// Both: the pair of codes that was given last.
    RepeatedCodes,
    /// Both: a pair that was made for a different patient, who also gets it when asked about.
    CodesInAdvance,
    /// Both: the right access code with an invitation code that another has.
    OthersCode,
    /// Both: the right invitation code with an access code that another has.
    OthersToken,
    /// Both: after an answer comes a second one, which nobody asked for.
    OneTooMany,
    /// Both: answers come late, some after the client has given up waiting.
    Delays,
    /// FHIR: parts in another order, which says nothing.
    OtherOrder,
    /// FHIR: two pairs for one patient, the second of which was made for another, and none for that one.
    TwoPairs,
    /// FHIR: parts that name no patient.
    NobodyNamed,
    /// FHIR: parts about patients who were not asked for, with the codes of one who was.
    Strangers,
}

impl Mischief {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Nothing,
        Self::OthersUser,
        Self::RepeatedUser,
        Self::OthersId,
        Self::OthersIdNobodyNamed,
        Self::NoId,
        Self::RepeatedCodes,
        Self::CodesInAdvance,
        Self::OthersCode,
        Self::OthersToken,
        Self::OneTooMany,
        Self::Delays,
        Self::OtherOrder,
        Self::TwoPairs,
        Self::NobodyNamed,
        Self::Strangers,
    ];

    /// Whether it is of FHIR alone, or of REST alone; `None` for what both can do.
    #[must_use]
    pub fn is_of_fhir(self) -> Option<bool> {
        match self {
            Self::OthersUser
            | Self::RepeatedUser
            | Self::OthersId
            | Self::OthersIdNobodyNamed
            | Self::NoId => Some(false),
            Self::OtherOrder | Self::TwoPairs | Self::NobodyNamed | Self::Strangers => Some(true),
            _ => None,
        }
    }
}

/// A patient that PKB has. All have the same name.
#[derive(Debug, Clone)]
pub struct Person {
    /// National number.
    pub number: String,
    /// PKB's id.
    pub id: String,
    /// Date of birth, as PKB writes it.
    pub born: String,
}

/// Last name of all.
pub const LAST_NAME: &str = "Archer";
/// Date of birth of all, where nothing but numbers is to tell them apart.
pub const BORN: &str = "1940-01-01";

/// What the server is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// The patients that it has.
    pub people: Vec<Person>,
    /// What goes wrong.
    pub mischief: Mischief,
    /// How often, of 100 answers.
    pub percent: u64,
    /// Where chance begins.
    pub seed: u64,
}

/// A server that runs until it is dropped.
pub struct HostilePkb {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    /// It does no more harm.
    is_tame: AtomicBool,
    stops: AtomicBool,
    memory: Mutex<Memory>,
}

/// What it remembers.
struct Memory {
    random: Random,
    /// By code, of either kind: the number of the patient for whom it was made, and the pair.
    made: HashMap<String, (String, (String, String))>,
    codes: u64,
    /// Pairs of which somebody else got a part: their owner gets them, too, when asked about next. What only the wrong
    /// patient ever gets nobody could recognise.
    owed: HashMap<String, (String, String)>,
    /// Who has been asked about.
    asked: HashSet<String>,
    /// The last pair that somebody got.
    last_codes: Option<(String, String)>,
    /// The last user that somebody was told about.
    last_user: Option<usize>,
    /// Harm that was done.
    harm: u64,
}

impl HostilePkb {
    /// Starts a server on a free port of this machine.
    ///
    /// # Errors
    /// There is none.
    pub fn start(config: Config) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let random = Random(config.seed | 1);
        // Two servers make different codes.
        let codes_from = config.seed % 900 * 1_000_000;
        let shared = Arc::new(Shared {
            config,
            is_tame: AtomicBool::new(false),
            stops: AtomicBool::new(false),
            memory: Mutex::new(Memory {
                random,
                made: HashMap::new(),
                codes: codes_from,
                owed: HashMap::new(),
                asked: HashSet::new(),
                last_codes: None,
                last_user: None,
                harm: 0,
            }),
        });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if server.stops.load(Ordering::Relaxed) {
                    return;
                }
                let server = Arc::clone(&server);
                if let Ok(connection) = connection {
                    // Whoever hangs up ends the thread.
                    std::thread::spawn(move || drop(wire::serve(connection, &server)));
                }
            }
        });
        Ok(Self { address, shared })
    }

    /// `http://127.0.0.1:41234`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on all answers are right.
    pub fn become_tame(&self) {
        self.shared.is_tame.store(true, Ordering::Relaxed);
    }

    /// The national number of the patient that a code was made for.
    #[must_use]
    pub fn made_for(&self, code: &str) -> Option<String> {
        let memory = self.shared.memory();
        memory.made.get(code).map(|(number, _)| number.clone())
    }

    /// How often harm was done.
    #[must_use]
    pub fn harm(&self) -> u64 {
        self.shared.memory().harm
    }
}

impl Drop for HostilePkb {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Relaxed);
        // So that the listener wakes up.
        let _ = std::net::TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock()
    }

    /// Whether harm of this kind is done now.
    fn strikes(&self, memory: &mut Memory, mischief: Mischief) -> bool {
        let strikes = self.config.mischief == mischief
            && !self.is_tame.load(Ordering::Relaxed)
            && memory.random.below(100) < self.config.percent;
        memory.harm += u64::from(strikes);
        strikes
    }
}

/// A small generator, so that a campaign can be repeated from its seed.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        // xorshift64 (Marsaglia)
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
