//! The program `age`, as a pipe: plain bytes in, encrypted bytes out, into a file that is complete or absent.

use std::{
    fs::File,
    io::{self, BufWriter, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use pkb_core::Fatal;
use pkb_files::atomic_file::AtomicFile;

use super::check::{self, Measure, Measured};

/// Bytes that are moved at a time.
const BLOCK: usize = 128 << 10;

/// What goes into the pipe.
pub(super) type Pipe = Measured<BufWriter<ChildStdin>>;

/// The program, and for whom it encrypts.
pub(super) struct Age<'a> {
    /// The program.
    pub(super) program: &'a Path,
    /// Public keys.
    pub(super) keys: &'a [String],
    /// Files of public keys.
    pub(super) key_files: &'a [PathBuf],
    /// The file of a secret key, to open the archive again.
    pub(super) identity: Option<&'a Path>,
}

/// Encrypts what `write` writes, for all of the keys, into the file `out`, and reads it again.
///
/// # Errors
/// The program is missing, or refused; the archive is not what it should be; or as `write`. Then there is no file.
pub(super) fn encrypt<T>(
    age: &Age<'_>,
    out: &Path,
    write: impl FnOnce(&mut Pipe) -> Result<T, Fatal>,
) -> Result<T, Fatal> {
    let mut file = AtomicFile::create(out)?;
    let program = age.program;
    let mut child = start(age)?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Fatal::Bug("a pipe is missing".into()));
    };
    // Three pipes, each with its own end: nobody waits for somebody who waits.
    let (written, stored, said) = thread::scope(|scope| {
        let stored = scope.spawn(|| store(stdout, &mut file));
        let said = scope.spawn(|| words_of(stderr));
        let mut pipe = Measured::new(BufWriter::with_capacity(BLOCK, stdin));
        let written = write(&mut pipe).and_then(|done| {
            let end = pipe.flush();
            end.map(|()| (done, pipe.measure()))
                .map_err(|source| Fatal::io("cannot write to age", source))
        });
        drop(pipe);
        let bug = || Fatal::Bug("a thread stopped".into());
        (
            written,
            stored.join().unwrap_or_else(|_| Err(bug())),
            said.join().unwrap_or_default(),
        )
    });
    let status = child
        .wait()
        .map_err(|source| Fatal::io("cannot wait for age", source))?;
    // That it refused is the cause; that a pipe broke only follows.
    if !status.success() && !said.is_empty() {
        return Err(Fatal::Usage(format!(
            "{} did not encrypt: {said}",
            program.display()
        )));
    }
    let stored = stored?;
    if !status.success() {
        return Err(not_of_age(program, "it failed"));
    }
    let (done, content) = written?;
    let again = reopened(&mut file)?;
    let fault = check::fault(again, &stored, &content)
        .map_err(|source| Fatal::io("cannot read the archive again", source))?;
    if let Some(fault) = fault {
        return Err(not_of_age(program, fault));
    }
    if let Some(identity) = age.identity {
        opens(program, identity, reopened(&mut file)?, &content)?;
    }
    file.finish()?;
    Ok(done)
}

fn not_of_age(program: &Path, why: &str) -> Fatal {
    Fatal::Usage(format!(
        "{} did not write what age writes: {why}. There is no archive. What to do: check that the program is age or rage, \
         and that the disk works. Then run the same command again",
        program.display()
    ))
}

/// What was written, from its beginning.
fn reopened(file: &mut AtomicFile) -> Result<File, Fatal> {
    let mut again = file.to_read()?;
    again
        .rewind()
        .map_err(|source| Fatal::io("cannot read the archive again", source))?;
    Ok(again)
}

/// Decrypts the archive, and compares what comes with what went in.
fn opens(program: &Path, identity: &Path, archive: File, content: &Measure) -> Result<(), Fatal> {
    let mut command = Command::new(program);
    command.arg("--decrypt").arg("--identity").arg(identity);
    command.stdin(archive);
    let mut child = spawned(command, program)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Fatal::Bug("a pipe is missing".into()));
    };
    let said = thread::spawn(|| words_of(stderr));
    let found = check::measure_of(stdout);
    let status = child
        .wait()
        .map_err(|source| Fatal::io("cannot wait for age", source))?;
    let said = said.join().unwrap_or_default();
    let is_same = found.is_ok_and(|found| found == *content);
    if status.success() && is_same {
        return Ok(());
    }
    let why = match status.success() {
        true => "the archive does not have what was sealed".to_owned(),
        false => said,
    };
    Err(Fatal::Usage(format!(
        "the archive cannot be opened with the key in {}: {why}. There is no archive, and nothing was deleted. What to do: name the \
         secret key that belongs to one of the recipients (--identity), then run the same command again",
        identity.display()
    )))
}

fn start(age: &Age<'_>) -> Result<Child, Fatal> {
    let mut command = Command::new(age.program);
    command.arg("--encrypt");
    for key in age.keys {
        command.arg("--recipient").arg(key);
    }
    for file in age.key_files {
        command.arg("--recipients-file").arg(file);
    }
    command.stdin(Stdio::piped());
    spawned(command, age.program)
}

fn spawned(mut command: Command, program: &Path) -> Result<Child, Fatal> {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Fatal::Usage(format!(
                "there is no program {0} on this machine. What to do: install age (apt-get install age), or name a \
                 program with --age",
                program.display()
            )),
            _ => Fatal::io(format!("cannot start {}", program.display()), source),
        })
}

/// Stores what the program sends.
fn store(mut from: ChildStdout, file: &mut AtomicFile) -> Result<Measure, Fatal> {
    let failed = |source| Fatal::io("cannot write the archive", source);
    let mut file = Measured::new(file);
    let mut block = vec![0; BLOCK];
    loop {
        match from.read(&mut block).map_err(failed)? {
            0 => return Ok(file.measure()),
            read => file.write_all(&block[..read]).map_err(failed)?,
        }
    }
}

/// What the program said, as one short line.
fn words_of(mut from: impl io::Read) -> String {
    let mut text = Vec::new();
    let _ = from.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}
