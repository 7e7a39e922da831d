//! Measures typesetting:
//! `cargo run --release --example letters_per_second -- LETTERS A_FILE THREADS [TEMPLATE_FOLDER [ENGINE [PDF]]]`.
//!
//! The built-in template if TEMPLATE_FOLDER is empty; ENGINE is auto, stamp or typst; A_FILE 0 is one PDF a letter. What is
//! written goes into the file PDF, or nowhere.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::ValueEnum as _;
use pkb_core::record::Design;
use pkb_typeset::{
    letter_fields::LetterFields,
    template::Template,
    typesetter::{Engine, LaidOut, LaidOutLetter, Typesetter},
};

fn main() -> anyhow::Result<()> {
    let started = Instant::now();
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .take(3)
        .map(|text| text.parse().context("give three numbers"))
        .collect::<Result<_, _>>()?;
    let &[count, a_file, threads] = numbers.as_slice() else {
        anyhow::bail!("give letters, letters a file and threads")
    };
    let template = std::env::args_os()
        .nth(4)
        .filter(|folder| !folder.is_empty())
        .map_or_else(Template::built_in, |folder| Template::open(folder.as_ref()))?;
    let engine = std::env::args().nth(5).unwrap_or_else(|| "typst".into());
    let engine = Engine::from_str(&engine, true).map_err(anyhow::Error::msg)?;
    let typesetter =
        Typesetter::with_threads(&template, Design::Letter, threads)?.with_engine(engine)?;
    let preparing = started.elapsed();
    let start = Instant::now();
    let mut out = Out::new(started)?;
    let a_turn = if a_file == 0 { count } else { a_file };
    for first in (0..count).step_by(a_turn.max(1)) {
        let places: Vec<usize> = (first..count.min(first + a_turn)).collect();
        let make = |place: &usize| Ok(letter(*place as u64));
        if a_file == 0 {
            typesetter.lay_out_in_order(&places, places.len(), make, |chunk| {
                for pdf in typesetter.bind_each(good(chunk)?, 1)? {
                    out.write_all(&pdf)?;
                }
                Ok::<_, anyhow::Error>(())
            })?;
        } else {
            out.begin()?;
            let mut binding = typesetter.binding(&mut out, 1);
            typesetter.lay_out_in_order(&places, places.len(), make, |chunk| {
                binding.add(good(chunk)?)?;
                Ok::<_, anyhow::Error>(())
            })?;
            binding.finish()?.flush()?;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or("VmHWM unknown");
    writeln!(
        io::stdout(),
        "{:.0} letters/s after {} ms of trying the template, first pages {} ms after the start, {} bytes a letter, {peak}",
        count as f64 / seconds,
        preparing.as_millis(),
        out.first_page.unwrap_or_default().as_millis(),
        out.bytes / count.max(1)
    )?;
    Ok(())
}

fn good(letters: Vec<LaidOutLetter<LetterFields>>) -> anyhow::Result<Vec<LaidOut>> {
    let letters = letters.into_iter().map(|(_, letter)| letter);
    Ok(letters.collect::<Result<_, _>>()?)
}

/// The file, or nothing, and what is measured of it.
struct Out {
    started: Instant,
    file: Option<BufWriter<File>>,
    bytes: usize,
    first_page: Option<Duration>,
}

impl Out {
    fn new(started: Instant) -> io::Result<Self> {
        let mut out = Self {
            started,
            file: None,
            bytes: 0,
            first_page: None,
        };
        out.begin()?;
        Ok(out)
    }

    fn begin(&mut self) -> io::Result<()> {
        let path = std::env::args_os().nth(6);
        self.file = path.map(File::create).transpose()?.map(BufWriter::new);
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        // More than what pages have in common, so some of them are there.
        if self.bytes > 60_000 {
            self.first_page
                .get_or_insert_with(|| self.started.elapsed());
        }
        self.file
            .as_mut()
            .map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

const FIRST_NAMES: [&str; 8] = [
    "Read",
    "Siân",
    "Margaret",
    "Llŷr",
    "Oluwaseun",
    "Jo",
    "Łukasz",
    "Christopher",
];
/// One in eight has one of these, all others one that is put together.
const LAST_NAMES: [&str; 8] = [
    "Richards",
    "Okafor-Williams",
    "Prydderch",
    "Llŷr-Wójcik",
    "Wójcik",
    "Featherstone",
    "Ng",
    "Jones",
];
const BEGINNINGS: [&str; 16] = [
    "Ash", "Black", "Brad", "Clay", "Dun", "East", "Fair", "Green", "Hart", "Kings", "Lang", "Mar",
    "Nor", "Rad", "Wal", "Wood",
];
const ENDS: [&str; 16] = [
    "bourne", "brook", "bury", "croft", "den", "field", "ford", "gate", "ham", "ley", "man",
    "more", "son", "ton", "well", "worth",
];
const STREETS: [&str; 8] = [
    "Main Street",
    "Barrow Lane",
    "Heol y Felin",
    "Queen Victoria Road",
    "The Mews",
    "Station Approach",
    "Elm Close",
    "Church Walk",
];
const PLACES: [(&str, &str, &str); 4] = [
    ("Byker", "NEWCASTLE UPON TYNE", "NE1"),
    ("Roath", "CARDIFF", "CF24"),
    ("Gabalfa", "ABERYSTWYTH", "SY23"),
    ("Norwick", "SHETLAND", "ZE2"),
];

/// Letters that differ in every field, as real ones do.
fn letter(sequence: u64) -> LetterFields {
    let dice = |salt: u64| {
        let mut state = (sequence + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        }
    };
    let code = |salt: u64| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut next = dice(salt);
        let one = |_| {
            alphabet
                .get(next() % alphabet.len())
                .copied()
                .map_or('A', char::from)
        };
        (0..10).map(one).collect::<String>()
    };
    let mut next = dice(3);
    let mut pick =
        |from: [&'static str; 8]| from.get(next() % from.len()).copied().unwrap_or_default();
    let (first_name, last_name, street) = (pick(FIRST_NAMES), pick(LAST_NAMES), pick(STREETS));
    let mut next = dice(4);
    let mut part =
        |from: [&'static str; 16]| from.get(next() % from.len()).copied().unwrap_or_default();
    let (beginning, end) = (part(BEGINNINGS), part(ENDS));
    let last_name = match next() % 8 {
        0 => last_name.to_owned(),
        _ => format!("{beginning}{end}"),
    };
    let first_name = match next() % 4 {
        0 => first_name.to_owned(),
        _ => format!("{first_name} {}", char::from(b'A' + (next() % 26) as u8)),
    };
    let (district, town, area) = PLACES
        .get(next() % PLACES.len())
        .copied()
        .unwrap_or_default();
    let letters = b"ABDEFGHJLNPQRSTUWXYZ";
    let mut one = || {
        letters
            .get(next() % letters.len())
            .copied()
            .map_or('A', char::from)
    };
    let (inward, last) = (one(), one());
    let (invitation_code, access_code) = (code(1), code(2));
    LetterFields {
        name: format!("Mr {first_name} {last_name}"),
        first_name,
        last_name,
        address: vec![
            format!("{} {street}", next() % 300 + 1),
            district.into(),
            town.into(),
            format!("{area} {}{inward}{last}", next() % 10),
        ],
        join_url: format!("https://joinpkb.com/?t1={invitation_code}&t2={access_code}"),
        invitation_code,
        access_code,
        ..LetterFields::sample()
    }
}
