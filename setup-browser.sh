#!/usr/bin/env bash
# Sees to it that there is a Chromium, in which the tests look at the pages that --report writes. Called by make test.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
  command -v "$name" > /dev/null && exit 0
done

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "Installing chromium, in which the tests look at reports."
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium > /dev/null; then
    exit 0
  fi
fi

echo "There is no Chromium, so the tests that look at reports in a browser are skipped. To run them as well, have root" >&2
echo "install it; on Debian: apt-get install chromium" >&2
[ -z "${CI:-}" ]  # in CI nothing is skipped
