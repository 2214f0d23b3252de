//! The parts that pages are made of. Each looks as in `style/tokens.css` and has its states.
//!
//! Islands use them too, so all of them compile for the browser; nothing here knows the server.

mod avatar;
pub mod button;
mod copy;
mod dialog;
#[cfg(feature = "hydrate")]
pub(crate) mod enhance;
mod field;
mod form;
pub mod icon;
pub mod live;
mod menu;
mod meter;
mod notice;
#[cfg(all(test, feature = "ssr"))]
mod render_tests;
mod table;
mod tabs;
mod theme;
pub mod times;
mod tone;

pub use avatar::Avatar;
pub use button::{Button, ButtonLink, Kind, Size, SubmitButton};
pub use copy::CopyButton;
pub use dialog::{Dialog, DialogBody, DialogFoot};
pub use field::{Field, PasswordField, Select, TextArea};
pub use form::{Form, FormError, Sending};
pub use icon::{Icon, Lucide, Mark};
pub use live::{LiveCount, LiveDot, LiveSeats};
pub use menu::{MenuItem, RowMenu};
pub use meter::{Meter, Stat};
pub use notice::{Callout, EmptyState, Toast};
#[cfg(feature = "ssr")]
pub(crate) use table::breakable;
pub use table::{GroupRow, Pagination, PersonCell, SkeletonRows, Sort, SortHeader, Table, WideRow};
pub use tabs::{Segmented, Tab, Tabs};
pub use theme::{Product, Theme};
pub use times::{Time, TimeStyle};
pub use tone::{Badge, StateDot, Tone};

use leptos::prelude::*;

/// False until the island runs in the browser: for what would be a dead control before.
pub fn hydrated() -> ReadSignal<bool> {
    let (alive, set_alive) = signal(false);
    Effect::new(move |_| set_alive.set(true));
    alive
}
