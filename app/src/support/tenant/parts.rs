//! What staff see of one organisation.

use crate::licenses::{StatusBadge, tier_label};
use crate::sessions::{Standing, beats, version};
use crate::ui::{Callout, EmptyState, PersonCell, StateDot, Table, Time, TimeStyle, Tone, WideRow, icon, times};
use leptos::prelude::*;
use store::tenants::Tenant;
use time::OffsetDateTime;
use types::Role;
use types::licenses::License;
use types::live::{LiveRow, LiveView};
use types::organizations::Member;

/// The line of figures below the name.
#[component]
pub(super) fn Facts(tenant: Tenant, licenses: Vec<License>, members: Vec<Member>, live: Option<LiveView>) -> impl IntoView {
    let total: u32 = licenses.iter().map(|l| l.max_seats).sum();
    let seats = live.map_or_else(|| format!("{total}, use unknown now"), |live| format!("{} of {total} in use", live.active));
    let plan = licenses.first().map_or("None", |l| tier_label(l.tier));
    // One that does not end outlives all others.
    let until = if licenses.iter().any(|l| l.expires_at.is_none()) { None } else { licenses.iter().filter_map(|l| l.expires_at).max() };
    let until = match until {
        _ if licenses.is_empty() => "—".into_any(),
        None => "Does not end".into_any(),
        Some(at) => view! { <Time at=at style=TimeStyle::Date/> }.into_any(),
    };
    let owners = members.iter().filter(|m| m.role == Role::Owner).map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ");
    view! {
        <dl class="mt-5 grid grid-cols-2 gap-x-6 gap-y-4 rounded-md border border-line p-4 md:grid-cols-3 xl:grid-cols-6">
            <Fact name="Seats">{seats}</Fact>
            <Fact name="Plan">{plan}</Fact>
            <Fact name="Licensed until">{until}</Fact>
            <Fact name="Owner">{owners}</Fact>
            <Fact name="Address">{tenant.slug}</Fact>
            <Fact name="Customer since">
                <Time at=tenant.created_at style=TimeStyle::Date/>
            </Fact>
        </dl>
    }
}

#[component]
fn Fact(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="min-w-0">
            <dt class="text-sm text-ink-3">{name}</dt>
            <dd class="m-0 mt-0.5 font-medium break-words tabular-nums">{children()}</dd>
        </div>
    }
}

/// Live sessions, as of now.
#[component]
pub(super) fn Sessions(live: Option<LiveView>, licenses: Vec<License>, here: String, now: OffsetDateTime) -> impl IntoView {
    let beats = beats(&licenses);
    let body = match live {
        None => view! { <Callout tone=Tone::Warn title="Live sessions cannot be read at the moment.">"Running applications keep their seats. Reload the page in a minute."</Callout> }
            .into_any(),
        Some(live) => {
            let rows = if live.sessions.is_empty() {
                view! {
                    <WideRow columns=7>
                        <EmptyState icon=icon::MONITOR title="Nobody is on right now">
                            <p>"No application of this organization holds a seat."</p>
                        </EmptyState>
                    </WideRow>
                }
                .into_any()
            } else {
                live.sessions
                    .into_iter()
                    .map(|row| {
                        let standing = Standing::of(&row, &beats, now);
                        view! { <Session row=row standing=standing now=now here=here.clone()/> }
                    })
                    .collect_view()
                    .into_any()
            };
            view! {
                <Table caption="Live sessions">
                    <thead>
                        <tr>
                            <th scope="col">"Person"</th>
                            <th scope="col" class="p3">
                                "Device"
                            </th>
                            <th scope="col" class="p2">
                                "Version"
                            </th>
                            <th scope="col" class="p3">
                                "Started"
                            </th>
                            <th scope="col" class="p3">
                                "State"
                            </th>
                            <th scope="col" class="p2 num">
                                "Lease left"
                            </th>
                            <th scope="col" class="act">
                                <span class="sr-only">"Action"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </Table>
            }
            .into_any()
        }
    };
    view! {
        <section aria-labelledby="h-sessions">
            <div class="mb-3 flex items-center justify-between gap-3">
                <h2 id="h-sessions">"Live sessions"</h2>
                <p class="text-sm text-ink-3">"As of " <Time at=now style=TimeStyle::Clock/></p>
            </div>
            {body}
        </section>
    }
}

#[component]
fn Session(row: LiveRow, standing: Standing, now: OffsetDateTime, here: String) -> impl IntoView {
    let left = times::duration((row.expires_at - now).whole_seconds().max(0).unsigned_abs());
    let whose = format!(" {}’s session on {}", row.user_name, row.device);
    view! {
        <tr>
            <PersonCell name=row.user_name sub=format!("{} · {}", standing.word(), row.device)/>
            <td class="p3">
                <span class="strong">{row.device}</span>
            </td>
            <td class="p2">{version(&row.client_version)}</td>
            <td class="p3">
                <Time at=row.started_at/>
            </td>
            <td class="p3">
                <StateDot tone=standing.tone()>{standing.word()}</StateDot>
            </td>
            <td class="p2 num">{left}</td>
            <td class="act">
                <form method="get" action=here>
                    <button class="btn btn-danger-quiet btn-sm" name="revoke" value=row.id.to_string()>
                        "Revoke"
                        <span class="sr-only">{whose}</span>
                    </button>
                </form>
            </td>
        </tr>
    }
}

#[component]
pub(super) fn Licenses(licenses: Vec<License>, here: String) -> impl IntoView {
    let rows = if licenses.is_empty() {
        view! {
            <WideRow columns=5>
                <EmptyState icon=icon::KEY_ROUND title="No license">
                    <p>"This organization owns no seats."</p>
                </EmptyState>
            </WideRow>
        }
        .into_any()
    } else {
        licenses.into_iter().map(|license| view! { <LicenseRow license=license here=here.clone()/> }).collect_view().into_any()
    };
    view! {
        <section aria-labelledby="h-licenses">
            <h2 class="mb-3" id="h-licenses">
                "Licenses"
            </h2>
            <Table caption="Licenses" sticky=false>
                <thead>
                    <tr>
                        <th scope="col">"Key"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="p3 num">
                            "Seats"
                        </th>
                        <th scope="col" class="p3">
                            "Heartbeat, lease, offline"
                        </th>
                        <th scope="col" class="act">
                            <span class="sr-only">"Action"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </section>
    }
}

#[component]
fn LicenseRow(license: License, here: String) -> impl IntoView {
    let seats = license.active.map_or_else(|| license.max_seats.to_string(), |used| format!("{used} of {}", license.max_seats));
    let offline = times::duration(u64::from(license.offline_hours) * 3600);
    let limits =
        format!("{}, {}, {offline}", times::duration(license.heartbeat_seconds.into()), times::duration(license.lease_seconds.into()));
    let whose = format!(" of {}", license.key);
    view! {
        <tr>
            <th scope="row" class="!py-2">
                <span class="mono break-all">{license.key}</span>
                <span class="block text-xs font-normal text-ink-3">{tier_label(license.tier)}</span>
            </th>
            <td>
                <StatusBadge status=license.status/>
            </td>
            <td class="p3 num">{seats}</td>
            <td class="p3">{limits}</td>
            <td class="act">
                <form method="get" action=here>
                    <button class="btn btn-secondary btn-sm" name="policy" value=license.id.to_string()>
                        "Policy"
                        <span class="sr-only">{whose}</span>
                    </button>
                </form>
            </td>
        </tr>
    }
}

#[component]
pub(super) fn Members(members: Vec<Member>) -> impl IntoView {
    let rows = members
        .into_iter()
        .map(|member| {
            let active = member
                .last_seen_at
                .map_or_else(|| view! { <span class="text-ink-3">"Never"</span> }.into_any(), |at| view! { <Time at=at/> }.into_any());
            view! {
                <tr>
                    <PersonCell name=member.name sub=member.email.clone()/>
                    <td class="p3 [overflow-wrap:anywhere]">{member.email}</td>
                    <td>{member.role.label()}</td>
                    <td class="p3">{active}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-members">
            <h2 class="mb-3" id="h-members">
                "Members"
            </h2>
            <Table caption="Members" sticky=false>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="p3">
                            "Email"
                        </th>
                        <th scope="col">"Role"</th>
                        <th scope="col" class="p3">
                            "Last active"
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </section>
    }
}
