//! Files that only somebody else can open: encrypted to a public key by `gpg` or `age`, which are programs of the machine.
//!
//! What is encrypted goes into the program through a pipe, and what comes out of it goes into a file that is complete or absent.
//! So the plain bytes are never on the disk. Both programs check what they decrypt, so that a damaged file is not read as a whole one.

use std::{
    fs::{self, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::TempDir;

use crate::{
    Fatal,
    atomic_file::AtomicFile,
    trusted_file::{self, Purpose},
};

/// Bytes that are moved at a time.
const BLOCK: usize = 128 << 10;

/// What encrypts to a public key, which was tried.
pub struct Encryption {
    program: Program,
    /// With a copy of the key, so that nobody can change it while files are made.
    home: TempDir,
    recipient: String,
}

/// A program that encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Gpg,
    Age,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Gpg => "gpg",
            Self::Age => "age",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Gpg => "gnupg",
            Self::Age => "age",
        }
    }

    /// By what a key file is. The error says what is wrong with the key.
    fn of(key: &[u8]) -> Result<Self, &'static str> {
        const NEITHER: &str = "this is not a public key. What to do: ask the company for its public key: of gpg (made with gpg --export \
             --armor NAME) or of age (age1…)";
        const SECRET: &str = "this is a secret key. What to do: ask the company for its public key, and say that this \
            secret key has been sent to you. Others may have read it";
        let text = String::from_utf8_lossy(key);
        if text.contains("PRIVATE KEY BLOCK") || text.contains("AGE-SECRET-KEY-") {
            return Err(SECRET);
        }
        if text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
            return Ok(Self::Gpg);
        }
        match key.first() {
            // RFC 9580: a packet that is a public key (tag 6), or a secret key (tag 5), in the old or the new form.
            Some(0x98..=0x9B | 0xC6) => return Ok(Self::Gpg),
            Some(0x94..=0x97 | 0xC5) => return Err(SECRET),
            _ => {}
        }
        let mut keys = text.lines().map(str::trim);
        let is_age = |line: &str| line.starts_with("age1") || line.starts_with("ssh-");
        match keys.any(is_age) {
            true => Ok(Self::Age),
            false => Err(NEITHER),
        }
    }
}

impl Encryption {
    /// Reads the file of a public key, and tries its program on nothing, before anything is made.
    ///
    /// # Errors
    /// It is not a public key, somebody else could have changed it, or there is no program for it.
    pub fn open(key_file: &Path) -> Result<Self, Fatal> {
        let cannot_read = |source| Fatal::cannot_read(key_file, source);
        let key = trusted_file::read(key_file, Purpose::RECIPIENT);
        let key = key.map_err(|unread| unread.or(cannot_read))?;
        let program = Program::of(&key)
            .map_err(|words| Fatal::Usage(format!("{}: {words}", key_file.display())))?;
        let failed = |source| Fatal::io("cannot make a temporary folder for the key", source);
        let mut builder = tempfile::Builder::new();
        builder.prefix("pkb-key-");
        builder.permissions(Permissions::from_mode(0o700));
        let home = builder.tempdir().map_err(failed)?;
        fs::write(home.path().join("key"), &key).map_err(failed)?;
        let mut encryption = Self {
            program,
            home,
            recipient: String::new(),
        };
        encryption.recipient = encryption.read_recipient(&key)?;
        encryption.through(|_| Ok(()), &mut io::sink())?;
        Ok(encryption)
    }

    /// How the names of its files end.
    #[must_use]
    pub fn extension(&self) -> &'static str {
        self.program.name()
    }

    /// Whom it encrypts to: the fingerprint of a key of gpg, or the key of age itself. It is public.
    #[must_use]
    pub fn recipient(&self) -> &str {
        &self.recipient
    }

    /// Encrypts what `write` writes into a file that has no name yet.
    ///
    /// # Errors
    /// The program refused, the disk is full, or as `write`.
    pub fn encrypt<T>(
        &self,
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> Result<T, Fatal>,
    ) -> Result<(T, AtomicFile), Fatal> {
        let mut file = AtomicFile::create(path)?;
        let done = self.through(write, &mut file)?;
        Ok((done, file))
    }

    /// Lets what `write` writes go through the program.
    fn through<T>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<T, Fatal>,
        out: &mut (impl Write + Send),
    ) -> Result<T, Fatal> {
        let mut child = self.start(self.encrypting())?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Fatal::Bug("a pipe is missing".into()));
        };
        let name = self.program.name();
        // Three pipes, each with its own end: nobody waits for somebody who waits.
        let (written, stored, said) = thread::scope(|scope| {
            let stored = scope.spawn(|| store(stdout, out));
            let said = scope.spawn(|| words_of(stderr));
            let mut pipe = BufWriter::with_capacity(BLOCK, stdin);
            let written = write(&mut pipe).and_then(|done| {
                let end = pipe.flush();
                end.map(|()| done)
                    .map_err(|source| Fatal::io(format!("cannot write to {name}"), source))
            });
            if written.is_err() {
                // Nothing of what is still in memory may follow.
                let _ = child.kill();
            }
            drop(pipe.into_parts());
            let bug = || Err(Fatal::Bug("a thread stopped".into()));
            (
                written,
                stored.join().unwrap_or_else(|_| bug()),
                said.join().unwrap_or_default(),
            )
        });
        let status = child.wait();
        let status =
            status.map_err(|source| Fatal::io(format!("cannot wait for {name}"), source))?;
        // That it refused is the cause; that a pipe broke only follows.
        if status.code().is_some_and(|code| code != 0) {
            return Err(Fatal::Usage(format!(
                "{name} did not encrypt: {said}. Nothing was written. What to do: check the key file, and that the key has not expired"
            )));
        }
        let done = written?;
        let stored = stored?;
        if !status.success() || !self.is_encrypted(&stored) {
            return Err(Fatal::Usage(format!(
                "{name} did not write what {name} writes. Nothing was written. What to do: check which program {name} is on this machine"
            )));
        }
        Ok(done)
    }

    fn encrypting(&self) -> Command {
        let key = self.home.path().join("key");
        match self.program {
            Program::Gpg => {
                let mut gpg = self.gpg();
                gpg.args(["--trust-model", "always", "--encrypt", "--recipient-file"]);
                gpg.arg(key).args(["--output", "-"]);
                gpg
            }
            Program::Age => {
                let mut age = Command::new("age");
                age.args(["--encrypt", "--recipients-file"]).arg(key);
                age
            }
        }
    }

    /// With a keyring of its own, which is empty: the operator's keys and settings change nothing.
    fn gpg(&self) -> Command {
        let mut gpg = Command::new("gpg");
        gpg.env("GNUPGHOME", self.home.path());
        gpg.args([
            "--batch",
            "--no-tty",
            "--quiet",
            "--no-options",
            "--no-autostart",
        ]);
        gpg
    }

    fn start(&self, mut command: Command) -> Result<Child, Fatal> {
        let program = self.program;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => Fatal::Usage(format!(
                    "there is no program {} on this machine, and the key is a key of {0}. Nothing was written. What to \
                     do: install {0} (apt-get install {})",
                    program.name(),
                    program.package()
                )),
                _ => Fatal::io(format!("cannot start {}", program.name()), source),
            })
    }

    fn read_recipient(&self, key: &[u8]) -> Result<String, Fatal> {
        if self.program == Program::Age {
            let text = String::from_utf8_lossy(key);
            let lines = text.lines().map(str::trim);
            let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            return Ok(keys.collect::<Vec<_>>().join(" "));
        }
        let mut command = self.gpg();
        command.args(["--with-colons", "--show-keys"]);
        command.arg(self.home.path().join("key"));
        let child = self.start(command)?;
        let shown = child.wait_with_output();
        let shown = shown.map_err(|source| Fatal::io("cannot read what gpg says", source))?;
        let text = String::from_utf8_lossy(&shown.stdout);
        // doc/DETAILS of GnuPG: the tenth field of a line `fpr`; the first is that of the main key.
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("fpr:"));
        let fingerprint = lines.next().and_then(|line| line.split(':').nth(8));
        let fingerprint = fingerprint.filter(|text| !text.is_empty());
        fingerprint.map(str::to_owned).ok_or_else(|| {
            Fatal::Usage(format!(
                "gpg cannot read the key: {}. What to do: ask the company for its public key again (gpg --export --armor NAME)",
                words_of(&*shown.stderr)
            ))
        })
    }

    /// Whether a file begins as those of the program do.
    fn is_encrypted(&self, start: &[u8]) -> bool {
        match self.program {
            // RFC 9580: a session key that is encrypted to a public key (tag 1).
            Program::Gpg => matches!(start.first(), Some(0x84..=0x87 | 0xC1)),
            Program::Age => start.starts_with(b"age-encryption.org/v1\n"),
        }
    }
}

/// The name of the plain file, if a name is that of an encrypted one.
#[must_use]
pub fn plain_name(file: &str) -> Option<&str> {
    let extensions = [Program::Gpg, Program::Age].map(Program::name);
    let mut plain = extensions.iter().filter_map(|extension| {
        let (plain, own) = file.rsplit_once('.')?;
        (own == *extension).then_some(plain)
    });
    plain.next()
}

/// The place of an encrypted file beside that of its plain one.
#[must_use]
pub fn encrypted_path(plain: &Path, encryption: &Encryption) -> PathBuf {
    let mut path = plain.as_os_str().to_owned();
    path.push(".");
    path.push(encryption.extension());
    path.into()
}

/// Stores what the program sends; its first bytes.
fn store(mut from: impl io::Read, to: &mut impl Write) -> Result<Vec<u8>, Fatal> {
    let failed = |source| Fatal::io("cannot write the encrypted file", source);
    let mut start = Vec::new();
    let mut block = vec![0; BLOCK];
    loop {
        let read = from.read(&mut block).map_err(failed)?;
        let read = block.get(..read).unwrap_or_default();
        if read.is_empty() {
            return Ok(start);
        }
        let missing = 64_usize.saturating_sub(start.len()).min(read.len());
        start.extend_from_slice(&read[..missing]);
        to.write_all(read).map_err(failed)?;
    }
}

/// What a program said, as one short line.
fn words_of(mut from: impl io::Read) -> String {
    let mut text = Vec::new();
    let _ = from.by_ref().read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests;
