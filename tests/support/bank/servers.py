"""How the demo's scripts reach the stack: MySQL by its own client, Kafka, WebHDFS, the metastore, a worker's REST API."""
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

STACK_SCRIPTS = Path(__file__).resolve().parents[2] / "stack"


class Stack:
    def __init__(self, folder):
        self.folder = Path(folder)
        lines = (self.folder / "env").read_text().splitlines()
        self.addresses = dict(line.split("=", 1) for line in lines if "=" in line)

    def address(self, name):
        return self.addresses[f"STACK_{name}"]

    def mysql(self, sql):
        """The rows of a query, as text."""
        command = [STACK_SCRIPTS / "client", "--at", self.folder, "mysql", "-N", "-B"]
        sql = "SET time_zone = '+00:00';\n" + sql
        done = subprocess.run(command, input=sql, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"MySQL refused a statement: {done.stderr.strip()}\n{sql}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def consumer(self, group):
        from confluent_kafka import Consumer

        return Consumer({
            "bootstrap.servers": self.address("KAFKA"), "group.id": group, "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "enable.partition.eof": True, "fetch.message.max.bytes": 4 << 20,
        })

    def committed_files(self, folder):
        """How many files lie below an HDFS folder, temporary ones left out."""
        return sum(1 for _ in self.committed_paths(folder))

    def committed_paths(self, folder):
        for entry in self.list_folder(folder):
            path = f"{folder}/{entry['pathSuffix']}"
            if entry["type"] == "FILE":
                yield path
            elif entry["pathSuffix"] != "+tmp":
                yield from self.committed_paths(path)

    def file_start(self, path, length):
        """The first bytes of a file on HDFS."""
        url = f"http://{self.address('HDFS_WEB')}/webhdfs/v1{urllib.parse.quote(path)}?op=OPEN&length={length}&user.name=root"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read()

    def list_folder(self, folder):
        url = f"http://{self.address('HDFS_WEB')}/webhdfs/v1{urllib.parse.quote(folder)}?op=LISTSTATUS&user.name=root"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return json.load(answer)["FileStatuses"]["FileStatus"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise

    def partitions(self, tables):
        """How many partitions the metastore has of these Hive tables."""
        from pymetastore.hive_metastore import ThriftHiveMetastore
        from thrift.protocol.TBinaryProtocol import TBinaryProtocol
        from thrift.transport.TSocket import TSocket
        from thrift.transport.TTransport import TBufferedTransport

        host, port = self.address("HIVE").split(":")
        socket = TSocket(host, int(port))
        socket.setTimeout(20000)
        transport = TBufferedTransport(socket)
        metastore = ThriftHiveMetastore.Client(TBinaryProtocol(transport))
        transport.open()
        count = 0
        for table in tables:
            # Asked about a table that is not there yet, the metastore answers with an internal error.
            if metastore.get_tables(*table.split(".")):
                count += len(metastore.get_partition_names(*table.split("."), -1))
        transport.close()
        return count


def rest(base, path, method="GET", body=None):
    """Status and JSON of a request to a Connect worker."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=100) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or "null")
