//! `/dev/mailbox`: the mail folder for a person, and as JSON for a program. Mounted only when mail goes into a folder.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::mail::folder::{StoredMail, read_mailbox};

/// How many messages the page shows.
const SHOWN: usize = 100;

const SHOWN_TIME: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// The HTML form of a message is somebody else's page: no script, nothing loaded, no access to the portal's cookies.
const FOREIGN: &str = "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

#[derive(Clone)]
struct Mailbox {
    folder: Arc<PathBuf>,
    product: Arc<str>,
}

#[derive(Deserialize)]
struct Filter {
    to: Option<String>,
}

/// `GET /dev/mailbox.json?to=ADDRESS`, `GET /dev/mailbox?to=ADDRESS` and what the page links to. `product` stands in its title.
pub fn router(folder: PathBuf, product: &str) -> Router {
    Router::new()
        .route("/dev/mailbox.json", get(list_json))
        .route("/dev/mailbox", get(list_page))
        .route("/dev/mailbox/{name}", get(message_html))
        .route("/dev/mailbox.css", get(|| async { ([(CONTENT_TYPE, "text/css")], include_str!("mailbox.css")) }))
        .with_state(Mailbox { folder: Arc::new(folder), product: product.into() })
}

impl Mailbox {
    async fn read(&self, to: Option<String>) -> Result<Vec<(String, StoredMail)>, Unreadable> {
        let folder = Arc::clone(&self.folder);
        let outcome = tokio::task::spawn_blocking(move || read_mailbox(&folder, to.as_deref())).await;
        outcome.map_err(|e| e.to_string()).and_then(|mails| mails.map_err(|e| e.to_string())).map_err(Unreadable)
    }
}

/// The folder cannot be read.
struct Unreadable(String);

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("The mail folder cannot be read: {}", self.0)).into_response()
    }
}

async fn list_json(State(mailbox): State<Mailbox>, Query(filter): Query<Filter>) -> Result<Response, Unreadable> {
    let mails: Vec<StoredMail> = mailbox.read(filter.to).await?.into_iter().map(|(_, mail)| mail).collect();
    Ok(([(CACHE_CONTROL, "no-store")], Json(mails)).into_response())
}

async fn list_page(State(mailbox): State<Mailbox>, Query(filter): Query<Filter>) -> Result<Response, Unreadable> {
    let to = filter.to.filter(|to| !to.trim().is_empty());
    let mails = mailbox.read(to.clone()).await?;
    let page = page(&mailbox.product, to.as_deref().unwrap_or_default(), &mails);
    Ok(([(CACHE_CONTROL, "no-store")], Html(page)).into_response())
}

async fn message_html(State(mailbox): State<Mailbox>, Path(name): Path<String>) -> Result<Response, Unreadable> {
    let found = mailbox.read(None).await?.into_iter().find(|(known, _)| *known == name);
    Ok(match found {
        Some((_, mail)) => {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(FOREIGN));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            (headers, Html(mail.html)).into_response()
        }
        None => (StatusCode::NOT_FOUND, "No such message.").into_response(),
    })
}

/// The whole page. Everything that comes from a message is escaped.
fn page(product: &str, to: &str, mails: &[(String, StoredMail)]) -> String {
    let mut html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailbox · {product}</title>
<link rel="stylesheet" href="/dev/mailbox.css">
</head>
<body>
<main>
<h1>Mailbox</h1>
<p>Mail that this portal would have sent. It goes into a folder, because no <code>SMTP_URL</code> is set.</p>
<form method="get" action="/dev/mailbox">
<label for="to">To</label> <input id="to" name="to" type="email" value="{to}" autocomplete="off"> <button type="submit">Show</button>
</form>
"#,
        product = escape(product),
        to = escape(to),
    );
    if mails.is_empty() {
        html.push_str("<p>No mail here yet.</p>\n");
    }
    for (name, mail) in mails.iter().take(SHOWN) {
        html.push_str(&article(name, mail));
    }
    if mails.len() > SHOWN {
        html.push_str(&format!("<p>{} older messages are in the folder.</p>\n", mails.len() - SHOWN));
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn article(name: &str, mail: &StoredMail) -> String {
    let sent_at = mail.sent_at.format(SHOWN_TIME).unwrap_or_default();
    format!(
        r#"<article>
<h2>{subject}</h2>
<p>To {to} · {sent_at} · <a href="/dev/mailbox/{link}">as HTML</a></p>
<pre>{text}</pre>
</article>
"#,
        subject = escape(&mail.subject),
        to = escape(&mail.to),
        link = escape(name),
        text = with_links(&mail.text),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escaped text in which web addresses can be clicked.
fn with_links(text: &str) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let address = word.trim_end().trim_end_matches(['.', ',', ')', '>']);
            if address.starts_with("https://") || address.starts_with("http://") {
                let (link, rest) = (escape(address), escape(&word[address.len()..]));
                format!(r#"<a href="{link}">{link}</a>{rest}"#)
            } else {
                escape(word)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use time::macros::datetime;
    use tower::ServiceExt;

    use super::*;

    fn mail(to: &str, subject: &str) -> StoredMail {
        StoredMail {
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: "Confirm: http://localhost:3000/verify-email?token=a&b.\n<script>alert(1)</script>".to_owned(),
            html: "<p>Hello</p>".to_owned(),
            sent_at: datetime!(2026-01-02 12:00:00 UTC),
        }
    }

    async fn fetch(router: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
        let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        (parts.status, parts.headers, body)
    }

    #[tokio::test]
    async fn shows_mail_to_people_and_programs() {
        let folder = std::env::temp_dir().join(format!("portal-mailbox-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, mail: &StoredMail| std::fs::write(folder.join(name), serde_json::to_vec(mail).unwrap()).unwrap();
        write("1-a@example.com.json", &mail("a@example.com", "First <b>"));
        write("2-b@example.com.json", &mail("b@example.com", "Second"));
        let router = router(folder.clone(), "PRODUCT");

        let (status, _, body) = fetch(&router, "/dev/mailbox.json?to=a%40example.com").await;
        let list: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, StatusCode::OK);
        assert_eq!(list.as_array().unwrap().len(), 1);
        let mut fields: Vec<&String> = list[0].as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(fields, ["html", "sent_at", "subject", "text", "to"]);
        assert_eq!(list[0]["sent_at"], "2026-01-02T12:00:00Z");

        let (_, _, body) = fetch(&router, "/dev/mailbox").await;
        assert!(body.contains("<title>Mailbox · PRODUCT</title>") && body.contains("First &lt;b&gt;"), "{body}");
        assert!(body.find("Second").unwrap() < body.find("First").unwrap(), "newest first");
        let link = r#"<a href="http://localhost:3000/verify-email?token=a&amp;b">http://localhost:3000/verify-email?token=a&amp;b</a>."#;
        assert!(body.contains(link), "{body}");
        assert!(!body.contains("<script>") && !body.contains("style="), "{body}");

        let (status, headers, body) = fetch(&router, "/dev/mailbox/2-b@example.com").await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "<p>Hello</p>"));
        assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("sandbox "));
        assert_eq!(fetch(&router, "/dev/mailbox/..%2Fsecrets").await.0, StatusCode::NOT_FOUND);
        let (_, _, body) = fetch(&router, "/dev/mailbox?to=%22%3E%3Cscript%3E").await;
        assert!(body.contains("No mail here yet") && !body.contains("<script>"), "{body}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
