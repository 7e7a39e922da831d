//! `pkb package`: finished letters or data as a mail company takes them: the files, an instruction sheet without any patient, and
//! last a marker with the digests of all.
//!
//! * `job`: the settings. `contents`: what the records say of the files. `sheet`: the instruction sheet.
//! * `earlier`: packages that were made before. `write`: folder or zip, encrypted if asked.
//!
//! A package is a step of its own, and not an option of pkb-letters: it is made after `pkb verify`, from files that exist, and a
//! campaign has several packages.

mod contents;
mod earlier;
mod job;
mod sheet;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::civil::Date;
use pkb_cli::{
    app,
    args::{ClockArgs, ONCE, whole_days},
    progress::tell,
};
use pkb_core::{ExitCode, Fatal, record::Channel, rehearsal::FILE_PREFIX, rows::counted};
use pkb_files::encryption::{self, Encryption};
use pkb_print_files::{
    data_profile::{self, DataProfile},
    editions::{edition_of, plain_name},
    formats::{self, FormatRow},
    manifest::ManifestRow,
    stem,
};
use serde::Serialize;

use contents::{Contents, Counts, FileContents, Which, last_day_of_posting};
use earlier::Earlier;
use job::Job;
use sheet::{SCHEMA, Sheet};
use write::{Item, ItemContent, Packer, marker_name};

/// `pkb package`.
#[derive(Debug, Args)]
pub struct PackageArgs {
    /// Folder of the letters or data files
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Records that pkb-letters wrote [default: standard input, also "-"]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,

    /// Settings of the job, for the instruction sheet (see --example)
    #[arg(long, value_name = "FILE")]
    pub job: Option<PathBuf>,

    /// Folder for the packages. It is made if it does not exist
    ///
    /// Files that are already in a package there are left out.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Make a zip instead of a folder
    #[arg(long)]
    pub zip: bool,

    /// Encrypt the files to this public key of the mail company
    ///
    /// The key decides between gpg and age.
    #[arg(long, value_name = "KEYFILE")]
    pub encrypt_to: Option<PathBuf>,

    /// Pack the letters in other formats than print, such as braille
    ///
    /// Nothing else is packed then.
    #[arg(long)]
    pub formats: bool,

    /// Pack data files or texts that are not encrypted
    ///
    /// Only if the contract says how else they are protected.
    #[arg(long, conflicts_with = "encrypt_to", help_heading = ONCE)]
    pub unencrypted: bool,

    /// Days for which codes must be valid when a letter arrives
    #[arg(long, default_value = "14d", value_name = "DAYS", value_parser = whole_days)]
    pub min_days_left: u16,

    /// Accept part of a stream, such as one shard
    ///
    /// A pipe cannot tell the end of a stream from a stage that has failed. So without this option every row of the
    /// patient file must arrive.
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,

    /// Print the settings of a job, to edit
    #[arg(long, help_heading = ONCE)]
    pub example: bool,

    /// The time.
    #[command(flatten)]
    pub clock: ClockArgs,
}

/// Makes a package.
///
/// # Errors
/// What is in the way; then there is no marker, and the same command again makes the package.
pub fn package(args: PackageArgs) -> Result<ExitCode, Fatal> {
    if args.example {
        app::print(job::EXAMPLE)?;
        return Ok(ExitCode::Done);
    }
    let (Some(dir), Some(job), Some(out)) = (&args.dir, &args.job, &args.out) else {
        return Err(Fatal::Usage(
            "name the folder of the letters, the settings of the job (--job job.toml) and the folder for packages (--out packages). \
             pkb package --example prints settings of a job"
                .into(),
        ));
    };
    let job = Job::open(job)?;
    let key = args.encrypt_to.as_deref();
    let encryption = key.map(Encryption::open).transpose()?;
    let input = pkb_cli::args::InputArgs {
        input: args.input.clone(),
    };
    let which = Which {
        formats: args.formats,
        sides: job.pack.sides,
    };
    let contents = Contents::read(input.reader()?, which, args.partial)?;
    let rehearsal = contents.origins.words();
    if !args.formats {
        nothing_is_unknown(dir, &contents)?;
    }
    let earlier = Earlier::read(out)?;
    let chosen = Chosen::of(dir, contents, &earlier)?;
    chosen.check(dir, &job, args.unencrypted || encryption.is_some())?;
    let today = args.clock.clock().today();
    let prefix = if rehearsal.is_some() { FILE_PREFIX } else { "" };
    let name = earlier.unused(&format!("{prefix}{}-{today}", job.name));
    let posting = chosen.posting(&job, args.min_days_left, today)?;
    let items = chosen.items(dir)?;
    let packer = Packer {
        out,
        name: &name,
        is_zip: args.zip,
        encryption: encryption.as_ref(),
    };
    let files = packer.write(&items)?;
    let sheet = Sheet {
        schema: SCHEMA,
        name: name.clone(),
        made_on: today,
        rehearsal: rehearsal.is_some(),
        customer: job.customer,
        campaign: job.campaign,
        contact: job.contact,
        template: job.template,
        files,
        counts: chosen.counts(),
        stop: chosen.stop().into_iter().collect(),
        pack: job.pack,
        postage: job.posting.postage.as_str(),
        not_before: job.posting.not_before,
        not_after: posting,
        days_left_on_arrival: args.min_days_left,
        encrypted_to: encryption.as_ref().map(|own| own.recipient().to_owned()),
        reports: job.reports,
        keep_days: job.keep_days,
    };
    packer.finish(&sheet)?;
    say(&sheet, &packer, &chosen);
    if let Some(words) = rehearsal {
        tell(format!("pkb package: {words}"));
    }
    Ok(ExitCode::Done)
}

fn say(sheet: &Sheet, packer: &Packer<'_>, chosen: &Chosen) {
    let folder = packer.folder();
    tell(format!(
        "pkb package: wrote {}: {} in {}{}",
        folder.join(&sheet.name).display(),
        counted(sheet.counts.letters, "letter", "letters"),
        counted(sheet.files.len() as u64, "file", "files"),
        match sheet.not_after {
            Some(day) => format!(", to be posted by {}", day.strftime("%-d %B %Y")),
            None => String::new(),
        }
    ));
    if chosen.left_out > 0 {
        tell(format!(
            "  {} in earlier packages, and left out",
            counted(chosen.left_out, "file is", "files are")
        ));
    }
    if !sheet.stop.is_empty() {
        tell(format!(
            "  warning: {} not be posted. The instruction sheet lists their references",
            counted(sheet.stop.len() as u64, "letter must", "letters must")
        ));
    }
    if let Some(recipient) = &sheet.encrypted_to {
        tell(format!(
            "  encrypted to {recipient}. Compare this key with what the company told you by phone"
        ));
    }
    tell(format!(
        "next: upload all files of {}, and {} last",
        folder.display(),
        marker_name(&sheet.name)
    ));
}

/// The files that go into a package.
struct Chosen {
    files: BTreeMap<String, FileContents>,
    /// Files that are in earlier packages.
    left_out: u64,
}

impl Chosen {
    fn of(dir: &Path, contents: Contents, earlier: &Earlier) -> Result<Self, Fatal> {
        let mut chosen = Self {
            files: BTreeMap::new(),
            left_out: 0,
        };
        for (name, file) in contents.files {
            let path = dir.join(&name);
            let source = path.exists().then(|| item(dir, &name, &file).source());
            match source.transpose()? {
                Some(source) if earlier.sources.contains(&source) => chosen.left_out += 1,
                Some(_) => {
                    chosen.files.insert(name, file);
                }
                // It was sent, and deleted here.
                None if earlier.has_file(&name) => chosen.left_out += 1,
                None => {
                    return Err(Fatal::Input(format!(
                        "{}: the file is missing, and no earlier package has it. What to do: name the folder that pkb-letters wrote \
                         into",
                        path.display()
                    )));
                }
            }
        }
        match chosen.files.is_empty() {
            false => Ok(chosen),
            true => Err(Fatal::Usage(format!(
                "there is nothing to pack, because {}. What to do: make letters first (pkb-letters), and give the records \
                 that it wrote",
                match chosen.left_out {
                    0 => "the records have no letters".to_owned(),
                    n => format!(
                        "{} in earlier packages",
                        counted(n, "file is already", "files are already")
                    ),
                }
            ))),
        }
    }

    /// Whether the files are what the job says, and protected.
    fn check(&self, dir: &Path, job: &Job, is_protected: bool) -> Result<(), Fatal> {
        if !is_protected && let Some(name) = self.files.keys().find(|name| formats::is_ours(name)) {
            return Err(Fatal::Usage(format!(
                "{name} has codes that anybody can read. What to do: give --encrypt-to with the supplier's public key, or --unencrypted if \
                 the contract protects the file in another way"
            )));
        }
        if !self.has_data() {
            return Ok(());
        }
        let path = dir.join(data_profile::FILE_NAME);
        let text = fs::read_to_string(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
        let profile = DataProfile::parse(&text)
            .map_err(|words| Fatal::Input(format!("{}: {words}", path.display())))?;
        let has_postage = profile.has(data_profile::Value::Postage);
        if has_postage && profile.postage != job.posting.postage {
            return Err(Fatal::Usage(format!(
                "the data files say {} post, and the job says {}. What to do: correct posting.postage in the job",
                profile.postage.as_str(),
                job.posting.postage.as_str()
            )));
        }
        let mut plain = self.files.keys();
        let plain = plain.find(|name| is_data(name) && encryption::plain_name(name).is_none());
        match plain {
            Some(name) if !is_protected => Err(Fatal::Usage(format!(
                "{name} has codes that anybody can read. What to do: give --encrypt-to with the company's public key, or --unencrypted if \
                 the contract protects the file in another way"
            ))),
            _ => Ok(()),
        }
    }

    fn has_data(&self) -> bool {
        self.files.keys().any(|name| is_data(name))
    }

    /// The last day of posting.
    fn posting(&self, job: &Job, min_days_left: u16, today: Date) -> Result<Option<Date>, Fatal> {
        let ends = self.files.values().filter_map(|file| file.first_end);
        let Some(end) = ends.min() else {
            return Ok(None);
        };
        let days = job.posting.postage.most_working_days();
        let last = last_day_of_posting(end, min_days_left, days);
        let first = job.posting.not_before.unwrap_or(today).max(today);
        match last {
            Some(last) if last >= first => Ok(Some(last)),
            _ => Err(Fatal::Refused(format!(
                "codes in these letters end on {end}: with {} post they would have fewer than {min_days_left} days when they arrive. What \
                 to do: make these letters again with new codes (pkb-tokens --reissue, pkb-letters --reissue), or choose quicker post",
                job.posting.postage.as_str()
            ))),
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.files
            .values()
            .for_each(|file| counts.add(&file.counts));
        counts
    }

    fn stop(&self) -> BTreeSet<String> {
        let stop = self.files.values().flat_map(|file| file.stop.iter());
        stop.cloned().collect()
    }

    /// All that goes into the package, beside the sheet.
    fn items(&self, dir: &Path) -> Result<Vec<Item>, Fatal> {
        let files = self.files.iter();
        let mut items: Vec<Item> = files.map(|(name, file)| item(dir, name, file)).collect();
        let mut further = |name: &str, content| {
            items.push(Item {
                name: name.to_owned(),
                content,
                counts: Counts::default(),
            });
        };
        if self.has_data() {
            let path = dir.join(data_profile::FILE_NAME);
            further(data_profile::FILE_NAME, ItemContent::File(path));
        }
        let listed = self.files.values().flat_map(|file| &file.listed);
        let listed: Vec<&FormatRow> = listed.collect();
        if !listed.is_empty() {
            further("formats.csv", ItemContent::Bytes(table_of(&listed)));
        }
        let mut letters: Vec<&ManifestRow> =
            self.files.values().flat_map(|file| &file.letters).collect();
        if !letters.is_empty() {
            letters.sort_by_key(|row| (&row.file, row.sequence));
            further("manifest.csv", ItemContent::Bytes(table_of(&letters)));
        }
        Ok(items)
    }
}

fn item(dir: &Path, name: &str, file: &FileContents) -> Item {
    Item {
        name: name.to_owned(),
        content: ItemContent::File(dir.join(name)),
        counts: file.counts.clone(),
    }
}

fn is_data(name: &str) -> bool {
    Channel::prefix_of_spreadsheet(plain_name(name)) == Channel::Data.spreadsheet_prefix()
}

/// The manifest of the letters of a package, or its list of formats, with the columns of that of the whole folder.
fn table_of(letters: &[impl Serialize]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in letters {
        // Writing to memory cannot fail.
        let _ = writer.serialize(row);
    }
    writer.into_inner().unwrap_or_default()
}

/// Every file of letters or data must be known to the records: otherwise these are not all.
fn nothing_is_unknown(dir: &Path, contents: &Contents) -> Result<(), Fatal> {
    let known: BTreeSet<&str> = contents.files.keys().map(|name| stem(name)).collect();
    let cannot = |source| Fatal::cannot_read(dir, source);
    for entry in fs::read_dir(dir).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        let name = name.to_string_lossy();
        let is_ours = edition_of(&name).is_some() || is_data(&name);
        let is_profile = *name == *data_profile::FILE_NAME;
        if is_ours && !is_profile && !name.starts_with('.') && !known.contains(stem(&name)) {
            return Err(Fatal::Input(format!(
                "no record has a letter in {name}. What to do: give the records of the last run of pkb-letters for this folder"
            )));
        }
    }
    Ok(())
}
