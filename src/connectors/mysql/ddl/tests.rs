//! Tests of the DDL parser.

use super::*;

fn one(sql: &str) -> std::result::Result<Statement, Failure> {
    let mut statements = parse(sql, Dialect::MySql);
    assert_eq!(statements.len(), 1, "{sql}");
    statements.remove(0).statement
}

#[test]
fn statements_that_change_no_table_are_never_an_error() {
    for sql in [
        "INSERT INTO t VALUES ('a;b', 1)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE INDEX i ON t (a)",
        "DROP INDEX i ON t",
        "CREATE FULLTEXT INDEX f ON t (a) WITH PARSER ngram",
        "GRANT ALL ON *.* TO u",
        "SET NAMES utf8mb4",
        "SET @x = 1",
        "CREATE TEMPORARY TABLE t (a INT)",
        "DROP TEMPORARY TABLE t",
        "DROP VIEW v",
        "ALTER VIEW v AS SELECT 1",
        "ALTER USER u IDENTIFIED BY 'x'",
        "XA START 'x'",
        "EXPLAIN ALTER TABLE t ADD a INT",
        "()'",
    ] {
        assert_eq!(one(sql), Ok(Statement::Other), "{sql}");
    }
}

#[test]
fn routines_keep_their_own_statements() {
    let sql = "CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN CREATE TABLE x (a INT); DROP TABLE y; END";
    assert_eq!(one(sql), Ok(Statement::Other));
    assert_eq!(one("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN TRUNCATE t2; END"), Ok(Statement::Other));
}

#[test]
fn several_statements_in_one_text_are_read_one_by_one() {
    let sql = ";; DROP TABLE a; /* x */ DROP TABLE b ;";
    let texts: Vec<_> = parse(sql, Dialect::MySql).iter().map(|parsed| &sql[parsed.start..parsed.end]).collect();
    assert_eq!(texts, ["DROP TABLE a", "DROP TABLE b"]);
}

#[test]
fn the_prefix_of_mariadb_is_stepped_over() {
    let parsed = parse("SET STATEMENT max_statement_time=0 FOR TRUNCATE TABLE t", Dialect::MariaDb);
    assert!(matches!(&parsed[0].statement, Ok(Statement::Truncate(name)) if name.table == "t"));
}

#[test]
fn what_cannot_be_read_names_the_tables_and_the_place() {
    for (sql, tables, at, detail) in [
        ("ALTER TABLE a.b ADD c FANCY(3)", &["b"][..], 22, "unknown data type FANCY"),
        ("CREATE TABLE t (a INT SOMETHING)", &["t"], 22, "expected a column attribute, found SOMETHING"),
        ("CREATE TABLE t (a INT", &["t"], 21, "expected ')', found the end"),
        ("CREATE TABLE t SELECT 1", &["t"], 15, "the columns come from a query, which only the server can tell"),
        ("CREATE TABLE t (a INT) AS SELECT 1", &["t"], 23, "the columns come from a query, which only the server can tell"),
        ("CREATE TABLE t (a VARCHAR(9) DEFAULT 'x", &["t"], 37, "expected a default value, found 'x"),
        ("RENAME TABLE a TO b, c INTO d", &["a", "b", "c"], 23, "expected TO, found INTO"),
        ("DROP TABLE a, 1.5", &["a"], 14, "expected a name, found 1.5"),
        ("ALTER TABLE t DROP COLUMN a b", &["t"], 28, "expected a comma or the end, found b"),
    ] {
        let failure = one(sql).unwrap_err();
        let names: Vec<_> = failure.names.iter().map(|name| name.table.as_str()).collect();
        assert_eq!((names.as_slice(), failure.problem.at, failure.problem.detail.as_str()), (tables, at, detail), "{sql}");
    }
}

#[test]
fn strings_are_kept_in_single_quotes() {
    let text = "ALTER TABLE `a\"b` COMMENT \"it's \"\"x\"\"\" /* \"c\" */";
    assert_eq!(single_quoted(text, Dialect::MySql, false), "ALTER TABLE `a\"b` COMMENT 'it''s \"\"x\"\"' /* \"c\" */");
    assert_eq!(single_quoted(text, Dialect::MySql, true), text);
}

#[test]
fn deep_nesting_costs_no_stack() {
    let deep = "(".repeat(200_000);
    for sql in [
        format!("CREATE TABLE t (a INT DEFAULT {deep}"),
        format!("CREATE TABLE t (a INT CHECK {deep}{}", ")".repeat(200_000)),
        format!("ALTER TABLE t ADD UNIQUE {deep}"),
        format!("CREATE TABLE t (a INT DEFAULT {}'x')", "_a ".repeat(200_000)),
        format!("CREATE TABLE t {}", "/*!".repeat(200_000)),
    ] {
        parse(&sql, Dialect::MySql);
    }
}

/// Pieces that statements are made of, so that random texts come deep into the parser.
fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "CREATE",
        "TABLE",
        "ALTER",
        "DROP",
        "RENAME",
        "t",
        "`a`",
        "db.t",
        "(",
        ")",
        ",",
        ";",
        "ADD",
        "COLUMN",
        "MODIFY",
        "CHANGE",
        "INT",
        "VARCHAR(10)",
        "ENUM('a','b')",
        "DECIMAL(5,2)",
        "NOT",
        "NULL",
        "DEFAULT",
        "'x'",
        "\"y\"",
        "1",
        "PRIMARY",
        "KEY",
        "UNIQUE",
        "INDEX",
        "FIRST",
        "AFTER",
        "TO",
        "COMMENT",
        "=",
        "CHARACTER",
        "SET",
        "utf8mb4",
        "COLLATE",
        "LIKE",
        "IF",
        "EXISTS",
        "CONVERT",
        "DATABASE",
        "TRUNCATE",
        "USE",
        "ON",
        "AS",
        "GENERATED",
        "ALWAYS",
        "/*!",
        "*/",
        "--",
        "#",
        "\n",
        "'",
        "`",
        "@@a",
        "_utf8",
        "0x1",
        "x",
        "REFERENCES",
        "CHECK",
        "CONSTRAINT",
        "PARTITION",
        "SERIAL",
        "NATIONAL",
        "LONG",
        "é",
    ];
    use proptest::prelude::*;
    proptest::collection::vec(proptest::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.join(" "))
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(2000))]
    #[test]
    fn any_text_is_read_without_panic(sql in proptest::prelude::any::<String>(), made in pieces()) {
        for dialect in [Dialect::MySql, Dialect::MariaDb] {
            for text in [&sql, &made] {
                for parsed in parse(text, dialect) {
                    assert!(text.get(parsed.start..parsed.end).is_some());
                }
                single_quoted(text, dialect, false);
            }
        }
    }

    #[test]
    fn cutting_a_statement_short_is_an_error_or_another_statement(cut in 0usize..400) {
        let sql = "CREATE TABLE `a``b`.t (id INT NOT NULL AUTO_INCREMENT COMMENT 'é', e ENUM('x','y''z') CHARACTER SET latin1 \
                   DEFAULT 'x', g INT GENERATED ALWAYS AS (id + 1) STORED, ts TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE \
                   CURRENT_TIMESTAMP(3), PRIMARY KEY (id), CONSTRAINT f FOREIGN KEY (id) REFERENCES u (id)) ENGINE=InnoDB \
                   DEFAULT CHARSET=utf8mb4 PARTITION BY HASH(id)";
        if let Some(text) = sql.get(..cut) {
            parse(text, Dialect::MySql);
        }
    }
}
