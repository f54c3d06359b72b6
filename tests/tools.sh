#!/usr/bin/env bash
# What the tests need beside Python: a compiler, libcurl, curl, jq and Node.js for the examples, Tesseract, without which
# OCRmyPDF does not start, and a browser for the page of the gateway. Debian's packages are installed where this runs as
# root; else it says what to install.
set -euo pipefail
python=$1 # of the environment, for Playwright

missing=()
command -v g++ >/dev/null || missing+=(g++)
command -v node >/dev/null || missing+=(nodejs)
command -v jq >/dev/null || missing+=(jq)
command -v curl >/dev/null || missing+=(curl)
command -v tesseract >/dev/null || missing+=(tesseract-ocr)
has() { [ -e "/usr/include/$1" ] || [ -e "/usr/include/$(uname -m)-linux-gnu/$1" ]; }
has curl/curl.h || missing+=(libcurl4-openssl-dev)
has nlohmann/json.hpp || missing+=(nlohmann-json3-dev)
is_root=$([ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo yes || true)
browser=$(command -v chromium || compgen -G "$HOME/.cache/ms-playwright/chromium*" || true)
# Ubuntu's package of that name is a snap, which servers cannot start.
if [ -z "$browser" ] && [ "$is_root" ] && grep -q '^ID=debian' /etc/os-release; then
    missing+=(chromium)
    browser=coming
fi

if [ ${#missing[@]} -gt 0 ]; then
    echo "==> test tools: ${missing[*]}"
    if [ -z "$is_root" ]; then
        echo "make test needs more programs; install them first: sudo apt-get install ${missing[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq --yes --no-install-recommends "${missing[@]}" >/dev/null
fi
if [ -z "$browser" ]; then
    echo "==> test tools: Chromium, by Playwright"
    "$python" -m playwright install --with-deps chromium
fi
