//! What a call costs: pkb-resolve and our client, beside the library and the sockets below them, at
//! several latencies of a sandbox that the environment names.

fn main() -> std::process::ExitCode {
    pkb_cli::app::main("bench-calls", pkb_e2e::bench_calls::run)
}
