//! What JavaScript adds to server-rendered pages outside of islands.

/// Called once, before islands hydrate.
pub(crate) fn start() {}
