//! The mails that the portal writes. Plain text and the same as HTML; every value that a person chose is escaped.

use store::mail::Message;

/// Says that this address asked for an organisation.
pub(crate) fn confirm(product: &str, to: &str, name: &str, organization: &str, link: &str) -> Message {
    letter(
        to,
        &format!("Confirm your email for {product}"),
        &[
            &format!("Hello {name},"),
            &format!("confirm this address to open the organization {organization} on {product}. The link works for 24 hours."),
        ],
        Some(("Confirm email", link)),
        "If this was not you, do nothing: no account is made without the link.",
    )
}

/// Answers a registration with an address that has an account already.
pub(crate) fn already_registered(product: &str, to: &str, name: &str, link: &str) -> Message {
    letter(
        to,
        &format!("You already have a {product} account"),
        &[
            &format!("Hello {name},"),
            "somebody, probably you, asked to sign up with this address. You already have an account: sign in, and create a further organization from there. If you have forgotten the password, choose a new one on the sign-in page.",
        ],
        Some(("Sign in", link)),
        "If this was not you, do nothing.",
    )
}

/// Offers membership.
pub(crate) fn invitation(product: &str, to: &str, organization: &str, inviter: &str, role: &str, link: &str) -> Message {
    letter(
        to,
        &format!("{inviter} invites you to {organization} on {product}"),
        &["Hello,", &format!("{inviter} invites you to join {organization} on {product} as {role}. The link works for 7 days.")],
        Some(("Accept invitation", link)),
        "If you do not know the sender, do nothing.",
    )
}

/// A link to choose a new password.
pub(crate) fn reset(product: &str, to: &str, name: &str, link: &str) -> Message {
    letter(
        to,
        &format!("Set a new {product} password"),
        &[&format!("Hello {name},"), "choose a new password with this link. It works once, for one hour."],
        Some(("Set new password", link)),
        "If you did not ask for this, do nothing: your password stays as it is.",
    )
}

/// Says that the password was changed.
pub(crate) fn password_changed(product: &str, to: &str, name: &str, link: &str) -> Message {
    letter(
        to,
        &format!("Your {product} password was changed"),
        &[&format!("Hello {name},"), "the password of your account was changed just now, and every other sign-in was ended."],
        Some(("Sign in", link)),
        "If this was not you, set a new password at once.",
    )
}

/// Says that somebody does not belong to an organisation any longer.
pub(crate) fn removed(product: &str, to: &str, name: &str, organization: &str) -> Message {
    letter(
        to,
        &format!("You were removed from {organization}"),
        &[
            &format!("Hello {name},"),
            &format!("you no longer belong to {organization} on {product}. A running application has lost its seat."),
        ],
        None,
        "Questions? Ask an owner or admin of the organization.",
    )
}

/// Says that an invoice could not be charged, when it is tried again, and until when nothing changes.
#[allow(clippy::too_many_arguments, reason = "each stands once in the letter")]
pub(crate) fn payment_failed(
    product: &str,
    to: &str,
    name: &str,
    organization: &str,
    amount: &str,
    card: &str,
    next: Option<&str>,
    until: &str,
    link: &str,
) -> Message {
    let again = next.map_or_else(|| "It is not tried again by itself.".to_owned(), |day| format!("It is tried again on {day}."));
    letter(
        to,
        &format!("Payment of {amount} for {organization} failed"),
        &[
            &format!("Hello {name},"),
            &format!("{amount} for {organization} on {product} could not be charged to {card}. {again}"),
            &format!(
                "Nothing changes until {until}. If the invoice is still open then, new starts of the application are refused; nobody who is running is cut off."
            ),
        ],
        Some(("Pay or change card", link)),
        "You get this mail because you are in charge of billing there.",
    )
}

/// Says that new starts are refused from now on.
pub(crate) fn restricted(product: &str, to: &str, name: &str, organization: &str, amount: Option<&str>, link: &str) -> Message {
    let open = amount.map_or_else(|| "An invoice".to_owned(), |amount| format!("An invoice of {amount}"));
    letter(
        to,
        &format!("New starts are refused for {organization}"),
        &[
            &format!("Hello {name},"),
            &format!(
                "{open} for {organization} on {product} is still unpaid. From now on new starts of the application are refused; whoever is running goes on."
            ),
            "Paying it restores everything at once.",
        ],
        Some(("Pay or change card", link)),
        "You get this mail because you are in charge of billing there.",
    )
}

/// Says that everything works again.
pub(crate) fn paid_again(product: &str, to: &str, name: &str, organization: &str, amount: Option<&str>, link: &str) -> Message {
    let paid = amount.map_or_else(|| "The open invoice".to_owned(), |amount| format!("The open invoice of {amount}"));
    letter(
        to,
        &format!("{organization} is paid up"),
        &[&format!("Hello {name},"), &format!("{paid} for {organization} on {product} is paid. All seats work again.")],
        Some(("See billing", link)),
        "You get this mail because you are in charge of billing there.",
    )
}

fn letter(to: &str, subject: &str, paragraphs: &[&str], action: Option<(&str, &str)>, closing: &str) -> Message {
    let mut text = paragraphs.join("\n\n");
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><body style=\"font-family:system-ui,sans-serif;font-size:15px;line-height:1.5;color:#18181b\">",
    );
    for p in paragraphs {
        html.push_str(&format!("<p>{}</p>", escape(p)));
    }
    if let Some((label, link)) = action {
        text.push_str(&format!("\n\n{label}: {link}"));
        html.push_str(&format!(
            "<p><a href=\"{0}\" style=\"display:inline-block;padding:9px 14px;border-radius:8px;background:#2a55d9;color:#fff;text-decoration:none\">{1}</a></p><p style=\"color:#686873;font-size:13px\">{0}</p>",
            escape(link),
            escape(label)
        ));
    }
    text.push_str(&format!("\n\n{closing}\n"));
    html.push_str(&format!("<p style=\"color:#686873;font-size:13px\">{}</p></body></html>", escape(closing)));
    // A subject is one line, whatever the names in it.
    let subject = subject.chars().filter(|c| !c.is_control()).collect();
    Message { to: to.to_owned(), subject, text, html }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup_or_headers() {
        let m = invitation(
            "CODITECT",
            "a@b.example",
            "<script>x</script>\r\nBcc: e@f.example",
            "Eve\" onload=",
            "Member",
            "https://p/invitations/t",
        );
        assert!(!m.html.contains("<script>"));
        assert!(!m.subject.contains('\r') && !m.subject.contains('\n'));
        assert!(m.text.contains("https://p/invitations/t"));
    }
}
