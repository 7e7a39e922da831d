//! Files that a sandbox makes: patients, and worlds.

use std::io::{self, BufWriter, IsTerminal, Write};

use anyhow::Context;
use pkb_synthetic::{PrivateFile, World, generate};

use super::failure::{Failure, NO_INPUT, USAGE};
use crate::args::{Patients, WorldOf};

/// Makes patients up.
pub(super) fn patients(args: &Patients) -> Result<(), Failure> {
    let most = if args.beyond_test_range {
        generate::BEYOND_TEST_RANGE
    } else {
        generate::TEST_RANGE
    };
    if args.count > most {
        let hint = if args.beyond_test_range {
            "even beyond the NHS test range"
        } else {
            "the size of the NHS test range; --beyond-test-range allows more"
        };
        return Err(Failure {
            code: USAGE,
            error: Some(anyhow::anyhow!(
                "at most {most} patients can be made up, {hint}"
            )),
        });
    }
    let mut world = args
        .world
        .as_deref()
        .map(PrivateFile::create)
        .transpose()?
        .map(WorldWriter::new);
    match &args.output {
        Some(path) => {
            let mut file = PrivateFile::create(path)?;
            write_patients(args, &mut file, world.as_mut())?;
            file.finish()?;
        }
        None => write_patients(args, io::stdout().lock(), world.as_mut())?,
    }
    match world {
        Some(world) => world.finish(),
        None => Ok(()),
    }
}

fn write_patients(
    args: &Patients,
    out: impl Write,
    mut world: Option<&mut WorldWriter<PrivateFile>>,
) -> Result<(), Failure> {
    let mut out = csv::Writer::from_writer(BufWriter::with_capacity(1 << 16, out));
    generate::write_header(&mut out)?;
    for patient in generate::patients(args.count, args.seed) {
        generate::write_row(&mut out, &patient)?;
        if let (Some(world), Some(entry)) = (world.as_deref_mut(), &patient.world) {
            world.add(&serde_json::to_string(entry).context("cannot write a world entry")?)?;
        }
    }
    out.flush()?;
    Ok(())
}

/// The world in which PKB has a record of each patient of a file.
pub(super) fn world_of(args: &WorldOf) -> Result<(), Failure> {
    if args.output.is_none() && io::stdout().is_terminal() && !args.show_patients {
        return Err(Failure {
            code: USAGE,
            error: Some(anyhow::anyhow!(
                "the patients of the file would be shown on this terminal. What to do: write them to a file (--output FILE), or \
                 into a pipe. If you want to see them here: --show-patients"
            )),
        });
    }
    let file = std::fs::read(&args.patients).map_err(|error| Failure {
        code: NO_INPUT,
        error: Some(anyhow::anyhow!(
            "cannot read {}: {error}",
            args.patients.display()
        )),
    })?;
    let world = World::of_patient_file(&file)?;
    match &args.output {
        Some(path) => {
            let mut world_file = WorldWriter::new(PrivateFile::create(path)?);
            write_entries(&world, &mut world_file)?;
            world_file.finish()
        }
        None => {
            let mut world_file = WorldWriter::new(io::stdout().lock());
            write_entries(&world, &mut world_file)?;
            world_file.end()?.flush()?;
            Ok(())
        }
    }
}

fn write_entries<W: Write>(world: &World, out: &mut WorldWriter<W>) -> Result<(), Failure> {
    for entry in world.entries() {
        out.add(&serde_json::to_string(entry).context("cannot write a world entry")?)?;
    }
    Ok(())
}

/// Writes the world entry by entry, since a million patients have seventy thousand of them.
struct WorldWriter<W> {
    file: W,
    before: &'static str,
}

impl<W: Write> WorldWriter<W> {
    fn new(file: W) -> Self {
        Self {
            file,
            before: "{\"patients\":[\n",
        }
    }

    fn add(&mut self, entry: &str) -> io::Result<()> {
        let before = std::mem::replace(&mut self.before, ",\n");
        write!(self.file, "{before}{entry}")
    }

    fn end(mut self) -> io::Result<W> {
        let before = if self.before == ",\n" {
            "\n"
        } else {
            self.before
        };
        writeln!(self.file, "{before}]}}")?;
        Ok(self.file)
    }
}

impl WorldWriter<PrivateFile> {
    fn finish(self) -> Result<(), Failure> {
        Ok(self.end()?.finish()?)
    }
}
