//! Where memory comes from, in all programs that use this crate, where the feature `jemalloc` is on: in releases and benchmarks.
//!
//! Records and letters are made by one thread and let go by another, at each stage of a run. The C library's allocator
//! takes a tenth more time for that, and keeps what it was given back in pieces that fit nothing: a run holds half as much
//! again as it uses. jemalloc gives it back within a second; four arenas are enough for the threads that we start
//! (`.cargo/config.toml`). It takes the size of a page from the machine that builds it, and refuses to work where pages are
//! larger: programs for such a machine are built there.

/// The allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
