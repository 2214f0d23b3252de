//! The map of the site: every path and the page behind it. All pages are rendered whole on the server (`SsrMode::Async`), so a 404 is a
//! 404 and nothing needs JavaScript.

use crate::layout::{ErrorKind, ErrorPage};
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

/// The root of every document.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/nothing") view=NotFound ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}

/// A path that leads nowhere.
#[component]
fn NotFound() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! { <ErrorPage kind=ErrorKind::NotFound/> }
}
