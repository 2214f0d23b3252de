//! Facts that the functions carry without looking into them, as JSON: one text where there would be several costs Redis less.

use serde::Serialize;

/// Name and e-mail address.
pub(crate) type Person = (String, String);
/// Hardware id, instance id, host name, client version.
pub(crate) type Device = (String, String, Option<String>, Option<String>);

pub(crate) fn person(name: &str, email: &str) -> String {
    json(&(name, email))
}

pub(crate) fn device(hardware_id: &str, instance_id: &str, hostname: Option<&str>, client_version: Option<&str>) -> String {
    json(&(hardware_id, instance_id, hostname, client_version))
}

/// Texts always serialise.
fn json(texts: &impl Serialize) -> String {
    serde_json::to_string(texts).unwrap_or_default()
}
