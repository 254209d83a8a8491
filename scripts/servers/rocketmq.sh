# shellcheck shell=bash disable=SC2154  # sourced by scripts/services
#
# Apache RocketMQ: name server and broker, plain and with ACL 2.0.

# java_server SERVER OPTIONS… -- MAIN-CLASS: RocketMQ's home and the user's home (where it
# puts its logs) are the server's folder; so are temporary files, as RocksDB leaves a library of
# 15 MB there whenever it is killed.
java_server() {
  local server=$1 folder=$root/$1 options=()
  shift
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  rm -rf -- "$folder/tmp"
  mkdir -p "$folder/tmp"
  launch "$server" '' \
    "$(command -v java)" "${options[@]}" -XX:+UseSerialGC -XX:-UsePerfData \
    -Drocketmq.home.dir="$folder/" -Duser.home="$folder" -Djava.io.tmpdir="$folder/tmp" \
    -cp "$(rocketmq_jars)/*" "$2" -c "$folder/server.conf"
}

start_namesrv() {
  local server=$1 port
  port=$(port_of "$server")
  if ! pid_of "$server" >/dev/null; then
    prepare "$server"
    cat >"$root/$server/server.conf" <<CONF
# Written by scripts/services at every start; changes here are lost.
listenPort=$port
bindAddress=127.0.0.1
CONF
    java_server "$server" -XX:TieredStopAtLevel=1 -Xmx128m -- \
      org.apache.rocketmq.namesrv.NamesrvStartup
  fi
  await "$server" boot_success "$server"
}

start_broker() {
  local server=$1 port options=()
  port=$(port_of "$server")
  if ! pid_of "$server" >/dev/null; then
    prepare "$server"
    # Nobody measures speed with this one: less work for the compiler, ready sooner.
    if [[ $server == rocketmq-acl ]]; then options+=(-XX:TieredStopAtLevel=1); fi
    write_broker_conf "$server" "$port" >"$root/$server/server.conf"
    # The heap is for tests and benches side by side; direct memory carries the network's buffers.
    # The two ratios: a broker refuses to write on a disk that is nine tenths full, which says
    # nothing about a developer's disk.
    java_server "$server" "${options[@]}" -Xms256m -Xmx512m -XX:MaxDirectMemorySize=512m \
      -Drocketmq.broker.diskSpaceWarningLevelRatio=0.98 \
      -Drocketmq.broker.diskSpaceCleanForciblyRatio=0.97 -- \
      org.apache.rocketmq.broker.BrokerStartup
  fi
  await "$server" boot_success "$server"
  if ! routed_within 1 "$server"; then
    # A broker that has just started, or whose name server has, may miss its first chance to
    # register and would try again after 10 s. A change of this setting makes it try now; 6 (read
    # and write) is what it has anyway.
    run_mqadmin "$server" updateBrokerConfig -n "$(address_of "$server-namesrv")" \
      -b "$(address_of "$server")" -k brokerPermission -v 6 >"$root/$server/register.log" 2>&1 9>&- || true
  fi
  await "$server" is_routed "$server"
}

write_broker_conf() {
  local server=$1 port=$2 auto_create=true
  if [[ $server == rocketmq-acl ]]; then auto_create=false; fi
  cat <<CONF
# Written by scripts/services at every start; changes here are lost.
brokerClusterName=DefaultCluster
brokerName=$server
brokerId=0
brokerRole=ASYNC_MASTER
# A message is in the kernel's memory (a mapped file) before its sender has the answer: kill -9
# of the broker loses none, only a crash of the whole machine would.
flushDiskType=ASYNC_FLUSH
namesrvAddr=$(address_of "$server-namesrv")
brokerIP1=127.0.0.1
brokerIP2=127.0.0.1
bindAddress=127.0.0.1
listenPort=$port
# It listens on every address, whatever bindAddress says.
haListenPort=$((port + 1))
# A name server that was restarted knows the broker again after 10 s (the least; else 30 s).
registerNameServerPeriod=10000
autoCreateTopicEnable=$auto_create
autoCreateSubscriptionGroup=$auto_create

storePathRootDir=$root/$server/store
storePathCommitLog=$root/$server/store/commitlog
# Files are deleted whole: small enough to give space back, large enough that a bench does not
# open one every second.
mappedFileSizeCommitLog=268435456
# Hours that a message is kept; old files are looked for in every hour of the day.
fileReservedTime=12
deleteWhen=$(seq -s ';' -f '%02g' 0 23)
diskMaxUsedSpaceRatio=95
enableScheduleMessageStats=false
# timerWheelEnable stays on, although nobody here delays messages: without it this version cannot
# delete a topic (NullPointerException). Every second it would look through its 37 MB.
timerFlushIntervalMs=10000
# For so long after its start one thread spins, in default ten seconds of a whole core.
transactionMetricFlushInterval=500
# A compiler that takes both cores must not make the broker answer "busy" (after 200 ms, 1 s).
waitTimeMillsInSendQueue=5000
osPageCacheBusyTimeOutMills=5000
CONF
  if [[ $server == rocketmq-acl ]]; then
    cat <<CONF

authenticationEnabled=true
authenticationProvider=org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider
authenticationMetadataProvider=org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider
initAuthenticationUser={"username":"$super_access_key","password":"$super_secret_key"}
innerClientAuthenticationCredentials={"accessKey":"$super_access_key","secretKey":"$super_secret_key"}
authorizationEnabled=true
authorizationProvider=org.apache.rocketmq.auth.authorization.provider.DefaultAuthorizationProvider
authorizationMetadataProvider=org.apache.rocketmq.auth.authorization.provider.LocalAuthorizationMetadataProvider
CONF
  fi
}

port_of() {
  local address
  address=$(address_of "$1")
  echo "${address##*:}"
}

boot_success() { grep -qs 'boot success' "$root/$1/log"; }

# is_routed BROKER: whether its name server names it to clients: until then they get
# "no route". The request is GET_BROKER_CLUSTER_INFO in RocketMQ's protocol: the length of what
# follows, the length of the header, the header.
is_routed() {
  local header='{"code":106,"flag":0,"language":"JAVA","opaque":1,"version":0}' answer
  local length=${#header}
  answer=$(
    exec 3<>"/dev/tcp/127.0.0.1/$(port_of "$1-namesrv")"
    printf "\\x00\\x00\\x00\\x$(printf %02x $((length + 4)))\\x00\\x00\\x00\\x$(printf %02x "$length")%s" "$header" >&3
    # One read: the server keeps the connection open, so there is no end to wait for.
    timeout 2 dd bs=64k count=1 <&3 2>/dev/null | tr -d '\0'
  ) 2>/dev/null || return 1
  [[ $answer == *"$(address_of "$1")"* ]]
}

# routed_within SECONDS BROKER
routed_within() {
  local deadline=$((SECONDS + $1))
  until is_routed "$2"; do
    ((SECONDS <= deadline)) || return 1
    sleep 0.2
  done
}

mqadmin() {
  local server=rocketmq
  if [[ ${1:-} == --acl ]]; then
    server=rocketmq-acl
    shift
  fi
  each_install rocketmq
  run_mqadmin "$server" "$@"
}

# run_java FILE ARGS…: a source file, run with RocketMQ's own client; what that logs goes nowhere.
run_java() {
  local home=$root/java
  mkdir -p "$home"
  each_install rocketmq
  java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m -Duser.home="$home" \
    -Drocketmq.log.root.level=OFF -cp "$(rocketmq_jars)/*" "$@" 2> >(grep -vF ' |-' >&2) |
    { grep -vF ' |-' || true; }
}

# run_mqadmin BROKER ARGS…: signed as the super user if BROKER wants signatures.
run_mqadmin() {
  local home=$root/mqadmin-$1
  mkdir -p "$home/conf"
  if [[ $1 == rocketmq-acl ]]; then
    # mqadmin signs if it finds this file under its home.
    printf 'accessKey: %s\nsecretKey: %s\n' "$super_access_key" "$super_secret_key" >"$home/conf/tools.yml"
  fi
  shift
  # The lines left out are logback's own, some sixty; the status is java's (pipefail).
  java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m \
    -Drocketmq.home.dir="$home" -Duser.home="$home" \
    -cp "$(rocketmq_jars)/*" org.apache.rocketmq.tools.command.MQAdminStartup "$@" 2>&1 |
    { grep -vF ' |-' || true; }
}
