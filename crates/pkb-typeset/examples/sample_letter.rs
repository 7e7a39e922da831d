//! Writes sample letters as a PDF, to look at a template:
//! `cargo run -p pkb-typeset --example sample_letter -- OUT.pdf [TEMPLATE_FOLDER [DESIGN]]`. One letter for each of the
//! languages and prints. With OUT.txt it writes the English letter as plain text.

use std::path::Path;

use anyhow::Context as _;
use pkb_core::record::Design;
use pkb_typeset::{letter_fields::LetterFields, template::Template, typesetter::Typesetter};
use pkb_values::LetterFormat;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let out = arguments.next().context("name a PDF file to write")?;
    let template = match arguments.next() {
        Some(folder) if !folder.is_empty() => Template::open(Path::new(&folder))?,
        _ => Template::built_in()?,
    };
    let design = match arguments.next().and_then(|text| text.into_string().ok()) {
        Some(text) => Design::ALL
            .into_iter()
            .find(|design| design.as_str() == text)
            .context("no design has this name")?,
        None => Design::Letter,
    };
    if Path::new(&out)
        .extension()
        .is_some_and(|kind| kind == "txt")
    {
        let typesetter = Typesetter::untried(&template, design)?;
        let text = typesetter.plain_text(&LetterFields::sample())?;
        return std::fs::write(&out, text).context("failed to write the text");
    }
    let mut letters = Vec::new();
    for languages in template.languages(design) {
        for format in LetterFormat::PRINTED {
            letters.push(LetterFields {
                languages,
                format,
                ..LetterFields::sample()
            });
        }
    }
    let typesetter = Typesetter::new(&template, design)?;
    let laid_out = typesetter.lay_out(&letters)?;
    let laid_out = laid_out.into_iter().collect::<Result<_, _>>()?;
    std::fs::write(&out, typesetter.bind(laid_out, 123)?.pdf).context("failed to write the PDF")
}
