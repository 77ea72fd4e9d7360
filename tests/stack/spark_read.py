#!/usr/bin/env python3
"""spark_read.py --stack DIR [--hive3] [--sql STATEMENT]... [--rows N] DB.TABLE[=CHECKSUM]...

Reads Hive tables through Spark and prints one JSON object a table: schema, partitions, rows and a checksum that does not
depend on the order of rows. CHECKSUM is an aggregate expression of Spark SQL; the default takes all columns. A table that
cannot be read has `error` instead. --sql statements run first. Run it with the stack's own Python (STACK_PYTHON in env),
or as `tests/stack/client spark DB.TABLE`.
"""
import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

ALL_COLUMNS = "SUM(CAST(XXHASH64(TO_JSON(STRUCT(*))) AS DECIMAL(38, 0)))"


def addresses(stack):
    lines = (Path(stack) / "env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def session(stack, hive):
    """A Spark that knows the stack's HDFS and metastore, and nothing of ours."""
    from pyspark.sql import SparkSession

    servers = addresses(stack)
    scratch = tempfile.mkdtemp(prefix="spark-")
    hdfs = f"hdfs://{servers['STACK_HDFS']}"
    settings = {
        "spark.hadoop.hive.metastore.uris": f"thrift://{servers[hive]}",
        "spark.hadoop.fs.defaultFS": hdfs,
        "spark.sql.warehouse.dir": f"{hdfs}/user/hive/warehouse",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": scratch,
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={scratch}",
    }
    builder = SparkSession.builder.master("local[2]").appName("spark_read")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.enableHiveSupport().getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def describe(spark, table, checksum, rows):
    frame = spark.table(table)
    found = frame.selectExpr("COUNT(*) AS count", f"{checksum} AS checksum").collect()[0]
    result = {
        "table": table,
        "schema": json.loads(frame.schema.json())["fields"],
        "rows": found["count"],
        "checksum": str(found["checksum"] or 0),
    }
    # Only a partitioned table has partitions to show.
    columns = spark.catalog.listColumns(table)
    if any(column.isPartition for column in columns):
        result["partitions"] = [row[0] for row in spark.sql(f"SHOW PARTITIONS {table}").collect()]
    if rows:
        result["sample"] = [json.loads(row) for row in sorted(frame.toJSON().take(rows))]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", required=True, help="the folder with the stack's env file")
    parser.add_argument("--hive3", action="store_true", help="ask metastore 3.1 instead of 2.3")
    parser.add_argument("--sql", action="append", default=[])
    parser.add_argument("--rows", type=int, default=0, help="also show up to so many rows")
    parser.add_argument("tables", nargs="*")
    arguments = parser.parse_args()
    os.environ.setdefault("HADOOP_USER_NAME", "root")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    spark = session(arguments.stack, "STACK_HIVE3" if arguments.hive3 else "STACK_HIVE")
    failed = False
    for statement in arguments.sql:
        spark.sql(statement)
    for argument in arguments.tables:
        table, _, checksum = argument.partition("=")
        try:
            result = describe(spark, table, checksum or ALL_COLUMNS, arguments.rows)
        except Exception as error:  # Spark's errors have no common base.
            result, failed = {"table": table, "error": str(error)[:2000]}, True
        print(json.dumps(result, ensure_ascii=False), flush=True)
    spark.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
