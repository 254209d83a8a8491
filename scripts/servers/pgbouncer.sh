# shellcheck shell=bash disable=SC2154  # sourced by scripts/services
#
# PgBouncer before our PostgreSQL, in transaction mode: each transaction gets whichever of its two
# sessions of the server is free, so that what one leaves behind meets the next.

start_pgbouncer() {
  local folder=$root/pgbouncer
  if ! pid_of pgbouncer >/dev/null; then
    prepare pgbouncer postgres
    printf '"%s" "%s"\n' "$db_user" "$db_password" >"$folder/users.txt"
    write_pgbouncer_conf "$folder"
    launch pgbouncer postgres /usr/sbin/pgbouncer -q "$folder/pgbouncer.ini"
  fi
  await pgbouncer pgbouncer_answers
}

write_pgbouncer_conf() {
  cat >"$1/pgbouncer.ini" <<CONF
; Written by scripts/services at every start; changes here are lost.
[databases]
connect = host=127.0.0.1 port=$postgres_port dbname=connect
; the same with a session of its own, for what spoils sessions
spoiled = host=127.0.0.1 port=$postgres_port dbname=connect pool_size=1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pgbouncer_port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $1/users.txt
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
CONF
}

pgbouncer_answers() { port_open "$pgbouncer_port"; }
