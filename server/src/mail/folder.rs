//! Delivery into a folder: one JSON file per message, for people and tests who have no mail server.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use domain::ports::mail::{Mail, MailError, MailTransport};
use domain::ports::time::Clock;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// Sorts like the time itself.
const NAME_TIME: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:9]Z");

/// One delivered message, as it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
}

/// Writes messages into a folder.
pub struct FolderTransport {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    /// Tells messages of the same moment apart.
    count: AtomicU32,
}

impl FolderTransport {
    /// Makes the folder, closed to others, if it is not there: the messages hold links that let people in.
    pub fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Result<Self, MailError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|e| MailError(format!("cannot make {}: {e}", folder.display())))?;
        Ok(Self { folder, clock, count: AtomicU32::new(0) })
    }

    fn write(&self, mail: &Mail) -> io::Result<()> {
        let sent_at = self.clock.now().to_offset(time::UtcOffset::UTC);
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let moment = sent_at.format(NAME_TIME).map_err(io::Error::other)?;
        let name = format!("{moment}-{count:06}-{}-{}", readable(&mail.to), readable(&mail.subject));
        let stored =
            StoredMail { to: mail.to.clone(), subject: mail.subject.clone(), text: mail.text.clone(), html: mail.html.clone(), sent_at };
        // Renamed when it is whole, so that a reader never sees half a message.
        let partial = self.folder.join(format!("{name}.partial"));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        file.write_all(&serde_json::to_vec_pretty(&stored)?)?;
        drop(file);
        fs::rename(&partial, self.folder.join(format!("{name}.json")))
    }
}

#[async_trait]
impl MailTransport for FolderTransport {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.write(mail).map_err(|e| MailError(format!("cannot write into {}: {e}", self.folder.display())))
    }
}

/// What may stand in a file name, at most forty characters.
fn readable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "@.+_".contains(c) { c } else { '-' }).take(40).collect()
}

/// The delivered messages, newest first, each with the name of its file without `.json`; only those to `to` if it is given.
/// A folder that is not there is an empty mailbox.
pub fn read_mailbox(folder: &Path, to: Option<&str>) -> io::Result<Vec<(String, StoredMail)>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".json")?.to_owned())).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    let mut mails = Vec::new();
    for name in names {
        let text = fs::read(folder.join(format!("{name}.json")))?;
        // Somebody else's file in this folder is not a message.
        let Ok(mail) = serde_json::from_slice::<StoredMail>(&text) else { continue };
        if to.is_none_or(|to| mail.to.eq_ignore_ascii_case(to.trim())) {
            mails.push((name, mail));
        }
    }
    Ok(mails)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use time::macros::datetime;

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> OffsetDateTime {
            datetime!(2026-01-02 13:00:00 +1)
        }
    }

    fn mail(to: &str, subject: &str) -> Mail {
        Mail { to: to.to_owned(), subject: subject.to_owned(), text: "text".to_owned(), html: "<p>html</p>".to_owned() }
    }

    #[tokio::test]
    async fn one_file_per_message_newest_first() {
        let folder = std::env::temp_dir().join(format!("portal-mail-{}", std::process::id()));
        assert!(read_mailbox(&folder, None).unwrap().is_empty());
        let transport = FolderTransport::new(folder.clone(), Arc::new(Noon)).unwrap();
        transport.send(&mail("ada@example.com", "First")).await.unwrap();
        transport.send(&mail("bob@example.com", "../../etc/passwd \0 ü")).await.unwrap();
        transport.send(&mail("Ada@Example.com", "Third")).await.unwrap();
        fs::write(folder.join("zzz.json"), "not a message").unwrap();
        fs::write(folder.join("zzz.partial"), "half").unwrap();

        let subjects = |to| read_mailbox(&folder, to).unwrap().into_iter().map(|(_, m)| m.subject).collect::<Vec<_>>();
        assert_eq!(subjects(None), ["Third", "../../etc/passwd \0 ü", "First"]);
        assert_eq!(subjects(Some("ADA@example.com ")), ["Third", "First"]);
        assert!(subjects(Some("eve@example.com")).is_empty());
        let (name, newest) = read_mailbox(&folder, None).unwrap().remove(0);
        assert_eq!(name, "20260102T120000.000000000Z-000002-Ada@Example.com-Third");
        let json = serde_json::to_value(&newest).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"to": "Ada@Example.com", "subject": "Third", "text": "text", "html": "<p>html</p>", "sent_at": "2026-01-02T12:00:00Z"})
        );
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(format!("{name}.json")))), (0o700, 0o600));
        fs::remove_dir_all(&folder).unwrap();
        transport.send(&mail("ada@example.com", "Lost")).await.unwrap_err();
    }
}
