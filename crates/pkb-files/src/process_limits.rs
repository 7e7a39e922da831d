//! What this process may leave behind, and how much it may take.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// What is in memory (patients, codes, secrets) stays there if the program dies: no core file is written, and neither a
/// service that collects them nor another program of the same user is given the memory.
pub fn leave_no_core_file() {
    // A system that refuses this has its reasons, and the campaign goes on.
    let _ = setrlimit(Resource::Core, at_most(0));
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Lets this process have `bytes` of memory, its threads' stacks included. What is more is refused, and ends it.
///
/// # Errors
/// The system refuses.
pub fn limit_memory(bytes: u64) -> io::Result<()> {
    Ok(setrlimit(Resource::As, at_most(bytes))?)
}

fn at_most(limit: u64) -> Rlimit {
    Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn nothing_of_the_memory_is_written_and_no_other_program_is_given_it() {
        leave_no_core_file();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert!(matches!(
            dumpable_behavior(),
            Ok(DumpableBehavior::NotDumpable)
        ));
    }
}
