//! Devices of one organisation and the sessions that they hold.

use crate::http::Request;
use crate::load::{Load, Outcome};
use crate::portal::Portal;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

const ACQUIRE: &str = "/api/v1/licenses/acquire";

/// An organisation with enough seats for all of its devices.
pub struct Organization {
    name: String,
    token: String,
    pub devices: usize,
    pub sessions: Vec<String>,
}

impl Organization {
    pub async fn found(portal: &Portal, name: &str, devices: usize) -> Result<Self> {
        let token = portal.founder(name).await?;
        let organization = Self { name: name.to_owned(), token, devices, sessions: Vec::new() };
        organization.set_seats(portal, devices)?;
        Ok(organization)
    }

    pub fn set_seats(&self, portal: &Portal, seats: usize) -> Result<()> {
        portal.admin(&["set-seats", "--tenant", &self.name.to_lowercase(), "--seats", &seats.to_string()])
    }

    /// An access token is valid for ten minutes.
    pub async fn log_in(&mut self, portal: &Portal) -> Result<()> {
        self.token = portal.login(&self.name).await?;
        Ok(())
    }

    /// A start of the application on one of the devices.
    pub fn start(&self, device: usize) -> Request {
        self.start_of(&format!("device-{}", device % self.devices))
    }

    pub fn start_of(&self, hardware_id: &str) -> Request {
        Request::post(ACQUIRE, &self.token, &json!({ "hardware_id": hardware_id }))
    }

    pub fn beat(&self, i: usize) -> Request {
        let session = &self.sessions[i % self.sessions.len()];
        Request::put("/api/v1/licenses/heartbeat", &self.token, &json!({ "session_id": session }))
    }

    pub fn release(&self, i: usize) -> Request {
        Request::delete(&format!("/api/v1/licenses/release/{}", self.sessions[i]), &self.token)
    }

    /// Starts the application on every device once, and remembers the sessions.
    pub async fn start_all(&mut self, load: &Load<'_>) -> Result<Outcome> {
        let outcome = load.each(self.devices, |device| self.start(device)).await?;
        ensure!(outcome.statuses.keys().all(|status| matches!(status, 200 | 201)), "every start must succeed: {:?}", outcome.statuses);
        let session = |body: &[u8]| Some(serde_json::from_slice::<Value>(body).ok()?["session_id"].as_str()?.to_owned());
        self.sessions = outcome.bodies.iter().filter_map(|body| session(body)).collect();
        ensure!(self.sessions.len() == self.devices, "every start must answer with a session");
        Ok(outcome)
    }
}
