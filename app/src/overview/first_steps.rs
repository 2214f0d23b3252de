//! What a new organisation does first.

use crate::download::Command;
use crate::layout::OrgPage;
use crate::org::Org;
use crate::page::counted;
use crate::ui::{ButtonLink, Icon, Kind, Product, icon};
use leptos::prelude::*;
use types::Action;
use types::organizations::MemberList;

pub(super) struct FirstSteps {
    email: String,
    server: String,
    /// The reader's role may hold a seat.
    may_start: bool,
    /// Where to invite people, for those who may; and whether somebody has been.
    invite: Option<(String, bool)>,
}

impl FirstSteps {
    pub(super) fn of(org: &Org, people: Option<&MemberList>) -> Self {
        Self {
            email: org.visit.person.as_ref().map(|p| p.email.clone()).unwrap_or_default(),
            server: org.services().settings.base_url.clone(),
            may_start: org.may(Action::SeatHold),
            invite: people.map(|people| (org.href(OrgPage::Members), people.members.len() > 1 || !people.invitations.is_empty())),
        }
    }

    /// What stands below the page's heading.
    pub(super) fn text(&self) -> String {
        let left = 1 + usize::from(self.invite.as_ref().is_some_and(|(_, done)| !done));
        format!(
            "{} until your team can work with {}. Come back to this page at any time.",
            counted(left, "step", "steps"),
            Product::current().0
        )
    }

    pub(super) fn view(self) -> AnyView {
        let all = 2 + u32::from(self.invite.is_some());
        let done = 1 + u32::from(self.invite.as_ref().is_some_and(|(_, done)| *done));
        let start = self.start();
        let invite = self.invite.map(|(href, done)| invite(href, done));
        view! {
            <section class="card" aria-labelledby="h-steps">
                <div class="card-head">
                    <h2 id="h-steps">"First steps"</h2>
                    <span class="text-sm text-ink-3 tabular-nums">{format!("{done} of {all} done")}</span>
                </div>
                <ol class="rows m-0 list-none p-0">
                    <li class="flex items-center gap-3 px-4 py-3">
                        <Done/>
                        <p class="text-ink-3">
                            <span class="sr-only">"Done: "</span>
                            "Confirm your email address"
                        </p>
                        <span class="ml-auto truncate text-sm text-ink-3 max-sm:hidden">{self.email}</span>
                    </li>
                    {start}
                    {invite}
                </ol>
            </section>
        }
        .into_any()
    }

    /// The one next thing.
    fn start(&self) -> AnyView {
        let product = Product::current().0;
        let text = if self.may_start {
            format!("{product} asks for a seat when it starts and gives it back when it ends. Get the client once per device, then:")
        } else {
            format!("Your role holds no seat. Whoever works with {product} gets the client, then:")
        };
        let sign_in = format!("coditect-license login --server {}", self.server);
        view! {
            <li class="flex gap-3 px-4 py-4">
                <span class="tick tick-now" aria-hidden="true">
                    "2"
                </span>
                <div class="min-w-0 flex-1">
                    <h3 class="!text-base">{format!("Start {product} on a device")}</h3>
                    <p class="mt-0.5 text-sm text-ink-2">{text}</p>
                    <div class="mt-3 grid gap-2">
                        <Command line=sign_in what="sign-in command"/>
                        <Command line="coditect-license run -- COMMAND" what="run command"/>
                    </div>
                    <div class="mt-4">
                        <ButtonLink href="/download" kind=Kind::Primary>
                            "Get the client"
                        </ButtonLink>
                    </div>
                </div>
            </li>
        }
        .into_any()
    }
}

fn invite(href: String, done: bool) -> impl IntoView {
    let tick = if done { view! { <Done/> }.into_any() } else { view! { <span class="tick" aria-hidden="true">"3"</span> }.into_any() };
    view! {
        <li class="flex flex-wrap items-center gap-3 px-4 py-4">
            {tick}
            <div class="min-w-0 flex-1">
                <h3 class="!text-base">
                    {done.then(|| view! { <span class="sr-only">"Done: "</span> })}
                    "Invite your team"
                </h3>
                <p class="mt-0.5 text-sm text-ink-2">"People cost nothing; only seats do."</p>
            </div>
            <ButtonLink href=href>"Invite people"</ButtonLink>
        </li>
    }
}

#[component]
fn Done() -> impl IntoView {
    view! {
        <span class="tick tick-done">
            <Icon icon=icon::CHECK small=true/>
        </span>
    }
}
