# Sourced by nginx/run and apache/run: builds the programs, lays out a scratch folder, makes test
# deliveries through the server in front, and shows their results.

if [[ -t 1 ]]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
die() { printf '%s: %s\n' "$program" "$*" >&2; exit 1; }

# require_free_port PORT: ends the script if PORT is not a number or another process listens on it.
require_free_port() {
  [[ $1 =~ ^[0-9]+$ ]] && (($1 >= 1 && $1 <= 65535)) ||
    die "PORT must be a number from 1 to 65535, found: $1"
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    die "port $1 is in use: stop what listens there, or name another one, as in PORT=8081 $program"
  fi
}

# build_programs: builds both programs and sets `bin`, the folder that they are in.
build_programs() {
  local build=(swift build --package-path "$root" -c release --static-swift-stdlib)
  say "Building (some minutes the first time, a second later on)"
  "${build[@]}" --product delve-webhook-fcgi
  "${build[@]}" --product delve-webhook
  bin=$("${build[@]}" --show-bin-path)
}

# make_scratch: sets `scratch`, a folder with a key pair, a configuration and an empty spool. The
# folder is removed and the processes in `children` are ended when the script ends.
make_scratch() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/delve-webhook.XXXXXX")
  children=()
  trap stop EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  say "Key pair, configuration and snippets in $scratch"
  umask 027
  mkdir "$scratch/spool" "$scratch/keys" "$scratch/delve-webhook"
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out "$scratch/private.pem"
  openssl pkey -in "$scratch/private.pem" -pubout -out "$scratch/keys/acme.pem"
  cat >"$scratch/config.yaml" <<CONFIG
spool: $scratch/spool
instances:
  acme:
    url: https://acme.delvesecurity.app
    keys: [keys/acme.pem]
CONFIG
}

stop() {
  trap - EXIT
  if ((${#children[@]})); then kill "${children[@]}" 2>/dev/null || true; fi
  wait 2>/dev/null || true
  rm -rf "$scratch"
}

# wait_until WHAT LOG COMMAND…: waits until COMMAND succeeds, for up to some minutes on a busy machine.
# If it does not, or the process that was started last ends, prints LOG and ends the script.
wait_until() {
  local what=$1 log=$2
  shift 2
  for _ in {1..1000}; do
    "$@" && return
    kill -0 "${children[-1]}" || break
    sleep 0.1
  done 2>/dev/null
  cat "$log" >&2
  die "$what did not start"
}

is_healthy() { [[ $(curl -s -o /dev/null -w '%{http_code}' "$base/health") == 200 ]]; }

failures=0
# deliver EXPECTED WHAT PATH OPTIONS…: makes a delivery, and shows it and its answers.
deliver() {
  local expected=$1 what=$2 path=$3 output codes
  shift 3
  printf '\n%s\n  $ delve-webhook send %s --key private.pem %s\n' "$what" "$base/$path" "$*"
  output=$("$bin/delve-webhook" send "$base/$path" --key "$scratch/private.pem" "$@") || true
  sed 's/^/  /' <<<"$output"
  codes=$(sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p' <<<"$output" | tr '\n' ' ')
  if [[ $codes != "$expected " ]]; then
    printf '  expected %s\n' "$expected"
    failures=$((failures + 1))
  fi
}

# demonstrate LOG: makes deliveries to `base`, then shows the spool and the responder's log.
demonstrate() {
  local log=$1 stored first
  say "Deliveries"
  deliver 202 "A scan that succeeded:" success --hook scan-success
  deliver 202 "A scan that failed:" failure --hook scan-failure
  deliver 202 "An export that is complete:" export --hook export-complete
  deliver "202 200" "The same token twice, the second one a replay:" exports/111-1221 \
    --hook export-complete --repeat 2
  deliver 401 "A forged signature:" success --hook scan-success --forge
  deliver 422 "An export at the hook for scans:" success --hook export-complete

  say "The spool: delve-webhook spool list"
  "$bin/delve-webhook" spool list --config "$scratch/config.yaml"
  stored=$(find "$scratch/spool/acme/new" -name '*.json' | wc -l)
  if ((stored != 4)); then
    echo "expected 4 events, found $stored"
    failures=$((failures + 1))
  fi

  say "One event file, as it is"
  first=$(find "$scratch/spool/acme/new" -name '*.json' -printf '%f\n' | sort | head -n 1)
  echo "\$ cat spool/acme/new/$first"
  cat "$scratch/spool/acme/new/$first"

  say "The responder's log"
  cat "$log"
  if ((failures)); then die "$failures of the results above are wrong"; fi
}

# serve LOG…: ends the script after the demonstration if `once` is set, else serves until Ctrl-C.
serve() {
  if [[ $once == yes ]]; then
    say "Every answer was right."
    exit 0
  fi
  say "Serving until Ctrl-C. To send another delivery:"
  echo "$bin/delve-webhook send $base/success --key $scratch/private.pem --hook scan-success"
  echo "The spool is $scratch/spool, the log $1; Ctrl-C removes both."
  wait -n "${children[@]}" || true
  die "a server has ended: $(tail -q -n 3 "$@")"
}
