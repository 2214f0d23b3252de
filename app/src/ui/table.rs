//! Tables and what goes with them. Give cells the classes `p2` (gone under 1280 px), `p3` (gone under 768 px), `num`, `act`, `strong`.

use super::{Avatar, Icon, icon};
use leptos::prelude::*;

/// A table in a card. The children are `<thead>` and `<tbody>`.
#[component]
pub fn Table(
    /// What it lists, for screen readers.
    #[prop(into)]
    caption: Signal<String>,
    /// The head stays in view while the page scrolls.
    #[prop(default = true)]
    sticky: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="card">
            <table class=if sticky { "table table-sticky" } else { "table" }>
                <caption class="sr-only">{caption}</caption>
                {children()}
            </table>
        </div>
    }
}

/// How a column is sorted at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    None,
    Ascending,
    Descending,
}

/// A column's head that sorts by it.
#[component]
pub fn SortHeader(
    #[prop(into)] label: String,
    /// The same list, sorted by this column (or the other way round, if it is already).
    #[prop(into)]
    href: String,
    #[prop(optional)] sort: Sort,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    let (aria, arrow) = match sort {
        Sort::None => ("none", None),
        Sort::Ascending => ("ascending", Some(icon::ARROW_UP)),
        Sort::Descending => ("descending", Some(icon::ARROW_DOWN)),
    };
    view! {
        <th scope="col" class=class aria-sort=aria>
            <a class="sort" href=href>
                {label} {arrow.map(|arrow| view! { <Icon icon=arrow small=true/> })}
            </a>
        </th>
    }
}

/// A row that heads a group: "7 live".
#[component]
pub fn GroupRow(columns: u32, #[prop(into)] label: Signal<String>) -> impl IntoView {
    view! {
        <tr class="group">
            <th scope="rowgroup" colspan=columns>
                {label}
            </th>
        </tr>
    }
}

/// The cell that names the row's person. `sub` is the line that takes over what narrow screens drop.
#[component]
pub fn PersonCell(
    name: String,
    #[prop(optional, into)] sub: MaybeProp<String>,
    /// Small words after the name, such as "(you)".
    #[prop(optional)]
    note: Option<&'static str>,
) -> impl IntoView {
    view! {
        <th scope="row">
            <span class="who">
                <Avatar name=name.clone()/>
                <span>
                    <span class="block truncate">
                        {name} {note.map(|note| view! { " " <span class="font-normal text-ink-3">{note}</span> })}
                    </span>
                    {move || sub.get().map(|sub| view! { <span class="sub">{breakable(&sub)}</span> })}
                </span>
            </span>
        </th>
    }
}

/// Text that, if it has to break within an address, does so before the "@".
pub(crate) fn breakable(text: &str) -> impl IntoView + use<> {
    let (before, after) = text.split_at(text.find('@').unwrap_or(text.len()));
    view! { {before.to_owned()} <wbr/> {after.to_owned()} }
}

/// Stands for rows that are on their way, at their height. Put it in a `<tbody aria-busy="true">`.
#[component]
pub fn SkeletonRows(columns: u32, #[prop(default = 3)] rows: u32) -> impl IntoView {
    const NAMES: [&str; 3] = ["skeleton w-32", "skeleton w-24", "skeleton w-40"];
    (0..rows)
        .map(|row| {
            let cells = (0..columns)
                .map(|column| match column {
                    0 => view! { <td><span class=NAMES[row as usize % NAMES.len()]></span></td> }.into_any(),
                    _ => view! { <td class="p3"><span class="skeleton w-16"></span></td> }.into_any(),
                })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view()
}

/// One row across the whole table, for an `<EmptyState>` where the head shall stay.
#[component]
pub fn WideRow(columns: u32, children: Children) -> impl IntoView {
    view! {
        <tr class="wide">
            <td colspan=columns>{children()}</td>
        </tr>
    }
}

/// Where one is in a long list.
#[component]
pub fn Pagination(
    /// What it pages through, for screen readers: "Pages of the audit log".
    #[prop(into)]
    label: String,
    /// "1 to 25 of 63".
    #[prop(into)]
    shown: String,
    #[prop(default = None)] previous: Option<String>,
    #[prop(default = None)] next: Option<String>,
) -> impl IntoView {
    view! {
        <nav class="pager mt-3" aria-label=label>
            <span>{shown}</span>
            <span class="flex gap-2">
                <PageLink href=previous text="Previous" rel="prev"/>
                <PageLink href=next text="Next" rel="next"/>
            </span>
        </nav>
    }
}

#[component]
fn PageLink(href: Option<String>, text: &'static str, rel: &'static str) -> impl IntoView {
    const CLASS: &str = "btn btn-secondary btn-sm";
    match href {
        Some(href) => view! { <a class=CLASS href=href rel=rel>{text}</a> }.into_any(),
        None => view! { <button class=CLASS type="button" disabled>{text}</button> }.into_any(),
    }
}
