//! What the pages of one organisation have in common: who looks, what stands around them, what they say after an act.

mod frame;
mod toast;

use crate::PageError;
use crate::browser;
use crate::layout::{ErrorKind, ErrorPage, OrgFrame, OrgPage};
use crate::page::page_or_error;
use crate::visit::{Visit, told, visit};
use domain::billing::view::Owed;
use domain::{Services, access, organizations, sessions};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use std::future::Future;
use store::OpCtx;
use store::tenants::Tenant;
use time::OffsetDateTime;
use types::live::LiveView;
use types::{Action, Problem, Role};

/// One look at a page of an organisation.
pub struct Org {
    pub visit: Visit,
    /// As a member, in the organisation.
    pub ctx: OpCtx,
    pub tenant: Tenant,
    pub role: Role,
    pub size: organizations::Size,
    /// What is live, as far as the reader may see it; the problem when the live store does not answer.
    pub live: Result<LiveView, Problem>,
    /// Money that is owed, if the reader can do something about it.
    pub owed: Option<Owed>,
}

impl Org {
    async fn load(visit: Visit, slug: &str) -> Result<Self, PageError> {
        let (ctx, tenant) = visit.enter(slug).await?;
        // Who enters has a role.
        let role = ctx.role.unwrap_or(Role::Guest);
        let size = organizations::visited(&ctx, &visit.services).await.map_err(told)?;
        let live = sessions::live_view(&ctx, &visit.services, size.seats).await.map_err(domain::Error::into_problem);
        let owed = domain::billing::view::owed(&ctx, &visit.services).await.map_err(told)?;
        Ok(Self { visit, ctx, tenant, role, size, live, owed })
    }

    pub fn services(&self) -> &Services {
        &self.visit.services
    }

    pub fn slug(&self) -> &str {
        &self.tenant.slug
    }

    pub fn now(&self) -> OffsetDateTime {
        self.visit.services.now()
    }

    /// Whether the reader's role allows it: for what a page offers. Whether it is done is decided in the use-case.
    pub fn may(&self, action: Action) -> bool {
        access::allows(self.role, action)
    }

    /// Sees at least his own sessions.
    pub fn sees_sessions(&self) -> bool {
        self.may(Action::SessionsView) || self.may(Action::SeatHold)
    }

    /// What is live, for a page that is nothing without it.
    pub fn live(&self) -> Result<LiveView, PageError> {
        self.live.clone().map_err(|problem| told(problem.into()))
    }

    pub fn frame(&self) -> OrgFrame {
        frame::frame(self)
    }

    /// The notice of what has just been done.
    pub fn toast(&self) -> Option<String> {
        browser::query("toast").as_deref().and_then(toast::text).map(str::to_owned)
    }

    /// Address of a page of this organisation.
    pub fn href(&self, page: OrgPage) -> String {
        page.href(self.slug())
    }
}

/// A page of the organisation in the address, made by `build`, or the page for the error that stands in the way.
pub fn org_page<F, R>(build: F) -> impl IntoView
where
    F: FnOnce(Org) -> R + Send + 'static,
    R: Future<Output = Result<AnyView, PageError>> + Send + 'static,
{
    let visit = visit();
    let slug = use_params_map().with_untracked(|params| params.get("slug")).unwrap_or_default();
    page_or_error(async move {
        let org = Org::load(visit, &slug).await?;
        let overview = ("Go to the overview".to_owned(), org.href(OrgPage::Overview));
        match build(org).await {
            // One who may be here is shown the way to where he may go.
            Err(error) if error.0.status == ErrorKind::Forbidden.status() => {
                let Problem { request_id, detail, .. } = error.0;
                Ok(view! { <ErrorPage kind=ErrorKind::Forbidden request_id=Some(request_id) ways=vec![overview] text=detail/> }.into_any())
            }
            other => other,
        }
    })
}
