//! How full something is, and single figures.

use leptos::prelude::*;

/// Up to here one segment is one seat; above, a plain bar.
const MAX_SEGMENTS: u32 = 24;

/// Seats in use of seats owned.
#[component]
pub fn Meter(
    #[prop(into)] used: Signal<u32>,
    #[prop(into)] total: Signal<u32>,
    /// How many of the used are late with their heartbeat.
    #[prop(optional, into)]
    late: Signal<u32>,
    #[prop(default = "Seats in use")] label: &'static str,
) -> impl IntoView {
    let class = move || match used.get().cmp(&total.get()) {
        std::cmp::Ordering::Less => "meter",
        std::cmp::Ordering::Equal => "meter meter-full",
        std::cmp::Ordering::Greater => "meter meter-over",
    };
    view! {
        <div
            class=class
            role="meter"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax=move || total.get().max(used.get())
            aria-valuenow=move || used.get()
            aria-valuetext=move || format!("{} of {}", used.get(), total.get())
        >
            <svg aria-hidden="true">{move || bars(used.get(), total.get(), late.get())}</svg>
        </div>
    }
}

fn bars(used: u32, total: u32, late: u32) -> Vec<impl IntoView> {
    segments(used, total, late)
        .into_iter()
        .map(|(class, x, width)| view! { <rect class=class x=percent(x) width=percent(width) height="100%" rx="2"></rect> })
        .collect()
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

/// Class, left edge and width in percent of every bar.
fn segments(used: u32, total: u32, late: u32) -> Vec<(&'static str, f64, f64)> {
    if (1..=MAX_SEGMENTS).contains(&total) {
        let step = 100.0 / f64::from(total);
        let on = used.min(total);
        let punctual = on - late.min(on);
        return (0..total)
            .map(|i| {
                let class = if i < punctual {
                    "on"
                } else if i < on {
                    "late"
                } else {
                    "off"
                };
                (class, f64::from(i) * step, step - 0.45)
            })
            .collect();
    }
    let share = if total == 0 { 0.0 } else { 100.0 * f64::from(used.min(total)) / f64::from(total) };
    vec![("off", 0.0, 100.0), ("on", 0.0, share)]
}

/// One figure under its label. The children are the figure.
#[component]
pub fn Stat(
    #[prop(into)] label: String,
    /// Smaller words after the figure, such as "of 10".
    #[prop(optional, into)]
    note: MaybeProp<String>,
    #[prop(optional)] large: bool,
    /// Red figures: something was refused or failed.
    #[prop(optional, into)]
    bad: Signal<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <dl class=if large { "stat stat-lg" } else { "stat" }>
            <dt>{label}</dt>
            <dd class=("text-bad-ink", move || bad.get())>
                {children()} {move || note.get().map(|note| view! { " " <small>{note}</small> })}
            </dd>
        </dl>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(class: &str, used: u32, total: u32, late: u32) -> usize {
        segments(used, total, late).iter().filter(|s| s.0 == class).count()
    }

    #[test]
    fn one_segment_is_one_seat() {
        assert_eq!((count("on", 7, 10, 0), count("off", 7, 10, 0)), (7, 3));
        assert_eq!((count("on", 7, 10, 1), count("late", 7, 10, 1), count("off", 7, 10, 1)), (6, 1, 3));
        assert_eq!((count("on", 12, 10, 0), count("off", 12, 10, 0)), (10, 0));
        assert_eq!(segments(1, MAX_SEGMENTS, 0).len(), 24);
    }

    #[test]
    fn many_seats_are_a_bar() {
        assert_eq!(segments(25, 50, 0), vec![("off", 0.0, 100.0), ("on", 0.0, 50.0)]);
        assert_eq!(segments(60, 50, 0)[1].2, 100.0);
        assert_eq!(segments(3, 0, 0)[1].2, 0.0);
    }
}
