//! The error type of every server function.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};
use types::{Code, FieldError, Problem};

/// Key in [`Problem::extra`] under which a form without JavaScript gets back what was typed.
const TYPED: &str = "typed";
/// Longest value that is given back, in bytes: longer ones are wrong in any case, and proxies refuse long addresses.
const TYPED_MAX: usize = 1000;

/// Parameters of a page's address that speak of what has just happened, and must not do so again.
pub(crate) const PASSING: [&str; 3] = ["__path", "__err", "toast"];

/// A [`Problem`] on its way to a page. It exists because the trait that server functions ask for and `Problem` belong to other crates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageError(pub Problem);

impl PageError {
    /// Gives the fields' values back to the form. Only a form without JavaScript needs them (the page is loaded anew); they
    /// travel in the address, so never pass a password or another secret.
    #[must_use]
    pub fn with_typed(mut self, fields: &[(&str, &str)]) -> Self {
        let short = fields.iter().filter(|(_, value)| value.len() <= TYPED_MAX);
        let values = short.map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        self.0.extra.insert(TYPED.to_owned(), serde_json::Value::Object(values));
        self
    }
}

/// What had been typed into the field of that name, if the problem brings it back.
pub(crate) fn typed<'a>(problem: &'a Problem, name: &str) -> Option<&'a str> {
    problem.extra.get(TYPED)?.get(name)?.as_str()
}

impl std::fmt::Display for PageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for PageError {}

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<FieldError> for PageError {
    fn from(error: FieldError) -> Self {
        Self(error.into())
    }
}

impl From<Vec<FieldError>> for PageError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self(errors.into())
    }
}

impl FromServerFnError for PageError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let problem = match error {
            ServerFnErrorErr::Request(_) => {
                Problem::new(Code::Unavailable, "The server could not be reached. Check your connection and try again.")
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::UnsupportedRequestMethod(_) => {
                Problem::new(Code::InvalidRequest, "The form was not complete. Reload the page and try again.")
            }
            ServerFnErrorErr::Registration(_)
            | ServerFnErrorErr::ServerError(_)
            | ServerFnErrorErr::MiddlewareError(_)
            | ServerFnErrorErr::Deserialization(_)
            | ServerFnErrorErr::Serialization(_)
            | ServerFnErrorErr::Response(_) => Problem::new(Code::Internal, "Something went wrong on our side. Try again in a moment."),
        };
        Self(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_way_through_the_address() {
        let error = PageError::from(FieldError::new("email", "Enter the full address.")).with_typed(&[("email", "ingrid@")]);
        let back = PageError::de(error.ser());
        assert_eq!(back, error);
        assert_eq!(back.0.field("email"), Some("Enter the full address."));
        assert_eq!(typed(&back.0, "email"), Some("ingrid@"));
        assert_eq!(typed(&back.0, "name"), None);
    }

    #[test]
    fn the_address_stays_short() {
        let error = PageError::from(FieldError::new("name", "Use at most 100 characters."))
            .with_typed(&[("name", &"x".repeat(60_000)), ("email", "a@b.c")]);
        assert!(error.ser().len() < 1000);
        assert_eq!(typed(&error.0, "email"), Some("a@b.c"));
    }

    #[test]
    fn what_is_not_a_problem_becomes_one() {
        assert_eq!(PageError::de("<html>".into()).0.code, Code::Internal);
    }
}
