# shellcheck shell=bash
# Sourced by the other scripts: where things are, and how to say that something went wrong.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# One sentence for the person at the terminal.
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Whether all these commands are there.
has() {
    local name
    for name in "$@"; do
        command -v "$name" >/dev/null || return
    done
}

# Whether a portal runs in this folder. It holds the lock as long as it lives.
portal_runs() {
    local status=0
    [ -e .portal/lock ] && has flock || return
    flock --nonblock --conflict-exit-code 75 .portal/lock true 2>/dev/null || status=$?
    [ "$status" -eq 75 ]
}

# Built once per machine, not once per clone.
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/coditect-portal
tools=$cache/tools
if ! mkdir -p "$cache/logs" 2>/dev/null || [ ! -w "$cache" ]; then
    fail "The cache folder $cache cannot be written: set XDG_CACHE_HOME to a folder that can."
fi

export CARGO_TARGET_DIR=$cache/target
export PATH=$tools/bin:$root/node_modules/.bin:$PATH
has cargo || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin

# Queries are checked against .sqlx, not against whatever DATABASE_URL names.
export SQLX_OFFLINE=true

# Cargo tells whether a source has changed by its time, and takes all clones for the same one: what another clone has built since
# would pass for ours. So a clone that takes over forgets what has been built of our own crates; dependencies stay.
claim_target() {
    local owner=$CARGO_TARGET_DIR/.built-from folder
    [ "$(cat "$owner" 2>/dev/null)" != "$root" ] || return 0
    for folder in app server crates/*; do
        rm -rf "$CARGO_TARGET_DIR"/{,front/}{,wasm32-unknown-unknown/}*/.fingerprint/"${folder##*/}"-[0-9a-f]*
    done
    mkdir -p "$CARGO_TARGET_DIR"
    printf '%s' "$root" >"$owner"
}

# Where the build puts style sheet, WebAssembly and images; the portal may be started in another folder.
# shellcheck disable=SC2034
site=$root/target/site
# shellcheck disable=SC2034
portal=$root/target/bin/portal
