//! Ways for mail to go: by SMTP, or into a folder in the embedded mode.

pub mod folder;
pub mod smtp;

use std::sync::Arc;

use domain::ports::mail::{MailError, MailTransport};
use domain::ports::time::{Clock, Random};

use crate::config::{Mail, MailDelivery};

/// The transport that the configuration asks for. Fails when the SMTP address has a part that the mail library does not know, or the
/// folder cannot be made.
pub fn transport(config: &Mail, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Arc<dyn MailTransport>, MailError> {
    Ok(match &config.delivery {
        MailDelivery::Smtp(url) => Arc::new(smtp::SmtpTransport::new(url, config.from.clone(), clock, random)?),
        MailDelivery::Folder(path) => Arc::new(folder::FolderTransport::new(path.clone(), clock)?),
    })
}
