//! The frame of pages that belong to no organisation: the product's own pages, and those of a person.

use super::{PageTitle, Toasts, User, user_menu::*};
use crate::ui::{ButtonLink, Icon, Kind, Mark, Product, icon};
use leptos::prelude::*;

/// A top bar over wide content. The children begin with the `<h1>` or with [`super::PageHead`].
#[component]
pub fn SiteLayout(
    #[prop(into)] title: String,
    /// Who is signed in; without, the bar leads to the sign-in.
    #[prop(default = None)]
    user: Option<User>,
    /// Label and address of the way back, such as to the organisation used last.
    #[prop(default = None)]
    back: Option<(String, String)>,
    #[prop(default = None)] toast: Option<String>,
    /// An open `<Dialog>`; the page behind it becomes inert.
    #[prop(default = None)]
    dialog: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    let side = match &user {
        Some(user) => view! { <UserButton name=user.name.clone()/> }.into_any(),
        None => view! { <ButtonLink href="/login" kind=Kind::Secondary>"Sign in"</ButtonLink> }.into_any(),
    };
    view! {
        <PageTitle title=title/>
        <div inert=dialog.is_some()>
            <a class="skip btn btn-primary" href="#main">
                "Skip to content"
            </a>
            <header class="topbar !px-0">
                <div class="mx-auto flex w-full max-w-[75rem] min-w-0 items-center gap-3 px-4 md:px-10">
                    <a class="flex items-center gap-2.5 rounded-sm font-semibold text-ink no-underline" href="/">
                        <Mark size=24/>
                        {Product::current().0.to_string()}
                    </a>
                    {back
                        .map(|(label, href)| {
                            view! {
                                <a class="link ml-2 flex min-w-0 items-center gap-1.5 text-sm" href=href>
                                    <Icon icon=icon::ARROW_LEFT small=true/>
                                    <span class="truncate">{label}</span>
                                </a>
                            }
                        })}
                    <span class="ml-auto"></span>
                    {side}
                    // Below the button, which keeps to the content's edge.
                    {user.map(|user| view! { <UserMenu user=user class="md:!right-[max(2.5rem,calc((100vw-75rem)/2+2.5rem))]"/> })}
                </div>
            </header>
            <main class="page" id="main" tabindex="-1">
                {children()}
            </main>
        </div>
        {dialog}
        <Toasts toast=toast/>
    }
    .into_any()
}
