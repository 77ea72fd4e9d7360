# MariaDB 10.11 of Debian, with a data folder of its own.

mariadb_start() {
  local home=$AT/mariadb options=(--no-defaults --datadir="$AT/mariadb/data") mariadbd
  mariadbd=$(PATH=$PATH:/usr/sbin command -v mariadbd)
  if [ "$(id -u)" = 0 ]; then options+=(--user=root); fi
  mkdir -p "$home"
  if [ ! -d "$home/data/mysql" ]; then
    mariadb-install-db "${options[@]}" --auth-root-authentication-method=normal --skip-test-db >"$home/install.log" 2>&1 ||
      { tail -n 5 "$home/install.log" >&2; rm -rf "$home/data"; fail "mariadb: could not initialise $home/data"; }
  fi
  need_free mariadb MARIADB
  spawn mariadb "$mariadbd" "${options[@]}" --port="$(port_of MARIADB)" --bind-address=127.0.0.1 --socket=s.sock \
    --pid-file=mariadbd.pid --server-id=1 --log-bin=binlog --binlog-format=ROW --binlog-row-image=FULL \
    --binlog-row-metadata=FULL --gtid-strict-mode=ON --innodb-buffer-pool-size=256M --innodb-flush-log-at-trx-commit=2 \
    --sync-binlog=0 --default-time-zone=+00:00 --local-infile=1
  await mariadb 120 mariadb_client -e 'SELECT 1'
  mariadb_client <"$STACK_SCRIPTS/accounts.sql"
}

mariadb_client() { mariadb --no-defaults -uroot -h127.0.0.1 -P"$(port_of MARIADB)" --local-infile=1 --default-character-set=utf8mb4 "$@"; }
