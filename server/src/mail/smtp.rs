//! Delivery by SMTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::mail::{Mail, MailError, MailTransport};
use domain::ports::time::{Clock, Random};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::Secret;

/// How long one command of the conversation may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// A pool of connections to one mail server.
pub struct SmtpTransport {
    mailer: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl SmtpTransport {
    /// `url` as [`crate::config::MailDelivery::Smtp`] describes it. Connects only when there is something to send.
    /// Must be called, and dropped, inside a Tokio runtime.
    pub fn new(url: &Secret, from: Mailbox, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, MailError> {
        let mailer = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
            .map_err(|e| MailError(format!("SMTP_URL: {e}")))?
            .timeout(Some(COMMAND_LIMIT))
            .build();
        Ok(Self { mailer, from, clock, random })
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let to: Address = mail.to.parse().map_err(|e| MailError(format!("recipient: {e}")))?;
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            // A subject is one line, whatever name a person has given to his organisation.
            .subject(mail.subject.split_whitespace().collect::<Vec<_>>().join(" "))
            .date(self.clock.now().into())
            .message_id(Some(self.message_id()))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|e| MailError(format!("message: {e}")))?;
        // RFC 3834: no holiday notices as answers.
        message.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
        Ok(message)
    }

    /// Unique, and in the sender's domain instead of naming this machine.
    fn message_id(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        format!("<{:032x}@{}>", u128::from_be_bytes(bytes), self.from.email.domain())
    }
}

#[async_trait]
impl MailTransport for SmtpTransport {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        // The error's own text says only what kind it is; the server's words are in its source.
        self.mailer.send(message).await.map(|_| ()).map_err(|e| {
            let words = std::error::Error::source(&e).map(|source| format!(": {source}")).unwrap_or_default();
            MailError(format!("{e}{words}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::time::{SystemClock, SystemRandom};
    use test_support::smtp::SmtpSink;

    use super::*;

    fn mail() -> Mail {
        Mail {
            to: "ada@example.com".to_owned(),
            subject: "Bestätigen\r\nBcc: everybody@example.com".to_owned(),
            text: "Grüße\n.\nEnd".to_owned(),
            html: "<p>Grüße</p>".to_owned(),
        }
    }

    fn transport(url: &str) -> SmtpTransport {
        let from = "CODITECT <no-reply@example.com>".parse().unwrap();
        SmtpTransport::new(&Secret::new(url), from, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap()
    }

    #[tokio::test]
    async fn delivers() {
        let sink = SmtpSink::start().await;
        let transport = transport(&sink.url());
        transport.send(&mail()).await.unwrap();
        transport.send(&mail()).await.unwrap();
        let messages = sink.messages();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0].from, "no-reply@example.com");
        assert_eq!(messages[0].to, ["ada@example.com"]);
        let data = &messages[0].data;
        assert!(data.contains("multipart/alternative") && data.contains("Auto-Submitted: auto-generated"), "{data}");
        assert!(data.contains("Message-ID: <") && data.contains("@example.com>"), "{data}");
        assert!(!data.lines().any(|line| line.starts_with("Bcc:")), "a header was injected: {data}");
    }

    #[tokio::test]
    async fn says_what_the_server_said() {
        let sink = SmtpSink::refusing("550 5.1.1 no such mailbox").await;
        let error = transport(&sink.url()).send(&mail()).await.unwrap_err().to_string();
        assert!(error.contains("no such mailbox"), "{error}");
        assert!(sink.messages().is_empty());
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_an_error() {
        let sink = SmtpSink::start().await;
        let url = sink.url();
        drop(sink);
        transport(&url).send(&mail()).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_wrong_recipient_is_an_error() {
        let mail = Mail { to: "Ada <ada@example.com>, eve@example.com".to_owned(), ..mail() };
        assert!(transport("smtp://localhost").message(&mail).unwrap_err().to_string().contains("recipient"));
    }
}
