//! The program `age`, as a pipe: plain bytes in, encrypted bytes out, into a file that is complete or absent.

use std::{
    io::{self, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use pkb_core::{Fatal, atomic_file::AtomicFile};

/// How every file of age begins: what has no such header was not encrypted by it.
const HEADER: &[u8] = b"age-encryption.org/v1\n";
/// Bytes that are moved at a time.
const BLOCK: usize = 128 << 10;

/// What goes into the pipe.
pub(super) type Pipe = BufWriter<ChildStdin>;

/// Encrypts what `write` writes, for all of the keys, into the file `out`.
///
/// # Errors
/// The program is missing, or refused; or as `write`. Then there is no file.
pub(super) fn encrypt<T>(
    program: &Path,
    keys: &[String],
    key_files: &[PathBuf],
    out: &Path,
    write: impl FnOnce(&mut Pipe) -> Result<T, Fatal>,
) -> Result<T, Fatal> {
    let mut file = AtomicFile::create(out)?;
    let mut child = start(program, keys, key_files)?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Fatal::Bug("a pipe is missing".into()));
    };
    // Three pipes, each with its own end: nobody waits for somebody who waits.
    let (written, stored, said) = thread::scope(|scope| {
        let stored = scope.spawn(|| store(stdout, &mut file));
        let said = scope.spawn(|| words_of(stderr));
        let mut pipe = BufWriter::with_capacity(BLOCK, stdin);
        let written = write(&mut pipe).and_then(|done| {
            let end = pipe.flush();
            end.map(|()| done)
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
    if !stored? || !status.success() {
        return Err(Fatal::Usage(format!(
            "{} did not write what age writes: is it age, or rage?",
            program.display()
        )));
    }
    let done = written?;
    file.finish()?;
    Ok(done)
}

fn start(program: &Path, keys: &[String], key_files: &[PathBuf]) -> Result<Child, Fatal> {
    let mut command = Command::new(program);
    command.arg("--encrypt");
    for key in keys {
        command.arg("--recipient").arg(key);
    }
    for file in key_files {
        command.arg("--recipients-file").arg(file);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Fatal::Usage(format!(
                "there is no program {0} on this machine: install it (apt-get install age), or name one with --age",
                program.display()
            )),
            _ => Fatal::io(format!("cannot start {}", program.display()), source),
        })
}

/// Stores what the program sends; `false` if that is not encrypted.
fn store(mut from: ChildStdout, file: &mut AtomicFile) -> Result<bool, Fatal> {
    let failed = |source| Fatal::io("cannot write the archive", source);
    let mut block = vec![0; BLOCK];
    let mut start = Vec::with_capacity(HEADER.len());
    let first = HEADER.len() as u64;
    from.by_ref()
        .take(first)
        .read_to_end(&mut start)
        .map_err(failed)?;
    if start != HEADER {
        return Ok(false);
    }
    file.write_all(&start).map_err(failed)?;
    loop {
        match from.read(&mut block).map_err(failed)? {
            0 => return Ok(true),
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
