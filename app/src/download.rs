//! The client for this portal, and how to start it.

use crate::browser::start_of;
use crate::layout::{PageHead, SiteLayout};
use crate::ui::{CopyButton, Product};
use crate::visit::visit;
use leptos::prelude::*;

/// `/download`
#[component]
pub fn DownloadPage() -> impl IntoView {
    let visit = visit();
    let user = visit.user();
    let server = visit.services.settings.base_url.clone();
    let back = visit.person.as_ref().map(|person| {
        let name = person.organizations.first().map_or_else(|| "Back".to_owned(), |o| o.name.clone());
        (name, start_of(person))
    });
    let product = Product::current().0;
    view! {
        <SiteLayout title="Get the client" user=user back=back>
            <PageHead
                title="Get the client"
                text=format!("coditect-license asks this portal for a seat, keeps it while {product} runs, and gives it back at the end.")
            />
            <div class="grid max-w-4xl gap-4">
                <section class="card" aria-labelledby="h-steps">
                    <div class="card-head">
                        <h2 id="h-steps">"On the device"</h2>
                    </div>
                    <ol class="rows m-0 list-none p-0">
                        <Step number=1 title="Build it from the portal’s sources" text="It needs Linux and Rust. The program is target/release/coditect-license; put it on the PATH.">
                            <Command line="cargo build --release -p client" what="build command"/>
                        </Step>
                        <Step number=2 title="Sign in" text="Once per device. It shows a code that you approve in a browser, on this device or another; without one, add --email and your address.">
                            <Command line=format!("coditect-license login --server {server}") what="sign-in command"/>
                        </Step>
                        <Step number=3 title="Start your application with a seat" text="Put the application and its arguments after the two hyphens. The seat is free again as soon as it ends.">
                            <Command line="coditect-license run -- COMMAND" what="run command"/>
                        </Step>
                    </ol>
                </section>
                <section class="card" aria-labelledby="h-help">
                    <div class="card-head">
                        <h2 id="h-help">"If it does not start"</h2>
                    </div>
                    <div class="card-body grid gap-3">
                        <p class="text-sm text-ink-2">
                            "This checks name resolution, proxy, TLS, clock and the way to this portal, and says what to do about each."
                        </p>
                        <Command line="coditect-license doctor" what="doctor command"/>
                        <p class="text-sm text-ink-2">
                            "When it ends by itself, its exit code says why: " <ExitCode code=3/> " no seat is free, " <ExitCode code=4/>
                            " the license has expired or is suspended, your role holds no seat, or the session was ended, " <ExitCode code=5/> " not signed in, " <ExitCode code=6/>
                            " offline and no valid token. With " <ExitCode code=1/> " and " <ExitCode code=2/> " it says what was wrong. Any other code is that of your application."
                        </p>
                    </div>
                </section>
            </div>
        </SiteLayout>
    }
}

#[component]
fn Step(number: u8, title: &'static str, text: &'static str, children: Children) -> impl IntoView {
    view! {
        <li class="flex gap-3 px-4 py-4">
            <span class="tick" aria-hidden="true">
                {number}
            </span>
            <div class="min-w-0 flex-1">
                <h3 class="!text-base">{title}</h3>
                <p class="mt-0.5 mb-3 text-sm text-ink-2">{text}</p>
                {children()}
            </div>
        </li>
    }
}

/// One line for the terminal.
#[component]
pub fn Command(#[prop(into)] line: String, what: &'static str) -> impl IntoView {
    // A narrow screen breaks the line between words, not after a hyphen.
    let words = line.split(' ').map(|word| view! { " " <span class="inline-block max-w-full">{word.to_owned()}</span> }).collect_view();
    view! {
        <div class="codeline">
            <code class="py-2 !whitespace-normal [overflow-wrap:anywhere]">
                <span class="text-ink-3 select-none" aria-hidden="true">
                    "$"
                </span>
                {words}
            </code>
            <CopyButton text=line what=what.to_owned()/>
        </div>
    }
}

#[component]
fn ExitCode(code: u8) -> impl IntoView {
    view! { <code class="code">{code}</code> }
}
