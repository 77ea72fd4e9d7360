# HDFS 3.4.2: one NameNode, one DataNode.

hdfs_configure() {
  local conf=$AT/hdfs/conf web
  # The jars carry no web pages, and the daemons refuse to start without the folders; empty ones will do.
  for web in hdfs datanode; do
    mkdir -p "$conf/webapps/$web/WEB-INF"
    echo '<web-app/>' >"$conf/webapps/$web/WEB-INF/web.xml"
  done
  {
    echo '<configuration>'
    property fs.defaultFS "hdfs://$(address_of HDFS)"
    property hadoop.tmp.dir "$AT/hdfs/tmp"
    property hadoop.http.staticuser.user "$HADOOP_USER_NAME"
    echo '</configuration>'
  } >"$conf/core-site.xml"
  {
    echo '<configuration>'
    property dfs.replication 1
    property dfs.permissions.enabled false
    property dfs.namenode.name.dir "file://$AT/hdfs/name"
    property dfs.datanode.data.dir "file://$AT/hdfs/data"
    property dfs.namenode.rpc-address "$(address_of HDFS)"
    property dfs.namenode.http-address "$(address_of HDFS_WEB)"
    property dfs.datanode.address "$(address_of HDFS_DATA)"
    property dfs.datanode.http.address "$(address_of HDFS_DATA_WEB)"
    property dfs.datanode.ipc.address "$(address_of HDFS_DATA_IPC)"
    property dfs.datanode.hostname 127.0.0.1
    property dfs.namenode.datanode.registration.ip-hostname-check false
    property dfs.namenode.fs-limits.min-block-size 0
    property dfs.namenode.safemode.extension 0
    property dfs.heartbeat.interval 1
    property dfs.client.block.write.replace-datanode-on-failure.policy NEVER
    echo '</configuration>'
  } >"$conf/hdfs-site.xml"
  cat >"$conf/log4j.properties" <<'X'
log4j.rootLogger=INFO,out
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.target=System.err
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
X
}

hdfs_start() {
  local class_path="$AT/hdfs/conf:$DOWNLOADS/hadoop/*" server=org.apache.hadoop.hdfs.server
  hdfs_configure
  if [ ! -d "$AT/hdfs/name/current" ]; then
    java -Xmx256m -cp "$class_path" $server.namenode.NameNode -format -nonInteractive -force >"$AT/hdfs/format.log" 2>&1 ||
      { tail -n 5 "$AT/hdfs/format.log" >&2; fail "hdfs: could not format $AT/hdfs/name"; }
  fi
  # The opened package is for WebHDFS, which answers 500 without it.
  if ! running hdfs/namenode; then
    need_free hdfs HDFS HDFS_WEB
    spawn hdfs/namenode java -Xmx256m -XX:+UseSerialGC --add-opens=java.base/java.lang=ALL-UNNAMED \
      -cp "$class_path" $server.namenode.NameNode
  fi
  if ! running hdfs/datanode; then
    need_free hdfs HDFS_DATA HDFS_DATA_WEB HDFS_DATA_IPC
    spawn hdfs/datanode java -Xmx256m -XX:+UseSerialGC --add-opens=java.base/java.lang=ALL-UNNAMED \
      -cp "$class_path" $server.datanode.DataNode
  fi
  await hdfs/namenode 120 listening "$(port_of HDFS)"
  await hdfs/datanode 120 hdfs_answers
}

# A DataNode has registered and safe mode is off. An open port alone is too early: the first files would fail.
hdfs_answers() {
  local beans
  beans=$(curl -sf --max-time 5 "http://$(address_of HDFS_WEB)/jmx?qry=Hadoop:service=NameNode,name=*")
  grep -q '"NumLiveDataNodes" : 1' <<<"$beans" && grep -q '"Safemode" : ""' <<<"$beans"
}

hdfs_client() {
  exec java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j.rootLogger=WARN \
    -cp "$AT/hdfs/conf:$DOWNLOADS/hadoop/*" org.apache.hadoop.fs.FsShell "$@"
}
