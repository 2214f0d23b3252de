//! What every page behind the sign-in does first: load, and show the error's page where that fails.

use crate::PageError;
use crate::layout::Failed;
use leptos::prelude::*;
use std::future::Future;

/// The page that `load` makes, or the page for the error that stood in the way. [`crate::visit::told`] has set the status.
pub fn page_or_error(load: impl Future<Output = Result<AnyView, PageError>> + Send + 'static) -> impl IntoView {
    Suspend::new(async move {
        match load.await {
            Ok(page) => page,
            Err(error) => view! { <Failed error=error/> }.into_any(),
        }
    })
}

/// A parameter of the page's address, if there is something in it.
pub fn filled(name: &str) -> Option<String> {
    crate::browser::query(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// `base?name=value&…` with those parameters that have a value.
pub fn address(base: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") }
}

/// "1 seat", "3 seats": a number with its noun.
pub fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
