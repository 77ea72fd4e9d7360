# Hive metastores with an embedded Derby: 2.3.9 out of the pyspark package (hive) and 3.1.3 (hive3); and Spark, the reader.
# Both metastores listen on all addresses; they have no setting for it that works.

spark_get() { fetched python spark_install; }

spark_install() { # pyspark carries Spark, Hive 2.3.9 and their jars; the others ask Kafka and the metastore
  python3 -m venv "$1/venv"
  "$1/venv/bin/python3" -m pip -q --disable-pip-version-check install pyspark==3.5.7 confluent-kafka==2.12.2 pymetastore==0.4.2 thrift==0.25.0
}

# A virtual environment may be moved as long as its python3 is started by path.
stack_python() { printf '%s' "$DOWNLOADS/python/venv/bin/python3"; }
spark_jars() { local found=("$DOWNLOADS"/python/venv/lib/python3*/site-packages/pyspark/jars); printf '%s' "${found[0]}"; }

JAVA_OPENS=()
for package in java.lang java.net java.util java.util.concurrent java.util.concurrent.atomic java.io java.nio java.lang.reflect; do
  JAVA_OPENS+=("--add-opens=java.base/$package=ALL-UNNAMED")
done

hive_start() { metastore_start hive HIVE "$(spark_jars)"; }
hive3_start() { metastore_start hive3 HIVE3 "$DOWNLOADS/hive3"; }

metastore_start() { # metastore_start SERVER PORT_NAME JARS
  local server=$1 port conf=$AT/$1/conf jars=$3
  port=$(port_of "$2")
  mkdir -p "$conf" "$AT/$server/tmp"
  {
    echo '<configuration>'
    property fs.defaultFS "hdfs://$(address_of HDFS)"
    property hadoop.tmp.dir "$AT/$server/tmp"
    echo '</configuration>'
  } >"$conf/core-site.xml"
  {
    echo '<configuration>'
    property javax.jdo.option.ConnectionURL "jdbc:derby:;databaseName=$AT/$server/db;create=true"
    property javax.jdo.option.ConnectionDriverName org.apache.derby.jdbc.EmbeddedDriver
    property datanucleus.schema.autoCreateAll true
    property hive.metastore.schema.verification false
    property metastore.schema.verification false
    property hive.metastore.uris ""
    property metastore.thrift.uris ""
    property hive.metastore.warehouse.dir "hdfs://$(address_of HDFS)/user/hive/warehouse"
    property metastore.warehouse.dir "hdfs://$(address_of HDFS)/user/hive/warehouse"
    property hive.async.log.enabled false
    if [ "$server" = hive ]; then
      property hive.metastore.event.db.notification.api.auth false
    else
      # The defaults name classes that only a whole Hive has.
      property metastore.task.threads.always org.apache.hadoop.hive.metastore.events.EventCleanerTask
      property metastore.task.threads.remote org.apache.hadoop.hive.metastore.events.EventCleanerTask
      property metastore.expression.proxy org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy
    fi
    echo '</configuration>'
  } >"$conf/hive-site.xml"
  cp "$conf/hive-site.xml" "$conf/metastore-site.xml"
  cat >"$conf/log4j2.properties" <<'X'
status=warn
name=metastore
appenders=out
appender.out.type=Console
appender.out.name=out
appender.out.target=SYSTEM_ERR
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{2}: %m%n
rootLogger.level=info
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
X
  cp "$conf/log4j2.properties" "$conf/hive-log4j2.properties"
  cp "$conf/log4j2.properties" "$conf/metastore-log4j2.properties"
  need_free "$server" "$2"
  spawn "$server" java -Xmx512m -XX:+UseSerialGC "${JAVA_OPENS[@]}" -Dderby.stream.error.file="$AT/$server/derby.log" \
    -Dlog4j2.configurationFile="$conf/log4j2.properties" -Dlog4j.configurationFile="$conf/log4j2.properties" \
    -cp "$conf:$jars/*" org.apache.hadoop.hive.metastore.HiveMetaStore -p "$port"
  await "$server" 120 metastore_answers "$port"
}

# Thrift: get_database("default"). Its answer begins with the version and message type 2, a reply.
metastore_answers() {
  local answer
  answer=$(ask "$1" 4 80010001""0000000c""6765745f6461746162617365""00000001""0b0001""00000007""64656661756c74""00)
  [ "$answer" = 80010002 ]
}

spark_client() { exec "$(stack_python)" "$STACK_SCRIPTS/spark_read.py" --stack "$AT" "$@"; }
