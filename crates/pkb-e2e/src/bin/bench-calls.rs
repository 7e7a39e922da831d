//! What the order of the output costs: the same client, limit in flight and calls, with the results
//! taken in the order in which they come. Beside it pkb-resolve, which keeps the order of its input.

fn main() -> std::process::ExitCode {
    pkb_core::app::main("bench-calls", pkb_e2e::bench_calls::run)
}
