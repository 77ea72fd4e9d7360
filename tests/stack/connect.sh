# Kafka Connect 4.3.1 with Debezium for MySQL 3.6.1 and MariaDB 3.5.0: the reference the tests compare with.

connect_start() {
  local home=$AT/connect
  mkdir -p "$home"
  kafka_logging "$home"
  cat >"$home/connect.properties" <<X
bootstrap.servers=$(address_of KAFKA)
group.id=reference
listeners=http://$(address_of CONNECT)
rest.advertised.host.name=127.0.0.1
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
config.storage.topic=reference-configs
offset.storage.topic=reference-offsets
status.storage.topic=reference-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.flush.interval.ms=2000
plugin.path=$DOWNLOADS/plugins
plugin.discovery=service_load
X
  need_free connect CONNECT
  spawn connect java -Xms256m -Xmx2g -Dlog4j2.configurationFile="$home/log4j2.xml" -cp "$DOWNLOADS/kafka/*" \
    org.apache.kafka.connect.cli.ConnectDistributed "$home/connect.properties"
  await connect 180 curl -sf --max-time 5 "http://$(address_of CONNECT)/connectors"
}

connect_client() { local path=$1; shift; exec curl -s "http://$(address_of CONNECT)$path" "$@"; }
