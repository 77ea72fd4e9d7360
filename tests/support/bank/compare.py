#!/usr/bin/env python3
"""compare.py remember STACK STATE TABLE updated|deleted CONDITION: before a change, notes and counts the rows it will replace or
remove.
compare.py check STACK STATE: compares MySQL, Kafka and Hive, prints a table of rows and checksums, and compares the schema of
each file on HDFS with schemas/; exits 1 if anything differs.

A Hive table is a log: it keeps every version of a row that ever was. So MySQL's side is the rows as they are now plus the
versions that `remember` noted; Kafka's side is the row after each snapshot read, insert and update; Hive's side is all rows.
"""
import json
import subprocess
import sys
import time
from pathlib import Path

from servers import STACK_SCRIPTS, Stack
from tables import TABLES

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


def table_named(name):
    return next(table for table in TABLES if table.name == name)


def read_state(file):
    empty = {table.name: {"updated": 0, "deleted": 0, "checksum": 0} for table in TABLES}
    return json.loads(file.read_text()) if file.exists() else empty


def count_and_checksum(stack, table, condition="TRUE"):
    query = f"SELECT COUNT(*), {table.mysql_checksum()} FROM {table.database}.{table.name} WHERE {condition};"
    rows, checksum = stack.mysql(query)[0]
    return int(rows), int(checksum)


def remember(stack, file, name, change, condition):
    state = read_state(file)
    rows, checksum = count_and_checksum(stack, table_named(name), condition)
    state[name][change] += rows
    state[name]["checksum"] += checksum
    file.write_text(json.dumps(state))
    print(f"{name}: {rows:,} rows are being {change}")


def expected_records(stack, file):
    """How many records each topic has when everything has arrived: a delete is two, the second a tombstone."""
    state = read_state(file)
    counts = {}
    for table in TABLES:
        rows, _ = count_and_checksum(stack, table)
        counts[table.topic] = rows + state[table.name]["updated"] + 3 * state[table.name]["deleted"]
    return counts


def mysql_side(stack, file):
    state = read_state(file)
    for table in TABLES:
        rows, checksum = count_and_checksum(stack, table)
        gone = state[table.name]
        yield rows + gone["updated"] + gone["deleted"], checksum + gone["checksum"]


def kafka_side(stack):
    for table in TABLES:
        rows = checksum = 0
        for value in topic_values(stack, table.topic):
            if value is None:
                continue
            change = json.loads(payload_of(value))
            if change["after"] is not None:
                rows += 1
                checksum += table.json_checksum(change["after"])
        yield rows, checksum


def payload_of(value, mark=b',"payload":'):
    """The payload's text in a record that carries its schema: the schema is most of it and would take most of the time."""
    start = value.find(mark)
    return value if start < 0 else value[start + len(mark):-1]


def topic_values(stack, topic):
    """All values of a topic as it is now."""
    from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition

    consumer = stack.consumer("compare")
    partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    at_end, deadline = 0, time.monotonic() + 30
    while at_end < len(partitions):
        messages = consumer.consume(5000, timeout=0.5)
        if messages:
            deadline = time.monotonic() + 30
        elif time.monotonic() > deadline:
            raise SystemExit(f"Kafka sent nothing of topic {topic} for 30 s")
        for message in messages:
            if message.error() is None:
                yield message.value()
            elif message.error().code() == KafkaError._PARTITION_EOF:
                at_end += 1
            else:
                raise SystemExit(f"cannot read topic {topic}: {message.error()}")
    consumer.close()


def hive_side(stack):
    command = [sys.executable, STACK_SCRIPTS / "spark_read.py", "--stack", stack.folder]
    command += [f"{table.hive}={table.spark_checksum()}" for table in TABLES]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if len(results) != len(TABLES):
        raise SystemExit(f"Spark did not read the tables:\n{done.stderr[-3000:]}")
    for result in results:
        if "error" in result:
            print(f"Spark cannot read {result['table']}: {result['error']}", file=sys.stderr)
        yield result.get("rows", 0), int(result.get("checksum", 0))


def check(stack, file):
    sides = list(zip(mysql_side(stack, file), kafka_side(stack), hive_side(stack)))
    line = "{:<12} {:>10} {:>10} {:>10}   {:<14} {:<14} {:<14} {}"
    print(line.format("", "rows in", "", "", "checksum in", "", "", "").rstrip())
    print(line.format("table", "MySQL", "Kafka", "Hive", "MySQL", "Kafka", "Hive", "").rstrip())
    all_equal = True
    for table, side in zip(TABLES, sides):
        equal = side[0] == side[1] == side[2]
        all_equal = all_equal and equal
        rows = [f"{rows:,}" for rows, _ in side]
        # The last digits are enough to look at; the comparison is of the whole sums.
        sums = [f"…{checksum % 10**12:012d}" for _, checksum in side]
        print(line.format(table.name, *rows, *sums, "equal" if equal else "DIFFERENT"))
    return all_equal


def avro_header(start):
    """The metadata of an Avro file, from its first bytes."""
    at = 4

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = start[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)

    def text():
        nonlocal at
        length = number()
        at += length
        return start[at - length:at].decode()

    return {text(): text() for _ in range(number())}


def check_schemas(stack):
    """Whether every committed file has the schema that schemas/ promises."""
    all_equal = True
    print("\nschemas")
    for table in TABLES:
        promise = json.loads((SCHEMAS / f"{table.name}.avsc").read_text())
        files = list(stack.committed_paths(f"/topics/{table.topic}"))
        others = [file for file in files if json.loads(avro_header(stack.file_start(file, 65536))["avro.schema"]) != promise]
        equal = files and not others
        all_equal = all_equal and equal
        counted = f"{len(others)} of {len(files)} files" if others else f"{len(files)} files"
        print(f"{table.name:<12} {counted} on HDFS against schemas/{table.name}.avsc: {'equal' if equal else 'DIFFERENT'}")
        for file in others[:3]:
            print(f"  {file}")
    return all_equal


def main():
    command, folder, file = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    stack = Stack(folder)
    if command == "remember":
        remember(stack, file, *sys.argv[4:7])
    elif not all([check(stack, file), check_schemas(stack)]):
        sys.exit(1)


if __name__ == "__main__":
    main()
