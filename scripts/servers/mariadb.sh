# shellcheck shell=bash disable=SC2154  # sourced by scripts/services
#
# MariaDB: user `connect` has every privilege, its database exists.

# /usr/sbin is not on every user's PATH.
mariadbd_path() { PATH=$PATH:/usr/sbin command -v mariadbd || true; }

start_mariadb() {
  local folder=$root/mariadb
  if ! pid_of mariadb >/dev/null; then
    prepare mariadb mysql
    write_mariadb_conf "$folder"
    if ! [[ -d $folder/data ]]; then init_mariadb "$folder"; fi
    launch mariadb mysql \
      "$(mariadbd_path)" --defaults-file="$folder/my.cnf" --datadir="$folder/data"
  fi
  await mariadb mariadb_answers
}

# In a folder of another name until it is complete, so that a crash in here leaves no half of it.
init_mariadb() {
  local folder=$1
  rm -rf -- "$folder/data.part"
  as_user mysql mariadb-install-db --defaults-file="$folder/my.cnf" --datadir="$folder/data.part" \
    --auth-root-authentication-method=normal --skip-test-db >"$folder/init.log" 2>&1 9>&- ||
    failed_init mariadb
  mv -T -- "$folder/data.part" "$folder/data"
}

write_mariadb_conf() {
  cat >"$1/my.cnf" <<CONF
# Written by scripts/services at every start; changes here are lost.
[mariadbd]
bind_address = 127.0.0.1
port = $mariadb_port
socket = mariadb.sock               # relative to the data: a socket's path may have 107 characters
pid_file = mariadb.pid
init_file = $1/init.sql
skip_name_resolve = ON
max_connections = 200
max_allowed_packet = 64M
local_infile = ON                   # LOAD DATA LOCAL is the fast way in
character_set_server = utf8mb4
collation_server = utf8mb4_general_ci
default_time_zone = +00:00

# 2: a commit writes its log to the kernel, and only the kernel waits to put it on the disk, once
# a second. What is committed survives the end of the server, also by kill -9; only a crash of
# the whole machine would lose it. For the same reason nothing is ever synced to the disk
# (nosync); the double-write buffer stays on, as it repairs a page of which only one half was
# written when the server was killed.
innodb_flush_log_at_trx_commit = 2
innodb_flush_method = nosync
innodb_doublewrite = ON
innodb_buffer_pool_size = 256M
innodb_log_file_size = 512M
CONF
  # The server runs this before it takes the first connection.
  cat >"$1/init.sql" <<SQL
CREATE DATABASE IF NOT EXISTS connect;
CREATE USER IF NOT EXISTS '$db_user'@'%' IDENTIFIED BY '$db_password';
GRANT ALL PRIVILEGES ON *.* TO '$db_user'@'%' WITH GRANT OPTION;
SQL
}

mariadb_answers() {
  port_open "$mariadb_port" &&
    MYSQL_PWD=$db_password mariadb --no-defaults --connect-timeout=5 -h 127.0.0.1 -P "$mariadb_port" \
      -u "$db_user" -D connect -e 'SELECT 1' >/dev/null 2>&1
}
