//! Questions to the person at the terminal.

use client::Error;
use std::io::{BufRead, IsTerminal, Read, Write};

/// Longest password that is read from standard input, in bytes.
const LONGEST: u64 = 4096;

/// From `CODITECT_PASSWORD`, standard input or the terminal, which does not show it.
pub(crate) fn password(email: &str, from_stdin: bool) -> Result<String, Error> {
    if from_stdin {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .take(LONGEST)
            .read_line(&mut text)
            .map_err(|e| Error::Config(format!("The password cannot be read: {e}")))?;
        let text = text.trim_end_matches(['\r', '\n']);
        return if text.is_empty() { Err(Error::Config("There is no password on standard input.".into())) } else { Ok(text.to_owned()) };
    }
    if let Ok(password) = std::env::var("CODITECT_PASSWORD")
        && !password.is_empty()
    {
        return Ok(password);
    }
    let answer = if is_interactive() { hidden(&format!("Password for {email}: ")) } else { None };
    answer.ok_or_else(|| Error::Config("There is no terminal to ask for the password. Use --password-stdin or CODITECT_PASSWORD.".into()))
}

/// `None` without a terminal.
pub(crate) fn hidden(question: &str) -> Option<String> {
    rpassword::prompt_password(question).ok().filter(|answer| !answer.is_empty())
}

/// Whether somebody can be asked.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// `y` or `yes` counts as yes, everything else as no.
pub(crate) fn confirm(question: &str) -> bool {
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    match std::io::stdin().lock().read_line(&mut answer) {
        Ok(_) => matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"),
        Err(_) => false,
    }
}
