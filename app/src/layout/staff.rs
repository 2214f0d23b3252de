//! The frame of the support console: a coloured bar, no sidebar, so that nobody mistakes it for a customer's page.

use super::{PageTitle, Toasts, User, user_menu::*};
use crate::ui::{Icon, icon};
use leptos::prelude::*;

/// One entry of the bar.
#[derive(Clone, Debug)]
pub struct StaffNavItem {
    pub label: &'static str,
    pub href: String,
    pub current: bool,
}

/// What the console shows around every page.
#[derive(Clone, Debug)]
pub struct StaffFrame {
    pub nav: Vec<StaffNavItem>,
    pub user: User,
}

/// The frame. The children begin with `<PageHead>`.
#[component]
pub fn StaffLayout(
    frame: StaffFrame,
    #[prop(into)] title: String,
    #[prop(default = None)] toast: Option<String>,
    #[prop(default = None)] dialog: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    let StaffFrame { nav, user } = frame;
    let entries = nav
        .into_iter()
        .map(|item| {
            view! {
                <li>
                    <a class="staff-link" href=item.href aria-current=item.current.then_some("page")>
                        {item.label}
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <PageTitle title=title/>
        <div inert=dialog.is_some()>
            <a class="skip btn btn-primary" href="#main">
                "Skip to content"
            </a>
            <header class="sticky top-0 z-10 bg-staff text-staff-ink">
                <div class="mx-auto flex h-13 max-w-[85rem] items-center gap-4 px-4 md:px-8">
                    <a class="flex items-center gap-2.5 font-semibold whitespace-nowrap text-staff-ink no-underline" href="/support">
                        <Icon icon=icon::HEADSET/>
                        "Support console"
                    </a>
                    <nav class="ml-2 min-w-0 overflow-x-auto" aria-label="Console">
                        <ul class="m-0 flex list-none gap-1 p-0 text-sm font-medium">{entries}</ul>
                    </nav>
                    <span class="ml-auto"></span>
                    <UserButton name=user.name.clone()/>
                </div>
            </header>
            <main class="page staff-page" id="main" tabindex="-1">
                {children()}
            </main>
            <UserMenu user=user/>
        </div>
        {dialog}
        <Toasts toast=toast/>
    }
    .into_any()
}
