#!/usr/bin/env bash
# Runs a program of this checkout and of another commit, and compares where they wait: for a build
# that is to fail when it has become worse. The program calls `contend::init()`, or has the feature
# `auto-init`, and does the same work each time.
#
#   compare_with.sh COMMIT PROGRAM ARGS…
#   compare_with.sh origin/main cargo bench --bench shop
#
# CONTEND_FAIL_IF has the conditions of `contend ci`, one a line. The summary goes to
# GITHUB_STEP_SUMMARY if that is set, else to standard output. The exit code is that of `contend ci`:
# 3 if a condition is met; or 1 if a program has failed, or leaves no profile.
set -euo pipefail

if [ $# -lt 2 ]; then
  echo "usage: compare_with.sh COMMIT PROGRAM ARGS…" >&2
  exit 2
fi
commit=$1
shift

profiles=$(mktemp -d)
other=$profiles/checkout
# The folder is gone before git is told.
trap 'rm -rf "$profiles"; git worktree prune' EXIT
git worktree add --quiet --detach "$other" "$commit"

# What the program prints is no part of the summary.
record() {
  local profile=$profiles/$1.pb.gz
  shift
  CONTEND_MUTEX_PROFILE=$profile CONTEND_MUTEX_PROFILE_FRACTION=${CONTEND_MUTEX_PROFILE_FRACTION:-1} \
    "$@" >&2 || {
    echo "compare_with.sh: the program has failed" >&2
    exit 1
  }
  [ -s "$profile" ] || {
    echo "compare_with.sh: the program left no profile: does it call contend::init()?" >&2
    exit 1
  }
}

(cd "$other" && record base "$@")
record new "$@"

conditions=()
while read -r condition; do
  [ -z "$condition" ] || conditions+=(--fail-if "$condition")
done <<<"${CONTEND_FAIL_IF:-}"

contend ci "$profiles/base.pb.gz" "$profiles/new.pb.gz" "${conditions[@]}" \
  >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
