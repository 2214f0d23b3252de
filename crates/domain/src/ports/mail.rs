//! Delivery of mail that the outbox holds.

use async_trait::async_trait;

/// One message, ready to go.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Why a message did not go. It is tried again later either way.
#[derive(Debug, thiserror::Error)]
#[error("mail not delivered: {0}")]
pub struct MailError(pub String);

/// SMTP, or the mail folder of the embedded mode.
#[async_trait]
pub trait MailTransport: Send + Sync {
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
