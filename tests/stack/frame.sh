# Sourced by the scripts of the stack: where things lie, ports, processes, readiness, downloads.
#
# Everything lies below $AT: downloads/ (fetched once), one folder per server (data, conf, log, pid) and env, the
# addresses, which tests/support/stack.rs reads. Nothing listens outside 127.0.0.1 unless its program cannot do so.

set -euo pipefail
STACK_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$STACK_SCRIPTS/../.." && pwd)
AT=$REPOSITORY/target/stack
export HADOOP_USER_NAME=${HADOOP_USER_NAME:-root}

ALL_SERVERS="kafka mysql mariadb hdfs hive hive3 connect"
DEFAULT_SERVERS="kafka mysql mariadb hdfs hive hive3"

say() { printf '%s\n' "$*"; }
fail() { printf 'stack: %s\n' "$*" >&2; exit 1; }

# Takes `--at DIR` from the front of the arguments; the rest is in ARGS.
take_place() {
  if [ "${1:-}" = --at ]; then
    [ -n "${2:-}" ] || fail "--at needs a folder"
    AT=$2; shift 2
  fi
  ARGS=("$@")
  mkdir -p "$AT"; AT=$(cd "$AT" && pwd); DOWNLOADS=$AT/downloads
}

# --- Addresses -------------------------------------------------------------------------------------------------------

# Every port of the stack; the first of a server is the one its clients use. WORKER is for the demo's own worker.
PORTS="KAFKA KAFKA_CONTROLLER MYSQL MARIADB HDFS HDFS_WEB HDFS_DATA HDFS_DATA_WEB HDFS_DATA_IPC HIVE HIVE3 CONNECT WORKER"

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Chooses a free port for each name once; it stays the same until env is deleted. Below the range the system gives to clients.
choose_ports() {
  local name port
  touch "$AT/env"
  for name in $PORTS; do
    [ -z "$(port_of "$name")" ] || continue
    while :; do
      port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
      if ! listening "$port" && ! grep -q ":$port\$" "$AT/env"; then break; fi
    done
    printf 'STACK_%s=127.0.0.1:%s\n' "$name" "$port" >>"$AT/env"
  done
  # What has the readers of tests/stack and tests/support.
  grep -q '^STACK_PYTHON=' "$AT/env" || printf 'STACK_PYTHON=%s\n' "$DOWNLOADS/python/venv/bin/python3" >>"$AT/env"
}

port_of() { sed -n "s/^STACK_$1=127.0.0.1://p" "$AT/env" 2>/dev/null || true; }
address_of() { printf '127.0.0.1:%s' "$(port_of "$1")"; }

need_free() { # need_free SERVER PORT_NAME...
  local server=$1 name; shift
  for name in "$@"; do
    if listening "$(port_of "$name")"; then
      fail "$server: port $(port_of "$name") is taken by another program; stop that program, or delete $AT/env (with every server of this stack down) to have other ports chosen"
    fi
  done
}

# --- Processes -------------------------------------------------------------------------------------------------------

# The time a process started, in clock ticks since boot: with the pid it names one process for good.
started_at() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

pid_of() { # prints the pid of a part that runs, nothing else
  local pid ticks
  [ -f "$AT/$1/pid" ] || return 0
  read -r pid ticks <"$AT/$1/pid" || return 0
  if [ -n "$ticks" ] && [ "$(started_at "$pid")" = "$ticks" ]; then printf '%s' "$pid"; fi
}

running() { [ -n "$(pid_of "$1")" ]; }

spawn() { # spawn PART COMMAND...: runs it in the part's folder, detached, with a log and a pid file
  local part=$1 pid; shift
  mkdir -p "$AT/$part"
  if [ -f "$AT/$part/log" ]; then mv "$AT/$part/log" "$AT/$part/log.before"; fi
  # Descriptor 9 is the lock of `up`; a server that inherited it would hold it for life.
  (cd "$AT/$part" && exec setsid nohup "$@" >log 2>&1 </dev/null 9>&-) &
  pid=$!
  printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$AT/$part/pid"
}

await() { # await PART SECONDS COMMAND...: until the command succeeds
  local part=$1 limit=$((SECONDS + $2)); shift 2
  until "$@" >/dev/null 2>&1; do
    running "$part" || { log_tail "$part"; fail "$part ended while starting; its log: $AT/$part/log"; }
    [ $SECONDS -lt $limit ] || { log_tail "$part"; fail "$part runs but does not answer; its log: $AT/$part/log"; }
    sleep 0.2
  done
}

log_tail() { tail -n 15 "$AT/$1/log" 2>/dev/null | sed 's/^/    /' >&2; }

stop_part() { # stop_part PART [SIGNAL]: TERM, 30 s, KILL
  local part=$1 signal=${2:-TERM} pid i
  pid=$(pid_of "$part")
  if [ -n "$pid" ]; then
    kill "-$signal" "$pid" 2>/dev/null || true
    for ((i = 0; i < 150; i++)); do running "$part" || break; sleep 0.2; done
    if running "$part"; then
      kill -9 "$pid" 2>/dev/null || true
      say "$part: did not stop on SIGTERM within 30 s, killed"
    fi
  fi
  rm -f "$AT/$part/pid"
}

ready() { # ready SERVER PART PORT_NAME START_SECOND
  say "$1: ready at $(address_of "$3") after $((SECONDS - $4)) s, pid $(pid_of "$2"), log $AT/$2/log"
}

# Sends bytes, given as hex, to a port of this machine and prints the first COUNT bytes of the answer as hex.
ask() { # ask PORT COUNT HEX
  local escaped
  escaped=$(printf '%s' "$3" | sed 's/../\\x&/g')
  timeout 10 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "$2" >&3 && head -c "$1" <&3 | od -An -v -tx1 | tr -d " \n"' "$1" "$2" "$escaped"
}

property() { printf '  <property><name>%s</name><value>%s</value></property>\n' "$1" "$2"; }

# --- What the machine must have --------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    fail "must run '$*' as root: run this script as root or install sudo"
  fi
}

java_works() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
  [ "${version:-0}" -ge 17 ]
}

python_works() { python3 -c 'import venv, ensurepip' 2>/dev/null; }

# Installs what is missing for these servers. No package here starts a service: MariaDB comes as its -core packages.
install_packages() {
  local missing=()
  command -v curl >/dev/null || missing+=(curl ca-certificates)
  case " $* " in *" kafka "* | *" hdfs "* | *" hive "* | *" hive3 "* | *" connect "*)
    java_works || missing+=(openjdk-17-jre-headless)
    command -v mvn >/dev/null || missing+=(maven) ;;
  esac
  case " $* " in *" hive "*) python_works || missing+=(python3-venv) ;; esac
  case " $* " in *" mariadb "*)
    command -v mariadbd >/dev/null || missing+=(mariadb-server-core)
    command -v mariadb >/dev/null || missing+=(mariadb-client-core) ;;
  esac
  install_missing ${missing[@]+"${missing[@]}"}
}

# What Cargo needs to build librdkafka and OpenSSL; the Rust toolchain itself is the user's.
install_build_packages() {
  local missing=()
  command -v cargo >/dev/null || fail "no cargo: install Rust ($(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$REPOSITORY/Cargo.toml") or newer) with rustup"
  command -v cc >/dev/null && command -v c++ >/dev/null && command -v make >/dev/null || missing+=(build-essential)
  command -v perl >/dev/null || missing+=(perl)
  install_missing ${missing[@]+"${missing[@]}"}
}

install_missing() { # install_missing PACKAGE...
  local missing=("$@")
  [ $# -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "please install: ${missing[*]} (Debian's names; this machine has no apt-get)"
  say "installing ${missing[*]}"
  {
    as_root apt-get -o DPkg::Lock::Timeout=300 update -q &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "${missing[@]}"
  } >"$AT/apt.log" 2>&1 9>&- || { tail -n 5 "$AT/apt.log" >&2; fail "apt-get could not install ${missing[*]}; see $AT/apt.log"; }
}

# --- Downloads -------------------------------------------------------------------------------------------------------

DEPENDENCY_PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

# fetched NAME COMMAND...: runs the command with a new folder as its last argument, unless an earlier run has filled it.
fetched() {
  local name=$1 folder=$DOWNLOADS/$1; shift
  [ -d "$folder" ] && return
  rm -rf "$folder.part"; mkdir -p "$folder.part"
  say "fetching $name"
  # In the background, because a failure inside a function on the left of || would not end the function.
  "$@" "$folder.part" >"$DOWNLOADS/$name.log" 2>&1 9>&- &
  wait $! || {
    tail -n 10 "$DOWNLOADS/$name.log" >&2
    fail "could not fetch $name; see $DOWNLOADS/$name.log"
  }
  mv "$folder.part" "$folder"
}

copy_jars() { # copy_jars POM FOLDER: the jars a pom names, with all they need
  local work
  work=$(mktemp -d "$DOWNLOADS/pom.XXXXXX")
  cp "$STACK_SCRIPTS/jars/$1.xml" "$work/pom.xml"
  (cd "$work" && mvn -B -q "$DEPENDENCY_PLUGIN:copy-dependencies" -DincludeScope=runtime -DoutputDirectory="$2")
  rm -rf "$work"
}

unpack_plugin() { # unpack_plugin GROUP:ARTIFACT:VERSION:TYPE:CLASSIFIER FOLDER
  (cd "$2" && mvn -B -q "$DEPENDENCY_PLUGIN:copy" -Dartifact="$1" -DoutputDirectory="$2")
  tar xzf "$2"/*.tar.gz -C "$2"
  rm "$2"/*.tar.gz
}

get_jars() { # one Maven at a time: its local repository has no lock
  case " $* " in *" kafka "* | *" connect "*) fetched kafka copy_jars kafka ;; esac
  case " $* " in *" hdfs "*) fetched hadoop copy_jars hadoop ;; esac
  case " $* " in *" hive3 "*) fetched hive3 copy_jars hive3 ;; esac
  case " $* " in *" connect "*)
    mkdir -p "$DOWNLOADS/plugins"
    fetched plugins/mysql unpack_plugin io.debezium:debezium-connector-mysql:3.6.1.Final:tar.gz:plugin
    fetched plugins/mariadb unpack_plugin io.debezium:debezium-connector-mariadb:3.5.0.Final:tar.gz:plugin ;;
  esac
}
