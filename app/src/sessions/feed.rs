//! The line to the server over which a page hears what changes (Server-Sent Events). All islands of a page share one.

use leptos::prelude::*;
use time::OffsetDateTime;
use types::live::LiveView;

/// What has been heard.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The newest picture; `None` until the first one comes, when what the server rendered still holds.
    pub view: ArcRwSignal<Option<LiveView>>,
    /// Seconds since the server was last heard; `None` before the first time, and without JavaScript.
    pub heard: ArcRwSignal<Option<u32>>,
    /// The server's time, advanced once a second.
    pub now: ArcRwSignal<OffsetDateTime>,
}

impl Feed {
    fn silent(now: OffsetDateTime) -> Self {
        Self { view: ArcRwSignal::new(None), heard: ArcRwSignal::new(None), now: ArcRwSignal::new(now) }
    }
}

/// Listens to the organisation behind `slug`. `now` is the moment at which the server rendered the page.
#[cfg_attr(not(feature = "hydrate"), allow(unused_variables))]
pub fn feed(slug: &str, now: OffsetDateTime) -> Feed {
    #[cfg(feature = "hydrate")]
    return line::connect(slug, now);
    #[cfg(not(feature = "hydrate"))]
    Feed::silent(now)
}

#[cfg(feature = "hydrate")]
mod line {
    use super::Feed;
    use crate::ui::live::set_seats;
    use js_sys::{Date, Function};
    use leptos::prelude::*;
    use std::cell::{Cell, OnceCell, RefCell};
    use std::time::Duration;
    use time::OffsetDateTime;
    use types::live::LiveView;
    use wasm_bindgen::{JsCast, closure::Closure};
    use web_sys::{Document, EventSource, MessageEvent, VisibilityState};

    /// The server speaks every few seconds; after so long a silence, in ms, the line is dead, whatever the browser thinks.
    const DEAD: f64 = 20_000.0;
    /// First pause before calling again, in ms; it doubles up to [`LONGEST_PAUSE`].
    const FIRST_PAUSE: f64 = 2_000.0;
    const LONGEST_PAUSE: f64 = 30_000.0;
    /// Clocks that differ by less, in ms, are taken for equal: so long a page may be under way.
    const SAME_TIME: f64 = 10_000.0;

    thread_local! {
        static LINE: OnceCell<Line> = const { OnceCell::new() };
    }

    struct Line {
        address: String,
        feed: Feed,
        /// What to add to the browser's clock to get the server's, in ms.
        skew: f64,
        listeners: [(&'static str, Function); 3],
        source: RefCell<Option<EventSource>>,
        /// When the page came alive, when we last called, when we last heard anything; browser time in ms.
        born: f64,
        called: Cell<f64>,
        heard: Cell<Option<f64>>,
        pause: Cell<f64>,
    }

    /// The first island that asks makes the call.
    pub(super) fn connect(slug: &str, now: OffsetDateTime) -> Feed {
        LINE.with(|cell| {
            if cell.get().is_none() && cell.set(Line::new(slug, now)).is_ok() {
                with(Line::call);
                set_interval(|| with(Line::tick), Duration::from_secs(1));
                watch_visibility();
            }
            cell.get().map_or_else(|| Feed::silent(now), |line| line.feed.clone())
        })
    }

    fn with(act: impl FnOnce(&Line)) {
        LINE.with(|cell| {
            if let Some(line) = cell.get() {
                act(line);
            }
        });
    }

    fn document() -> Option<Document> {
        web_sys::window()?.document()
    }

    fn is_hidden() -> bool {
        document().is_some_and(|document| document.visibility_state() == VisibilityState::Hidden)
    }

    /// A page that nobody sees holds no line; one that is looked at again asks at once, also after sleep.
    fn watch_visibility() {
        let listener = Closure::<dyn FnMut()>::new(|| with(|line| if is_hidden() { line.hang_up() } else { line.call() }));
        if let Some(document) = document() {
            _ = document.add_event_listener_with_callback("visibilitychange", listener.as_ref().unchecked_ref());
        }
        listener.forget();
    }

    fn listener(hear: impl Fn(&Line, &MessageEvent) + 'static) -> Function {
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| with(|line| hear(line, &event))).into_js_value().unchecked_into()
    }

    impl Line {
        fn new(slug: &str, now: OffsetDateTime) -> Self {
            let born = Date::now();
            let skew = now.unix_timestamp() as f64 * 1000.0 - born;
            Self {
                address: format!("/orgs/{slug}/live"),
                feed: Feed::silent(now),
                skew: if skew.abs() < SAME_TIME { 0.0 } else { skew },
                listeners: [
                    ("view", listener(Self::view)),
                    ("heard", listener(|line, _| line.hear())),
                    ("gone", listener(|line, _| line.gone())),
                ],
                source: RefCell::new(None),
                born,
                called: Cell::new(born),
                heard: Cell::new(None),
                pause: Cell::new(FIRST_PAUSE),
            }
        }

        fn call(&self) {
            self.hang_up();
            self.called.set(Date::now());
            let Ok(source) = EventSource::new(&self.address) else { return };
            for (name, listener) in &self.listeners {
                _ = source.add_event_listener_with_callback(name, listener);
            }
            *self.source.borrow_mut() = Some(source);
        }

        fn hang_up(&self) {
            if let Some(source) = self.source.borrow_mut().take() {
                source.close();
            }
        }

        fn hear(&self) {
            self.heard.set(Some(Date::now()));
            self.pause.set(FIRST_PAUSE);
            self.tell_time();
        }

        fn view(&self, event: &MessageEvent) {
            self.hear();
            let view = event.data().as_string().and_then(|data| serde_json::from_str::<LiveView>(&data).ok());
            if let Some(view) = view {
                set_seats(view.active, view.max_seats);
                self.feed.view.set(Some(view));
            }
        }

        /// The right to look has ended: the page itself says what is left of it.
        fn gone(&self) {
            self.hang_up();
            // Not again and again, should page and line ever disagree.
            if Date::now() - self.born > FIRST_PAUSE
                && let Some(window) = web_sys::window()
            {
                _ = window.location().reload();
            }
        }

        fn tick(&self) {
            self.tell_time();
            let now = Date::now();
            let since_call = now - self.called.get();
            let silence = now - self.heard.get().unwrap_or(self.called.get());
            // The browser calls again by itself, but not after an error answer and not always after sleep.
            let closed = self.source.borrow().as_ref().is_none_or(|source| source.ready_state() == EventSource::CLOSED);
            if !is_hidden() && since_call > self.pause.get() && (closed || silence > DEAD) {
                self.pause.set((self.pause.get() * 2.0).min(LONGEST_PAUSE));
                self.call();
            }
        }

        fn tell_time(&self) {
            let now = Date::now();
            let heard = self.heard.get().map(|heard| ((now - heard) / 1000.0).max(0.0) as u32);
            if self.feed.heard.get_untracked() != heard {
                self.feed.heard.set(heard);
            }
            if let Ok(time) = OffsetDateTime::from_unix_timestamp(((now + self.skew) / 1000.0) as i64) {
                self.feed.now.set(time);
            }
        }
    }
}
