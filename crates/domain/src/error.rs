//! The error of every use-case.

use crate::ports::billing::BillingError;
use crate::ports::seats::SeatsError;
use crate::ports::signer::SignError;
use types::{Code, FieldError, Problem};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Either something that the caller is told as it is, or something of ours that he is told only the outline of.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule stands against it; the problem says which and what to do next.
    #[error("{}: {}", .0.code, .0.detail)]
    Refused(Box<Problem>),
    #[error(transparent)]
    Seats(#[from] SeatsError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Billing(#[from] BillingError),
    #[error(transparent)]
    Store(store::Error),
    /// A promise inside the portal is broken.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// What the caller is told. Internal causes are logged here, once, and never sent.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Refused(problem) => *problem,
            Self::Seats(error) => {
                tracing::error!(%error, "the live store does not answer");
                Problem::new(
                    Code::SeatsUnavailable,
                    "The seat service does not answer at the moment. Running applications keep running; try again shortly.",
                )
                .retry_after(5)
            }
            Self::Sign(error) => {
                tracing::error!(%error, "the signer does not answer");
                Problem::new(Code::SeatsUnavailable, "License tokens cannot be signed at the moment. Try again shortly.").retry_after(5)
            }
            Self::Billing(BillingError::Declined(reason)) => Problem::new(
                Code::PaymentDeclined,
                format!("{reason} Nothing was changed. Change the card under \"Paid with\", or ask your bank, then try again."),
            ),
            Self::Billing(BillingError::Refused { code, message }) => {
                tracing::error!(code, message, "the billing provider refused a call");
                let detail = "The payment provider did not accept this. Nothing was changed and nothing was charged; try again, and tell us the request number if it stays.";
                Problem::new(Code::BillingUnavailable, detail)
            }
            Self::Billing(error) => {
                tracing::error!(%error, "the billing provider did not do it");
                Problem::new(
                    Code::BillingUnavailable,
                    "The payment provider does not answer at the moment. Nobody is charged twice: try again shortly.",
                )
                .retry_after(10)
            }
            Self::Store(error @ store::Error::Unavailable(_)) => {
                tracing::error!(%error, "the database does not answer");
                Problem::new(
                    Code::Unavailable,
                    "The portal's database does not answer at the moment. Nothing was changed; try again shortly.",
                )
                .retry_after(5)
            }
            Self::Store(store::Error::Text) => {
                Problem::new(Code::InvalidRequest, "The request has a text with the character U+0000. Send it without.")
            }
            error => {
                tracing::error!(%error, "internal error");
                Problem::new(
                    Code::Internal,
                    "Something went wrong on our side. Nothing was changed. Try again, and tell us the request number if it stays.",
                )
            }
        }
    }

    /// The stable code, for callers that branch on it.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(p) => Some(p.code),
            _ => None,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Problem::from(error).into()
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(errors: Vec<FieldError>) -> Self {
        Problem::invalid(errors).into()
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// Collects the fields that are wrong, so that all are named at once.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    /// The value, or a note that the field is wrong.
    pub(crate) fn take<T>(&mut self, checked: std::result::Result<T, FieldError>) -> Option<T> {
        checked.map_err(|e| self.0.push(e)).ok()
    }

    /// Refuses if any field was wrong.
    pub(crate) fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0.into()) }
    }
}
