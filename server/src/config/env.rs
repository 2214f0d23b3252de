//! Reading variables, and noting what is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A snapshot of the environment. The embedded mode adds what is not set.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The variables of this process that are valid UTF-8.
    pub fn from_process() -> Self {
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    }

    /// The value, unless it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// Whether the variable, or its twin `NAME_FILE`, is there.
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some() || self.get(&format!("{name}_FILE")).is_some()
    }

    /// Adds the variables that are not set.
    #[must_use]
    pub fn with_defaults(mut self, defaults: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, value) in defaults {
            if !self.is_set(&name) {
                self.0.insert(name, value);
            }
        }
        self
    }
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// A value that must not reach a log: its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// All mistakes of a configuration, one sentence each.
#[derive(Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Reads variables one by one and collects the mistakes.
pub(super) struct Reader<'a> {
    env: &'a Env,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(env: &'a Env) -> Self {
        Self { env, mistakes: Vec::new() }
    }

    pub(super) fn mistake(&mut self, sentence: impl Into<String>) {
        self.mistakes.push(sentence.into());
    }

    pub(super) fn finish(self) -> Result<(), ConfigError> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(ConfigError(self.mistakes)) }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.env.get(name).map(|value| value.trim().to_owned())
    }

    pub(super) fn required(&mut self, name: &str, what: &str) -> Option<String> {
        let value = self.text(name);
        if value.is_none() {
            self.mistake(format!("{name} is not set: {what}."));
        }
        value
    }

    /// `None` if it is absent, or wrong, which is noted.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.mistake(format!("{name}={text} is not {what}."));
        }
        parsed
    }

    /// From `NAME`, or from the file that `NAME_FILE` names, without the line break at its end.
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret> {
        let file_name = format!("{name}_FILE");
        match (self.env.get(name), self.env.get(&file_name)) {
            (Some(_), Some(_)) => {
                self.mistake(format!("{name} and {file_name} are both set: use one."));
                None
            }
            (Some(value), None) => Some(Secret::new(value.trim())),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) if text.trim().is_empty() => {
                    self.mistake(format!("{file_name}={path} is empty."));
                    None
                }
                Ok(text) => Some(Secret::new(text.trim())),
                Err(e) => {
                    self.mistake(format!("{file_name}={path} cannot be read: {e}."));
                    None
                }
            },
            (None, None) => None,
        }
    }

    pub(super) fn required_secret(&mut self, name: &str, what: &str) -> Option<Secret> {
        let before = self.mistakes.len();
        let secret = self.secret(name);
        if secret.is_none() && self.mistakes.len() == before {
            self.mistake(format!("{name} (or {name}_FILE) is not set: {what}."));
        }
        secret
    }
}
