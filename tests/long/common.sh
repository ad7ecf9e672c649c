# Sourced by the programs beside it. Each builds the daemon and the tests as they are released, and runs one test of
# the usual ones for longer, with times as promises.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# number NAME VALUE: the value, if it is a number; otherwise how the program is called.
number() {
  [[ $2 =~ ^[0-9]+$ ]] || { echo "usage: tests/long/$(basename "$0") [$1]" >&2; exit 2; }
  echo "$2"
}

need() {  # need COMMAND PACKAGE WHAT-FOR
  command -v "$1" >/dev/null && return
  echo "left out: $3 needs $1 (the package $2)" >&2
  exit 77
}

need_root() {  # need_root WHAT-FOR
  [ "$(id -u)" = 0 ] && return
  echo "left out: $1 needs root" >&2
  exit 77
}

# promise TEST...: runs these tests, also those that need more than most machines have, one after the other.
promise() {
  # A name that has changed would be no test, and no failure.
  for name in "$@"; do
    grep -q "^fn ${name##*::}()" "tests/${name%%::*}.rs" || { echo "there is no test $name" >&2; exit 1; }
  done
  PARLOR_TEST_STRICT=1 cargo test --locked --release --test promises -- --include-ignored --nocapture --test-threads 1 --exact "$@"
}
