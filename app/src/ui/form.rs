//! What forms have in common: where an action's problem goes.

use super::{Callout, Tone};
use crate::problem::PageError;
use leptos::{prelude::*, server_fn::ServerFn};
use types::Problem;

/// The problem that the form's last sending ended with. Hand it to `<FormError>` and to every `<Field>`.
pub fn problem<S>(action: ServerAction<S>) -> Signal<Option<Problem>>
where
    S: ServerFn<Error = PageError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let value = action.value();
    Signal::derive(move || {
        value.with(|value| match value {
            Some(Err(error)) => Some(error.0.clone()),
            _ => None,
        })
    })
}

/// True while the form is being sent, and on after it went well: for a form whose success leads to another page, so that it is not sent
/// twice in between. A form that stays uses `action.pending()`.
pub fn busy<S>(action: ServerAction<S>) -> Signal<bool>
where
    S: ServerFn<Error = PageError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let (pending, value) = (action.pending(), action.value());
    Signal::derive(move || pending.get() || value.with(|value| matches!(value, Some(Ok(_)))))
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
        return Some((problem.title.clone(), problem.detail.clone()));
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
    }
}
