#!/usr/bin/env python3
"""Measures one worker after the other and prints a table a case. Called by tests/bench/run; see there."""
import argparse
import atexit
import datetime
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support" / "bank"))
from seed import Bank, field  # noqa: E402
from servers import Stack, rest  # noqa: E402
from tables import OPERATIONS  # noqa: E402

CASES = ["start", "snapshot", "snapshot-plain", "binlog", "latency", "sink"]
JSON = "org.apache.kafka.connect.json.JsonConverter"
# What a person who tunes the Java worker sets; with these it is at its best here.
TUNED = {
    "max.batch.size": "20480", "max.queue.size": "81920", "snapshot.fetch.size": "20000",
    "producer.override.batch.size": "1048576", "producer.override.linger.ms": "20", "producer.override.buffer.memory": "268435456",
    "consumer.override.max.poll.records": "10000", "consumer.override.fetch.min.bytes": "1000000",
    "consumer.override.max.partition.fetch.bytes": "16777216",
}
LIMIT_S = 600


class Worker:
    """A worker process that was started for one case."""

    def __init__(self, bench, kind):
        self.bench, self.kind = bench, kind
        bench.started += 1
        group = f"bench-{kind}-{bench.run}-{bench.started}"
        self.folder = bench.folder / group
        self.folder.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        properties = {
            "bootstrap.servers": bench.kafka, "group.id": group, "listeners": self.base, "rest.advertised.host.name": "127.0.0.1",
            "key.converter": JSON, "value.converter": JSON, "offset.flush.interval.ms": "500",
            "connector.client.config.override.policy": "All",
        }
        for topic in ("config", "offset", "status"):
            properties[f"{topic}.storage.topic"] = f"{group}-{topic}s"
            properties[f"{topic}.storage.replication.factor"] = "1"
        properties["offset.storage.partitions"] = properties["status.storage.partitions"] = "1"
        if kind == "java":
            properties["plugin.path"] = str(bench.downloads / "plugins")
            properties["plugin.discovery"] = "service_load"
        file = self.folder / "worker.properties"
        file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        command = [bench.tributary, "distributed", file]
        if kind == "java":
            command = ["java", "-Xms256m", "-Xmx2g", f"-Dlog4j2.configurationFile={bench.stack.folder}/connect/log4j2.xml",
                       "-cp", f"{bench.downloads}/kafka/*", "org.apache.kafka.connect.cli.ConnectDistributed", file]
        begin = time.monotonic()
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        atexit.register(self.process.kill)  # when a case ends with an error; harmless after `stop`
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - begin > 120:
                raise SystemExit(f"the {kind} worker did not start; see {self.folder}/log")
            time.sleep(0.01)
        self.start_s = time.monotonic() - begin

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.base}/connectors", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self):
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

    def create(self, name, config):
        status, answer = rest(self.base, "/connectors", "POST", {"name": name, "config": config})
        if status != 201:
            raise SystemExit(f"the {self.kind} worker refused {name}: {answer}")

    def call(self, path, method="PUT"):
        status, answer = rest(self.base, path, method)
        if status not in (200, 202, 204):
            raise SystemExit(f"{method} {path}: {status} {answer}")

    def check(self, name):
        status, answer = rest(self.base, f"/connectors/{name}/status")
        parts = [answer["connector"], *answer["tasks"]] if status == 200 else []
        for part in parts:
            if part["state"] == "FAILED":
                raise SystemExit(f"{name} failed on the {self.kind} worker: {part.get('trace')}")
        return [part["state"] for part in parts]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Bench:
    def __init__(self, arguments):
        self.stack = Stack(Path(arguments.stack).resolve())
        self.kafka = self.stack.address("KAFKA")
        self.downloads = self.stack.folder / "downloads"
        self.tributary, self.raw = arguments.tributary, arguments.raw
        self.rows, self.kinds = arguments.rows, [arguments.worker] if arguments.worker else ["java", "tributary"]
        self.started = 0
        # Tells the topics and groups of this run from those of one before on the same servers.
        self.run = os.getpid()
        self.folder = self.stack.folder / "bench"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        from confluent_kafka.admin import AdminClient

        self.admin = AdminClient({"bootstrap.servers": self.kafka})
        self.results = []

    # --- Kafka -------------------------------------------------------------------------------------------------------

    def topic(self, name):
        """A topic whose records carry the broker's own clock: rates and delays do not depend on the worker's word."""
        from confluent_kafka.admin import NewTopic

        settings = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
        self.admin.create_topics([NewTopic(name, 1, 1, config=settings)])[name].result(30)

    def drop_topics(self, *names):
        for future in self.admin.delete_topics(list(names)).values():
            future.result(30)

    def end(self, topic):
        from confluent_kafka import TopicPartition

        consumer = self.stack.consumer("bench")
        end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)[1]
        consumer.close()
        return end

    def record(self, topic, offset):
        from confluent_kafka import TopicPartition

        consumer = self.stack.consumer("bench")
        consumer.assign([TopicPartition(topic, 0, offset)])
        message = consumer.poll(30)
        consumer.close()
        return message

    def wait_records(self, worker, connector, topic, count):
        deadline = time.monotonic() + LIMIT_S
        while self.end(topic) < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"{connector} on the {worker.kind} worker: {self.end(topic)} of {count} records after {LIMIT_S} s")
            worker.check(connector)
            time.sleep(0.2)

    def seconds_between(self, topic, first, last):
        return (self.record(topic, last).timestamp()[1] - self.record(topic, first).timestamp()[1]) / 1000

    # --- MySQL -------------------------------------------------------------------------------------------------------

    def fill(self):
        bank = Bank(7, self.rows)
        self.data = self.folder / "operations.tsv"
        with open(self.data, "w", encoding="utf-8") as file:
            for number in range(1, self.rows + 1):
                file.write("\t".join(map(field, bank.operation(number))) + "\n")
        self.stack.mysql("DROP DATABASE IF EXISTS bench; CREATE DATABASE bench CHARACTER SET utf8mb4;"
                         + OPERATIONS.create().replace("santander.", "bench.") + self.load_statement("operations"))

    def load_statement(self, table, lines=None):
        return f"LOAD DATA LOCAL INFILE '{lines or self.data}' INTO TABLE bench.{table} CHARACTER SET utf8mb4;"

    def source(self, name, table, tuned, **more):
        port = self.stack.address("MYSQL").split(":")[1]
        config = {
            "connector.class": "io.debezium.connector.mysql.MySqlConnector", "tasks.max": "1", "database.hostname": "127.0.0.1",
            "database.port": port, "database.user": "tributary", "database.password": "tributary",
            "database.server.id": str(6000 + self.started), "topic.prefix": name, "database.include.list": "bench",
            "table.include.list": f"bench.{table}", "include.schema.changes": "false",
            "schema.history.internal.kafka.bootstrap.servers": self.kafka,
            "schema.history.internal.kafka.topic": f"{name}.history",
        }
        if tuned:
            config.update({key: value for key, value in TUNED.items() if not key.startswith("consumer.")})
        config.update(more)
        return config

    # --- Cases -------------------------------------------------------------------------------------------------------

    def workers(self):
        """Java as it comes, Java tuned, and ours as it comes."""
        kinds = [("java", False), ("java", True), ("tributary", False)]
        return [(kind, tuned) for kind, tuned in kinds if kind in self.kinds]

    def start(self):
        for kind in self.kinds:
            times, memory = [], 0
            for _ in range(3):
                worker = Worker(self, kind)
                times.append(worker.start_s)
                memory = worker.peak_mb()
                worker.stop()
            self.results.append(("start to GET /connectors, s", kind, f"{statistics.median(times):.2f}", f"{memory:.0f} MB"))
            print(f"start {kind}: {[f'{value:.2f}' for value in times]} s, {memory:.0f} MB", flush=True)

    def snapshot(self, schemas=True):
        case = "snapshot" if schemas else "snapshot-plain"
        begin = time.monotonic()
        subprocess.run([HERE.parent / "stack" / "client", "--at", self.stack.folder, "mysql", "--quick", "-N", "-B", "-e",
                        "SELECT * FROM bench.operations"], stdout=subprocess.DEVNULL, check=True)
        self.report(case, "SELECT * by mysql", self.rows / (time.monotonic() - begin))
        size = None
        for kind, tuned in self.workers():
            worker = Worker(self, kind)
            name = f"{case}{self.run}-{self.started}"
            topic = f"{name}.bench.operations"
            self.topic(topic)
            enable = str(schemas).lower()
            before = worker.cpu_s()
            worker.create(name, self.source(name, "operations", tuned, **{
                "snapshot.mode": "initial", "key.converter": JSON, "value.converter": JSON,
                "key.converter.schemas.enable": enable, "value.converter.schemas.enable": enable}))
            self.wait_records(worker, name, topic, self.rows)
            cpu = worker.cpu_s() - before
            rate = self.rows / self.seconds_between(topic, 0, self.rows - 1)
            self.report(case, f"{kind}{' tuned' if tuned else ''}", rate, cpu, worker.peak_mb())
            size = len(self.record(topic, self.rows // 2).value())
            worker.stop()
            self.drop_topics(topic)
        self.raw_produce(case, size)

    def raw_produce(self, case, size):
        topic = f"raw{self.run}-{self.started}"
        self.topic(topic)
        done = subprocess.run([self.raw, "produce", self.kafka, topic, str(self.rows), str(size)], capture_output=True, text=True, check=True)
        self.report(case, f"librdkafka producer, {size} B", float(done.stdout))
        self.drop_topics(topic)

    def binlog(self):
        size = None
        for kind, tuned in self.workers():
            worker = Worker(self, kind)
            name = f"binlog{self.run}-{self.started}"
            table = f"changes{self.started}"
            topic = f"{name}.bench.{table}"
            self.topic(topic)
            self.stack.mysql(OPERATIONS.create().replace("santander.operations", f"bench.{table}"))
            worker.create(name, self.source(name, table, tuned, **{"snapshot.mode": "no_data"}))
            # One row shows that it streams; then it stands still while rows are written.
            self.wait_streaming(worker, name, table, topic)
            worker.call(f"/connectors/{name}/stop")
            while "RUNNING" in worker.check(name):
                time.sleep(0.1)
            first = self.end(topic)
            # As an application writes: transactions of a thousand rows.
            subprocess.run(["split", "-l", "1000", "-a", "4", self.data, self.folder / "part-"], check=True)
            parts = sorted(self.folder.glob("part-*"))
            self.stack.mysql("\n".join(self.load_statement(table, part) for part in parts))
            for part in parts:
                part.unlink()
            before = worker.cpu_s()
            worker.call(f"/connectors/{name}/resume")
            self.wait_records(worker, name, topic, first + self.rows)
            cpu = worker.cpu_s() - before
            rate = self.rows / self.seconds_between(topic, first, first + self.rows - 1)
            self.report("binlog", f"{kind}{' tuned' if tuned else ''}", rate, cpu, worker.peak_mb())
            size = len(self.record(topic, first + self.rows // 2).value())
            worker.stop()
            self.drop_topics(topic)
            self.stack.mysql(f"DROP TABLE bench.{table};")
        self.raw_produce("binlog", size)

    def wait_streaming(self, worker, name, table, topic):
        deadline = time.monotonic() + 120
        number = 10**12
        while self.end(topic) == 0:
            if time.monotonic() > deadline:
                raise SystemExit(f"{name} does not stream on the {worker.kind} worker: {worker.check(name)}")
            if "RUNNING" in worker.check(name)[1:]:
                number += 1
                self.stack.mysql(self.insert(table, number))
            time.sleep(1)

    def insert(self, table, number):
        return (f"INSERT INTO bench.{table} VALUES ({number}, '000.000.000-00', 'Poupança', NULL, 'pix', 1.5, 1, '2020-01-01', "
                "'10:00:00', '2020-01-01 10:00:00', 1);")

    def latency(self):
        for kind in self.kinds:
            worker = Worker(self, kind)
            name, table = f"latency{self.run}-{self.started}", f"single{self.started}"
            topic = f"{name}.bench.{table}"
            self.topic(topic)
            self.stack.mysql(OPERATIONS.create().replace("santander.operations", f"bench.{table}"))
            worker.create(name, self.source(name, table, False, **{"snapshot.mode": "no_data"}))
            self.wait_streaming(worker, name, table, topic)
            delays = []
            for number in range(1, 31):
                first = self.end(topic)
                # MySQL's own clock when the row is committed: NOW(6) of the statement after it.
                rows = self.stack.mysql(self.insert(table, number) + "SELECT UNIX_TIMESTAMP(NOW(6));")
                self.wait_records(worker, name, topic, first + 1)
                delays.append(self.record(topic, first).timestamp()[1] - float(rows[-1][0]) * 1000)
            delays = [max(delay, 0) for delay in delays]
            self.results.append(("one row, ms (median, worst)", kind, f"{statistics.median(delays):.0f}", f"{max(delays):.0f}"))
            print(f"latency {kind}: median {statistics.median(delays):.0f} ms, worst {max(delays):.0f} ms", flush=True)
            worker.stop()
            self.drop_topics(topic)

    def sink(self):
        """Debezium's envelopes, as JSON with schemas, into rows. Java has no HDFS sink on Maven Central: its FileStream sink to
        /dev/null does the converting and unwrapping and then nothing, so ours does more."""
        maker = Worker(self, self.kinds[-1])
        name = f"sink{self.run}-{self.started}"
        topic = f"{name}.bench.operations"
        self.topic(topic)
        maker.create(name, self.source(name, "operations", False, **{"snapshot.mode": "initial"}))
        self.wait_records(maker, name, topic, self.rows)
        maker.stop()
        unwrap = {"transforms": "unwrap", "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
                  "topics": topic, "tasks.max": "1", "consumer.override.auto.offset.reset": "earliest"}
        for kind, tuned in self.workers():
            worker = Worker(self, kind)
            sink = f"{kind}-sink-{self.run}-{self.started}"
            if kind == "java":
                config = {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": "/dev/null", **unwrap}
            else:
                config = {
                    "connector.class": "io.confluent.connect.hdfs.HdfsSinkConnector", "hdfs.url": f"hdfs://{self.stack.address('HDFS')}",
                    "flush.size": str(max(self.rows // 20, 1)), "topics.dir": f"/bench/{sink}", "logs.dir": f"/bench/{sink}-logs",
                    "avro.codec": "snappy", **unwrap}
            if tuned:
                config.update({key: value for key, value in TUNED.items() if key.startswith("consumer.")})
            before = worker.cpu_s()
            worker.create(sink, config)
            rate = self.rate_of_commits(worker, sink, topic)
            label = f"{kind}{' tuned' if tuned else ''}" + (" (to /dev/null)" if kind == "java" else "")
            self.report("sink", label, rate, worker.cpu_s() - before, worker.peak_mb())
            worker.stop()
        done = subprocess.run([self.raw, "consume", self.kafka, topic, str(self.rows)], capture_output=True, text=True, check=True)
        self.report("sink", "librdkafka consumer", float(done.stdout))
        self.drop_topics(topic)

    def rate_of_commits(self, worker, sink, topic):
        """Rows a second from the first commit of the group to the last, so that joining it does not count."""
        from confluent_kafka import TopicPartition

        consumer = self.stack.consumer(f"connect-{sink}")
        begin = time.monotonic()
        seen = []
        while not seen or seen[-1][1] < self.rows:
            now = time.monotonic()
            if now - begin > LIMIT_S:
                raise SystemExit(f"{sink} did not commit {self.rows} records within {LIMIT_S} s")
            worker.check(sink)
            offset = consumer.committed([TopicPartition(topic, 0)], timeout=30)[0].offset
            if offset > 0 and (not seen or offset > seen[-1][1]):
                seen.append((now, offset))
            time.sleep(0.05)
        consumer.close()
        if len(seen) < 2:
            raise SystemExit(f"{sink} committed all {self.rows} rows at once: give more --rows")
        return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])

    def report(self, case, who, rate, cpu=None, memory=None):
        self.results.append((case, who, rate, cpu, memory))
        text = f"{case:<16} {who:<28} {rate:>10,.0f} rows/s"
        if cpu is not None:
            text += f"  {cpu / self.rows * 1e6:>6.1f} CPU-s per million  {memory:>6.0f} MB"
        print(text, flush=True)

    def ratios(self):
        print(f"\nTributary against the tuned Java worker and the slower of the raw limits, {self.rows:,} rows, {datetime.date.today()}")
        for case in dict.fromkeys(result[0] for result in self.results if len(result) == 5):
            of = {result[1]: result for result in self.results if result[0] == case}
            ours = of.get("tributary")
            java = next((result for who, result in of.items() if who.startswith("java tuned")), None)
            limits = [result[2] for result in of.values() if result[3] is None]
            if ours and java:
                print(f"{case:<16} {ours[2] / java[2]:>5.2f} x the rows/s   {ours[3] / java[3]:>5.2f} x the CPU   "
                      f"{ours[4] / java[4]:>5.2f} x the memory   {ours[2] / min(limits):>5.0%} of the raw limit")
        for result in self.results:
            if len(result) == 4:
                print(f"{result[0]:<30} {result[1]:<12} {result[2]:>8} {result[3]:>10}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--tributary", required=True)
    parser.add_argument("--raw", required=True)
    parser.add_argument("--rows", type=int, default=500000)
    parser.add_argument("--worker", choices=["java", "tributary"], help="only this one")
    parser.add_argument("cases", nargs="*", help=f"of {CASES}")
    arguments = parser.parse_args()
    unknown = [case for case in arguments.cases if case not in CASES]
    if unknown:
        parser.error(f"no case {unknown}; there are {CASES}")
    bench = Bench(arguments)
    bench.fill()
    for case in arguments.cases or CASES:
        if case == "snapshot-plain":
            bench.snapshot(schemas=False)
        else:
            getattr(bench, case)()
    bench.ratios()


if __name__ == "__main__":
    main()
