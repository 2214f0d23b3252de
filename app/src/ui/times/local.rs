//! Times in the zone of the reader, by the browser's own `Intl`.

use super::TimeStyle;
use js_sys::{Array, Date, Intl::DateTimeFormat, Object, Reflect};
use leptos::prelude::set_interval;
use time::OffsetDateTime;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element};

thread_local! {
    static FULL: DateTimeFormat = formatter(&[DAY, MONTH, YEAR, HOUR, MINUTE, ("timeZoneName", "short")]);
    static DATE: DateTimeFormat = formatter(&[DAY, MONTH, YEAR]);
    static CLOCK: DateTimeFormat = formatter(&[HOUR, MINUTE]);
}

type Part = (&'static str, &'static str);
const DAY: Part = ("day", "numeric");
const MONTH: Part = ("month", "short");
const YEAR: Part = ("year", "numeric");
const HOUR: Part = ("hour", "2-digit");
const MINUTE: Part = ("minute", "2-digit");

/// Day before month and 24 hours, as the server writes.
fn formatter(parts: &[Part]) -> DateTimeFormat {
    let options = Object::new();
    for (part, form) in parts {
        // Setting a property of a fresh, plain object cannot fail.
        _ = Reflect::set(&options, &JsValue::from_str(part), &JsValue::from_str(form));
    }
    DateTimeFormat::new(&Array::of1(&JsValue::from_str("en-GB")), &options)
}

fn format(formatter: &DateTimeFormat, at: OffsetDateTime) -> String {
    let millis = at.unix_timestamp() as f64 * 1000.0;
    let date = Date::new(&JsValue::from_f64(millis));
    formatter.format().call1(&JsValue::UNDEFINED, &date).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// "23 Nov 2026, 14:20 CET".
pub(super) fn full(at: OffsetDateTime) -> String {
    FULL.with(|formatter| format(formatter, at))
}

/// "1 Dec 2026".
pub(super) fn date(at: OffsetDateTime) -> String {
    DATE.with(|formatter| format(formatter, at))
}

/// "14:20".
pub(super) fn clock(at: OffsetDateTime) -> String {
    CLOCK.with(|formatter| format(formatter, at))
}

/// Writes every time of the page in the reader's zone, and again every few seconds, since the relative ones grow old.
pub(crate) fn start(document: &Document) {
    let document = document.clone();
    let write_all = move || {
        if document.hidden() {
            return;
        }
        let Ok(times) = document.query_selector_all("time[data-time]") else { return };
        for element in (0..times.length()).filter_map(|i| times.get(i)?.dyn_into::<Element>().ok()) {
            write(&element);
        }
    };
    write_all();
    set_interval(write_all, std::time::Duration::from_secs(5));
}

fn write(element: &Element) {
    let style = element.get_attribute("data-time").and_then(|name| TimeStyle::ALL.into_iter().find(|style| style.name() == name));
    let at = element.get_attribute("datetime").map(|text| Date::parse(&text)).filter(|millis| millis.is_finite());
    let at = at.and_then(|millis| OffsetDateTime::from_unix_timestamp((millis / 1000.0) as i64).ok());
    let (Some(style), Some(at)) = (style, at) else { return };
    let full = full(at);
    set_text(element, &style.text(at, super::now()));
    if let Ok(Some(span)) = element.query_selector(".sr-only") {
        set_text(&span, &super::spoken(&full));
    }
    if element.get_attribute("title").as_deref() != Some(&*full) {
        _ = element.set_attribute("title", &full);
    }
}

/// Changes the element's first text node in place: an island may hold on to it.
fn set_text(element: &Element, text: &str) {
    if let Some(node) = element.first_child().filter(|node| node.node_value().as_deref() != Some(text)) {
        node.set_node_value(Some(text));
    }
}
