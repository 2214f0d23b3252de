//! Webhooks: the signature over the raw body, and the envelope. What the event says of its object is not believed, only whose it is.

use domain::ports::billing::{Bell, BellError};
use serde_json::Value;
use stripe_webhook::{Webhook, WebhookError};

/// Accepts a signature by any of `secrets`, at most five minutes old. <https://docs.stripe.com/webhooks/signature>
pub fn open(body: &[u8], signature: &str, secrets: &[String], live: bool) -> Result<Bell, BellError> {
    let text = std::str::from_utf8(body).map_err(|_| BellError::Signature)?;
    let signed = secrets.iter().any(|secret| {
        // The client checks the signature first, so an object that it cannot read was signed all the same.
        matches!(Webhook::construct_event(text, signature, secret), Ok(_) | Err(WebhookError::BadParse(_)))
    });
    if !signed {
        return Err(BellError::Signature);
    }
    let event: Value = serde_json::from_str(text).map_err(|_| BellError::Malformed)?;
    let word = |name: &str| event.get(name).and_then(Value::as_str);
    let (Some("event"), Some(id), Some(kind)) = (word("object"), word("id"), word("type")) else { return Err(BellError::Malformed) };
    if event.get("livemode").and_then(Value::as_bool) != Some(live) || word("account").is_some() {
        return Err(BellError::Foreign);
    }
    Ok(Bell { event: id.to_owned(), kind: kind.to_owned(), customer: customer(&event) })
}

/// The object's customer, by id or expanded; or the object itself, if it is one.
fn customer(event: &Value) -> Option<String> {
    let object = event.pointer("/data/object")?;
    let customer = if object.get("object").and_then(Value::as_str) == Some("customer") { Some(object) } else { object.get("customer") }?;
    customer.as_str().or_else(|| customer.get("id").and_then(Value::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"id":"evt_1","object":"event","type":"customer.subscription.updated","livemode":false,"created":1,"pending_webhooks":1,"data":{"object":{"object":"subscription","customer":"cus_1"}}}"#;

    fn signed(body: &str, secret: &str, at: Option<i64>) -> String {
        Webhook::generate_test_header(body, secret, at)
    }

    fn v1(header: &str) -> &str {
        header.split_once(',').unwrap().1
    }

    fn open_with(body: &str, header: &str) -> Result<Bell, BellError> {
        open(body.as_bytes(), header, &["whsec_new".to_owned(), "whsec_old".to_owned()], false)
    }

    #[test]
    fn any_active_secret_may_sign_and_any_v1_may_be_the_right_one() {
        let bell = Bell { event: "evt_1".into(), kind: "customer.subscription.updated".into(), customer: Some("cus_1".into()) };
        let (new, old, foreign) = (signed(BODY, "whsec_new", None), signed(BODY, "whsec_old", None), signed(BODY, "whsec_x", None));
        let t = new.split_once(',').unwrap().0;
        for header in [
            new.clone(),
            old.clone(),
            format!("{t},{},{}", v1(&old), v1(&new)),
            format!("{t},{},{}", v1(&new), v1(&old)),
            format!("{t},{},{}", v1(&foreign), v1(&old)),
            format!("{t},{},{}", v1(&old), v1(&foreign)),
        ] {
            assert_eq!(open_with(BODY, &header), Ok(bell.clone()), "{header}");
        }
    }

    #[test]
    fn what_is_not_signed_right_now_by_us_is_turned_away() {
        let header = signed(BODY, "whsec_new", None);
        #[allow(clippy::disallowed_methods, reason = "the client's own clock is what is tested")]
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let cases = [
            (BODY.to_owned(), String::new()),
            (BODY.to_owned(), "t=1".to_owned()),
            (BODY.to_owned(), "nonsense".to_owned()),
            (BODY.replace("cus_1", "cus_2"), header.clone()),
            (format!("{BODY} "), header),
            (BODY.to_owned(), signed(BODY, "whsec_x", None)),
            (BODY.to_owned(), signed(BODY, "whsec_new", Some(now - 301))),
            (BODY.to_owned(), signed(BODY, "whsec_new", Some(now + 302))),
        ];
        for (body, header) in cases {
            assert_eq!(open_with(&body, &header), Err(BellError::Signature), "{header}");
        }
        assert!(open_with(BODY, &signed(BODY, "whsec_new", Some(now - 290))).is_ok());
    }

    #[test]
    fn other_modes_accounts_and_things_are_refused_although_signed() {
        let refused = |body: &str| open_with(body, &signed(body, "whsec_new", None)).unwrap_err();
        assert_eq!(refused(&BODY.replace("\"livemode\":false", "\"livemode\":true")), BellError::Foreign);
        assert_eq!(refused(&BODY.replace("\"livemode\":false,", "")), BellError::Foreign);
        assert_eq!(refused(&BODY.replace("\"livemode\"", "\"account\":\"acct_x\",\"livemode\"")), BellError::Foreign);
        assert_eq!(refused("[]"), BellError::Malformed);
        assert_eq!(refused("{\"object\":\"event\"}"), BellError::Malformed);
        assert_eq!(refused("not json"), BellError::Malformed);
    }
}
