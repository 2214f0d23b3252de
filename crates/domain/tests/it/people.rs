//! Organisations, people, and the contexts in which they act. Made without hashing a password each time.

use crate::world::World;
use domain::ports::time::SystemRandom;
use domain::{identity, licenses, policy, sessions, signup};
use std::sync::OnceLock;
use store::users::User;
use store::{Actor, OpCtx, SystemTx, members, staff, users};
use types::auth::{LoginRequest, TokenResponse};
use types::licenses::{AcquireRequest, AcquireResponse, HeartbeatRequest, HeartbeatResponse};
use types::{LicenseId, Role, StaffRole, TenantId, UserId};

/// Everybody's.
pub const PASSWORD: &str = "the ferry leaves at nine";
pub const WRONG: &str = "the ferry leaves at ten o'clock";

pub fn nobody() -> OpCtx {
    OpCtx::anonymous("test")
}

#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub email: String,
}

#[derive(Clone, Debug)]
pub struct Org {
    pub id: TenantId,
    pub slug: String,
    pub license: LicenseId,
    pub key: String,
    pub owner: Person,
}

impl World {
    async fn password_hash(&self) -> String {
        static HASH: OnceLock<String> = OnceLock::new();
        if HASH.get().is_none() {
            let hash = self.svc.passwords.hash(&SystemRandom, PASSWORD).await.unwrap();
            let _ = HASH.set(hash);
        }
        HASH.get().unwrap().clone()
    }

    /// Somebody with an account and [`PASSWORD`], in no organisation.
    pub async fn person(&self, name: &str) -> Person {
        let email = format!("{}@people.example", name.to_lowercase().replace(' ', "."));
        let mut id = [0; 16];
        self.svc.random.fill(&mut id);
        let person = Person { id: UserId(uuid::Uuid::from_bytes(id)), name: name.to_owned(), email };
        let user = User {
            id: person.id,
            email: person.email.clone(),
            name: person.name.clone(),
            password_hash: Some(self.password_hash().await),
            created_at: self.now(),
        };
        let mut tx = SystemTx::begin(&nobody(), &self.svc.store).await.unwrap();
        users::insert(&mut tx, &user).await.unwrap();
        tx.commit().await.unwrap();
        person
    }

    /// An organisation with its owner and so many seats.
    pub async fn org(&self, name: &str, seats: u32) -> Org {
        let owner = self.person(&format!("Owner of {name}")).await;
        let slug = signup::create_organization(&as_user(&owner), &self.svc, name).await.unwrap();
        let (ctx, tenant) = identity::enter(&as_user(&owner), &self.svc, &slug).await.unwrap();
        let license = licenses::list(&ctx, &self.svc).await.unwrap().remove(0);
        let org = Org { id: tenant.id, slug, license: license.id, key: license.key, owner };
        self.set_seats(&org, seats).await;
        org
    }

    pub async fn set_seats(&self, org: &Org, seats: u32) {
        let change = policy::PolicyChange { max_seats: Some(seats), ..Default::default() };
        policy::set(&OpCtx::system("operator"), &self.svc, &org.slug, None, &change).await.unwrap();
    }

    /// A new person who belongs to the organisation.
    pub async fn member(&self, org: &Org, name: &str, role: Role) -> Person {
        let person = self.person(name).await;
        self.enlist(org, &person, role).await;
        person
    }

    pub async fn enlist(&self, org: &Org, person: &Person, role: Role) {
        let mut tx = SystemTx::begin(&nobody(), &self.svc.store).await.unwrap();
        members::insert(&mut tx, org.id, person.id, role, &person.name, &person.email, self.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The person in front of a page of the organisation.
    pub async fn at(&self, org: &Org, person: &Person) -> OpCtx {
        identity::enter(&as_user(person), &self.svc, &org.slug).await.unwrap().0
    }

    pub async fn role(&self, org: &Org, person: &Person) -> Option<Role> {
        let mut tx = SystemTx::begin(&nobody(), &self.svc.store).await.unwrap();
        members::get(&mut tx, org.id, person.id).await.unwrap().map(|m| m.role)
    }

    /// The application that the person has logged in, with a fresh access token.
    pub async fn device(&self, org: &Org, person: &Person) -> OpCtx {
        let mut tx = SystemTx::begin(&nobody(), &self.svc.store).await.unwrap();
        let epoch = members::get(&mut tx, org.id, person.id).await.unwrap().unwrap().epoch;
        OpCtx { actor: Actor::Device { user: person.id, epoch }, tenant: Some(org.id), ..nobody() }
    }

    pub async fn login(&self, org: &Org, person: &Person) -> TokenResponse {
        domain::login::login(&nobody(), &self.svc, &login(&person.email, PASSWORD, Some(&org.slug))).await.unwrap()
    }

    /// A member of the vendor's staff, in no tenant yet.
    pub async fn support(&self, name: &str) -> OpCtx {
        let person = self.person(name).await;
        let mut tx = SystemTx::begin(&nobody(), &self.svc.store).await.unwrap();
        staff::put(&mut tx, person.id, StaffRole::Support, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        identity::as_staff(&as_user(&person), &self.svc).await.unwrap()
    }

    /// A seat for the device, or the test fails.
    pub async fn seat(&self, device: &OpCtx, hardware: &str) -> AcquireResponse {
        sessions::acquire(device, &self.svc, &acquire(hardware)).await.unwrap().1
    }

    pub async fn beat(&self, device: &OpCtx, held: &AcquireResponse) -> domain::Result<HeartbeatResponse> {
        sessions::heartbeat(device, &self.svc, &heartbeat(held)).await
    }

    /// Seats in use of the organisation's licence.
    pub async fn active(&self, org: &Org) -> u32 {
        self.svc.seats.active(org.id, &[org.license]).await.unwrap()[0]
    }
}

/// The person in front of a browser, in no organisation yet.
pub fn as_user(person: &Person) -> OpCtx {
    OpCtx { actor: Actor::User { id: person.id, name: person.name.clone() }, ..nobody() }
}

pub fn login(email: &str, password: &str, tenant: Option<&str>) -> LoginRequest {
    LoginRequest {
        email: email.to_owned(),
        password: password.to_owned(),
        hardware_id: None,
        tenant: tenant.map(str::to_owned),
        totp: None,
    }
}

pub fn acquire(hardware: &str) -> AcquireRequest {
    AcquireRequest { hardware_id: hardware.to_owned(), hostname: Some(format!("host-{hardware}")), ..Default::default() }
}

/// With the token, as the client sends it.
pub fn heartbeat(held: &AcquireResponse) -> HeartbeatRequest {
    HeartbeatRequest { session_id: held.session_id.to_string(), token: Some(held.token.clone()), nonce: None }
}
