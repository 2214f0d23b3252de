//! Peak seats in use each day, as a picture that the server draws.

use crate::ui::times;
use domain::usage::Day;
use leptos::prelude::*;

/// Height of the drawing area, and of what stands above it for the marks.
const HEIGHT: f64 = 204.0;
const ABOVE: f64 = 14.0;

/// The step area, the limit, and days with refused starts marked.
#[component]
pub fn DailyPeaks(days: Vec<Day>) -> impl IntoView {
    let limit = days.iter().rev().find(|d| d.max_seats > 0).map_or(0, |d| d.max_seats);
    let most = days.iter().map(|d| d.peak).max().unwrap_or(0).max(limit).max(1);
    let said = sentence(&days, limit);
    // A little air above the highest line.
    let top = f64::from(most) * 1.14;
    let y = |seats: u32| HEIGHT - f64::from(seats) / top * HEIGHT;
    #[allow(clippy::cast_precision_loss, reason = "at most 90 days")]
    let n = days.len().max(1) as f64;
    let mut step = String::new();
    for (i, day) in days.iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "at most 90 days")]
        let (left, right) = (i as f64 / n * 1000.0, (i + 1) as f64 / n * 1000.0);
        let height = y(day.peak);
        step.push_str(&if i == 0 { format!("M{left:.1} {height:.1}H{right:.1}") } else { format!("V{height:.1}H{right:.1}") });
    }
    let area = format!("{step}V{HEIGHT}H0Z");
    let middle = most / 2;
    let grid = [0, middle]
        .into_iter()
        .filter(|seats| *seats != limit || *seats == 0)
        .map(|seats| {
            let at = ABOVE + y(seats);
            view! {
                <line class="grid" x1="0" x2="100%" y1=at y2=at></line>
                <text class="axis" x="-8" y={at + 4.0} text-anchor="end">{seats}</text>
            }
        })
        .collect_view();
    let limit_line = (limit > 0).then(|| {
        let at = ABOVE + y(limit);
        view! {
            <line class="limit" x1="0" x2="100%" y1=at y2=at></line>
            <text class="limit-text" x="-8" y={at + 4.0} text-anchor="end">{limit}</text>
        }
    });
    let marks = days
        .iter()
        .enumerate()
        .filter(|(_, day)| day.refusals > 0)
        .map(|(i, day)| {
            #[allow(clippy::cast_precision_loss, reason = "at most 90 days")]
            let x = format!("{:.2}%", (i as f64 + 0.5) / n * 100.0);
            let title = format!("{}: {} refused", times::utc_date(day.date.midnight().assume_utc()), day.refusals);
            let at = ABOVE + y(day.peak.max(limit)) - 12.0;
            view! {
                <svg x=x y=at overflow="visible">
                    <title>{title}</title>
                    <path class="refused" d="M-3-3 3 3M3-3-3 3"></path>
                </svg>
            }
        })
        .collect_view();
    // Six labels at most, the first and the last among them.
    let every = days.len().saturating_sub(1).div_ceil(5).max(1);
    let last = days.len().saturating_sub(1);
    let labels = days
        .iter()
        .enumerate()
        .filter(|(i, _)| *i == last || (i % every == 0 && last - i >= every.div_ceil(2)))
        .map(|(i, day)| {
            #[allow(clippy::cast_precision_loss, reason = "at most 90 days")]
            let x = format!("{:.2}%", (i as f64 + 0.5) / n * 100.0);
            let text = times::utc_date(day.date.midnight().assume_utc());
            // Without the year.
            let text = text.rsplit_once(' ').map_or(text.clone(), |(day, _)| day.to_owned());
            let anchor = if i == 0 {
                "start"
            } else if i == last {
                "end"
            } else {
                "middle"
            };
            let x = if i == 0 {
                "0".to_owned()
            } else if i == last {
                "100%".to_owned()
            } else {
                x
            };
            // A phone has room for the first and the last.
            let class = if i == 0 || i == last { "axis" } else { "axis wide" };
            view! { <text class=class x=x y="236" text-anchor=anchor>{text}</text> }
        })
        .collect_view();
    view! {
        <div class="p-4 pt-5">
            <ul class="legend mb-4">
                <li>
                    <svg aria-hidden="true"><rect y="4" width="14" height="2" rx="1" class="fill-focus"></rect></svg>
                    "Peak seats in use, each day"
                </li>
                <li>
                    <svg aria-hidden="true"><path d="M0 5h14" stroke="var(--color-ink-2)" stroke-dasharray="3 2"></path></svg>
                    "Seats owned now"
                </li>
                <li>
                    <svg aria-hidden="true"><path d="m4 2 6 6m0-6-6 6" stroke="var(--color-bad)" stroke-width="2" stroke-linecap="round"></path></svg>
                    "Day with refused starts"
                </li>
            </ul>
            <div class="pl-6">
                <svg class="chart" width="100%" height="240" role="img" aria-label=said>
                    {grid}
                    <svg y=ABOVE width="100%" height=HEIGHT viewBox=format!("0 0 1000 {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                        <path class="area" d=area></path>
                        <path class="step" d=step></path>
                    </svg>
                    {limit_line}
                    {marks}
                    {labels}
                </svg>
            </div>
        </div>
    }
}

/// The picture in words.
fn sentence(days: &[Day], limit: u32) -> String {
    let day = |d: Option<&Day>| d.map(|d| times::utc_date(d.date.midnight().assume_utc())).unwrap_or_default();
    let full = days.iter().filter(|d| d.max_seats > 0 && d.peak >= d.max_seats).count();
    let refused: u32 = days.iter().map(|d| d.refusals).sum();
    format!(
        "Highest number of seats in use each day from {} to {}. The limit, {limit} now, was reached on {full} of the days, and {refused} starts were refused.",
        day(days.first()),
        day(days.last())
    )
}
