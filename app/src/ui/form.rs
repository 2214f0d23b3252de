//! What forms have in common: how they are sent, and where a problem goes.

use super::{Callout, Tone};
use crate::problem::PageError;
use leptos::{
    ev::SubmitEvent,
    prelude::*,
    server::ServerActionError,
    server_fn::{ServerFn, error::ServerFnUrlError},
};
use types::Problem;

/// A form's way to its server function. Leptos's own `ServerAction` and `ActionForm` do the same, but the browser would get their code
/// once for each form.
#[derive(Clone, Copy)]
pub struct Sending {
    path: &'static str,
    /// The problem that the last sending ended with. Hand it to `<FormError>` and to every `<Field>`.
    pub problem: Signal<Option<Problem>>,
    /// True while the form is being sent, and on after it went well: success leads to another page, so it is not sent twice in between.
    pub busy: Signal<bool>,
    #[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
    set_problem: WriteSignal<Option<Problem>>,
    #[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
    set_busy: WriteSignal<bool>,
}

impl Sending {
    pub fn to<S: ServerFn<Error = PageError>>() -> Self {
        Self::to_path(S::PATH)
    }

    fn to_path(path: &'static str) -> Self {
        // Sent without JavaScript, the form comes back with its error in the address.
        let error = use_context::<ServerActionError>().filter(|error| error.path() == path);
        let (problem, set_problem) = signal(error.map(|error| ServerFnUrlError::<PageError>::decode_err(error.err()).0));
        let (busy, set_busy) = signal(false);
        Self { path, problem: problem.into(), busy: busy.into(), set_problem, set_busy }
    }

    #[cfg_attr(not(feature = "hydrate"), allow(unused_variables, clippy::unused_self))]
    fn send(self, event: &SubmitEvent) {
        #[cfg(feature = "hydrate")]
        if let Some(body) = browser::body(event) {
            event.prevent_default();
            self.set_busy.set(true);
            leptos::task::spawn_local(async move {
                let problem = browser::post(self.path, &body).await.err().map(|error| error.0);
                self.set_busy.set(problem.is_none());
                self.set_problem.set(problem);
            });
        }
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::problem::PageError;
    use crate::ui::enhance::go_to;
    use leptos::ev::SubmitEvent;
    use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
    use leptos::server_fn::redirect::REDIRECT_HEADER;
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{FormData, HtmlFormElement, RequestInit, Response, UrlSearchParams};

    /// What the form holds. `None`: somebody else sends it, or else the browser itself.
    pub(super) fn body(event: &SubmitEvent) -> Option<UrlSearchParams> {
        let form = event.target()?.dyn_into::<HtmlFormElement>().ok().filter(|_| !event.default_prevented())?;
        let data = FormData::new_with_form(&form).ok()?;
        if let Some(button) = event.submitter()
            && let (Some(name), Some(value)) = (button.get_attribute("name"), button.get_attribute("value"))
        {
            data.append_with_str(&name, &value).ok()?;
        }
        UrlSearchParams::new_with_str_sequence_sequence(&data).ok()
    }

    /// Sends it; where the server leads somewhere, goes there.
    pub(super) async fn post(path: &str, body: &UrlSearchParams) -> Result<(), PageError> {
        let (response, text) =
            fetch(path, body).await.map_err(|_| ServerFnErrorErr::Request(String::new())).map_err(PageError::from_server_fn_error)?;
        if !response.ok() {
            return Err(PageError::de(text.into_bytes().into()));
        }
        let headers = response.headers();
        if let (Ok(true), Ok(Some(location))) = (headers.has(REDIRECT_HEADER), headers.get("location")) {
            go_to(&location);
        }
        Ok(())
    }

    async fn fetch(path: &str, body: &UrlSearchParams) -> Result<(Response, String), JsValue> {
        let window = web_sys::window().ok_or(JsValue::NULL)?;
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(body);
        // It does not ask for HTML, so that a redirect comes as a header, and a problem as one.
        let response = window.fetch_with_str_and_init(path, &init).await?.dyn_into::<Response>()?;
        let text = response.text()?.await?.as_string().unwrap_or_default();
        Ok((response, text))
    }
}

/// A form that goes to a server function. What is wrong in it the fields say, not the browser.
#[component]
pub fn Form(action: Sending, #[prop(optional)] class: Option<&'static str>, children: Children) -> impl IntoView {
    view! {
        <form action=action.path method="post" novalidate class=class on:submit=move |event| action.send(&event)>
            {children()}
        </form>
    }
}

/// What is wrong with the form as a whole, on top of it and announced: everything that no field of the form shows itself.
#[component]
pub fn FormError(
    #[prop(into)] problem: Signal<Option<Problem>>,
    /// Names of the fields that the form shows.
    fields: &'static [&'static str],
) -> impl IntoView {
    move || {
        problem
            .get()
            .and_then(|problem| rest(&problem, fields))
            .map(|(title, detail)| view! { <Callout tone=Tone::Bad title=title alert=true>{detail}</Callout> })
    }
}

/// Title and detail of what no field shows.
fn rest(problem: &Problem, fields: &[&str]) -> Option<(String, String)> {
    if problem.errors.is_empty() {
        // A detail that only repeats the title is left out.
        let detail = if problem.detail.trim_end_matches('.') == problem.title { String::new() } else { problem.detail.clone() };
        return Some((problem.title.clone(), detail));
    }
    let shown = |pointer: &str| pointer.strip_prefix('/').is_some_and(|name| fields.contains(&name));
    let others: Vec<&str> = problem.errors.iter().filter(|e| !shown(&e.pointer)).map(|e| e.detail.as_str()).collect();
    (!others.is_empty()).then(|| (problem.title.clone(), others.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Code, FieldError};

    #[test]
    fn nothing_is_lost_and_nothing_is_said_twice() {
        let both = Problem::invalid(vec![FieldError::new("email", "A."), FieldError::new("role", "B.")]);
        assert_eq!(rest(&both, &["email", "role"]), None);
        assert_eq!(rest(&both, &["email"]).map(|r| r.1).as_deref(), Some("B."));
        let whole = Problem::new(Code::InvalidCredentials, "Try again.");
        assert_eq!(rest(&whole, &["email"]).map(|r| r.1).as_deref(), Some("Try again."));
        let twice = Problem::new(Code::InvalidCredentials, format!("{}.", whole.title));
        assert_eq!(rest(&twice, &[]), Some((whole.title, String::new())));
    }
}
