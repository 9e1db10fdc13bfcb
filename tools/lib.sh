# shellcheck shell=bash
# What the scripts in this folder share. Source it; it sets `root` and `toolchain`.

set -euo pipefail

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  echo "error: bash 4.4 or newer is needed" >&2
  exit 1
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
toolchain=${LIVEGATE_TOOLCHAIN:-${XDG_CACHE_HOME:-$HOME/.cache}/livegate}
# shellcheck source=tools/versions.sh
source "$root/tools/versions.sh"

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

if [[ $root$toolchain == *\'* ]]; then
  die "a path with a quote in it: $root or $toolchain"
fi

have() { command -v "$1" >/dev/null 2>&1; }

# limit SECONDS COMMAND…: gives up after that long, where the system can.
limit() {
  local seconds=$1
  shift
  if have timeout; then timeout --kill-after=5 "$seconds" "$@"; else "$@"; fi
}

# random_key: 32 random bytes, in hexadecimal.
random_key() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }

# relay_credentials FILE: a relay host's credentials with random keys, unless the file is there.
relay_credentials() {
  [[ ! -e $1 ]] || return 0
  (umask 077 && cat >"$1") <<JSON
{
  "api_tokens": ["$(random_key)"],
  "applications": [{ "app": "live", "publish_keys": ["$(random_key)"] }]
}
JSON
}

# relay_places LIVEGATE FILE RTMP HTTP: where to publish and to watch, with a token that these
# credentials make; nothing where they are somebody's own.
relay_places() {
  local key token
  key=$(sed -n 's/.*"publish_keys": \["\([^"]*\)".*/\1/p' "$2" | head -n 1)
  [[ -n $key ]] || return 0
  token=$(LIVEGATE_KEY=$key "$1" token live --lasts 1d)
  printf '%s\n' "credentials: $2" \
    "publish:     ffmpeg -re -i FILE -c copy -f flv 'rtmp://$3/live/room1?user=ann&token=$token'" \
    "watch:       ffplay http://$4/live/live/room1.flv"
}

# sha256: the digest of standard input, in hexadecimal.
sha256() {
  if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}

# version_at_least HAVE WANT: compares dotted numbers.
version_at_least() {
  [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

# hold_lock FILE: one at a time. The lock ends with this script; children do not inherit it
# where they are started with 8>&-.
hold_lock() {
  mkdir -p "$(dirname "$1")"
  exec 8>>"$1"
  have flock || return 0
  if ! flock --nonblock 8; then
    say "waiting for another run that holds $1"
    flock 8
  fi
}

# logged NAME COMMAND…: runs the command with its output in a log file. Every ten seconds the log's
# last line is shown, on failure its end. Ctrl-C ends the command and all that it started.
logged() {
  local name=$1 log=$toolchain/log/$1.log started=$SECONDS shown=0 pid status=0
  shift
  mkdir -p "$toolchain/log"
  # Job control gives the command a process group of its own, which can be ended as a whole.
  set -m
  "$@" >"$log" 2>&1 </dev/null 8>&- &
  pid=$!
  set +m
  # shellcheck disable=SC2064 # the id is meant now
  trap "say interrupted; kill -TERM -- -$pid 2>/dev/null; exit 130" INT TERM HUP
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - started >= shown + 10)); then
      shown=$((SECONDS - started))
      say "      … ${shown} s: $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-90)"
    fi
  done
  wait "$pid" || status=$?
  trap - INT TERM HUP
  if ((status != 0)); then
    say "$name failed with status $status; the end of $log:"
    tail -n 30 "$log" >&2
  fi
  return "$status"
}

# drop_stale TARGET: forgets what was compiled for a target against another standard library. It does
# not link with the one that is there now, and cargo does not see the difference. Wants the Worker's
# compiler on PATH and CARGO_TARGET_DIR set.
drop_stale() {
  local built=$CARGO_TARGET_DIR/$1 library
  library=$(rustc --print target-libdir --target "$1")
  library=$(cd "$library" && stat -c '%n %s %Y' -- *.rlib | sha256)
  if [[ -d $built && $(cat "$built/.library" 2>/dev/null) != "$library" ]]; then
    rm -rf "$built"
  fi
  mkdir -p "$built"
  printf '%s' "$library" >"$built/.library"
}
