//! The start page: what the product is for those who are not signed in, the way to work for those who are.

use crate::browser::{go, start_of};
use crate::layout::SiteLayout;
use crate::ui::{Avatar, ButtonLink, Icon, Kind, Lucide, Meter, Product, Size, icon};
use crate::visit::visit;
use leptos::prelude::*;

/// `/`
#[component]
pub fn Home() -> impl IntoView {
    if let Some(person) = visit().person {
        go(&start_of(&person));
        return ().into_any();
    }
    let product = Product::current().0;
    view! {
        <SiteLayout title="Seats for your whole team">
            <div class="grid items-center gap-x-16 gap-y-12 pt-6 pb-10 md:py-14 lg:grid-cols-[minmax(0,1fr)_24rem]">
                <div>
                    <h1 class="max-w-xl text-3xl">"One pool of seats for your whole team"</h1>
                    <p class="mt-4 max-w-xl text-lg text-ink-2">
                        {format!(
                            "{product} takes a seat when it starts and gives it back when it ends, so a few seats serve many people. Here your organization invites people, gives them roles, and sees who holds a seat right now.",
                        )}
                    </p>
                    <div class="mt-8 flex flex-wrap gap-2">
                        <ButtonLink href="/signup" kind=Kind::Primary size=Size::Lg>
                            "Create organization"
                        </ButtonLink>
                        <ButtonLink href="/login" size=Size::Lg>
                            "Sign in"
                        </ButtonLink>
                    </div>
                    <p class="mt-4 text-sm text-ink-3">"One seat is free, for as long as you like. No card needed."</p>
                </div>
                <Example/>
            </div>
            <div class="grid gap-8 border-t border-line pt-10 md:grid-cols-3">
                <Point icon=icon::PLAY title="A seat at every start">
                    "Each running application holds one seat and confirms it every few minutes. One that crashes frees its seat by itself."
                </Point>
                <Point icon=icon::MONITOR title="See who is on right now">
                    "Every session with its person, device and time. Revoking one takes a click, and its seat is free at once."
                </Point>
                <Point icon=icon::UNPLUG title="Works without a network">
                    "A signed license token lets the application start offline for up to three days, so a lost connection does not stop your work."
                </Point>
            </div>
            <p class="mt-12 text-sm text-ink-3">
                "Setting up a device? " <a class="link-inline" href="/download">
                    "Get the client"
                </a>
            </p>
        </SiteLayout>
    }
    .into_any()
}

#[component]
fn Point(icon: Lucide, title: &'static str, children: Children) -> impl IntoView {
    view! {
        <section>
            <span class="grid size-9 place-items-center rounded-md border border-line bg-surface text-ink-2">
                <Icon icon=icon/>
            </span>
            <h2 class="mt-4">{title}</h2>
            <p class="mt-1 text-ink-2">{children()}</p>
        </section>
    }
}

/// What the overview looks like, with invented people.
#[component]
fn Example() -> impl IntoView {
    let rows =
        [("Sofia Marchetti", "sofia-studio", "51 min"), ("Daniel Okafor", "ws-02", "1 h 36 min"), ("Wei Zhang", "ws-14", "5 h 20 min")]
            .into_iter()
            .map(|(name, device, time)| {
                view! {
                    <li class="flex items-center gap-2.5 px-4 py-2.5 text-sm">
                        <Avatar name=name.to_owned()/>
                        <span class="truncate font-medium">{name}</span>
                        <span class="truncate text-ink-3">{device}</span>
                        <span class="ml-auto whitespace-nowrap text-ink-2 tabular-nums">{time}</span>
                    </li>
                }
            })
            .collect_view();
    view! {
        <figure class="card m-0">
            <figcaption class="card-head">
                <span class="text-sm font-semibold">"Seats in use"</span>
                <span class="text-sm text-ink-3">"Example"</span>
            </figcaption>
            <div class="card-body">
                <p class="mb-3 text-xl font-semibold">"3" <span class="text-sm font-normal text-ink-3">" of 5"</span></p>
                <Meter used=3 total=5/>
            </div>
            <ul class="rows m-0 list-none border-t border-line p-0">{rows}</ul>
        </figure>
    }
}
