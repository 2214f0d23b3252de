pub mod config;
pub mod embedded;
pub mod http_server;
pub mod mail;
pub mod telemetry;
