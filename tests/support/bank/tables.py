"""What the four tables of the demo are: columns, where their rows go, and one checksum that MySQL, Kafka and Hive can all compute.

The checksum of a row is the first 15 hex digits of the SHA-256 of its columns as text, joined by '|'; a table's is the sum over
its rows, so the order of rows does not matter and a lost, doubled or changed row shows. Each kind of column has one text form,
computed by three programs that share nothing: MySQL itself, Python from the JSON in Kafka, Spark from the Avro files.
"""
import base64
import hashlib

NULL = "~"


class Column:
    def __init__(self, name, sql, kind):
        self.name, self.sql, self.kind = name, sql, kind

    def mysql(self):
        column = f"`{self.name}`"
        text = {
            "text": column,
            "integer": column,
            "double": f"CAST(ROUND({column} * 10000) AS SIGNED)",
            "decimal": f"CAST({column} AS CHAR)",
            "date": f"DATEDIFF({column}, '1970-01-01')",
            "time": f"TIME_TO_SEC({column}) * 1000",
            "timestamp": f"DATE_FORMAT({column}, '%Y-%m-%dT%H:%i:%sZ')",
        }[self.kind]
        return f"IFNULL({text}, '{NULL}')"

    def spark(self):
        column = f"`{self.name}`"
        text = {
            "text": column,
            "integer": f"CAST({column} AS STRING)",
            "double": f"CAST(CAST(ROUND({column} * 10000) AS BIGINT) AS STRING)",
            "decimal": f"CAST({column} AS STRING)",
            "date": f"CAST(DATEDIFF({column}, DATE'1970-01-01') AS STRING)",
            "time": f"CAST({column} AS STRING)",
            "timestamp": column,
        }[self.kind]
        return f"COALESCE({text}, '{NULL}')"

    def json(self, value):
        if value is None:
            return NULL
        if self.kind == "double":
            return str(round(value * 10000))
        if self.kind == "decimal":
            unscaled = int.from_bytes(base64.b64decode(value), "big", signed=True)
            sign, digits = ("-" if unscaled < 0 else ""), str(abs(unscaled)).rjust(3, "0")
            return f"{sign}{digits[:-2]}.{digits[-2:]}"
        return str(value)


class Table:
    def __init__(self, database, name, topic, hive, key, columns):
        self.database, self.name, self.topic, self.hive, self.key = database, name, topic, hive, key
        self.columns = [Column(*column) for column in columns]

    def create(self):
        columns = "".join(f"  `{column.name}` {column.sql},\n" for column in self.columns)
        return f"CREATE TABLE {self.database}.{self.name} (\n{columns}  PRIMARY KEY (`{self.key}`)\n) DEFAULT CHARSET = utf8mb4;\n"

    def mysql_checksum(self):
        texts = ", ".join(column.mysql() for column in self.columns)
        return f"COALESCE(SUM(CAST(CONV(LEFT(SHA2(CONCAT_WS('|', {texts}), 256), 15), 16, 10) AS UNSIGNED)), 0)"

    def spark_checksum(self):
        texts = ", ".join(column.spark() for column in self.columns)
        return f"SUM(CAST(CONV(SUBSTR(SHA2(CONCAT_WS('|', {texts}), 256), 1, 15), 16, 10) AS DECIMAL(38, 0)))"

    def json_checksum(self, row):
        text = "|".join(column.json(row[column.name]) for column in self.columns)
        return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


OPERATIONS = Table(
    "santander", "operations", "bank.santander.operations", "santander.bank_santander_operations", "id",
    [
        ("id", "BIGINT NOT NULL AUTO_INCREMENT", "integer"),
        ("cpf", "CHAR(14) NOT NULL", "text"),
        ("tipo_produto", "VARCHAR(40) NOT NULL", "text"),
        ("origem", "VARCHAR(60)", "text"),
        ("operacao", "VARCHAR(30) NOT NULL", "text"),
        ("valor", "DOUBLE NOT NULL", "double"),
        ("online", "BOOLEAN NOT NULL", "integer"),
        ("data", "DATE NOT NULL", "date"),
        ("horario", "TIME NOT NULL", "time"),
        ("op_timestamp", "TIMESTAMP NOT NULL", "timestamp"),
        ("success", "BOOLEAN", "integer"),
    ],
)
CLIENTS = Table(
    "santander", "clients", "bank.santander.clients", "santander.bank_santander_clients", "cpf",
    [
        ("nome", "VARCHAR(80) NOT NULL", "text"),
        ("cpf", "CHAR(14) NOT NULL", "text"),
        ("tipo_produto", "VARCHAR(40) NOT NULL", "text"),
        ("data_nascimento", "DATE", "date"),
        ("address", "VARCHAR(160)", "text"),
        ("renda_mensal", "DECIMAL(12,2)", "decimal"),
    ],
)
EMPLOYEES = Table(
    "santander", "employees", "bank.santander.employees", "santander.bank_santander_employees", "cpf",
    [
        ("nome", "VARCHAR(80) NOT NULL", "text"),
        ("cpf", "CHAR(14) NOT NULL", "text"),
        ("data_inicio", "DATE NOT NULL", "date"),
        ("address", "VARCHAR(160)", "text"),
        ("salario", "DECIMAL(12,2) NOT NULL", "decimal"),
        ("area", "VARCHAR(40) NOT NULL", "text"),
    ],
)
IBOVESPA = Table(
    "stock_market", "ibovespa", "b3.ibovespa", "stock_market.b3_ibovespa", "index",
    [
        ("index", "BIGINT NOT NULL", "integer"),
        ("symbol", "VARCHAR(12) NOT NULL", "text"),
        ("date", "DATE NOT NULL", "date"),
        ("high", "DOUBLE", "double"),
        ("open", "DOUBLE", "double"),
        ("close", "DOUBLE", "double"),
        ("volume", "BIGINT", "integer"),
        ("low", "DOUBLE", "double"),
        ("adjclose", "DOUBLE", "double"),
        ("dividends", "DOUBLE", "double"),
    ],
)
TABLES = [OPERATIONS, CLIENTS, EMPLOYEES, IBOVESPA]
