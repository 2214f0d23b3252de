//! `/orgs/{slug}/usage`: how many seats were in use when, and which starts were refused.

mod chart;

use crate::PageError;
use crate::layout::{OrgLayout, OrgPage, PageHead};
use crate::licenses::tier_label;
use crate::org::{Org, org_page};
use crate::page::{address, counted, filled};
use crate::ui::{ButtonLink, Callout, EmptyState, Icon, PersonCell, Segmented, Stat, Tab, Table, Time, TimeStyle, Tone, icon, times};
use crate::visit::{not_found, told};
use chart::DailyPeaks;
use domain::analytics::Features;
use domain::usage::Usage;
use leptos::prelude::*;
use store::usage::Refused;
use types::Action;
use types::licenses::License;

/// The ranges that the page offers, in days.
const RANGES: [u16; 3] = [7, 30, 90];
const DEFAULT_RANGE: u16 = 30;

/// The range that the address asks for.
pub fn range(days: Option<&str>) -> u16 {
    days.and_then(|days| days.parse().ok()).filter(|days| RANGES.contains(days)).unwrap_or(DEFAULT_RANGE)
}

/// `/orgs/{slug}/usage`
#[component]
pub fn UsagePage() -> impl IntoView {
    org_page(load)
}

async fn load(org: Org) -> Result<AnyView, PageError> {
    let licenses = domain::licenses::list(&org.ctx, org.services()).await.map_err(told)?;
    let asked = filled("license");
    let license = match &asked {
        Some(id) => licenses.iter().find(|l| l.id.to_string() == *id),
        None => licenses.first(),
    };
    let license = license.cloned().ok_or_else(not_found)?;
    let days = range(filled("days").as_deref());
    let usage = domain::usage::view(&org.ctx, org.services(), license.id, days).await.map_err(told)?;
    let features = domain::analytics::features(&org.ctx, org.services(), days).await.map_err(told)?;
    let settings = org.may(Action::SettingsManage).then(|| org.href(OrgPage::Settings));
    let base = org.href(OrgPage::Usage);
    let here = |days: u16, license: &License| {
        let (days, id) = (days.to_string(), license.id.to_string());
        address(&base, &[("days", Some(days.as_str())), ("license", asked.as_ref().map(|_| id.as_str()))])
    };
    let tabs = RANGES.map(|n| Tab::new(counted(n.into(), "day", "days"), here(n, &license), n == days)).to_vec();
    let export = address(&format!("{base}.csv"), &[("days", Some(&days.to_string()))]);
    let range = match (usage.days.first(), usage.days.last()) {
        (Some(first), Some(last)) => {
            format!(
                "{} to {}, in UTC.",
                times::utc_date(first.date.midnight().assume_utc()),
                times::utc_date(last.date.midnight().assume_utc())
            )
        }
        _ => String::new(),
    };
    let which = (licenses.len() > 1).then(|| {
        let tabs = licenses
            .iter()
            .map(|l| {
                let id = l.id.to_string();
                let href = address(&base, &[("days", Some(&days.to_string())), ("license", Some(&id))]);
                Tab::new(format!("{} license {}", tier_label(l.tier), l.key), href, l.id == license.id)
            })
            .collect::<Vec<_>>();
        view! { <div class="mb-4"><Segmented label="License" tabs=tabs/></div> }
    });
    let may_buy = org.may(Action::BillingManage);
    let body = if usage.peak == 0 && usage.refusals == 0 {
        view! {
            <div class="card">
                <EmptyState icon=icon::CHART_LINE title="Nothing in this time">
                    <p>"Once people start the application, this page shows how many seats were in use, when they ran out, and who was turned away."</p>
                    <ButtonLink href="/download".to_owned()>"Get the client"</ButtonLink>
                </EmptyState>
            </div>
        }
        .into_any()
    } else {
        let billing = org.href(OrgPage::Billing);
        view! {
            {(usage.refusals > 0).then(|| view! { <TurnedAway usage=usage.clone() billing=billing may_buy=may_buy/> })}
            <Peaks usage=usage.clone() owned=license.max_seats/>
            <Week usage=usage.clone()/>
            {(!usage.latest.is_empty()).then(|| view! { <RefusedStarts latest=usage.latest.clone() all=usage.refusals/> })}
        }
        .into_any()
    };
    Ok(view! {
        <OrgLayout frame=org.frame() page=OrgPage::Usage toast=org.toast()>
            <PageHead title="Usage" text=range>
                <Segmented label="Range" tabs=tabs/>
                <ButtonLink href=export>
                    <Icon icon=icon::DOWNLOAD small=true/>
                    "Export CSV"
                </ButtonLink>
            </PageHead>
            {which}
            <div class="grid grid-cols-[minmax(0,1fr)] gap-4">
                {body}
                <FeaturesUsed features=features settings=settings/>
            </div>
        </OrgLayout>
    }
    .into_any())
}

/// People were turned away: what would have helped.
#[component]
fn TurnedAway(usage: Usage, billing: String, may_buy: bool) -> impl IntoView {
    let days = usage.days.iter().filter(|d| d.refusals > 0).count();
    let text = format!(
        "{} on {} for want of a seat. All seats were taken for {} in this time.",
        if usage.refusals == 1 { "1 start was refused".to_owned() } else { format!("{} starts were refused", usage.refusals) },
        counted(days, "day", "days"),
        long(usage.full)
    );
    view! {
        <Callout tone=Tone::Accent icon=icon::TRENDING_UP>
            {text}
            " "
            {may_buy.then(|| view! { <a class="link-inline" href=billing>"See what more seats cost"</a> })}
        </Callout>
    }
}

/// "6 h 12 min"
fn long(time: time::Duration) -> String {
    times::duration(u64::try_from(time.whole_seconds()).unwrap_or(0))
}

#[component]
fn Peaks(usage: Usage, owned: u32) -> impl IntoView {
    let hours = usage.seat_time.as_seconds_f64() / 3600.0;
    let seat_hours = if hours < 100.0 { format!("{hours:.1}") } else { format!("{hours:.0}") };
    view! {
        <section class="card" aria-labelledby="h-peak">
            <div class="p-4 pb-0">
                <h2 class="sr-only" id="h-peak">
                    "Daily peak and refusals"
                </h2>
                <div class="grid grid-cols-2 gap-x-8 gap-y-4 sm:grid-cols-5">
                    <Stat label="Highest peak" note=format!("of {owned}")>
                        {usage.peak}
                    </Stat>
                    <Stat label="Median daily peak">{usage.median_peak}</Stat>
                    <Stat label="All seats taken">{long(usage.full)}</Stat>
                    <Stat label="Seat hours">{seat_hours}</Stat>
                    <Stat label="Refused starts" bad={usage.refusals > 0}>
                        {usage.refusals}
                    </Stat>
                </div>
            </div>
            <DailyPeaks days=usage.days/>
        </section>
    }
}

#[component]
fn Week(usage: Usage) -> impl IntoView {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let most = usage.peak.max(1);
    let head = (0..24).map(|hour| view! { <th scope="col">{format!("{hour:02}")}</th> }).collect_view();
    let rows = usage
        .week
        .iter()
        .zip(NAMES)
        .map(|(hours, name)| {
            let cells = hours
                .iter()
                .map(|&(peak, full)| {
                    // Five steps from one seat to the most that were ever in use.
                    let step = if peak == 0 { 0 } else { (peak * 5).div_ceil(most).clamp(1, 5) };
                    let class = format!("heat-{step}{}", if full && peak > 0 { " heat-full" } else { "" });
                    if peak == 0 {
                        view! { <td class=class><span class="sr-only">"0"</span></td> }.into_any()
                    } else {
                        view! { <td class=class>{peak}</td> }.into_any()
                    }
                })
                .collect_view();
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="h-heat">
            <div class="card-head">
                <h2 id="h-heat">"When seats are used"</h2>
                <span class="text-sm text-ink-3 max-sm:hidden">"Highest number in use at once, by weekday and hour (UTC)"</span>
            </div>
            <div class="relative overflow-x-auto p-4" tabindex="0" role="group" aria-label="Seats in use by weekday and hour">
                <table class="heat min-w-160">
                    <caption class="sr-only">"Highest number of seats in use by weekday and hour"</caption>
                    <thead>
                        <tr>
                            <td></td>
                            {head}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

/// Which features are used, or how to find out.
#[component]
fn FeaturesUsed(features: Features, settings: Option<String>) -> impl IntoView {
    let most = features.totals.iter().map(|t| t.uses).max().unwrap_or(0).max(1);
    let share = move |uses: i64| format!("{:.2}%", uses as f64 * 100.0 / most as f64);
    let body = if !features.enabled {
        let how = match settings {
            Some(href) => view! { <a class="link-inline" href=href>"Switch it on in the settings"</a> }.into_any(),
            None => "An owner or admin can switch it on in the settings.".into_any(),
        };
        view! {
            <p class="card card-body text-sm text-ink-2">
                "The use of features is not counted for this organization. "
                {how}
            </p>
        }
        .into_any()
    } else if features.totals.is_empty() {
        view! {
            <p class="card card-body text-sm text-ink-2">
                "Nothing was counted in this time. Applications send what they count now and then, so the first numbers may take a day."
            </p>
        }
        .into_any()
    } else {
        let rows = features
            .totals
            .into_iter()
            .map(|t| {
                let last = t.last.midnight().assume_utc();
                view! {
                    <tr>
                        <td class="strong mono">{t.feature}</td>
                        <td class="p3 w-2/5">
                            <span class="meter">
                                <svg aria-hidden="true">
                                    <rect class="on" width=share(t.uses) height="100%" rx="2"></rect>
                                </svg>
                            </span>
                        </td>
                        <td class="num">{grouped(t.uses)}</td>
                        <td class="num p3">{counted(usize::try_from(t.days).unwrap_or(0), "day", "days")}</td>
                        <td class="whitespace-nowrap p3">{times::utc_date(last)}</td>
                    </tr>
                }
            })
            .collect_view();
        view! {
            <Table caption="Features, most used first" sticky=false>
                <thead>
                    <tr>
                        <th scope="col">"Feature"</th>
                        <th scope="col" class="p3"><span class="sr-only">"Share"</span></th>
                        <th scope="col" class="num">"Uses"</th>
                        <th scope="col" class="num p3">"On"</th>
                        <th scope="col" class="p3">"Last"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="h-features">
            <h2 class="mb-2" id="h-features">
                "Features used"
            </h2>
            {body}
        </section>
    }
}

/// "1,234,567"
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.join(",")
}

#[component]
fn RefusedStarts(latest: Vec<Refused>, all: u32) -> impl IntoView {
    let note = format!("Latest {} of {all}", latest.len());
    let rows = latest
        .into_iter()
        .map(|r| {
            let name = r.name.unwrap_or_else(|| "Somebody who has left".to_owned());
            view! {
                <tr>
                    <td class="whitespace-nowrap">
                        <Time at=r.at style=TimeStyle::Ago/>
                    </td>
                    <PersonCell name=name/>
                    <td class="p3">{r.device}</td>
                    <td class="num">{format!("{} of {}", r.active, r.max_seats)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-refused">
            <div class="mb-2 flex items-baseline justify-between gap-2">
                <h2 id="h-refused">"Refused starts"</h2>
                <span class="text-sm text-ink-3">{note}</span>
            </div>
            <Table caption="Refused starts, latest first" sticky=false>
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Person"</th>
                        <th scope="col" class="p3">"Device"</th>
                        <th scope="col" class="num">"Seats then"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
