//! Signing in.

use crate::PageError;
use crate::ui::{Field, Form, FormError, PasswordField, Sending, Size, SubmitButton};
use leptos::prelude::*;
use types::Code;

/// Signs in and goes to `next`, or to where the person works.
#[server(prefix = "/_fn", endpoint = "login")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<(), PageError> {
    use crate::{browser, visit};
    let v = visit::visit();
    match domain::login::sign_in(&v.ctx, &v.services, &email, &password).await {
        Ok(person) => {
            browser::sign_in(&v, person.user, &person.proof).await?;
            leptos_axum::redirect(&browser::after_sign_in(&next, person.slug.as_deref(), person.is_staff));
            Ok(())
        }
        Err(error) => {
            if error.code() == Some(Code::EmailUnverified) {
                // The page that sends the mail again offers it.
                browser::remember_address(&v, &email).await?;
            }
            Err(visit::told(error).with_typed(&[("email", &email)]))
        }
    }
}

#[island]
pub fn SignInForm(
    /// Where to go afterwards; empty for the usual place.
    next: String,
) -> impl IntoView {
    let action = Sending::to::<SignIn>();
    let problem = action.problem;
    let unverified = move || problem.with(|p| p.as_ref().is_some_and(|p| p.code == Code::EmailUnverified));
    view! {
        <Form action=action class="mt-6 grid gap-4">
            <FormError problem=problem fields=&["email", "password"]/>
            {move || {
                unverified()
                    .then(|| {
                        view! {
                            <a class="link text-sm" href="/signup/sent">
                                "Send the confirmation mail again"
                            </a>
                        }
                    })
            }}
            <Field
                label="Email"
                name="email"
                kind="email"
                large=true
                autocomplete="username"
                maxlength=320
                check=false
                problem=problem
            />
            <PasswordField large=true forgot_href="/forgot-password" problem=problem/>
            <input type="hidden" name="next" value=next/>
            <SubmitButton pending=action.busy busy_label="Signing in…" size=Size::Lg class="mt-1">
                "Sign in"
            </SubmitButton>
        </Form>
    }
}

#[cfg(feature = "ssr")]
pub use page::SignInPage;

#[cfg(feature = "ssr")]
mod page {
    use super::SignInForm;
    use crate::browser::{after_sign_in, query};
    use crate::layout::PublicLayout;
    use crate::ui::{Callout, Product};
    use crate::visit::visit;
    use leptos::prelude::*;

    fn toast(code: &str) -> Option<&'static str> {
        Some(match code {
            "password_set" => "Your new password is set. Sign in with it.",
            "joined" => "You have joined. Sign in to go there.",
            "signed_out" => "You are signed out.",
            "signed_out_everywhere" => "You are signed out everywhere.",
            _ => return None,
        })
    }

    /// `/login`. Always shows the form, so that one can sign in as somebody else.
    #[component]
    pub fn SignInPage() -> impl IntoView {
        let next = query("next").unwrap_or_default();
        let toast = query("toast").as_deref().and_then(toast).map(str::to_owned);
        let note = visit().person.map(|person| {
            let slug = person.organizations.first().map(|o| o.slug.as_str());
            let href = after_sign_in(&next, slug, person.is_staff);
            view! {
                <div class="mt-4">
                    <Callout>
                        {format!("You are signed in as {}. ", person.email)} <a class="link-inline" href=href>
                            "Continue"
                        </a> ", or sign in as somebody else."
                    </Callout>
                </div>
            }
        });
        let footer = view! {
            {format!("New to {}? ", Product::current().0)} <a class="link-inline" href="/signup">"Create an organization"</a>
        }
        .into_any();
        view! {
            <PublicLayout title="Sign in" footer=Some(footer) toast=toast>
                <h1>"Sign in"</h1>
                <p class="mt-1 text-ink-2">"Use the login of your organization."</p>
                {note}
                <SignInForm next=next/>
            </PublicLayout>
        }
    }
}
