//! Menus of a row, and links inside menus.

use super::{Icon, button, icon};
use icon::Lucide;
use leptos::prelude::*;

/// The acts on one row. Works as `<details>`; only one of a page is open; `enhance` adds closing on Esc and on a click elsewhere.
#[component]
pub fn RowMenu(
    /// Whose acts these are: "Actions for Amélie Laurent".
    #[prop(into)]
    label: String,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="rowmenu" name="row">
            <summary class=button::button_class(button::Kind::Ghost, button::Size::Sm, true, "") aria-label=label>
                <Icon icon=icon::ELLIPSIS/>
            </summary>
            <div class="menu">{children()}</div>
        </details>
    }
}

/// One act of a menu that leads somewhere.
#[component]
pub fn MenuItem(
    #[prop(into)] href: String,
    icon: Lucide,
    /// Red: it takes something away.
    #[prop(optional)]
    danger: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <a href=href class=danger.then_some("danger")>
            <Icon icon=icon/>
            {children()}
        </a>
    }
}
