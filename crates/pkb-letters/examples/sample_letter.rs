//! Writes the sample letter as a PDF, to look at a template: `cargo run -p pkb-letters --example sample_letter -- OUT.pdf [TEMPLATE_FOLDER [COPIES]]`.

use std::path::Path;

use anyhow::Context as _;
use pkb_letters::letter_fields::LetterFields;
use pkb_letters::template::Template;
use pkb_letters::typesetter::Typesetter;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let out = arguments.next().context("name a PDF file to write")?;
    let template = match arguments.next() {
        Some(folder) if !folder.is_empty() => Template::open(Path::new(&folder))?,
        _ => Template::built_in()?,
    };
    let copies = arguments
        .next()
        .and_then(|text| text.into_string().ok()?.parse().ok())
        .unwrap_or(1);
    let letters: Vec<LetterFields> = (1..=copies)
        .map(|sequence| LetterFields {
            sequence,
            ..LetterFields::sample()
        })
        .collect();
    let typeset = Typesetter::new(&template)?.typeset(&letters)?;
    std::fs::write(&out, typeset.pdf).context("failed to write the PDF")
}
