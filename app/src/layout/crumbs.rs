//! Where one is.

use leptos::prelude::*;

/// The way from the top to this page. On phones only the last steps remain.
#[component]
pub fn Breadcrumb(
    /// Label and address of the pages above, from the top.
    above: Vec<(String, String)>,
    #[prop(into)] current: String,
) -> impl IntoView {
    let last = above.len().saturating_sub(1);
    // On a phone the first step goes, and with it the slash before the one that then comes first.
    let lone = if above.len() < 2 { "max-sm:before:hidden" } else { "" };
    let links = above
        .into_iter()
        .enumerate()
        .map(|(i, (label, href))| {
            let class = match i {
                0 => "max-sm:hidden",
                _ if i == last => "max-sm:before:hidden",
                _ => "max-sm:hidden",
            };
            view! {
                <li class=class>
                    <a href=href>{label}</a>
                </li>
            }
        })
        .collect_view();
    view! {
        <nav class="min-w-0" aria-label="Breadcrumb">
            <ol class="crumbs">
                {links}
                <li class=lone>
                    <span class="truncate" aria-current="page">
                        {current}
                    </span>
                </li>
            </ol>
        </nav>
    }
    .into_any()
}
