//! Who may do what: the table `permissions.csv`, and the one function that asks it.

use crate::error::{Error, Result};
use std::sync::LazyLock;
use store::OpCtx;
use types::{Action, Code, Problem, Role};

/// The table as it is checked in; the documentation shows the same file.
pub const TABLE: &str = include_str!("../permissions.csv");

static ALLOWED: LazyLock<Vec<(Action, Role)>> = LazyLock::new(|| {
    let mut lines = TABLE.lines();
    let roles: Vec<Option<Role>> = lines.next().unwrap_or_default().split(',').skip(1).map(|r| r.parse().ok()).collect();
    lines
        .filter_map(|line| {
            let mut cells = line.split(',');
            let action: Action = cells.next()?.parse().ok()?;
            Some(
                cells
                    .zip(roles.clone())
                    .filter(|(cell, _)| *cell == "yes")
                    .filter_map(move |(_, role)| Some((action, role?)))
                    .collect::<Vec<_>>(),
            )
        })
        .flatten()
        .collect()
});

/// Whether the role allows the action.
pub fn allows(role: Role, action: Action) -> bool {
    ALLOWED.contains(&(action, role))
}

/// Everything that the role allows.
pub fn allowed(role: Role) -> Vec<Action> {
    Action::ALL.iter().copied().filter(|a| allows(role, *a)).collect()
}

/// Refuses what the actor's role in the context's tenant does not allow. Without a role the caller may not know that the tenant exists.
pub fn require(ctx: &OpCtx, action: Action) -> Result<Role> {
    match ctx.role {
        None => Err(not_found()),
        Some(role) if allows(role, action) => Ok(role),
        Some(role) => Err(Error::from(Problem::new(
            Code::Forbidden,
            format!("Your role here is {}. Ask an owner or admin of your organization.", role.label()),
        ))),
    }
}

/// What somebody gets who may not know whether the thing exists.
pub fn not_found() -> Error {
    Problem::new(Code::NotFound, "There is nothing here, or it is not yours to see.").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_action_and_role_once() {
        let mut lines = TABLE.lines();
        let header = lines.next().unwrap();
        assert_eq!(header, format!("action,{}", Role::ALL.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(",")));
        let actions: Vec<&str> = lines.clone().map(|l| l.split(',').next().unwrap()).collect();
        assert_eq!(actions, Action::ALL.iter().map(|a| a.as_str()).collect::<Vec<_>>());
        for line in lines {
            let cells: Vec<&str> = line.split(',').skip(1).collect();
            assert_eq!(cells.len(), Role::ALL.len(), "{line}");
            assert!(cells.iter().all(|c| *c == "yes" || *c == "no"), "{line}");
        }
    }

    #[test]
    fn owners_may_everything_and_billing_and_guests_hold_no_seat() {
        assert!(Action::ALL.iter().all(|a| allows(Role::Owner, *a)));
        let holders: Vec<Role> = Role::ALL.iter().copied().filter(|r| allows(*r, Action::SeatHold)).collect();
        assert_eq!(holders, [Role::Owner, Role::Admin, Role::Member]);
        assert!(!allows(Role::Admin, Action::OwnersManage));
        assert!(!allows(Role::Member, Action::SessionsRevoke));
    }

    #[test]
    fn without_a_role_nothing_exists() {
        let ctx = OpCtx::anonymous("r");
        let Err(Error::Refused(p)) = require(&ctx, Action::OverviewView) else { panic!("refused") };
        assert_eq!(p.code, Code::NotFound);
    }
}
