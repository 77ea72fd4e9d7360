# MySQL 9.7 from Debian sid: unpacked with its own libraries, never installed.

mysql_get() { fetched mysql mysql_unpack; }

# A private package state that knows only sid, so that this machine's own packages do not matter.
mysql_unpack() {
  local folder=$1 mirror options
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -E '/debian/?$' | head -n 1)
  [ -n "$mirror" ] || { echo "no Debian mirror among this machine's package sources"; return 1; }
  mkdir -p "$folder"/apt/{lists/partial,archives/partial}
  : >"$folder/apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$folder/apt/sources.list"
  options=(-o Dir::Etc::sourcelist="$folder/apt/sources.list" -o Dir::Etc::sourceparts=/nonexistent
    -o Dir::Etc::preferencesparts=/nonexistent -o Dir::State::lists="$folder/apt/lists"
    -o Dir::State::status="$folder/apt/status" -o Dir::Cache="$folder/apt" -o Dir::Cache::archives="$folder/apt/archives"
    -o APT::Install-Recommends=false -o APT::Sandbox::User=
    # A mirror may be a frozen copy; what it serves is still signed.
    -o Acquire::Check-Valid-Until=false)
  apt-get "${options[@]}" update -q
  apt-get "${options[@]}" install --download-only -y -q mysql-server-core mysql-client-core
  for package in "$folder"/apt/archives/*.deb; do dpkg -x "$package" "$folder"; done
  rm -rf "$folder/apt"
}

# Runs a program of the unpacked tree with that tree's own loader and libraries.
mysql_run() { # mysql_run PROGRAM ARGUMENTS...
  mysql_command "$@"
  "${MYSQL_COMMAND[@]}"
}

mysql_command() {
  local tree=$DOWNLOADS/mysql loaders libraries program=$1; shift
  loaders=("$tree"/usr/lib/*/ld-linux*.so*)
  libraries=$(dirname "${loaders[0]}")
  MYSQL_COMMAND=("${loaders[0]}" --library-path "$libraries:$tree/usr/lib/mysql/private" "$tree/usr/$program" --no-defaults "$@")
}

mysql_start() {
  local home=$AT/mysql server
  mkdir -p "$home"
  # The socket's name is relative to the data folder, because its full path may be longer than a socket's may be.
  server=(--basedir="$DOWNLOADS/mysql/usr" --lc-messages-dir="$DOWNLOADS/mysql/usr/share/mysql" --datadir="$home/data")
  if [ "$(id -u)" = 0 ]; then server+=(--user=root); fi
  if [ ! -d "$home/data/mysql" ]; then
    mysql_run sbin/mysqld "${server[@]}" --initialize-insecure >"$home/initialize.log" 2>&1 ||
      { tail -n 5 "$home/initialize.log" >&2; rm -rf "$home/data"; fail "mysql: could not initialise $home/data"; }
  fi
  need_free mysql MYSQL
  mysql_command sbin/mysqld "${server[@]}" --port="$(port_of MYSQL)" --bind-address=127.0.0.1 --socket=s.sock \
    --pid-file=mysqld.pid --secure-file-priv= --mysqlx=OFF --local-infile=1 --server-id=1 --log-bin=binlog \
    --gtid-mode=ON --enforce-gtid-consistency=ON --binlog-row-image=FULL --binlog-row-metadata=FULL \
    --innodb-buffer-pool-size=512M --innodb-flush-log-at-trx-commit=2 --sync-binlog=0 --max-binlog-size=1G \
    --default-time-zone=+00:00
  spawn mysql "${MYSQL_COMMAND[@]}"
  await mysql 120 mysql_run bin/mysqladmin -uroot -h127.0.0.1 -P"$(port_of MYSQL)" ping
  mysql_run bin/mysql -uroot -h127.0.0.1 -P"$(port_of MYSQL)" <"$STACK_SCRIPTS/accounts.sql"
}

mysql_client() { mysql_run bin/mysql -uroot -h127.0.0.1 -P"$(port_of MYSQL)" --local-infile=1 --default-character-set=utf8mb4 "$@"; }
