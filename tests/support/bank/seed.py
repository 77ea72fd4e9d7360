#!/usr/bin/env python3
"""seed.py load --rows N DIR: writes DIR/load.sql and one file per table, for `tests/stack/client mysql < DIR/load.sql`.
seed.py changes --rows N --round R [--inserts]: prints the SQL of one round of changes to the tables that `load --rows N`
filled: inserts everywhere, updates of clients and deletes of employees; with --inserts only the inserts.

Made-up data of a Brazilian bank and of the stock exchange; the same arguments give the same bytes. N is the number of
operations; there are N/10 clients, N/100 employees and N/4 quotes.
"""
import argparse
import datetime
import random
from pathlib import Path

from tables import CLIENTS, EMPLOYEES, IBOVESPA, OPERATIONS, TABLES

FIRST_NAMES = (
    "Ana Antônio Beatriz Bruna Caio Camila César Cláudia Débora Édson Eduardo Estêvão Fábio Felipe Flávia Francisca Gabriel "
    "Giovana Heloísa Inês Ítalo João Joaquim José Júlia Larissa Letícia Lúcia Luís Marcos Maria Mariana Mário Mônica Nádia "
    "Otávio Patrícia Paulo Rafael Raquel Renato Sérgio Sílvia Sônia Tainá Tatiana Tomás Valéria Verônica Vinícius Zélia"
).split()
LAST_NAMES = (
    "Almeida Alves Araújo Assunção Azevedo Barbosa Brandão Cardoso Carvalho Conceição Corrêa Costa Damião Falcão Fernandes "
    "Ferreira Fonseca Gonçalves Guimarães Leão Lima Magalhães Martins Melo Mendonça Monteiro Moraes Muniz Nóbrega Oliveira "
    "Paixão Pereira Queirós Ribeiro Rocha Rodrigues Sá Santos Silva Simões Souza Teixeira Viana Xavier"
).split()
STREETS = ["Rua das Acácias", "Rua São João", "Avenida Brasília", "Avenida Paulista", "Travessa do Comércio", "Alameda Itú",
           "Praça da Sé", "Rua Voluntários da Pátria", "Ladeira da Misericórdia", "Rua 7 de Setembro", "Estrada do Coco"]
CITIES = ["São Paulo/SP", "Rio de Janeiro/RJ", "Belo Horizonte/MG", "Brasília/DF", "Salvador/BA", "Maceió/AL", "Belém/PA",
          "Goiânia/GO", "Florianópolis/SC", "Cuiabá/MT", "Macapá/AP", "São Luís/MA", "Porto Alegre/RS", "Jaboatão/PE"]
PRODUCTS = ["Conta Corrente", "Poupança", "Cartão de Crédito", "Crédito Imobiliário", "Consórcio", "Seguro", "Previdência"]
CHANNELS = ["Agência", "Caixa Eletrônico", "Internet Banking", "Aplicativo", "Telefone", None]
KINDS = ["depósito", "saque", "transferência", "pagamento", "pix", "aplicação", "resgate"]
AREAS = ["Agências", "Tecnologia", "Crédito", "Jurídico", "Atenção ao Cliente", "Recursos Humanos", "Tesouraria", "Segurança"]
SYMBOLS = ["ABEV3.SA", "B3SA3.SA", "BBAS3.SA", "BBDC4.SA", "ELET3.SA", "GGBR4.SA", "ITUB4.SA", "JBSS3.SA", "LREN3.SA",
           "MGLU3.SA", "PETR4.SA", "RENT3.SA", "SANB11.SA", "SUZB3.SA", "VALE3.SA", "WEGE3.SA"]
FIRST_DAY = datetime.date(2019, 4, 1)
DAYS = 366


def cpf(number):
    """A valid CPF; different numbers below 10^9 give different ones."""
    digits = [int(digit) for digit in f"{(number + 1) * 387420489 % 10**9:09d}"]
    for length in (10, 11):
        rest = sum(digit * weight for digit, weight in zip(digits, range(length, 1, -1))) * 10 % 11
        digits.append(rest % 10)
    text = "".join(map(str, digits))
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def day(pick, first, days):
    return first + datetime.timedelta(days=int(pick() * days))


class Bank:
    """Draws rows; `number` is what makes a row's key."""

    def __init__(self, seed, rows):
        self.random = random.Random(seed)
        self.clients = max(rows // 10, 1)

    def name(self):
        pick = self.random.choice
        return " ".join([pick(FIRST_NAMES), pick(LAST_NAMES), pick(LAST_NAMES)])

    def address(self):
        if self.random.random() < 0.03:
            return None
        return f"{self.random.choice(STREETS)}, {int(self.random.random() * 3000) + 1} - {self.random.choice(CITIES)}"

    def operation(self, number):
        draw = self.random.random
        when = datetime.datetime.combine(day(draw, FIRST_DAY, DAYS), datetime.time()) + datetime.timedelta(seconds=int(draw() * 86400))
        channel = CHANNELS[int(draw() * len(CHANNELS))]
        return [
            number, cpf(int(draw() * self.clients)), PRODUCTS[int(draw() * len(PRODUCTS))], channel,
            KINDS[int(draw() * len(KINDS))], round(draw() ** 4 * 25000 + 0.01, 2),
            int(channel in ("Internet Banking", "Aplicativo")), when.date(), when.time(), when,
            None if draw() < 0.01 else int(draw() < 0.97),
        ]

    def client(self, number):
        draw = self.random.random
        return [self.name(), cpf(number), PRODUCTS[int(draw() * len(PRODUCTS))], day(draw, datetime.date(1940, 1, 1), 23000),
                self.address(), None if draw() < 0.05 else f"{draw() ** 3 * 40000 + 1045:.2f}"]

    def employee(self, number):
        draw = self.random.random
        # Employees are people of their own: their numbers begin where no client's do.
        return [self.name(), cpf(5 * 10**8 + number), day(draw, datetime.date(1995, 1, 1), 9000), self.address(),
                f"{draw() ** 2 * 22000 + 2100:.2f}", AREAS[int(draw() * len(AREAS))]]

    def quote(self, number):
        draw = self.random.random
        opened = draw() * 90 + 5
        prices = [round(opened * (0.97 + draw() * 0.06), 2) for _ in range(3)]
        high, low = max(prices + [round(opened, 2)]), min(prices + [round(opened, 2)])
        # The oldest days are so old that dates before 1970 travel too.
        date = datetime.date(1968, 1, 2) + datetime.timedelta(days=number // len(SYMBOLS))
        return [number, SYMBOLS[number % len(SYMBOLS)], date, high, round(opened, 2), prices[0], int(draw() * 9e7), low,
                round(prices[0] * 0.9871, 4), None if draw() < 0.98 else round(draw(), 4)]


def field(value):
    """A value as LOAD DATA reads it."""
    return "\\N" if value is None else str(value)


def literal(value):
    if value is None or isinstance(value, (int, float)):
        return "NULL" if value is None else repr(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def load(rows, folder):
    folder.mkdir(parents=True, exist_ok=True)
    bank = Bank(20200401, rows)
    parts = [
        (OPERATIONS, bank.operation, range(1, rows + 1)),
        (CLIENTS, bank.client, range(bank.clients)),
        (EMPLOYEES, bank.employee, range(max(rows // 100, 1))),
        (IBOVESPA, bank.quote, range(max(rows // 4, 1))),
    ]
    with open(folder / "load.sql", "w") as sql:
        sql.write("SET time_zone = '+00:00';\n")
        for database in sorted({table.database for table in TABLES}):
            sql.write(f"DROP DATABASE IF EXISTS {database};\nCREATE DATABASE {database} CHARACTER SET utf8mb4;\n")
        for table, row, numbers in parts:
            data = folder / f"{table.name}.tsv"
            with open(data, "w", encoding="utf-8") as file:
                for number in numbers:
                    file.write("\t".join(map(field, row(number))) + "\n")
            sql.write(table.create())
            sql.write(f"LOAD DATA LOCAL INFILE '{data.resolve()}' INTO TABLE {table.database}.{table.name} CHARACTER SET utf8mb4;\n")


def insert(table, rows):
    values = ",\n".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
    return f"INSERT INTO {table.database}.{table.name} VALUES\n{values};\n"


def changed(round_number):
    """Which rows a round updates and deletes, as conditions; the rows of different rounds do not overlap."""
    return f"CRC32(cpf) MOD 200 = {round_number}"


def changes(rows, round_number, inserts_only):
    bank = Bank(round_number, rows)
    count = max(rows // 100, 1)
    print("SET time_zone = '+00:00';")
    if not inserts_only:
        # First, so that they meet the rows that `compare.py remember` has seen and none of those that come now.
        print(f"UPDATE santander.clients SET renda_mensal = COALESCE(renda_mensal, 1045.00) + 100 WHERE {changed(round_number)};")
        print(f"DELETE FROM santander.employees WHERE {changed(round_number)};")
    first = rows + 1 + round_number * count
    for start in range(first, first + count, 100):
        print(insert(OPERATIONS, [bank.operation(number) for number in range(start, min(start + 100, first + count))]))
    few = max(count // 10, 1)
    print(insert(CLIENTS, [bank.client(bank.clients + round_number * few + number) for number in range(few)]))
    print(insert(IBOVESPA, [bank.quote(max(rows // 4, 1) + round_number * few + number) for number in range(few)]))
    if inserts_only:
        return
    # Last, because a sink's position moves only with a record it writes, and deletes are dropped before it.
    new = bank.clients // 10 + 1 + round_number
    print(insert(EMPLOYEES, [bank.employee(new)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("load")
    command.add_argument("--rows", type=int, default=200000)
    command.add_argument("folder", type=Path)
    command = commands.add_parser("changes")
    command.add_argument("--rows", type=int, default=200000)
    command.add_argument("--round", type=int, default=0)
    command.add_argument("--inserts", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "load":
        load(arguments.rows, arguments.folder)
    else:
        changes(arguments.rows, arguments.round, arguments.inserts)


if __name__ == "__main__":
    main()
