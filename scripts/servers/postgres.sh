# shellcheck shell=bash disable=SC2154  # sourced by scripts/services
#
# PostgreSQL: the super user is `connect`, its database too; passwords are checked (scram).

start_postgres() {
  local bin folder=$root/postgres data
  bin=$(postgres_bin) || die "postgres: not installed; run: scripts/services up postgres"
  # A folder for each major version: one cannot read the other's.
  data=$folder/data-$(basename "$(dirname "$bin")")

  if ! pid_of postgres >/dev/null; then
    prepare postgres postgres
    if ! [[ -d $data ]]; then init_postgres "$bin" "$data"; fi
    write_postgres_conf "$folder/postgresql.conf"
    forget_old_postmaster "$data/postmaster.pid"
    launch postgres postgres \
      "$bin/postgres" -D "$data" -c config_file="$folder/postgresql.conf"
  fi
  await postgres postgres_answers
}

# In a folder of another name until it is complete, so that a crash in here leaves no half of it.
init_postgres() {
  local bin=$1 data=$2
  rm -rf -- "$data.part"
  cd "$root/postgres"
  as_user postgres "$bin/initdb" -D "$data.part" --username="$db_user" --encoding=UTF8 \
    --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 --no-sync >init.log 2>&1 9>&- ||
    failed_init postgres
  # One statement for each line, by a server without port or socket.
  printf '%s\n' "ALTER ROLE $db_user PASSWORD '$db_password'" 'CREATE DATABASE connect' |
    as_user postgres "$bin/postgres" --single -F -D "$data.part" postgres >>init.log 2>&1 9>&- ||
    failed_init postgres
  mv -T -- "$data.part" "$data"
}

# A killed server stays in the process table until init has fetched it (some never do), and
# PostgreSQL would believe it alive. We know better, and put our own pid, which is that of the new
# server's parent and which PostgreSQL ignores, in its place. The rest of the file stays, as by it
# PostgreSQL finds out whether a child of the old server still uses the shared memory.
forget_old_postmaster() {
  if [[ -s $1 ]]; then sed -i "1s/.*/$BASHPID/" "$1"; fi
}

write_postgres_conf() {
  cat >"$1" <<CONF
# Written by scripts/services at every start; changes here are lost.
listen_addresses = '127.0.0.1'
port = $postgres_port
unix_socket_directories = ''        # a socket's path may have 107 characters; ours may be longer
max_connections = 200               # many tests at once, several connections each
max_locks_per_transaction = 256     # schemas with many tables, dropped in one go
password_encryption = scram-sha-256

# No fsync: what is committed has been written to the kernel, and the kernel keeps it when the
# server dies, also by kill -9. Only a crash of the whole machine would lose it; a test server
# may. The other two stay on, because a killed *process* needs them: with synchronous_commit
# off the log of a commit can still be in the server's memory, and without full pages a page of
# which the kernel had taken one half cannot be repaired.
fsync = off
synchronous_commit = on
full_page_writes = on

shared_buffers = 256MB
max_wal_size = 4GB                  # no checkpoint in the middle of a bench
checkpoint_timeout = 15min
maintenance_work_mem = 128MB
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C.UTF-8'
CONF
}

postgres_answers() {
  port_open "$postgres_port" &&
    PGPASSWORD=$db_password PGCONNECT_TIMEOUT=5 psql -X -q -w -h 127.0.0.1 -p "$postgres_port" \
      -U "$db_user" -d connect -c 'SELECT 1' >/dev/null 2>&1
}
