//! What the server sends of a part, where a screen reader or a form without JavaScript depends on it.

use super::*;
use crate::PageError;
use ::time::macros::datetime;
use leptos::reactive::owner::Owner;
use types::{Code, FieldError, Problem};

fn html<V: IntoView>(part: impl FnOnce() -> V) -> String {
    Owner::new().with(|| part().into_view().to_html())
}

fn wrong_email() -> Signal<Option<Problem>> {
    let error = PageError::from(FieldError::new("email", "Enter the full address.")).with_typed(&[("email", "ingrid@\"x")]);
    Signal::stored(Some(error.0))
}

#[test]
fn a_field_without_error_is_described_by_its_help() {
    let html = html(|| view! { <Field label="Email" name="email" kind="email" help="We never share it."/> });
    assert!(html.contains(r#"<label for="email" class="label">"#), "{html}");
    assert!(html.contains(r#"aria-describedby="email-help""#), "{html}");
    assert!(html.contains(r#"<p id="email-help" class="help">We never share it."#), "{html}");
    assert!(!html.contains("aria-invalid"), "{html}");
    assert!(!html.contains("role=\"alert\""), "{html}");
}

#[test]
fn a_wrong_field_says_so_keeps_what_was_typed_and_takes_the_focus() {
    let html = html(|| view! { <Field label="Email" name="email" help="We never share it." problem=wrong_email()/> });
    assert!(html.contains(r#"aria-invalid="true""#), "{html}");
    assert!(html.contains(r#"aria-describedby="email-error""#), "{html}");
    assert!(html.contains(r#"<p id="email-error" role="alert""#), "{html}");
    assert!(html.contains("Enter the full address."), "{html}");
    assert!(html.contains(r#"value="ingrid@&quot;x""#), "{html}");
    assert!(html.contains("autofocus"), "{html}");
    assert!(!html.contains("We never share it."), "{html}");
}

#[test]
fn another_fields_error_is_not_mine() {
    let html = html(|| view! { <Field label="Your name" name="name" problem=wrong_email()/> });
    assert!(!html.contains("aria-invalid"), "{html}");
    assert!(!html.contains("autofocus"), "{html}");
}

#[test]
fn a_password_is_never_sent_back() {
    let html = html(|| view! { <PasswordField new=true problem=wrong_email()/> });
    assert!(html.contains(r#"type="password""#), "{html}");
    assert!(html.contains(r#"autocomplete="new-password""#), "{html}");
    assert!(!html.contains("value="), "{html}");
    assert!(html.contains(" hidden"), "the button does nothing without JavaScript: {html}");
}

#[test]
fn a_choice_comes_back_chosen() {
    let problem = PageError::from(FieldError::new("role", "Choose one of the roles.")).with_typed(&[("role", "ADMIN")]).0;
    let options = || vec![("MEMBER".to_owned(), "Member".to_owned()), ("ADMIN".to_owned(), "Admin".to_owned())];
    let html =
        html(|| view! { <Select label="Role" name="role" options=options() selected="MEMBER" problem=Signal::stored(Some(problem))/> });
    assert!(html.contains(r#"<option value="ADMIN" selected>"#), "{html}");
    assert!(!html.contains(r#"<option value="MEMBER" selected>"#), "{html}");
}

#[test]
fn the_form_as_a_whole_is_announced() {
    let problem = Problem::new(Code::InvalidCredentials, "Check both and try again.");
    let html = html(|| view! { <FormError problem=Signal::stored(Some(problem)) fields=&["email", "password"]/> });
    assert!(html.contains(r#"role="alert""#), "{html}");
    assert!(html.contains("Email or password is wrong"), "{html}");
    let nothing = self::html(|| view! { <FormError problem=wrong_email() fields=&["email"]/> });
    assert!(!nothing.contains("alert"), "the field says it: {nothing}");
}

#[test]
fn a_busy_button_cannot_be_pressed() {
    let html = html(|| view! { <SubmitButton pending=true busy_label="Sending…">"Send invitation"</SubmitButton> });
    assert!(html.contains("disabled"), "{html}");
    assert!(html.contains(r#"aria-busy="true""#), "{html}");
    assert!(html.contains("Sending…") && !html.contains("Send invitation"), "{html}");
}

#[test]
fn a_dialog_is_open_without_javascript() {
    let html = html(|| {
        view! {
            <Dialog close_href="/orgs/x/sessions">
                <DialogBody title="Revoke the session?" consequence="1 person loses access."/>
            </Dialog>
        }
    });
    assert!(html.contains("<dialog open"), "{html}");
    assert!(html.contains(r#"data-close="/orgs/x/sessions""#), "{html}");
    assert!(html.contains(r#"aria-labelledby="dialog-title""#) && html.contains(r#"id="dialog-title""#), "{html}");
}

#[test]
fn a_meter_says_its_numbers() {
    let html = html(|| view! { <Meter used=12u32 total=10u32/> });
    assert!(html.contains("meter-over"), "{html}");
    assert!(html.contains(r#"aria-valuenow="12""#) && html.contains(r#"aria-valuemax="12""#), "{html}");
    assert!(html.contains(r#"aria-valuetext="12 of 10""#), "{html}");
}

#[test]
fn a_time_is_relative_and_absolute() {
    let html = html(|| {
        provide_context(times::Now(datetime!(2026-11-23 13:32 UTC)));
        view! { <Time at=datetime!(2026-11-23 13:20 UTC)/> }
    });
    assert!(html.contains("12 min ago"), "{html}");
    assert!(html.contains(r#"datetime="2026-11-23T13:20:00Z""#), "{html}");
    assert!(html.contains(r#"title="23 Nov 2026, 13:20 UTC""#), "{html}");
    assert!(html.contains(r#"<span class="sr-only"> (23 Nov 2026, 13:20 UTC)"#), "{html}");
}

#[test]
fn nothing_is_styled_inline() {
    let html = html(
        || view! { <Meter used=3u32 total=10u32/> <Badge tone=Tone::Ok>"Paid"</Badge> <Avatar name="Ingrid Solberg".to_owned()/> <Mark/> },
    );
    assert!(!html.contains("style="), "the content security policy forbids it: {html}");
}
