//! Who is signed in, with the theme switch and the way out.

use super::{SIGN_OUT_PATH, THEME_PATH};
use crate::ui::{Avatar, Icon, Lucide, Theme, icon};
use leptos::prelude::*;

/// The signed-in person.
#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub email: String,
    /// What the menu leads to, such as the account page.
    pub links: Vec<MenuLink>,
}

/// One entry of a menu.
#[derive(Clone, Debug)]
pub struct MenuLink {
    pub label: &'static str,
    pub href: String,
    pub icon: Lucide,
}

/// The round button in the top bar.
#[component]
pub(super) fn UserButton(name: String) -> impl IntoView {
    view! {
        <button class="rounded-full border-0 bg-transparent p-0" type="button" popovertarget="user-menu">
            <span class="sr-only">{format!("Your account: {name}")}</span>
            <Avatar name=name class="!size-7"/>
        </button>
    }
    .into_any()
}

/// The menu that it opens.
#[component]
pub(super) fn UserMenu(
    user: User,
    /// More classes: where it opens.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let links = user
        .links
        .into_iter()
        .map(|link| {
            view! {
                <a href=link.href>
                    <Icon icon=link.icon/>
                    {link.label}
                </a>
            }
        })
        .collect_view();
    view! {
        <div
            class=format!("menu fixed right-4 top-12 left-auto bottom-auto w-60 md:right-10 {class}")
            id="user-menu"
            popover
            role="group"
            aria-label="Your account"
        >
            <p class="menu-label truncate">{user.email}</p>
            {links}
            <ThemeSwitch/>
            <hr/>
            <form method="post" action=SIGN_OUT_PATH>
                <button>
                    <Icon icon=icon::LOG_OUT/>
                    "Sign out"
                </button>
            </form>
        </div>
    }
    .into_any()
}

/// System, light or dark.
#[component]
fn ThemeSwitch() -> impl IntoView {
    let chosen = use_context::<Theme>().unwrap_or_default();
    let buttons = Theme::ALL
        .into_iter()
        .map(|theme| {
            view! {
                <button name=Theme::NAME value=theme.as_str() aria-pressed=if theme == chosen { "true" } else { "false" }>
                    {theme.label()}
                </button>
            }
        })
        .collect_view();
    view! {
        <form class="flex items-center justify-between px-2 py-1.5" method="post" action=THEME_PATH>
            <span class="text-ink-2" id="theme-label">
                "Theme"
            </span>
            <span class="seg" role="group" aria-labelledby="theme-label">
                {buttons}
            </span>
        </form>
    }
    .into_any()
}
