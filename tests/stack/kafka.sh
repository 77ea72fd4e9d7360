# Apache Kafka 4.3.1, KRaft, broker and controller in one process.

kafka_start() {
  local port controller jars=$DOWNLOADS/kafka home=$AT/kafka
  port=$(port_of KAFKA); controller=$(port_of KAFKA_CONTROLLER)
  mkdir -p "$home"
  cat >"$home/server.properties" <<X
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$home/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
X
  kafka_logging "$home"
  if [ ! -f "$home/data/meta.properties" ]; then
    java -cp "$jars/*" kafka.tools.StorageTool format -c "$home/server.properties" \
      -t "$(java -cp "$jars/*" kafka.tools.StorageTool random-uuid 2>/dev/null | tail -n 1)" >"$home/format.log" 2>&1 ||
      { tail -n 5 "$home/format.log" >&2; fail "kafka: could not format $home/data"; }
  fi
  need_free kafka KAFKA KAFKA_CONTROLLER
  spawn kafka java -Xms256m -Xmx1g -Dlog4j2.configurationFile="$home/log4j2.xml" -cp "$jars/*" kafka.Kafka "$home/server.properties"
  await kafka 120 kafka_answers "$port"
}

# An ApiVersions request (key 18, version 0); the answer's length is not zero. Refused until the broker is unfenced.
kafka_answers() {
  local length
  length=$(ask "$1" 4 0000000a0012000000000001ffff)
  [ ${#length} = 8 ] && [ "$length" != 00000000 ] && grep -q 'Kafka Server started' "$AT/kafka/log"
}

kafka_logging() { # kafka_logging FOLDER
  cat >"$1/log4j2.xml" <<'X'
<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %m (%c{1})%n"/></Console></Appenders>
  <Loggers><Root level="INFO"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
X
}

kafka_client() { # kafka_client topics|groups|consumer|producer|configs ARGUMENTS...
  local tool=${1:-}; shift || true
  local class
  case $tool in
    topics) class=org.apache.kafka.tools.TopicCommand ;;
    groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
    consumer) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
    producer) class=org.apache.kafka.tools.ConsoleProducer ;;
    offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
    *) fail "usage: client kafka topics|groups|consumer|producer|offsets ARGUMENTS... (as Kafka's own tools take them)" ;;
  esac
  exec java -Xmx512m -XX:TieredStopAtLevel=1 -cp "$DOWNLOADS/kafka/*" "$class" --bootstrap-server "$(address_of KAFKA)" "$@"
}
