//! Pages that stand for another: not found, not allowed, broken, away.

use super::PageTitle;
use crate::ui::{ButtonLink, Kind, Mark, Product, Size};
use leptos::prelude::*;

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// 403: may know that it exists, may not do it.
    Forbidden,
    /// 404: does not exist, or not for this person.
    NotFound,
    /// 500.
    Internal,
    /// 503: something that it needs is away.
    Unavailable,
}

impl ErrorKind {
    /// The page for a [`types::Problem`]'s status. 401 is no page: it leads to the sign-in.
    pub const fn from_status(status: u16) -> Self {
        match status {
            403 => Self::Forbidden,
            404 | 405 | 410 => Self::NotFound,
            502..=504 => Self::Unavailable,
            _ => Self::Internal,
        }
    }

    /// The status to answer with.
    pub const fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The page's title, before the product's name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::Internal => "Something went wrong",
            Self::Unavailable => "Back in a moment",
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Forbidden => "Your role does not include this page",
            Self::NotFound => "There is nothing here for you",
            Self::Internal => "Something went wrong on our side",
            Self::Unavailable => "We will be back in a moment",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Forbidden => {
                "You are a member of this organization, but this page needs another role. An owner or admin can change yours."
            }
            Self::NotFound => {
                "The page does not exist, or it belongs to an organization you are not a member of. If someone sent you the link, ask them for an invitation."
            }
            Self::Internal => "Nothing you entered was the cause. Try again; if it happens again, tell us the request number below.",
            Self::Unavailable => {
                "A part of the service is not answering. Running applications keep their seats meanwhile. Try again in a minute."
            }
        }
    }
}

/// The whole page. The caller sets the response's status to `kind.status()`.
#[component]
pub fn ErrorPage(
    kind: ErrorKind,
    /// The `x-request-id`, to be quoted to support.
    #[prop(default = None)]
    request_id: Option<String>,
    /// Label and address of the ways on; the first is the primary button. Default: the start page.
    #[prop(optional)]
    ways: Vec<(String, String)>,
    /// Instead of the kind's own text: whom to ask, for one.
    #[prop(optional, into)]
    text: Option<String>,
) -> impl IntoView {
    let ways = if ways.is_empty() { vec![("Go to the start page".to_owned(), "/".to_owned())] } else { ways };
    let buttons = ways
        .into_iter()
        .enumerate()
        .map(|(i, (label, href))| {
            let kind = if i == 0 { Kind::Primary } else { Kind::Secondary };
            view! { <ButtonLink href=href kind=kind size=Size::Lg>{label}</ButtonLink> }
        })
        .collect_view();
    view! {
        <PageTitle title=kind.title().to_owned()/>
        <div class="public">
            <header>
                <a class="flex items-center gap-2.5 rounded-sm text-lg font-semibold text-ink no-underline" href="/">
                    <Mark/>
                    {Product::current().0.to_string()}
                </a>
            </header>
            <main class="public-card" id="main" tabindex="-1">
                <p class="text-sm font-medium text-ink-3">{kind.status()}</p>
                <h1 class="mt-1">{kind.heading()}</h1>
                <p class="mt-2 text-ink-2">{text.unwrap_or_else(|| kind.text().to_owned())}</p>
                <div class="mt-6 flex flex-wrap gap-2">{buttons}</div>
            </main>
            {request_id
                .map(|id| {
                    view! {
                        <footer>
                            <p class="text-sm text-ink-3">"Request " <span class="mono">{id}</span></p>
                        </footer>
                    }
                })}
        </div>
    }
    .into_any()
}

/// The page for a problem that ends it. [`crate::visit::told`] has set the response's status.
#[component]
pub fn Failed(error: crate::PageError) -> impl IntoView {
    let id = Some(error.0.request_id).filter(|id| !id.is_empty());
    view! { <ErrorPage kind=ErrorKind::from_status(error.0.status) request_id=id/> }
}
