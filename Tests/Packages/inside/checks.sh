# Sourced by each part, inside the container: how a part checks, waits and delivers.
set -euo pipefail

tests=/root/tests
packages=/root/packages
keys=/root/keys
base=http://127.0.0.1/webhooks/delve/acme
spool=/var/spool/delve-webhook
part=$(basename "$0" .sh)
export DEBIAN_FRONTEND=noninteractive
# shellcheck source=machine.sh
source "$tests/machine.sh"
mkdir -p /run/tests "$keys"

# check NAME COMMAND…: counts a check if COMMAND succeeds. Otherwise prints what it printed and what
# the units logged, and ends the part.
check() {
  local name=$1 code
  shift
  set +e
  (
    set -e
    "$@"
  ) >/run/tests/found 2>&1
  code=$?
  set -e
  if ((code == 0)); then
    echo "   $name"
    echo "$part: $name" >>"$tests/passed"
    return
  fi
  {
    echo "FAILED in $part: $name"
    echo "-- $* (exit code $code) printed:"
    cat /run/tests/found
    echo "-- the units:"
    systemctl list-units --all --no-legend --plain 'delve-webhook*'
    journalctl --no-pager --output short-precise --lines 30 --unit 'delve-webhook*'
    echo "-- the web server's errors:"
    tail -n 10 /var/log/{nginx,apache2}/error.log
  } >&2 2>/dev/null
  exit 1
}

# equal FOUND EXPECTED
equal() {
  [[ $1 == "$2" ]] && return
  printf 'found:    %s\nexpected: %s\n' "$1" "$2"
  return 1
}

# refused CODES COMMAND…: COMMAND must end with one of these exit codes (a pattern), and say why.
refused() {
  local codes=$1 code=0 said
  shift
  said=$("$@" 2>&1) || code=$?
  echo "exit code $code: $said"
  # shellcheck disable=SC2053
  [[ $code == $codes && -n $said ]]
}

# says TEXT COMMAND…: COMMAND must succeed, and print TEXT.
says() {
  local text=$1 said
  shift
  said=$("$@" 2>&1)
  [[ $said == *"$text"* ]] && return
  printf 'without "%s":\n%s\n' "$text" "$said"
  return 1
}

# documented TAG: runs the block of the documentation that has this tag.
documented() { eval "$(text_of "$1")"; }

# text_of TAG: the block that has this tag.
text_of() { cat "$tests/blocks/$1"; }

# typed TAG: runs the block. What it has an operator type into `systemctl edit UNIT` goes into a drop-in.
typed() {
  eval "$(text_of "$1" | awk '
    /^systemctl edit/ {
      folder = "/etc/systemd/system/" $3 ($3 ~ /[.]/ ? "" : ".service") ".d"
      system("install -d " folder)
      next
    }
    /^  / { print substr($0, 3) >(folder "/typed.conf"); next }
    { print }')"
  systemctl daemon-reload
}

# until_seen USER SCRIPT TEST…: runs a script as that user which ends only if it is told to, until TEST
# holds. What it printed is in /run/tests/seen.
until_seen() {
  local user=$1 script=$2 group
  shift 2
  setsid runuser -u "$user" -- bash "$script" >/run/tests/seen 2>&1 &
  group=$!
  until_it "$@"
  kill -- "-$group"
  wait "$group" || true
}

# until_it COMMAND…: repeats COMMAND until it succeeds, for a minute of tries.
until_it() {
  local said=
  for _ in {1..300}; do
    said=$("$@" 2>&1) && return
    sleep 0.2
  done
  printf 'never: %s\n%s\n' "$*" "$said"
  return 1
}

# deliver HOOK [OPTION…]: makes a delivery to the hook success, failure, export or exports/…, and
# prints the status code of each answer.
deliver() {
  local hook=$1 kind=export-complete
  shift
  case $hook in success | failure) kind=scan-$hook ;; esac
  delve-webhook send --key "$keys/acme.pem" --hook "$kind" "$@" "$base/$hook" | status_codes
}

# status_codes: what `delve-webhook send` prints, without the rest.
status_codes() { sed -n 's|^HTTP/1.1 \([0-9]*\).*|\1|p'; }

# answers CODES COMMAND…: the status codes that COMMAND (deliver, mostly) must print.
answers() {
  local expected=$1 codes
  shift
  codes=$("$@" || true)
  equal "${codes//$'\n'/ }" "$expected"
}

# health: the status code of the health check.
health() { curl -s -o /dev/null -w '%{http_code}\n' "${base%/*}/health"; }

# thumbprints: of all keys of the configuration.
thumbprints() { delve-webhook keys check --json | grep -o '"thumbprint":"[^"]*"' | cut -d '"' -f 4; }

# events [STATE]: how many events of acme are in the spool, in all states or in one.
events() {
  { find "$spool/acme/${1-}" -name '*.json' 2>/dev/null || true; } | wc -l
}

# as_owner COMMAND…: runs COMMAND as the spool's owner.
as_owner() { runuser -u "$(stat -c %U "$spool")" -- "$@"; }

# state_of PATH…: one line for each file below, with its owner, mode and content.
state_of() {
  find "$@" -printf '%p %y %m %u %g %l\n' | sort
  find "$@" -type f -print0 | sort -z | xargs -r0 sha256sum
}

# changes_nothing COMMAND…: COMMAND must leave /etc and the spool as they are, whatever its exit code.
changes_nothing() {
  local before after
  before=$(state_of /etc "$spool")
  "$@"
  after=$(state_of /etc "$spool")
  diff <(echo "$before") <(echo "$after")
}

# invocation UNIT: another one after each start of the unit.
invocation() { systemctl show --property InvocationID --value "$1"; }

# has_started_again UNIT BEFORE: BEFORE is the invocation that is over.
has_started_again() {
  systemctl is-active "$1" && [[ $(invocation "$1") != "$2" ]]
}

# is_running: everything has started, and nothing has failed.
is_running() {
  until_it systemctl is-system-running
  equal "$(systemctl list-units --failed --plain --no-legend)" ""
}

# under_load COMMAND…: runs COMMAND while four senders deliver. Each of their deliveries must be
# answered with 2xx, and each must be in the spool, once.
under_load() {
  deliver_while "$@"
  equal "$refused refused, $unanswered unanswered" "0 refused, 0 unanswered"
  equal "$arrived events" "$answered events"
}

# under_load_of_mod_fcgid COMMAND…: the same for a graceful restart of an Apache that starts the
# responder itself. mod_fcgid asks its process manager for a process through a pipe, and a graceful
# restart ends that manager: so a request may, rarely, wait for longer than a sender does. No other
# answer than 2xx may come, and nothing that was answered may be missing.
under_load_of_mod_fcgid() {
  deliver_while "$@"
  ((refused == 0 && unanswered <= 1 && arrived >= answered && arrived <= answered + unanswered))
}

# deliver_while COMMAND…: runs COMMAND while four senders deliver, and counts what became of their
# deliveries: `answered` with 2xx, `refused` with anything else, `unanswered`, and how many `arrived`
# in the spool.
deliver_while() {
  local before sender
  before=$(events)
  rm -rf /run/tests/load
  mkdir /run/tests/load
  for sender in 1 2 3 4; do
    # Not more than the hundred a second that nginx lets through. Two events of one id, signed in one
    # second, would be one.
    (
      until [[ -e /run/tests/load/end ]]; do
        deliver success --id "$sender-${EPOCHREALTIME//[^0-9]/}" 2>&1 || echo none
        sleep 0.05
      done >"/run/tests/load/$sender"
    ) &
  done
  until_it each_sender_has 3
  "$@"
  each_sender_goes_on
  touch /run/tests/load/end
  wait
  answered=$(cat /run/tests/load/[1-4] | grep -c '^20[02]$' || true)
  unanswered=$(cat /run/tests/load/[1-4] | grep -c '^none$' || true)
  refused=$(($(cat /run/tests/load/[1-4] | wc -l) - answered - unanswered))
  arrived=$(($(events) - before))
  echo "$arrived arrived; answers:"
  sort /run/tests/load/[1-4] | uniq -c
}

each_sender_has() {
  local sender
  for sender in 1 2 3 4; do
    (($(wc -l <"/run/tests/load/$sender") >= $1)) || { echo "sender $sender has had too few answers"; return 1; }
  done
}

# each_sender_goes_on: waits until each sender has had three more answers.
each_sender_goes_on() {
  local most
  most=$(wc -l /run/tests/load/[1-4] | awk '$2 != "total" && $1 > most { most = $1 } END { print most }')
  until_it each_sender_has $((most + 3))
}
