//! Typed identifiers. All are UUIDs: version 7 (sortable by time) where a row is made, version 4 where guessing must not help.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id_type!(
    /// One customer organisation.
    TenantId
);
id_type!(
    /// One person with one login, whatever organisations he belongs to.
    UserId
);
id_type!(
    /// One licence of one tenant: a number of seats of one product.
    LicenseId
);
id_type!(
    /// One hold of a seat, from acquire to release, revocation or expiry.
    SessionId
);
id_type!(
    /// An invitation that has been mailed to somebody.
    InvitationId
);
id_type!(
    /// A chain of refresh tokens that began with one login; it ends as a whole.
    FamilyId
);
