#!/usr/bin/env python3
"""progress.py STACK STATE REST CONNECTOR...: shows how far the worker is, until every change is in a committed file.

One line a second; on a terminal the line is written over. Ends with 1 when a task fails or when nothing moves any more.
"""
import shutil
import sys
import time
from pathlib import Path

from compare import expected_records
from servers import Stack, rest
from tables import TABLES

# Longer than the slowest thing that may happen between two steps: a rotation by the clock, a retry after a lost server.
STALLED_AFTER_S = 120


def end_offsets(consumer, topic):
    """Records of a topic; None while there is no such topic."""
    from confluent_kafka import TopicPartition

    found = consumer.list_topics(timeout=20).topics.get(topic)
    if found is None or found.error is not None:
        return None
    return sum(consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=20)[1] for partition in found.partitions)


def committed_offsets(consumer, topic):
    from confluent_kafka import TopicPartition

    found = consumer.list_topics(timeout=20).topics.get(topic)
    if found is None or found.error is not None:
        return 0
    partitions = [TopicPartition(topic, partition) for partition in found.partitions]
    return sum(max(partition.offset, 0) for partition in consumer.committed(partitions, timeout=20))


def failure(base, connectors):
    """The trace of a connector or task that has failed, if one has."""
    for name in connectors:
        code, status = rest(base, f"/connectors/{name}/status")
        if code != 200:
            continue
        for part in [status["connector"], *status["tasks"]]:
            if part["state"] == "FAILED":
                return f"{name} has failed:\n{part.get('trace', '(no trace)')}"
    return None


def missing(expected, records, files_hold):
    """What is not there yet, a line for each topic."""
    for topic, count in expected.items():
        in_kafka, committed = records[topic], files_hold.get(topic, 0)
        if in_kafka != count or committed != count:
            yield f"  {topic}: {in_kafka:,} of {count:,} changes in Kafka, {committed:,} committed by the sink"


def main():
    stack, file, base, connectors = Stack(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
    sinks = {table.topic: stack.consumer(f"connect-{name}") for table in TABLES for name in connectors if reads(base, name, table.topic)}
    asker = stack.consumer("progress")
    expected = expected_records(stack, file)
    total = sum(expected.values())
    terminal = sys.stdout.isatty()
    start = moved = time.monotonic()
    before, last = None, (0, 0)
    while True:
        records = {table.topic: end_offsets(asker, table.topic) or 0 for table in TABLES}
        files_hold = {topic: committed_offsets(consumer, topic) for topic, consumer in sinks.items()}
        now = time.monotonic()
        state = (sum(records.values()), sum(files_hold.values()))
        rate = "" if before is None or state[0] == last[0] else f"{(state[0] - last[0]) / (now - before):>9,.0f}/s"
        files = stack.committed_files("/topics")
        partitions = stack.partitions([table.hive for table in TABLES])
        text = (f"{now - start:5.0f} s  in Kafka {state[0]:>9,} of {total:,}  committed {state[1]:>9,}  files {files:>4}  "
                f"Hive partitions {partitions:>3}{rate}")
        # A line that wraps could not be written over.
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width].ljust(width)}" if terminal else text, end="" if terminal else "\n", flush=True)
        trouble = failure(base, connectors)
        if state != last:
            moved = now
        if trouble is None and now - moved > STALLED_AFTER_S:
            trouble = "\n".join([f"nothing has moved for {STALLED_AFTER_S} s:", *missing(expected, records, files_hold)])
        if trouble is not None:
            print(f"\n{trouble}\nThe worker's log: {stack.folder}/worker/log", file=sys.stderr)
            sys.exit(1)
        if records == expected and all(files_hold.get(topic) == count for topic, count in expected.items()):
            break
        before, last = now, state
        time.sleep(max(0, 1 - (time.monotonic() - now)))
    if terminal:
        print()


def reads(base, connector, topic):
    _, config = rest(base, f"/connectors/{connector}/config")
    return topic in (config.get("topics") or "").split(",")


if __name__ == "__main__":
    main()
