//! `coditect-license`: signs in, and runs commands that need a seat.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
