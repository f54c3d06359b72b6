#!/usr/bin/env bash
# Read one picture with curl: its base64 text goes to /v2/models/ocr/generate in a JSON body. Needs curl, jq and base64.
# Exit codes: 0 read, 1 refused or not answered, 2 the command itself is wrong.
set -euo pipefail

usage="usage: ${0##*/} [--url HOST:PORT] [--option NAME=VALUE]... [--scores] [--timeout SECONDS] PICTURE"
fail() { # fail EXIT_CODE SENTENCE
    printf '%s: %s\n' "${0##*/}" "$2" >&2
    exit "$1"
}

url=localhost:8000 options='{}' scores=false timeout_s=60 pictures=()
while (($#)); do
    case $1 in
        --help) echo "$usage" && exit ;;
        --scores) scores=true && shift && continue ;;
        --url | --option | --timeout) (($# > 1)) || fail 2 "$1 needs a value; $usage" ;;
        -?*) fail 2 "unknown flag $1; $usage" ;;
        *) pictures+=("$1") && shift && continue ;;
    esac
    case $1 in
        --url) url=$2 ;;
        --timeout)
            [[ $2 =~ ^[0-9]+([.][0-9]+)?$ && $2 == *[1-9]* ]] || fail 2 "--timeout takes seconds, not '$2'"
            timeout_s=$2
            ;;
        --option)
            [[ $2 == ?*=* ]] || fail 2 "--option takes NAME=VALUE, not '$2'"
            # 0.6 and true are JSON; what is not, such as rows, is a text
            options=$(jq -c --arg name "${2%%=*}" --arg value "${2#*=}" \
                '.[$name] = (try ($value | fromjson) catch $value)' <<<"$options")
            ;;
    esac
    shift 2
done
((${#pictures[@]} == 1)) || fail 2 "$usage"
[[ -f ${pictures[0]} && -r ${pictures[0]} ]] || fail 2 "cannot read the file '${pictures[0]}'"

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
# The picture goes through pipes: an argument holds at most 128 KiB. Without the header curl would declare a form.
reply=$(base64 <"${pictures[0]}" | tr -d '\n' | jq -cRs --argjson options "$options" '$options + {image: .}' |
    curl --silent --max-time "$timeout_s" --header 'Content-Type: application/json' --data-binary @- \
        --output "$answer" --write-out '%{http_code} %{errormsg}' "$url/v2/models/ocr/generate") ||
    fail 1 "no answer from $url: ${reply#* }"

if [[ ${reply%% *} != 200 ]]; then
    said=$(jq -r '.error | strings' "$answer" 2>/dev/null || true)
    fail 1 "$url answered with the status ${reply%% *}: ${said:-without a word}"
fi
# A list of one element comes as that element, hence `listed`.
jq -rn --argjson scores "$scores" '
    def listed: if type == "array" then . elif type == "null" then error("none") else [.] end;
    input | [(.texts | listed), (.scores | listed)] | transpose[]
    | if $scores then "\(.[1] * 10000 | round / 10000)\t\(.[0])" else .[0] end' "$answer" 2>/dev/null ||
    fail 1 "what $url answered is not the text of a page"
