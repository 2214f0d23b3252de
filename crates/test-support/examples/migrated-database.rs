//! Runs a command with `DATABASE_URL` set to a throw-away database that has all migrations applied.

use std::process::{Command, ExitCode};
use test_support::postgres::TestDatabase;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else { return ExitCode::FAILURE };
    let database = TestDatabase::new().await;
    // As superuser: the macros describe queries outside of any transaction of ours.
    let status = Command::new(program).args(arguments).env("DATABASE_URL", database.superuser_url()).status();
    drop(database);
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
