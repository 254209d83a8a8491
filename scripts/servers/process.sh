# shellcheck shell=bash disable=SC2154  # sourced by scripts/services, which sets $root and more
#
# Processes: start one that outlives the shell, find it again, wait for it, end it.
# Each server has one folder, $root/<server>/, with its data, `pid` and `log`.

say() { printf '%s\n' "${0##*/}: $*" >&2; }

die() {
  say "$@"
  exit 1
}

# pid_of SERVER: prints its pid, or fails when it does not run.
# After a crash or a reboot the pid may belong to somebody else: only a process that has the
# server's folder on its command line counts.
pid_of() {
  local pid
  [[ -s $root/$1/pid ]] || return 1
  read -r pid <"$root/$1/pid" || return 1
  grep -qsF -- "$root/$1/" "/proc/$pid/cmdline" || return 1
  echo "$pid"
}

# as_user USER COMMAND…: runs COMMAND as USER if we are root, else as ourselves.
# setpriv and not runuser: it leaves no process in between, so that our child's pid is the
# server's.
as_user() {
  local user=$1
  shift
  if ((EUID == 0)); then
    setpriv --reuid "$user" --regid "$user" --init-groups "$@"
  else
    "$@"
  fi
}

# prepare SERVER [USER]: its folder, owned by USER if we are root.
prepare() {
  local folder=$root/$1
  mkdir -p "$folder"
  if ((EUID == 0)) && [[ -n ${2:-} ]]; then
    chown "$2:" "$folder"
    as_user "$2" test -x "$folder" || die "user $2 cannot enter $folder: set CONNECT_SERVICES_DIR to a folder that it can"
  fi
}

# port_open PORT: whether somebody listens there.
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports SECONDS SERVER: waits until nobody listens on the server's ports. A large process that
# was killed gives its sockets back some time after its command line is gone.
free_ports() {
  local deadline=$((SECONDS + $1)) port waited=
  for port in $(ports_of "$2"); do
    while port_open "$port"; do
      if ((SECONDS >= deadline)); then
        die "$2: port $port is taken by a process that is not ours, also after $1 s; choose another (scripts/services help)"
      fi
      if [[ -z $waited ]]; then
        waited=1
        say "$2: waiting for port $port, which somebody still listens on"
      fi
      sleep 0.1
    done
  done
}

# launch SERVER USER COMMAND…: starts COMMAND in the background, as USER ('' for ourselves), with
# a session, an environment and a log of its own.
launch() {
  local server=$1 user=$2 folder=$root/$1 fd
  shift 2
  # Without this check we would wait for our server and be answered by the other one.
  free_ports "$port_timeout" "$server"
  if [[ -e $folder/log ]]; then mv -f "$folder/log" "$folder/log.previous"; fi
  (
    cd "$folder"
    # Nothing of the caller may stay open: it would wait for our servers at the end of its pipes,
    # and the lock of `each` would never be free.
    for fd in "/proc/$BASHPID/fd"/*; do
      fd=${fd##*/}
      if ((fd > 2)); then eval "exec $fd>&-"; fi
    done
    exec </dev/null >"$folder/log" 2>&1
    # The child writes its own pid, so that there is no moment at which it runs unrecorded.
    echo "$BASHPID" >"$folder/pid"
    if ((EUID == 0)) && [[ -n $user ]]; then
      set -- setpriv --reuid "$user" --regid "$user" --init-groups "$@"
    fi
    exec setsid env -i PATH="$PATH" HOME="$folder" LC_ALL=C.UTF-8 TZ=UTC "$@"
  ) &
  local child=$! tries
  # Until the last exec above is done the process does not look like the server.
  for ((tries = 0; tries < 250; tries++)); do
    if pid_of "$server" >/dev/null || ! kill -0 "$child" 2>/dev/null; then break; fi
    sleep 0.02
  done
}

# await SERVER CHECK…: waits until CHECK succeeds; on failure shows the end of the log.
await() {
  local server=$1 deadline=$((SECONDS + start_timeout))
  shift
  until "$@"; do
    pid_of "$server" >/dev/null || failed_start "$server" "ended before it was ready"
    ((SECONDS < deadline)) || failed_start "$server" "was not ready within $start_timeout s"
    sleep 0.2
  done
  pid_of "$server" >/dev/null || failed_start "$server" "ended before it was ready"
}

failed_start() {
  say "$1 $2; the end of $root/$1/log:"
  # Without the lines in which Java's logback tells how it configures itself.
  grep -vF ' |-' "$root/$1/log" | tail -n 30 >&2 || true
  exit 1
}

failed_init() {
  say "$1: its data could not be made; the end of $root/$1/init.log:"
  tail -n 30 "$root/$1/init.log" >&2 || true
  exit 1
}

# ended PID: whether nothing of it is left. Its command line is empty, and its first thread a
# zombie, while other threads still hold its ports open.
ended() {
  local threads=(/proc/"$1"/task/*)
  [[ ! -e /proc/$1 ]] ||
    { ((${#threads[@]} == 1)) && grep -qs '^State:[[:space:]]*[ZX]' "/proc/$1/status"; }
}

# ended_within SECONDS PID
ended_within() {
  local deadline=$((SECONDS + $1))
  until ended "$2"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# stop SERVER SIGNAL: asks it to end; after 20 s kills it.
stop() {
  local pid
  if ! pid=$(pid_of "$1"); then return 0; fi
  kill -s "$2" "$pid" 2>/dev/null || true
  if ! ended_within 20 "$pid"; then
    say "$1: did not stop within 20 s, killed"
    crash "$1"
  fi
  rm -f "$root/$1/pid"
}

# crash SERVER: kill -9 of the server with its children, as when the machine's memory runs out.
# The parent first, so that it cannot tidy up after its children.
crash() {
  local pid child children=()
  pid=$(pid_of "$1") || die "$1 does not run"
  read -r -a children <"/proc/$pid/task/$pid/children" || true
  kill -9 "$pid" "${children[@]}" 2>/dev/null || true
  # PostgreSQL will not start while a child of the old server holds the shared memory.
  for child in "$pid" "${children[@]}"; do
    ended_within 10 "$child" || die "$1: process $child is still there 10 s after kill -9"
  done
}

# memory_of PID: megabytes of the process and its children, shared pages counted once.
memory_of() {
  local process kilobytes total=0 children=()
  read -r -a children <"/proc/$1/task/$1/children" 2>/dev/null || true
  for process in "$1" "${children[@]}"; do
    kilobytes=$(awk '/^Pss:/ { print $2 }' "/proc/$process/smaps_rollup" 2>/dev/null) || continue
    total=$((total + ${kilobytes:-0}))
  done
  echo $((total / 1024))
}
