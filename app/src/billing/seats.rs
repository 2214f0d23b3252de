//! Choosing a number of seats, with its price beside it as one chooses.

use crate::ui::{Icon, Meter, icon};
use leptos::{html, prelude::*};
use types::billing::SeatQuote;

/// The price is asked for when nobody has typed for so long.
#[cfg(feature = "hydrate")]
const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);

/// What the price of the chosen number is at the moment.
#[derive(Clone, PartialEq)]
enum Price {
    /// Nothing to say: the number is what it was.
    Same,
    #[cfg_attr(not(feature = "hydrate"), allow(dead_code, reason = "only a browser asks"))]
    Asking,
    Known(SeatQuote),
    /// What stands against this number.
    Wrong(String),
}

/// The inside of the form. Without JavaScript the button "Show price" loads the page with the price; with it the price follows the
/// number, and nothing can be sent whose price is not on the page.
#[island]
pub fn SeatPicker(
    organization: String,
    /// What is owned and paid for now; 0 before the first purchase.
    owned: u32,
    /// Seats in use, where that is known.
    used: Option<u32>,
    /// What stands in the field at first.
    chosen: String,
    quote: Option<SeatQuote>,
    error: Option<String>,
    /// Name and price of each way to pay; empty when that is settled.
    intervals: Vec<(String, String)>,
    interval: String,
    /// "Buy seats"
    button: String,
    /// "Fewer seats take effect on 1 Dec 2026. …"
    note: String,
) -> impl IntoView {
    let buying = owned == 0;
    let (seats, set_seats) = signal(chosen.clone());
    let input = NodeRef::<html::Input>::new();
    // What was typed before the page was alive counts; the field is never written to but by the buttons beside it.
    Effect::new(move |_| {
        if let Some(typed) = input.get().map(|input| input.value()).filter(|typed| seats.with_untracked(|seats| seats != typed)) {
            set_seats.set(typed);
        }
    });
    let (interval, set_interval) = signal(interval);
    let (price, set_price) = signal(match (quote, error) {
        (_, Some(error)) => Price::Wrong(error),
        (Some(quote), None) => Price::Known(quote),
        (None, None) => Price::Same,
    });
    let alive = crate::ui::hydrated();
    let page = format!("/orgs/{organization}/billing");
    follow(organization.clone(), chosen.clone(), seats, interval, set_price);
    let step = move |by: i64| {
        let now: i64 = seats.get_untracked().trim().parse().unwrap_or(i64::from(owned.max(1)));
        let next = (now + by).clamp(1, 10_000).to_string();
        if let Some(input) = input.get_untracked() {
            input.set_value(&next);
        }
        set_seats.set(next);
    };
    let agreement = move || match price.get() {
        Price::Known(quote) => quote.agreement,
        _ => String::new(),
    };
    let ready = move || match price.get() {
        Price::Known(quote) => seats.get().trim() == quote.seats.to_string() && (buying || !quote.agreement.is_empty()),
        _ => buying && !matches!(price.get(), Price::Wrong(_)),
    };
    let wrong = move || matches!(price.get(), Price::Wrong(_));
    let settled = intervals.is_empty();
    let choices = intervals
        .into_iter()
        .enumerate()
        .map(|(i, (value, text))| {
            let chosen = interval.get_untracked() == value;
            let (id, own) = (format!("interval-{i}"), value.clone());
            view! {
                <label class="flex items-center gap-2 text-sm" for=id.clone()>
                    <input
                        type="radio"
                        name="interval"
                        id=id.clone()
                        value=own
                        checked=chosen
                        on:change=move |_| set_interval.set(value.clone())
                    />
                    {text}
                </label>
            }
        })
        .collect_view();
    view! {
        <input type="hidden" name="organization" value=organization/>
        <div class="card-body grid gap-4">
            <div class="field">
                <label class="label" for="seats">"How many people can work at once"</label>
                <div class="flex flex-wrap items-center gap-3">
                    <span class="stepper">
                        <button type="button" aria-label="One seat less" hidden=move || !alive.get() on:click=move |_| step(-1)>
                            <Icon icon=icon::MINUS small=true/>
                        </button>
                        <input
                            id="seats"
                            name="seats"
                            inputmode="numeric"
                            autocomplete="off"
                            maxlength="6"
                            required=true
                            node_ref=input
                            value=chosen
                            aria-invalid=move || wrong().then_some("true")
                            aria-describedby="seats-price"
                            on:input=move |ev| set_seats.set(event_target_value(&ev))
                        />
                        <button type="button" aria-label="One seat more" hidden=move || !alive.get() on:click=move |_| step(1)>
                            <Icon icon=icon::PLUS small=true/>
                        </button>
                    </span>
                    <button
                        class="btn btn-secondary"
                        type="submit"
                        formmethod="get"
                        formaction=page
                        formnovalidate=true
                        hidden=move || alive.get()
                    >
                        "Show price"
                    </button>
                </div>
            </div>
            <fieldset class="grid gap-2 border-0 p-0 m-0" hidden=settled>
                <legend class="label mb-1 p-0">"Paid"</legend>
                {choices}
            </fieldset>
            <div id="seats-price" aria-live="polite" class="min-h-16">
                {move || said(price.get(), used, owned)}
            </div>
        </div>
        <div class="card-foot flex-wrap">
            <span class="max-w-prose">{note}</span>
            <button
                class="btn btn-primary ml-auto"
                type="submit"
                name="agreement"
                value=agreement
                disabled=move || alive.get() && !ready()
            >
                {button}
            </button>
        </div>
    }
}

/// The price in words.
fn said(price: Price, used: Option<u32>, owned: u32) -> AnyView {
    match price {
        Price::Same => used
            .filter(|_| owned > 0)
            .map(|used| {
                view! {
                    <p class="mb-2 flex justify-between text-sm">
                        <span class="text-ink-3">"In use now"</span>
                        <span class="font-medium tabular-nums">{format!("{used} of {owned}")}</span>
                    </p>
                    <Meter used=used total=owned/>
                }
            })
            .into_any(),
        Price::Asking => view! { <p class="text-sm text-ink-3">"Asking for the price…"</p> }.into_any(),
        Price::Wrong(text) => view! {
            <p class="error">
                <Icon icon=icon::CIRCLE_ALERT small=true/>
                {text}
            </p>
        }
        .into_any(),
        Price::Known(quote) => {
            let no_lines = quote.lines.is_empty();
            let lines = quote
                .lines
                .into_iter()
                .map(|line| {
                    view! {
                        <div class="flex justify-between gap-4 px-4 py-1.5 text-sm">
                            <dt class="text-ink-2">{line.text}</dt>
                            <dd class="m-0 whitespace-nowrap tabular-nums">{line.amount}</dd>
                        </div>
                    }
                })
                .collect_view();
            view! {
                <div class="rounded-md border border-line">
                    <p class="bg-surface px-4 py-3 font-medium rounded-md">{quote.sentence}</p>
                    <dl class="m-0" class:hidden=no_lines>{lines}</dl>
                    {quote.note.map(|note| view! { <p class="border-t border-line px-4 py-3 text-sm text-ink-2">{note}</p> })}
                </div>
            }
            .into_any()
        }
    }
}

/// Asks for the price of what has been chosen, once nobody types any more.
#[cfg(feature = "hydrate")]
fn follow(organization: String, chosen: String, seats: ReadSignal<String>, interval: ReadSignal<String>, set_price: WriteSignal<Price>) {
    Effect::watch(
        move || (seats.get(), interval.get()),
        move |(typed, every), before, timer: Option<Option<TimeoutHandle>>| {
            // At first the page says all that there is to say, unless something was typed before it was alive.
            if before.is_none() && *typed == chosen {
                return None;
            }
            if let Some(Some(timer)) = timer {
                timer.clear();
            }
            let Ok(number) = typed.trim().parse::<u32>() else {
                set_price.set(Price::Wrong("Enter a whole number of seats.".to_owned()));
                return None;
            };
            set_price.set(Price::Asking);
            let (organization, every, typed) = (organization.clone(), every.clone(), typed.clone());
            let ask = move || {
                leptos::task::spawn_local(async move {
                    let answer = super::quote_seats(organization, number, every.clone()).await;
                    // Somebody has chosen anew: a later answer counts.
                    if (seats.try_get_untracked(), interval.try_get_untracked()) != (Some(typed), Some(every)) {
                        return;
                    }
                    set_price.set(match answer {
                        Ok(quote) => Price::Known(quote),
                        Err(error) => Price::Wrong(error.0.detail),
                    });
                });
            };
            set_timeout_with_handle(ask, PAUSE).ok()
        },
        true,
    );
}

#[cfg(not(feature = "hydrate"))]
fn follow(_: String, _: String, _: ReadSignal<String>, _: ReadSignal<String>, _: WriteSignal<Price>) {}
