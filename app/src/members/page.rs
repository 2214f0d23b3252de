//! `/orgs/{slug}/members`

use super::roles::{self, RoleTable};
use super::{InviteAgain, InviteForm, RemoveForm, RoleForm, WithdrawInvitation};
use crate::PageError;
use crate::layout::{OrgLayout, OrgPage, PageHead};
use crate::org::{Org, org_page};
use crate::page::{address, counted, filled};
use crate::ui::{
    Badge, ButtonLink, Dialog, EmptyState, FormError, GroupRow, Icon, MenuItem, PersonCell, RowMenu, Select, Sending, StateDot, Table,
    Time, Tone, WideRow, breakable, icon, times,
};
use crate::visit::told;
use domain::access::allows;
use domain::members;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use time::{Duration, OffsetDateTime};
use types::organizations::{Invitation, Member, MemberList};
use types::{Action, Role};

const COLUMNS: u32 = 6;
/// An invitation that ends within this time is marked.
const SOON: Duration = Duration::days(2);

/// `/orgs/{slug}/members`
#[component]
pub fn MembersPage() -> impl IntoView {
    org_page(load)
}

/// What the rows need to know beside their member.
#[derive(Clone)]
struct Look {
    base: String,
    slug: String,
    own: Option<types::UserId>,
    role: Role,
    now: OffsetDateTime,
    /// There is one owner only.
    one_owner: bool,
    /// Addresses of those who hold a seat now, one entry per session; `None` where the reader does not see that.
    on: Option<Vec<String>>,
}

impl Look {
    fn may_manage(&self, member: &Member) -> bool {
        allows(self.role, Action::MembersManage) && (member.role != Role::Owner || allows(self.role, Action::OwnersManage))
    }

    fn is_own(&self, member: &Member) -> bool {
        self.own == Some(member.user_id)
    }

    fn is_last_owner(&self, member: &Member) -> bool {
        member.role == Role::Owner && self.one_owner
    }

    fn sessions(&self, member: &Member) -> Option<usize> {
        self.on.as_ref().map(|on| on.iter().filter(|email| **email == member.email).count())
    }
}

async fn load(org: Org) -> Result<AnyView, PageError> {
    let MemberList { members, invitations } = members::list(&org.ctx, org.services()).await.map_err(told)?;
    let sees_all = org.may(Action::SessionsView);
    let look = Look {
        base: org.href(OrgPage::Members),
        slug: org.slug().to_owned(),
        own: org.ctx.user_id(),
        role: org.role,
        now: org.now(),
        one_owner: members.iter().filter(|m| m.role == Role::Owner).count() < 2,
        on: org.live.as_ref().ok().filter(|_| sees_all).map(|live| live.sessions.iter().map(|row| row.user_email.clone()).collect()),
    };
    let dialog = dialog(&org, &look, &members);
    let (words, role) = (filled("q"), filled("filter_role"));
    let total = members.len();
    let members: Vec<Member> = members.into_iter().filter(|m| matches(m, words.as_deref(), role.as_deref())).collect();
    let is_filtered = words.is_some() || role.is_some();
    let manages = org.may(Action::MembersManage);
    let invite = manages.then(|| {
        view! { <InviteForm slug=look.slug.clone() roles=roles::options(org.role) selected=Role::Member.to_string()/> }
    });
    // What "Send again" and "Withdraw" came back with; they are plain forms.
    let problems = manages.then(|| {
        let (again, withdraw) = (Sending::to::<InviteAgain>().problem, Sending::to::<WithdrawInvitation>().problem);
        view! { <div class="mb-4 empty:hidden"><FormError problem=again fields=&[]/><FormError problem=withdraw fields=&[]/></div> }
    });
    let text = format!(
        "{} can sign in. Owners, admins and members may hold a seat while they work; billing and guests never do.",
        counted(total, "person", "people")
    );
    let base = look.base.clone();
    let open = (!is_filtered && !invitations.is_empty()).then(|| view! { <Invitations invitations=invitations look=look.clone()/> });
    Ok(view! {
        <OrgLayout frame=org.frame() page=OrgPage::Members toast=org.toast() dialog=dialog>
            <PageHead title="Members" text=text/>
            {problems}
            {invite}
            <div class="mb-3">
                <Filter action=base.clone() words=words chosen=role/>
            </div>
            <Table caption="Invitations and members">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="p2">
                            "Email"
                        </th>
                        <th scope="col">"Role"</th>
                        <th scope="col" class="p3">
                            "Seat"
                        </th>
                        <th scope="col" class="p3">
                            "Last active"
                        </th>
                        <th scope="col" class="act">
                            <span class="sr-only">"Actions"</span>
                        </th>
                    </tr>
                </thead>
                {open}
                <Members members=members look=look filtered=is_filtered.then_some(base)/>
            </Table>
            <RoleTable/>
        </OrgLayout>
    }
    .into_any())
}

fn matches(member: &Member, words: Option<&str>, role: Option<&str>) -> bool {
    let text = format!("{}\n{}", member.name, member.email).to_lowercase();
    words.is_none_or(|words| words.to_lowercase().split_whitespace().all(|word| text.contains(word)))
        && role.is_none_or(|role| member.role.as_str() == role)
}

#[component]
fn Filter(action: String, words: Option<String>, chosen: Option<String>) -> impl IntoView {
    let any = (String::new(), "Any role".to_owned());
    let options = std::iter::once(any).chain(Role::ALL.iter().map(|role| (role.to_string(), role.label().to_owned()))).collect::<Vec<_>>();
    view! {
        <form class="toolbar" method="get" action=action role="search">
            <label class="input-group w-64 max-sm:w-full">
                <Icon icon=icon::SEARCH/>
                <input class="input" type="search" name="q" value=words placeholder="Name or email" aria-label="Filter by name or email"/>
            </label>
            <Select label="Role filter" name="filter_role" options=options selected=chosen.unwrap_or_default() bare=true/>
            <button class="btn btn-secondary">"Filter"</button>
        </form>
    }
}

#[component]
fn Invitations(invitations: Vec<Invitation>, look: Look) -> impl IntoView {
    let label = counted(invitations.len(), "invitation", "invitations");
    let rows = invitations.into_iter().map(|invitation| view! { <InvitationRow invitation=invitation look=look.clone()/> }).collect_view();
    view! {
        <tbody>
            <GroupRow columns=COLUMNS label=label/>
            {rows}
        </tbody>
    }
}

#[component]
fn InvitationRow(invitation: Invitation, look: Look) -> impl IntoView {
    let left = invitation.expires_at - look.now;
    let expires = format!("Expires in {}", rounded(left));
    let tone = if left < SOON { Tone::Warn } else { Tone::Neutral };
    let (id, email) = (invitation.id.to_string(), invitation.email);
    let may_manage = invitation.role != Role::Owner || allows(look.role, Action::OwnersManage);
    let menu = may_manage.then(|| {
        view! {
            <RowMenu label=format!("Actions for the invitation of {email}")>
                <form method="post" action=InviteAgain::url()>
                    <input type="hidden" name="slug" value=look.slug.clone()/>
                    <input type="hidden" name="invitation" value=id.clone()/>
                    <button>
                        <Icon icon=icon::SEND/>
                        "Send again"
                    </button>
                </form>
                <form method="post" action=WithdrawInvitation::url()>
                    <input type="hidden" name="slug" value=look.slug/>
                    <input type="hidden" name="invitation" value=id/>
                    <button class="danger">
                        <Icon icon=icon::X/>
                        "Withdraw"
                    </button>
                </form>
            </RowMenu>
        }
    });
    view! {
        <tr>
            <th scope="row">
                <span class="who">
                    <span class="avatar !bg-transparent text-ink-3 [box-shadow:inset_0_0_0_1px_var(--color-line-strong)]" aria-hidden="true">
                        <Icon icon=icon::MAIL small=true/>
                    </span>
                    <span>
                        <span class="block font-normal [overflow-wrap:anywhere]">{breakable(&email)}</span>
                        <span class="sub">{expires.clone()}</span>
                    </span>
                </span>
            </th>
            <td class="p2">
                <Badge tone=tone>{expires}</Badge>
            </td>
            <td>{invitation.role.label()}</td>
            <td class="p3 text-ink-3">"Invited"</td>
            <td class="p3">
                <Time at=invitation.created_at/>
            </td>
            <td class="act">{menu}</td>
        </tr>
    }
}

/// "5 h", and from one day on the nearest number of days: just sent, an invitation has its seven.
fn rounded(left: Duration) -> String {
    let seconds = left.whole_seconds().max(0).unsigned_abs();
    const DAY: u64 = 86_400;
    times::duration(if seconds < DAY { seconds } else { (seconds + DAY / 2) / DAY * DAY })
}

#[component]
fn Members(
    members: Vec<Member>,
    look: Look,
    /// Where "Show all" leads, if this is not all.
    filtered: Option<String>,
) -> impl IntoView {
    let label = counted(members.len(), "member", "members");
    let nobody = (members.is_empty()).then(|| {
        view! {
            <WideRow columns=COLUMNS>
                <EmptyState icon=icon::SEARCH title="Nobody matches the filter">
                    <p>"It looks at names and email addresses."</p>
                    {filtered.map(|href| view! { <ButtonLink href=href>"Show all"</ButtonLink> })}
                </EmptyState>
            </WideRow>
        }
    });
    let rows = members.into_iter().map(|member| view! { <MemberRow member=member look=look.clone()/> }).collect_view();
    view! {
        <tbody>
            <GroupRow columns=COLUMNS label=label/>
            {nobody}
            {rows}
        </tbody>
    }
}

#[component]
fn MemberRow(member: Member, look: Look) -> impl IntoView {
    let seat = seat(look.sessions(&member), member.role);
    let is_on = look.sessions(&member).is_some_and(|n| n > 0);
    let active = if is_on {
        "Now".into_any()
    } else {
        member
            .last_seen_at
            .map_or_else(|| view! { <span class="text-ink-3">"Never"</span> }.into_any(), |at| view! { <Time at=at/> }.into_any())
    };
    let menu = menu(&member, &look);
    let (name, email) = (member.name.clone(), member.email.clone());
    let person = if look.is_own(&member) {
        view! { <PersonCell name=name sub=email note="(you)"/> }.into_any()
    } else {
        view! { <PersonCell name=name sub=email/> }.into_any()
    };
    view! {
        <tr>
            {person}
            <td class="p2 [overflow-wrap:anywhere]">{member.email}</td>
            <td>{member.role.label()}</td>
            <td class="p3">{seat}</td>
            <td class="p3">{active}</td>
            <td class="act">{menu}</td>
        </tr>
    }
}

fn seat(sessions: Option<usize>, role: Role) -> AnyView {
    let word = match sessions {
        Some(1) => return view! { <StateDot tone=Tone::Ok>"Using one"</StateDot> }.into_any(),
        Some(n) if n > 1 => return view! { <StateDot tone=Tone::Ok>{format!("Using {n}")}</StateDot> }.into_any(),
        _ if !allows(role, Action::SeatHold) => "Holds none",
        Some(_) => "Not now",
        None => "May hold one",
    };
    view! { <span class="text-ink-3">{word}</span> }.into_any()
}

/// What the reader can do with this member.
fn menu(member: &Member, look: &Look) -> AnyView {
    let (own, manages) = (look.is_own(member), look.may_manage(member));
    if !own && !manages {
        return ().into_any();
    }
    let id = member.user_id.to_string();
    let acts = if look.is_last_owner(member) {
        view! { <p class="menu-label w-56 text-left !whitespace-normal">"The only owner. Make somebody else an owner first; then this one can change or leave."</p> }
            .into_any()
    } else {
        let change = manages.then(|| {
            view! {
                <MenuItem href=address(&look.base, &[("change", Some(&id))]) icon=icon::SHIELD>
                    "Change role"
                </MenuItem>
            }
        });
        let remove = if own { "Leave organization" } else { "Remove from organization" };
        view! {
            {change}
            <MenuItem href=address(&look.base, &[("remove", Some(&id))]) icon=icon::USER_ROUND_MINUS danger=true>
                {remove}
            </MenuItem>
        }
        .into_any()
    };
    let sessions = look.on.is_some().then(|| {
        let href = address(&format!("/orgs/{}/sessions", look.slug), &[("q", Some(&member.email))]);
        view! {
            <MenuItem href=href icon=icon::MONITOR>
                "See sessions"
            </MenuItem>
            <hr/>
        }
    });
    view! { <RowMenu label=format!("Actions for {}", member.name)>{sessions} {acts}</RowMenu> }.into_any()
}

/// The dialog that the address asks for, as far as the reader may.
fn dialog(org: &Org, look: &Look, members: &[Member]) -> Option<AnyView> {
    let member = |name| {
        let id = filled(name)?;
        members.iter().find(|m| m.user_id.to_string() == id).filter(|m| !look.is_last_owner(m))
    };
    if let Some(member) = member("change").filter(|m| look.may_manage(m)) {
        return Some(change_dialog(look, member));
    }
    let member = member("remove").filter(|m| look.may_manage(m) || look.is_own(m))?;
    Some(remove_dialog(look, member, &org.tenant.name))
}

fn change_dialog(look: &Look, member: &Member) -> AnyView {
    let running = match look.sessions(member) {
        Some(0) => String::new(),
        Some(1) => " With a role that holds no seat, 1 running session ends at once.".to_owned(),
        Some(n) => format!(" With a role that holds no seat, {n} running sessions end at once."),
        None => " With a role that holds no seat, running sessions end at once.".to_owned(),
    };
    let consequence = if look.is_own(member) {
        format!("This changes your own role at once. With a lower one you are signed out everywhere and sign in again.{running}")
    } else {
        format!("It counts at once. With a lower role {} is signed out everywhere and signs in again.{running}", member.name)
    };
    let (slug, user, back) = (look.slug.clone(), member.user_id.to_string(), look.base.clone());
    let (title, options, selected) = (format!("Change the role of {}", member.name), roles::options(look.role), member.role.to_string());
    view! {
        <Dialog close_href=back.clone()>
            <RoleForm slug=slug user=user title=title consequence=consequence roles=options selected=selected back=back/>
        </Dialog>
    }
    .into_any()
}

fn remove_dialog(look: &Look, member: &Member, organization: &str) -> AnyView {
    let own = look.is_own(member);
    let running = match look.sessions(member) {
        Some(0) => String::new(),
        Some(1) => "; 1 running session ends".to_owned(),
        Some(n) => format!("; {n} running sessions end"),
        None => "; running sessions end".to_owned(),
    };
    let (title, consequence, after) = if own {
        (
            format!("Leave {organization}?"),
            format!("You lose access now{running}. You are signed out everywhere."),
            "To come back, you need an invitation from somebody there.".to_owned(),
        )
    } else {
        (
            format!("Remove {}?", member.name),
            format!("1 person loses access to {organization} now{running}. Work that is not saved on the device may be lost."),
            format!(
                "{} gets a mail about it. You can send a new invitation at any time; the number of seats stays as it is.",
                member.email
            ),
        )
    };
    let (slug, user, back) = (look.slug.clone(), member.user_id.to_string(), look.base.clone());
    view! {
        <Dialog close_href=back.clone()>
            <RemoveForm slug=slug user=user title=title consequence=consequence after=after own=own back=back/>
        </Dialog>
    }
    .into_any()
}
