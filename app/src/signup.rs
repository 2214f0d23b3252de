//! Founding an organisation: the form, "check your email", and the link from the mail.

use crate::PageError;
use crate::ui::{Field, Form, FormError, Kind, PasswordField, Sending, Size, SubmitButton};
use leptos::prelude::*;

/// Help of every field in which a password is chosen.
pub(crate) const PASSWORD_HELP: &str = "At least 12 characters. A sentence works well.";

/// Notes the registration and mails the link.
#[server(prefix = "/_fn", endpoint = "signup")]
pub async fn sign_up(organization_name: String, name: String, email: String, password: String) -> Result<(), PageError> {
    use crate::{browser, visit};
    let v = visit::visit();
    let typed = [("organization_name", organization_name.as_str()), ("name", &name), ("email", &email)].map(|(n, v)| (n, v.to_owned()));
    let request = types::auth::RegisterRequest { organization_name, name, email, password };
    domain::signup::register(&v.ctx, &v.services, &request).await.map_err(|e| {
        let [a, b, c] = &typed;
        visit::told(e).with_typed(&[(a.0, &a.1), (b.0, &b.1), (c.0, &c.1)])
    })?;
    browser::remember_address(&v, &request.email).await?;
    leptos_axum::redirect("/signup/sent");
    Ok(())
}

/// Mails the link once more. Says nothing about whether there is a registration.
#[server(prefix = "/_fn", endpoint = "resend-confirmation")]
pub async fn resend(email: String) -> Result<(), PageError> {
    use crate::{browser, visit};
    let v = visit::visit();
    domain::signup::resend(&v.ctx, &v.services, &email).await.map_err(|e| visit::told(e).with_typed(&[("email", &email)]))?;
    browser::remember_address(&v, &email).await?;
    leptos_axum::redirect("/signup/sent?toast=sent");
    Ok(())
}

#[island]
pub fn SignUpForm() -> impl IntoView {
    let action = Sending::to::<SignUp>();
    let problem = action.problem;
    view! {
        <Form action=action class="mt-6 grid gap-4">
            <FormError problem=problem fields=&["organization_name", "name", "email", "password"]/>
            <Field
                label="Organization name"
                name="organization_name"
                large=true
                autocomplete="organization"
                maxlength=200
                help="The people you invite see it. You can change it later."
                problem=problem
            />
            <Field label="Your name" name="name" large=true autocomplete="name" maxlength=200 problem=problem/>
            <Field label="Work email" name="email" kind="email" large=true autocomplete="username" maxlength=320 problem=problem/>
            <PasswordField new=true large=true help=PASSWORD_HELP problem=problem/>
            <SubmitButton pending=action.busy busy_label="Creating…" size=Size::Lg class="mt-1">
                "Create organization"
            </SubmitButton>
        </Form>
    }
}

#[island]
pub fn ResendForm(
    /// Where the last mail went.
    email: Option<String>,
) -> impl IntoView {
    let action = Sending::to::<Resend>();
    let problem = action.problem;
    view! {
        <Form action=action class="grid gap-4">
            <FormError problem=problem fields=&["email"]/>
            <Field label="Email" name="email" kind="email" large=true autocomplete="username" maxlength=320 value=email.unwrap_or_default() problem=problem/>
            <SubmitButton pending=action.busy busy_label="Sending…" kind=Kind::Secondary size=Size::Lg>
                "Send it again"
            </SubmitButton>
        </Form>
    }
}

#[cfg(feature = "ssr")]
pub use pages::*;

#[cfg(feature = "ssr")]
mod pages {
    use super::{ResendForm, SignUpForm};
    use crate::browser::{query, remembered_address};
    use crate::layout::{Failed, PublicLayout};
    use crate::ui::{ButtonLink, Callout, Kind, Size};
    use crate::visit::{told, visit};
    use leptos::prelude::*;
    use types::Code;

    /// `/signup`
    #[component]
    pub fn SignUpPage() -> impl IntoView {
        let note = visit().person.map(|person| {
            view! {
                <div class="mt-4">
                    <Callout>
                        {format!("You are signed in as {}. ", person.email)} <a class="link-inline" href="/orgs/new">
                            "Create a further organization"
                        </a> " with this login."
                    </Callout>
                </div>
            }
        });
        let footer = view! { "Already have a login? " <a class="link-inline" href="/login">"Sign in"</a> }.into_any();
        view! {
            <PublicLayout title="Create organization" footer=Some(footer)>
                <h1>"Create your organization"</h1>
                <p class="mt-1 text-ink-2">"You become its owner. One seat is free; you can buy more at any time."</p>
                {note}
                <SignUpForm/>
            </PublicLayout>
        }
    }

    /// `/signup/sent`
    #[component]
    pub fn SignUpSentPage() -> impl IntoView {
        let visit = visit();
        Suspend::new(async move {
            let email = remembered_address(&visit).await;
            let toast = (query("toast").as_deref() == Some("sent"))
                .then(|| "If this address waits to be confirmed, a new mail is on its way.".to_owned());
            let footer = view! { "Confirmed already? " <a class="link-inline" href="/login">"Sign in"</a> }.into_any();
            view! {
                <PublicLayout title="Check your email" footer=Some(footer) toast=toast>
                    <h1>"Check your email"</h1>
                    <p class="mt-1 text-ink-2">
                        "We sent a mail to "
                        {match email.clone() {
                            Some(email) => view! { <strong class="font-medium break-words text-ink">{email}</strong> }.into_any(),
                            None => "the address that you entered".into_any(),
                        }} ". Open the link in it to confirm the address; it works for 24 hours."
                    </p>
                    <DevMailbox/>
                    <h2 class="mt-6 border-t border-line pt-6">"Nothing there?"</h2>
                    <p class="mt-1 mb-4 text-sm text-ink-2">"Look into the spam folder, or check the address and have it sent again."</p>
                    <ResendForm email=email/>
                </PublicLayout>
            }
        })
    }

    /// Where mails are to be found while nothing is really sent.
    #[component]
    pub(crate) fn DevMailbox() -> impl IntoView {
        visit().dev_mailbox.then(|| {
            view! {
                <div class="mt-4">
                    <Callout>
                        "Development mode: mail is kept here. " <a class="link-inline" href="/dev/mailbox">
                            "Open the mailbox"
                        </a>
                    </Callout>
                </div>
            }
        })
    }

    /// `/verify-email?token=`
    #[component]
    pub fn VerifyEmailPage() -> impl IntoView {
        let visit = visit();
        let token = query("token").unwrap_or_default();
        Suspend::new(async move {
            match domain::signup::confirm(&visit.ctx, &visit.services, &token).await.map_err(told) {
                Ok(confirmed) => view! {
                    <PublicLayout title="Email confirmed">
                        <h1>"Email confirmed"</h1>
                        <p class="mt-1 text-ink-2">
                            <strong class="font-medium text-ink">{confirmed.organization_name}</strong> " is ready. Sign in as "
                            <strong class="font-medium break-words text-ink">{confirmed.email}</strong> " to get started."
                        </p>
                        <div class="mt-6 grid">
                            <ButtonLink href="/login" kind=Kind::Primary size=Size::Lg>
                                "Sign in"
                            </ButtonLink>
                        </div>
                    </PublicLayout>
                }
                .into_any(),
                Err(error) if error.0.code == Code::LinkInvalid => view! {
                    <PublicLayout title="Link no longer valid">
                        <h1>"This link is no longer valid"</h1>
                        <p class="mt-1 text-ink-2">
                            "Confirmation links work for 24 hours, and sending a new mail ends the older link. If you have confirmed the address before, just sign in; otherwise create your organization again."
                        </p>
                        <div class="mt-6 grid grid-cols-2 gap-2">
                            <ButtonLink href="/signup" size=Size::Lg>
                                "Start again"
                            </ButtonLink>
                            <ButtonLink href="/login" kind=Kind::Primary size=Size::Lg>
                                "Sign in"
                            </ButtonLink>
                        </div>
                    </PublicLayout>
                }
                .into_any(),
                Err(error) => view! { <Failed error=error/> }.into_any(),
            }
        })
    }
}
