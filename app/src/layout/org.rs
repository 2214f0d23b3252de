//! The frame of an organisation's pages: sidebar, top bar, content.

use super::{Breadcrumb, PageTitle, Toasts, User, user_menu::*};
use crate::billing::OwedNotice;
use crate::ui::{Avatar, Icon, LiveCount, LiveSeats, Lucide, Mark, Product, icon};
use domain::billing::view::Owed;
use leptos::prelude::*;

/// The pages that the sidebar may lead to, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrgPage {
    Overview,
    Sessions,
    Members,
    Licenses,
    Usage,
    Billing,
    Audit,
    Settings,
}

impl OrgPage {
    /// Address under `/orgs/{slug}`.
    pub fn href(self, slug: &str) -> String {
        let tail = match self {
            Self::Overview => "",
            Self::Sessions => "/sessions",
            Self::Members => "/members",
            Self::Licenses => "/licenses",
            Self::Usage => "/usage",
            Self::Billing => "/billing",
            Self::Audit => "/audit",
            Self::Settings => "/settings",
        };
        format!("/orgs/{slug}{tail}")
    }

    /// Name in the sidebar, the breadcrumb and the title.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Sessions => "Live sessions",
            Self::Members => "Members",
            Self::Licenses => "Licenses",
            Self::Usage => "Usage",
            Self::Billing => "Billing",
            Self::Audit => "Audit log",
            Self::Settings => "Settings",
        }
    }

    const fn icon(self) -> Lucide {
        match self {
            Self::Overview => icon::HOUSE,
            Self::Sessions => icon::MONITOR,
            Self::Members => icon::USERS_ROUND,
            Self::Licenses => icon::KEY_ROUND,
            Self::Usage => icon::CHART_LINE,
            Self::Billing => icon::CREDIT_CARD,
            Self::Audit => icon::SCROLL_TEXT,
            Self::Settings => icon::SETTINGS,
        }
    }

    /// What a number beside it counts, for screen readers.
    const fn unit(self) -> &'static str {
        match self {
            Self::Sessions => " live",
            Self::Members => " members",
            _ => "",
        }
    }
}

/// One entry of the sidebar.
#[derive(Clone, Debug)]
pub struct NavItem {
    pub page: OrgPage,
    /// The number beside it.
    pub count: Option<u32>,
}

impl From<OrgPage> for NavItem {
    fn from(page: OrgPage) -> Self {
        Self { page, count: None }
    }
}

/// One organisation that the person belongs to.
#[derive(Clone, Debug)]
pub struct OrgChoice {
    pub name: String,
    pub slug: String,
}

/// The meter at the bottom of the sidebar.
#[derive(Clone, Copy, Debug)]
pub struct Seats {
    pub used: u32,
    pub total: u32,
}

/// What the frame shows around every page of one organisation.
#[derive(Clone, Debug)]
pub struct OrgFrame {
    pub organization: OrgChoice,
    /// All of the person's organisations, this one included.
    pub organizations: Vec<OrgChoice>,
    /// Only what exists and what the role may see.
    pub nav: Vec<NavItem>,
    /// `None` for roles that do not see seats.
    pub seats: Option<Seats>,
    pub user: User,
    /// Said above every page.
    pub owed: Option<Owed>,
    /// Address of "Create organization" in the switcher.
    pub create_href: Option<String>,
}

/// The frame. The children begin with `<PageHead>`.
#[component]
pub fn OrgLayout(
    frame: OrgFrame,
    /// The sidebar's current entry; also the title and last part of the breadcrumb unless `title` says otherwise.
    page: OrgPage,
    /// Title of a page below `page`, such as one licence.
    #[prop(default = None)]
    title: Option<String>,
    /// A notice of what has just been done.
    #[prop(default = None)]
    toast: Option<String>,
    /// An open `<Dialog>`; the page behind it becomes inert.
    #[prop(default = None)]
    dialog: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    let OrgFrame { organization, organizations, nav, seats, user, owed, create_href } = frame;
    let slug = organization.slug.clone();
    let mut above = vec![(organization.name.clone(), OrgPage::Overview.href(&slug))];
    if title.is_some() {
        above.push((page.label().to_owned(), page.href(&slug)));
    }
    let title = title.unwrap_or_else(|| page.label().to_owned());
    view! {
        <PageTitle title=title.clone()/>
        <div inert=dialog.is_some()>
            <a class="skip btn btn-primary" href="#main">
                "Skip to content"
            </a>
            <div class="shell">
                <Sidebar organization=organization organizations=organizations create_href=create_href nav=nav page=page seats=seats/>
                <div class="min-w-0">
                    <header class="topbar">
                        <button
                            class="btn btn-ghost btn-icon -ml-2 md:hidden"
                            type="button"
                            popovertarget="sidebar"
                            aria-label="Open navigation"
                        >
                            <Icon icon=icon::MENU/>
                        </button>
                        <Breadcrumb above=above current=title/>
                        <span class="ml-auto"></span>
                        <UserButton name=user.name.clone()/>
                        <UserMenu user=user/>
                    </header>
                    <main class="page" id="main" tabindex="-1">
                        {owed.map(|owed| view! { <OwedNotice slug=slug owed=owed on_billing={page == OrgPage::Billing}/> })}
                        {children()}
                    </main>
                </div>
            </div>
        </div>
        {dialog}
        <Toasts toast=toast/>
    }
    .into_any()
}

#[component]
fn Sidebar(
    organization: OrgChoice,
    organizations: Vec<OrgChoice>,
    create_href: Option<String>,
    nav: Vec<NavItem>,
    page: OrgPage,
    seats: Option<Seats>,
) -> impl IntoView {
    let slug = organization.slug;
    let sessions = nav.iter().any(|item| item.page == OrgPage::Sessions);
    let entries = nav
        .into_iter()
        .map(|NavItem { page: target, count }| {
            let number = count.map(|count| {
                let unit = target.unit();
                if target == OrgPage::Sessions {
                    view! { <span class="n"><LiveCount count=count/><span class="sr-only">{unit}</span></span> }.into_any()
                } else {
                    view! { <span class="n">{count}<span class="sr-only">{unit}</span></span> }.into_any()
                }
            });
            view! {
                <li>
                    <a href=target.href(&slug) aria-current=(target == page).then_some("page")>
                        <Icon icon=target.icon()/>
                        {target.label()}
                        {number}
                    </a>
                </li>
            }
        })
        .collect_view();
    let meter = seats.map(|Seats { used, total }| {
        let inside = view! { <LiveSeats used=used total=total/> };
        if sessions {
            let href = OrgPage::Sessions.href(&slug);
            view! { <a class="block rounded-md border border-line bg-canvas p-3 no-underline hover:border-line-strong" href=href>{inside}</a> }
                .into_any()
        } else {
            view! { <div class="rounded-md border border-line bg-canvas p-3">{inside}</div> }.into_any()
        }
    });
    view! {
        <aside class="sidebar" id="sidebar" popover aria-label="Organization and navigation">
            <button class="switcher" type="button" popovertarget="org-menu">
                <Avatar name=organization.name.clone() organization=true/>
                <span class="truncate">
                    <span class="sr-only">"Organization: "</span>
                    {organization.name}
                    <span class="sr-only">", switch"</span>
                </span>
                <Icon icon=icon::CHEVRONS_UP_DOWN/>
            </button>
            <OrgMenu organizations=organizations current=slug create_href=create_href/>
            <nav aria-label="Main">
                <ul class="nav">{entries}</ul>
            </nav>
            <div class="mt-auto grid gap-2">
                {meter}
                <p class="flex items-center gap-2 px-2 text-xs text-ink-3">
                    <Mark size=16/>
                    {Product::current().0.to_string()}
                </p>
            </div>
        </aside>
    }
    .into_any()
}

#[component]
fn OrgMenu(organizations: Vec<OrgChoice>, current: String, create_href: Option<String>) -> impl IntoView {
    let choices = organizations
        .into_iter()
        .map(|org| {
            let here = org.slug == current;
            view! {
                <a href=OrgPage::Overview.href(&org.slug) aria-current=here.then_some("true")>
                    <Avatar name=org.name.clone() organization=true/>
                    <span class="truncate">{org.name}</span>
                    {here.then(|| view! { <span class="ml-auto"><Icon icon=icon::CHECK/></span> })}
                </a>
            }
        })
        .collect_view();
    view! {
        <div
            class="menu fixed left-3 top-12 right-auto bottom-auto w-64 max-h-[70dvh] overflow-y-auto"
            id="org-menu"
            popover
            role="group"
            aria-label="Organizations"
        >
            <p class="menu-label">"Organizations"</p>
            {choices}
            {create_href
                .map(|href| {
                    view! {
                        <hr/>
                        <a href=href>
                            <Icon icon=icon::PLUS class="mx-1"/>
                            "Create organization"
                        </a>
                    }
                })}
        </div>
    }
    .into_any()
}

/// A page's `<h1>`, the sentence below it, and what can be done on the right.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional, into)] text: MaybeProp<String>,
    /// Buttons, a live dot.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="page-head">
            <div>
                <h1>{title}</h1>
                {text.get().map(|text| view! { <p>{text}</p> })}
            </div>
            {children
                .map(|children| {
                    view! { <div class="flex items-center gap-4 max-sm:w-full max-sm:justify-between">{children()}</div> }
                })}
        </div>
    }
    .into_any()
}
