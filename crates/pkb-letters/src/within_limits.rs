//! A template is a program: it may loop for ever, or ask for all memory there is, by mistake or because somebody has changed it.
//! Typst cannot be stopped from inside. So an organisation's own template is tried by a process of its own first, which has so much
//! time and memory and no more; it is this program again, with the command `template try`. A letter that takes too long later on,
//! for what is in one patient's name, is seen by [`crate::typeset`].

use std::{
    ffi::OsStr,
    io::{self, Read},
    num::NonZeroUsize,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use pkb_core::{ExitCode, Fatal, record::Design};
use pkb_files::process_limits;

use pkb_typeset::{template::Template, typesetter::Typesetter};

/// Memory of the process that tries a template. The letters of a sample take less than a tenth.
const MEMORY: u64 = 4 << 30;
/// Each thread of the typesetter may have that much of its own: stacks, of which nearly nothing is used.
const MEMORY_OF_A_THREAD: u64 = 192 << 20;
/// How often the process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How a process ended that stayed within its limits.
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: i32,
    /// What it wrote to standard output.
    pub(crate) stdout: String,
    /// What it said.
    pub(crate) stderr: String,
}

/// Tries a design of the template in `folder`. Whatever is wrong with the template but its hunger is said by whoever uses it next.
///
/// # Errors
/// It took too long, or too much memory.
pub(crate) fn try_template(folder: &Path, design: Design, time: Duration) -> Result<(), Fatal> {
    let args = ["template", "try", "--design", design.as_str()];
    run(args.map(OsStr::new).into_iter(), folder, time).map(|_| ())
}

/// Runs this program with `args` and `folder`.
///
/// # Errors
/// It took too long, or too much memory, or cannot be started.
pub(crate) fn run<'a>(
    args: impl Iterator<Item = &'a OsStr>,
    folder: &Path,
    time: Duration,
) -> Result<Ended, Fatal> {
    let cannot_start =
        |source| Fatal::io("cannot start the process that tries the template", source);
    let program = std::env::current_exe().map_err(cannot_start)?;
    let mut child = Command::new(program)
        .args(args)
        .arg("--")
        .arg(folder)
        // Nothing of the campaign concerns it.
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot_start)?;
    let (stdout, stderr) = (all_of(child.stdout.take()), all_of(child.stderr.take()));
    let status = wait(&mut child, time).map_err(cannot_start)?;
    let words = |reader: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
    };
    let why = match status.map(|status| status.code()) {
        Some(Some(code)) => {
            return Ok(Ended {
                code,
                stdout: words(stdout),
                stderr: words(stderr),
            });
        }
        // Killed, by the system or by itself: there was no memory, or no stack.
        Some(None) => format!("needs more than {} GiB of memory", MEMORY >> 30),
        None => format!("was not done after {} s", time.as_secs_f32()),
    };
    Err(Fatal::Usage(format!(
        "{}: a sample letter {why}. The template may have a loop without end, or very many pages. What to do: look for \
         loops and page \
         breaks in the .typ files that were changed last, then run: pkb-letters template check {0}",
        folder.display()
    )))
}

/// Waits until a process has ended; `None` if it had to be stopped.
fn wait(child: &mut Child, time: Duration) -> io::Result<Option<std::process::ExitStatus>> {
    let end = Instant::now() + time;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// Reads a pipe to its end.
fn all_of(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// What the process does that is limited: nothing before the limit holds.
///
/// # Errors
/// The template is not in order.
pub(crate) fn be_limited() -> Result<(), Fatal> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64;
    process_limits::limit_memory(MEMORY + threads * MEMORY_OF_A_THREAD)
        .map_err(|source| Fatal::io("cannot limit the memory", source))
}

/// `template try`.
///
/// # Errors
/// As [`be_limited`], or the template is not in order.
pub(crate) fn try_here(folder: &Path, design: Design) -> Result<ExitCode, Fatal> {
    be_limited()?;
    let template = Template::open(folder).map_err(|error| Fatal::Usage(error.to_string()))?;
    Typesetter::new(&template, design)?;
    Ok(ExitCode::Done)
}
