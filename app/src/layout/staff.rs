//! The frame of the support console: a coloured bar, no sidebar, so that nobody mistakes it for a customer's page.

use super::{PageTitle, Toasts, User, user_menu::*};
use crate::ui::{Avatar, Icon, icon};
use leptos::prelude::*;

/// One entry of the bar.
#[derive(Clone, Debug)]
pub struct StaffNavItem {
    pub label: &'static str,
    pub href: String,
    pub current: bool,
}

/// The search in the bar: `GET action?q=`.
#[derive(Clone, Debug)]
pub struct StaffSearch {
    pub action: String,
    /// What is searched for at the moment.
    pub value: String,
}

/// What the console shows around every page.
#[derive(Clone, Debug)]
pub struct StaffFrame {
    /// Only what exists and what the staff role may see.
    pub nav: Vec<StaffNavItem>,
    pub search: Option<StaffSearch>,
    pub user: User,
    /// How the staff role reads: "Support".
    pub role: &'static str,
}

/// The frame. The children begin with a [`super::Breadcrumb`] or `<PageHead>`.
#[component]
pub fn StaffLayout(
    frame: StaffFrame,
    #[prop(into)] title: String,
    #[prop(default = None)] toast: Option<String>,
    /// An open `<Dialog>`; the page behind it becomes inert.
    #[prop(default = None)]
    dialog: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    let StaffFrame { nav, search, user, role } = frame;
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
                <div class="mx-auto flex min-h-13 max-w-[85rem] flex-wrap items-center gap-x-4 px-4 md:px-8">
                    <a class="staff-home" href="/support">
                        <Icon icon=icon::HEADSET/>
                        "Support console"
                    </a>
                    <nav class="ml-2 min-w-0 max-lg:order-last max-lg:ml-0 max-lg:w-full max-lg:overflow-x-auto" aria-label="Console">
                        <ul class="m-0 flex list-none gap-1 p-0 text-sm font-medium max-lg:pb-2">{entries}</ul>
                    </nav>
                    <span class="ml-auto"></span>
                    {search.map(|search| view! { <SearchBox search=search/> })}
                    <button class="staff-user" type="button" popovertarget="user-menu">
                        <span class="sr-only">"Your account: "</span>
                        <Avatar name=user.name.clone() class="!bg-staff-2 !text-staff-ink"/>
                        <span class="max-lg:sr-only">{format!("{}, {role}", user.name)}</span>
                    </button>
                    // Below the button, which keeps to the content's edge.
                    <UserMenu user=user class="md:!right-[max(2rem,calc((100vw-85rem)/2+2rem))]"/>
                </div>
            </header>
            <main class="page staff-page" id="main" tabindex="-1">
                {children()}
            </main>
        </div>
        {dialog}
        <Toasts toast=toast/>
    }
    .into_any()
}

#[component]
fn SearchBox(search: StaffSearch) -> impl IntoView {
    view! {
        <form role="search" method="get" action=search.action class="max-md:hidden">
            <label class="input-group w-72 max-xl:w-52">
                <Icon icon=icon::SEARCH/>
                <input
                    class="input staff-input"
                    type="search"
                    name="q"
                    value=search.value
                    placeholder="Tenant, email or license key"
                    aria-label="Search tenants, members, license keys"
                />
            </label>
        </form>
    }
    .into_any()
}
