//! Pushes what is live in one organisation to its open pages (Server-Sent Events).

use crate::http_server::Shutdown;
use crate::state::AppState;
use app::visit::Visit;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use domain::{identity, licenses, sessions};
use futures::stream::{self, Stream};
use std::convert::Infallible;
use std::time::Duration;
use store::OpCtx;
use store::web_sessions::WebSessions;
use tower_sessions::SessionStore;
use types::live::LiveView;

/// The live store is asked so often.
const LOOK: Duration = Duration::from_secs(1);
/// The reader hears from us at least every so many looks, and his rights are checked as often.
const BEAT: u32 = 4;

struct Watch {
    state: AppState,
    visit: Visit,
    slug: String,
    shutdown: Shutdown,
    /// As of the last check of the reader's rights.
    ctx: Option<OpCtx>,
    max_seats: u32,
    sent: Option<LiveView>,
    looks: u32,
    ended: bool,
}

/// `GET /orgs/{slug}/live`: the whole picture at connect and at every change; `heard` in between; `gone` when the right to look has ended.
pub async fn live(
    State(state): State<AppState>,
    Path(slug): Path<String>,
    Extension(visit): Extension<Visit>,
    Extension(shutdown): Extension<Shutdown>,
) -> Response {
    if let Err(error) = identity::enter(&visit.ctx, &visit.services, &slug).await {
        return crate::api::error::ApiError::from(error).into_response();
    }
    let watch = Watch { state, visit, slug, shutdown, ctx: None, max_seats: 0, sent: None, looks: 0, ended: false };
    Sse::new(pushes(watch)).into_response()
}

fn pushes(watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(watch, |mut watch| async move {
        if watch.ended {
            return None;
        }
        loop {
            if watch.looks > 0 {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    // The browser connects again, to another replica.
                    () = watch.shutdown.draining() => return None,
                }
            }
            match watch.look().await {
                Look::Nothing => {}
                Look::Push(event) => return Some((Ok(event), watch)),
                Look::Gone => {
                    watch.ended = true;
                    return Some((Ok(Event::default().event("gone").data("gone")), watch));
                }
            }
        }
    })
}

enum Look {
    Nothing,
    Push(Event),
    Gone,
}

impl Watch {
    /// Asks the live store; checks the reader's rights every [`BEAT`] looks and before everything that is pushed.
    async fn look(&mut self) -> Look {
        let due = self.looks.is_multiple_of(BEAT);
        self.looks = self.looks.wrapping_add(1);
        if due && let Some(bad) = self.check().await {
            return bad;
        }
        let Some(ctx) = &self.ctx else { return Look::Nothing };
        let Ok(view) = sessions::live_view(ctx, &self.visit.services, self.max_seats).await else { return self.wait().await };
        if self.sent.as_ref() == Some(&view) {
            return if due { Look::Push(Event::default().event("heard").data("")) } else { Look::Nothing };
        }
        if !due && let Some(bad) = self.check().await {
            return bad;
        }
        let Ok(event) = Event::default().event("view").json_data(&view) else { return Look::Nothing };
        self.sent = Some(view);
        Look::Push(event)
    }

    /// What stands in the way of looking on, if anything. Renews what was true at the last check.
    async fn check(&mut self) -> Option<Look> {
        if !self.session_lives().await {
            return Some(Look::Gone);
        }
        let services = &self.visit.services;
        match identity::enter(&self.visit.ctx, services, &self.slug).await {
            Ok((ctx, _)) => match licenses::total_seats(&ctx, services).await {
                Ok(seats) => {
                    self.max_seats = seats;
                    self.ctx = Some(ctx);
                    None
                }
                Err(_) => Some(self.wait().await),
            },
            Err(domain::Error::Refused(_)) => Some(Look::Gone),
            // The page says by itself for how long it has not heard.
            Err(_) => Some(self.wait().await),
        }
    }

    /// Nothing to tell for lack of an answer; does not spin.
    async fn wait(&self) -> Look {
        tokio::time::sleep(LOOK).await;
        Look::Nothing
    }

    async fn session_lives(&self) -> bool {
        let Some(id) = self.visit.session.id() else { return false };
        // A database that is away ends no page.
        WebSessions::new(self.state.services.store.clone()).load(&id).await.map_or(true, |found| found.is_some())
    }
}
