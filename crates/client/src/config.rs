//! Settings: which server, which state folder, which device.

use crate::{Error, Keys};
use std::path::PathBuf;
use url::Url;

/// Where the portal is when nothing says otherwise. A vendor's build sets `CODITECT_DEFAULT_SERVER` at compile time.
pub const DEFAULT_SERVER: &str = match option_env!("CODITECT_DEFAULT_SERVER") {
    Some(server) => server,
    None => "http://localhost:3000",
};

/// Address of a portal. Plain http only where nobody can listen: on the machine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server(Url);

impl Server {
    /// Checks the address.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Config(format!("The server address \"{text}\" {why}, such as https://portal.example.com"));
        let mut url = Url::parse(text.trim()).map_err(|_| wrong("is not a full address"))?;
        let host = url.host().map(|h| h.to_owned()).ok_or_else(|| wrong("names no host"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must not hold a user name, a query or a fragment"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => {
                return Err(Error::Config(format!(
                    "{text} would send the login unencrypted. Use https://; plain http is allowed only on this machine (localhost)."
                )));
            }
            _ => return Err(wrong("must begin with https://")),
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }

    /// Address of a path below the server's, such as `api/v1/auth/login`.
    pub fn url(&self, path: &str) -> Result<Url, Error> {
        self.0.join(path).map_err(|e| Error::Config(format!("{path}: {e}")))
    }

    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// On this machine itself: no proxy is asked.
    pub fn is_loopback(&self) -> bool {
        self.0.host().is_some_and(|h| is_loopback(&h.to_owned()))
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(host: &url::Host<String>) -> bool {
    match host {
        url::Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    }
}

/// What a [`crate::Client`] needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// `None`: the server that the user signed in to.
    pub server: Option<Server>,
    /// State folder: login, keys, the session that processes share. Made when missing, for this user alone.
    pub home: PathBuf,
    /// Takes the place of the fingerprint; 1 to 128 bytes.
    pub hardware_id: Option<String>,
    /// Names one of several installations on the device; `None` means the default one.
    pub instance_id: Option<String>,
    /// Keys that the application brings along. The server's own are then neither fetched nor believed.
    pub pinned_keys: Option<Keys>,
    /// Certificates (PEM) of authorities that are trusted beside those of the machine.
    pub ca_file: Option<PathBuf>,
    /// Name and version of the application, for the list of sessions.
    pub client_version: String,
}

impl Config {
    /// Reads `CODITECT_SERVER`, `CODITECT_HOME`, `CODITECT_HARDWARE_ID` and `CODITECT_CA_FILE`; all may be absent.
    pub fn from_env() -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = std::env::var_os("CODITECT_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
        let home = home.map_or_else(|| default_home(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME")), Ok)?;
        let hardware_id = variable("CODITECT_HARDWARE_ID");
        if hardware_id.as_ref().is_some_and(|id| id.len() > 128 || id.chars().any(char::is_control)) {
            return Err(Error::Config("CODITECT_HARDWARE_ID must be 1 to 128 bytes without control characters.".into()));
        }
        Ok(Self {
            server: variable("CODITECT_SERVER").map(|s| Server::parse(&s)).transpose()?,
            home,
            hardware_id,
            instance_id: None,
            pinned_keys: None,
            ca_file: variable("CODITECT_CA_FILE").map(PathBuf::from),
            client_version: concat!("coditect-license/", env!("CARGO_PKG_VERSION")).to_owned(),
        })
    }
}

/// XDG Base Directory Specification: state goes to `$XDG_STATE_HOME`, by default `~/.local/state`; a relative path is ignored.
fn default_home(state: Option<std::ffi::OsString>, home: Option<std::ffi::OsString>) -> Result<PathBuf, Error> {
    let absolute = |path: std::ffi::OsString| Some(PathBuf::from(path)).filter(|p| p.is_absolute());
    if let Some(state) = state.and_then(absolute) {
        return Ok(state.join("coditect"));
    }
    match home.and_then(absolute) {
        Some(home) => Ok(home.join(".local/state/coditect")),
        None => Err(Error::Config("There is no home folder. Set CODITECT_HOME to a folder for the state.".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_the_machine() {
        for ok in [
            "https://portal.example.com",
            "http://localhost:3000",
            "http://127.0.0.1:3000/",
            "http://[::1]:3000",
            "http://x.localhost",
            "https://a.b/c",
        ] {
            assert!(Server::parse(ok).is_ok(), "{ok}");
        }
        for wrong in [
            "http://portal.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://192.168.1.1",
            "ftp://localhost",
            "portal.example.com",
            "",
            "https://me:secret@portal.example.com",
            "https://portal.example.com/?x=1",
            "http://notlocalhost",
        ] {
            assert!(Server::parse(wrong).is_err(), "{wrong}");
        }
        let text = Server::parse("http://10.0.0.1").unwrap_err().to_string();
        assert!(text.contains("unencrypted"), "{text}");
    }

    #[test]
    fn paths_lie_below_the_servers_own() {
        let server = Server::parse("https://a.example/portal").unwrap();
        assert_eq!(server.url("api/v1/x").unwrap().as_str(), "https://a.example/portal/api/v1/x");
        assert_eq!(server.to_string(), "https://a.example/portal");
    }

    #[test]
    fn the_state_folder_follows_xdg() {
        let path = |state: Option<&str>, home: Option<&str>| default_home(state.map(Into::into), home.map(Into::into));
        assert_eq!(path(Some("/s"), Some("/h")).unwrap(), PathBuf::from("/s/coditect"));
        assert_eq!(path(Some("relative"), Some("/h")).unwrap(), PathBuf::from("/h/.local/state/coditect"));
        assert!(path(None, None).is_err());
    }
}
