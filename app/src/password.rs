//! A new password by mail.

use crate::PageError;
use crate::signup::PASSWORD_HELP;
use crate::ui::{Field, Form, FormError, PasswordField, Sending, Size, SubmitButton};
use leptos::prelude::*;

/// Mails a link, if the address has an account. Says nothing about whether it has.
#[server(prefix = "/_fn", endpoint = "forgot-password")]
pub async fn send_reset(email: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    domain::login::request_reset(&v.ctx, &v.services, &email).await.map_err(|e| visit::told(e).with_typed(&[("email", &email)]))?;
    crate::browser::remember_address(&v, &email).await?;
    leptos_axum::redirect("/forgot-password?sent=1");
    Ok(())
}

/// Sets the password by the link from the mail.
#[server(prefix = "/_fn", endpoint = "reset-password")]
pub async fn set_password(token: String, password: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    domain::login::reset_password(&v.ctx, &v.services, &token, &password).await.map_err(visit::told)?;
    leptos_axum::redirect("/login?toast=password_set");
    Ok(())
}

#[island]
pub fn ForgotForm() -> impl IntoView {
    let action = Sending::to::<SendReset>();
    let problem = action.problem;
    view! {
        <Form action=action class="mt-6 grid gap-4">
            <FormError problem=problem fields=&["email"]/>
            <Field label="Email" name="email" kind="email" large=true autocomplete="username" maxlength=320 problem=problem/>
            <SubmitButton pending=action.busy busy_label="Sending…" size=Size::Lg class="mt-1">
                "Send reset link"
            </SubmitButton>
        </Form>
    }
}

#[island]
pub fn ResetForm(
    /// From the link in the mail.
    token: String,
) -> impl IntoView {
    let action = Sending::to::<SetPassword>();
    let problem = action.problem;
    view! {
        <Form action=action class="mt-6 grid gap-4">
            <FormError problem=problem fields=&["password"]/>
            <input type="hidden" name="token" value=token/>
            <PasswordField label="New password" new=true large=true help=PASSWORD_HELP problem=problem/>
            <SubmitButton pending=action.busy busy_label="Setting…" size=Size::Lg class="mt-1">
                "Set new password"
            </SubmitButton>
        </Form>
    }
}

#[cfg(feature = "ssr")]
pub use pages::*;

#[cfg(feature = "ssr")]
mod pages {
    use super::{ForgotForm, ResetForm};
    use crate::browser::{query, remembered_address};
    use crate::layout::{Failed, PublicLayout};
    use crate::signup::DevMailbox;
    use crate::ui::{ButtonLink, Kind, Size};
    use crate::visit::{told, visit};
    use leptos::prelude::*;
    use types::Code;

    fn back_to_sign_in() -> AnyView {
        view! { "Remembered it? " <a class="link-inline" href="/login">"Sign in"</a> }.into_any()
    }

    /// `/forgot-password`
    #[component]
    pub fn ForgotPasswordPage() -> impl IntoView {
        if query("sent").is_some() {
            return view! { <Sent/> }.into_any();
        }
        view! {
            <PublicLayout title="Forgot password" footer=Some(back_to_sign_in())>
                <h1>"Forgot your password?"</h1>
                <p class="mt-1 text-ink-2">"We mail you a link to choose a new one."</p>
                <ForgotForm/>
            </PublicLayout>
        }
        .into_any()
    }

    /// The same whether or not the address has an account.
    #[component]
    fn Sent() -> impl IntoView {
        let visit = visit();
        Suspend::new(async move {
            let email = remembered_address(&visit).await;
            view! {
                <PublicLayout title="Check your email" footer=Some(back_to_sign_in())>
                    <h1>"Check your email"</h1>
                    <p class="mt-1 text-ink-2">
                        "If "
                        {match email {
                            Some(email) => view! { <strong class="font-medium break-words text-ink">{email}</strong> }.into_any(),
                            None => "the address that you entered".into_any(),
                        }} " has a login, we have sent a link there to choose a new password. It works once, within an hour."
                    </p>
                    <DevMailbox/>
                    <p class="mt-4 text-sm text-ink-2">
                        "Nothing there after some minutes? Look into the spam folder, or " <a class="link-inline" href="/forgot-password">
                            "try again"
                        </a> "."
                    </p>
                </PublicLayout>
            }
        })
    }

    /// `/reset-password?token=`
    #[component]
    pub fn ResetPasswordPage() -> impl IntoView {
        let visit = visit();
        let token = query("token").unwrap_or_default();
        Suspend::new(async move {
            match domain::login::check_reset(&visit.ctx, &visit.services, &token).await.map_err(told) {
                Ok(()) => {
                    let footer =
                        view! { "The link does not work? " <a class="link-inline" href="/forgot-password">"Get a new one"</a> }.into_any();
                    view! {
                        <PublicLayout title="Set new password" footer=Some(footer)>
                            <h1>"Set a new password"</h1>
                            <p class="mt-1 text-ink-2">"This signs you out everywhere. You then sign in with the new password."</p>
                            <ResetForm token=token/>
                        </PublicLayout>
                    }
                    .into_any()
                }
                Err(error) if error.0.code == Code::LinkInvalid => view! {
                    <PublicLayout title="Link no longer valid" footer=Some(back_to_sign_in())>
                        <h1>"This link is no longer valid"</h1>
                        <p class="mt-1 text-ink-2">
                            "A link to set a new password works once, within an hour, and only the newest one does. Have another one sent."
                        </p>
                        <div class="mt-6 grid">
                            <ButtonLink href="/forgot-password" kind=Kind::Primary size=Size::Lg>
                                "Get a new link"
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
