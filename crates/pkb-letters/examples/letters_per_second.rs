//! Measures typesetting: `cargo run --release --example letters_per_second -- LETTERS A_FILE THREADS [TEMPLATE_FOLDER [ENGINE]]`.
//! The built-in template if TEMPLATE_FOLDER is empty; ENGINE is auto, stamp or typst; A_FILE 0 is one PDF a letter.

use std::io::Write as _;
use std::time::Instant;

use anyhow::Context as _;
use clap::ValueEnum as _;
use pkb_core::record::Design;
use pkb_letters::letter_fields::LetterFields;
use pkb_letters::template::Template;
use pkb_letters::typeset::{Engine, Typesetter};

/// Letters that are laid out together when each is a PDF of its own.
const SEPARATE: usize = 250;

fn main() -> anyhow::Result<()> {
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
    let start = Instant::now();
    let typesetter =
        Typesetter::with_threads(&template, Design::Letter, threads)?.with_engine(engine)?;
    let preparing = start.elapsed();
    let start = Instant::now();
    let mut bytes = 0;
    let mut binding = std::time::Duration::ZERO;
    let together = if a_file == 0 { SEPARATE } else { a_file };
    for first in (0..count).step_by(together) {
        let letters: Vec<LetterFields> = (first..count.min(first + together))
            .map(|sequence| letter(sequence as u64))
            .collect();
        let laid_out = typesetter.lay_out(&letters)?;
        let laid_out = laid_out.into_iter().collect::<Result<_, _>>()?;
        let start = Instant::now();
        bytes += if a_file == 0 {
            let pdfs = typesetter.bind_each(laid_out, 1)?;
            pdfs.iter().map(Vec::len).sum()
        } else {
            typesetter.bind(laid_out, 1)?.pdf.len()
        };
        binding += start.elapsed();
    }
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or("VmHWM unknown");
    writeln!(
        std::io::stdout(),
        "{:.0} letters/s ({:.0}% of the time to bind them) after {} ms, {} bytes a letter, {peak}",
        count as f64 / seconds,
        100.0 * binding.as_secs_f64() / seconds,
        preparing.as_millis(),
        bytes / count.max(1)
    )?;
    Ok(())
}

/// Letters that differ in every field, as real ones do.
fn letter(sequence: u64) -> LetterFields {
    let code = |salt: u64| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut state = (sequence + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt;
        let next = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            alphabet
                .get((state >> 33) as usize % alphabet.len())
                .copied()
                .map_or('A', char::from)
        };
        (0..10).map(next).collect::<String>()
    };
    let (invitation_code, access_code) = (code(1), code(2));
    LetterFields {
        name: format!("Mr {} Richards", code(3)),
        address: vec![
            format!("{sequence} Main Street"),
            format!("Byker {}", code(4)),
            "NEWCASTLE UPON TYNE".into(),
            "NE1 1XC".into(),
        ],
        join_url: format!("https://joinpkb.com/?t1={invitation_code}&t2={access_code}"),
        invitation_code,
        access_code,
        ..LetterFields::sample()
    }
}
