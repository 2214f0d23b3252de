//! Tabs and ranges: links to other views of the same thing.

use leptos::prelude::*;

/// One view.
#[derive(Clone, Debug)]
pub struct Tab {
    pub label: String,
    pub href: String,
    pub count: Option<u64>,
    pub current: bool,
}

impl Tab {
    pub fn new(label: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), href: href.into(), count: None, current }
    }

    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

/// Tabs over a page's parts.
#[component]
pub fn Tabs(#[prop(into)] label: String, tabs: Vec<Tab>) -> impl IntoView {
    let links = tabs
        .into_iter()
        .map(|tab| {
            view! {
                <a href=tab.href aria-current=tab.current.then_some("page")>
                    {tab.label} {tab.count.map(|count| view! { " " <span>{count}</span> })}
                </a>
            }
        })
        .collect_view();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }
}

/// A small switch between ranges: Today, 7 days, 30 days.
#[component]
pub fn Segmented(#[prop(into)] label: String, tabs: Vec<Tab>) -> impl IntoView {
    let links =
        tabs.into_iter().map(|tab| view! { <a href=tab.href aria-current=tab.current.then_some("true")>{tab.label}</a> }).collect_view();
    view! { <div class="seg" role="group" aria-label=label>{links}</div> }
}
