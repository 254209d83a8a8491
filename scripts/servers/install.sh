# shellcheck shell=bash disable=SC2154  # sourced by scripts/services
#
# Installation of what is missing: packages from Debian, RocketMQ's jars from Maven Central.

readonly pom=$here/rocketmq/pom.xml

# The folder of the jars contains their version, so that another version is fetched again.
rocketmq_version() { sed -n 's:.*<rocketmq.version>\(.*\)</rocketmq.version>.*:\1:p' "$pom"; }
rocketmq_jars() { echo "$root/rocketmq-jars-$(rocketmq_version)"; }

# The newest installed PostgreSQL's programs; they are not on the PATH.
postgres_bin() {
  local programs
  programs=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
  [[ -x $programs ]] || return 1
  dirname "$programs"
}

# missing PACKAGE…: those of them that are not installed.
missing() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

# each_install NAME…: what these services need and the machine does not have.
each_install() {
  local name packages=() jars=0
  for name in "$@"; do
    case $name in
      postgres)
        if ! postgres_bin >/dev/null; then packages+=(postgresql); fi
        # The driver manager, what links to it, and two drivers.
        packages+=($(missing unixodbc unixodbc-dev odbc-postgresql libsqliteodbc pgbouncer))
        ;;
      mariadb)
        if ! [[ -x $(mariadbd_path) ]]; then packages+=(mariadb-server); fi
        packages+=($(missing unixodbc unixodbc-dev odbc-mariadb))
        ;;
      rocketmq*)
        # With the compiler: tests run sources that use RocketMQ's Java client.
        if ! command -v javac >/dev/null; then packages+=(default-jdk-headless); fi
        if ! [[ -d $(rocketmq_jars) ]]; then
          jars=1
          if ! command -v mvn >/dev/null; then packages+=(maven); fi
        fi
        ;;
    esac
  done
  if ((${#packages[@]} == 0 && jars == 0)); then return 0; fi

  mkdir -p "$root"
  (
    # Who waited here finds the work done: hence the second look.
    exec 9>"$root/install.lock"
    flock -w 900 9 || die "another installation has been running for fifteen minutes"
    if ((${#packages[@]} > 0)); then install_packages "${packages[@]}"; fi
    if ((jars)) && ! [[ -d $(rocketmq_jars) ]]; then fetch_jars; fi
  )
}

install_packages() {
  local sudo=() tries policy=/usr/sbin/policy-rc.d
  if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
      die "missing; install as root: apt-get install $*"
    fi
    sudo=(sudo -n)
  fi
  say "installing $*"

  # The packages would start servers on the default ports. This file, if it says 101, stops that;
  # one that is already there is left as it is.
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
    # shellcheck disable=SC2064  # the values of now are meant
    trap "${sudo[*]} rm -f $policy" EXIT
  fi

  # Another apt-get may hold the locks: try for some minutes.
  for ((tries = 1; ; tries++)); do
    if "${sudo[@]}" apt-get update -q >"$root/install.log" 2>&1 9>&- &&
      "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >>"$root/install.log" 2>&1 9>&-; then
      return 0
    fi
    if ((tries == 5)); then
      tail -n 20 "$root/install.log" >&2
      die "apt-get could not install $*; see $root/install.log"
    fi
    sleep $((tries * 5))
  done
}

fetch_jars() {
  local jars tries
  jars=$(rocketmq_jars)
  say "fetching RocketMQ $(rocketmq_version) from Maven Central"
  for ((tries = 1; ; tries++)); do
    rm -rf -- "$jars.part"
    if mvn -q -B -f "$pom" dependency:copy-dependencies -DincludeScope=runtime \
      -DoutputDirectory="$jars.part" >"$root/install.log" 2>&1 9>&-; then
      # Under its name only when complete: that name means "done".
      mv -T -- "$jars.part" "$jars"
      return 0
    fi
    if ((tries == 3)); then
      tail -n 20 "$root/install.log" >&2
      die "Maven could not fetch RocketMQ; see $root/install.log"
    fi
  done
}
