//! Tests of the table catalog.

use super::*;

fn catalog() -> TableCatalog {
    TableCatalog::new(CatalogOptions { server_charset: Some("utf8mb4".to_owned()), ..CatalogOptions::default() })
}

fn apply(catalog: &mut TableCatalog, ddl: &str) -> Vec<SchemaChange> {
    catalog.apply(ddl, "db", &|_| true).unwrap()
}

fn columns(catalog: &TableCatalog, table: &str) -> String {
    let table = catalog.table(&TableId::new("db", table)).unwrap();
    let columns = table.columns.iter().map(|column| format!("{} {}", column.name, column.type_name));
    columns.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_table_follows_its_statements() {
    let mut catalog = catalog();
    apply(&mut catalog, "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(5), b INT)");
    for (ddl, expected) in [
        ("ALTER TABLE t ADD c TEXT FIRST, ADD d INT AFTER a", "c TEXT, id INT, a VARCHAR, d INT, b INT"),
        ("ALTER TABLE t DROP c, CHANGE a A2 BIGINT AFTER b", "id INT, d INT, b INT, A2 BIGINT"),
        ("ALTER TABLE t RENAME COLUMN d TO e, MODIFY b DECIMAL(5,2) FIRST", "b DECIMAL, id INT, e INT, A2 BIGINT"),
        ("ALTER TABLE t ADD (x INT, y DATE), ALGORITHM=INSTANT", "b DECIMAL, id INT, e INT, A2 BIGINT, x INT, y DATE"),
        (
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS x TEXT, DROP COLUMN IF EXISTS z",
            "b DECIMAL, id INT, e INT, A2 BIGINT, x INT, y DATE",
        ),
    ] {
        apply(&mut catalog, ddl);
        assert_eq!(columns(&catalog, "t"), expected, "{ddl}");
    }
    let table = catalog.table(&TableId::new("db", "t")).unwrap();
    assert_eq!(table.columns.iter().map(|column| column.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn an_unreadable_statement_about_a_captured_table_changes_nothing() {
    let mut catalog = catalog();
    apply(&mut catalog, "CREATE TABLE t (id INT)");
    let error = catalog.apply("ALTER TABLE t ADD a FANCY", "db", &|_| true).unwrap_err();
    assert_eq!(error.tables, [TableId::new("db", "t")]);
    assert_eq!(
        error.to_string(),
        "cannot understand the statement at byte 20: unknown data type FANCY: ALTER TABLE t ADD a FANCY"
    );
    assert_eq!(columns(&catalog, "t"), "id INT");
    let error = catalog.apply("ALTER TABLE t DROP nope", "db", &|_| true).unwrap_err();
    assert_eq!(error.detail, "column 'nope' of table db.t is not known");
}

#[test]
fn an_unreadable_statement_about_another_table_is_kept_as_it_is() {
    let mut catalog = catalog();
    apply(&mut catalog, "CREATE TABLE t (id INT)");
    let changes = catalog.apply("ALTER TABLE t ADD a FANCY", "db", &|_| false).unwrap();
    assert_eq!(changes, [SchemaChange::of_database("db", "ALTER TABLE t ADD a FANCY")]);
    assert!(catalog.table(&TableId::new("db", "t")).is_none(), "what it looks like now nobody knows");
}

#[test]
fn a_drop_of_several_tables_makes_a_record_each_with_all_names() {
    let changes = apply(&mut catalog(), "DROP TABLE IF EXISTS a, `x``y`.b CASCADE");
    let seen: Vec<_> = changes.iter().map(|change| (change.database.as_str(), change.ddl.as_str())).collect();
    assert_eq!(seen, [("db", "DROP TABLE IF EXISTS `db`.`a` CASCADE"), ("x`y", "DROP TABLE IF EXISTS `x``y`.`b` CASCADE")]);
    let changes = apply(&mut catalog(), "DROP TABLE a, b");
    assert_eq!(changes[0].tables, [TableId::new("db", "a"), TableId::new("db", "b")]);
}

#[test]
fn charsets_are_inherited_from_table_database_and_server() {
    let mut catalog = catalog();
    apply(&mut catalog, "CREATE DATABASE db CHARACTER SET latin1");
    apply(&mut catalog, "CREATE TABLE t (a CHAR, b CHAR CHARACTER SET utf8mb4, c INT, d TEXT COLLATE cp1251_bin)");
    apply(&mut catalog, "ALTER TABLE t ADD e CHAR, DEFAULT CHARSET=greek");
    apply(&mut catalog, "ALTER TABLE t ADD f CHAR");
    let charsets = |catalog: &TableCatalog| {
        let table = catalog.table(&TableId::new("db", "t")).unwrap();
        table.columns.iter().map(|column| column.charset.clone().unwrap_or("-".to_owned())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(charsets(&catalog), "latin1 utf8mb4 - cp1251 latin1 greek");
    apply(&mut catalog, "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4");
    assert_eq!(charsets(&catalog), "utf8mb4 utf8mb4 - utf8mb4 utf8mb4 utf8mb4");
    apply(&mut catalog, "ALTER TABLE t CONVERT TO CHARACTER SET binary");
    assert_eq!(columns(&catalog, "t"), "a BINARY, b BINARY, c INT, d BLOB, e BINARY, f BINARY");
}

#[test]
fn keys_are_primary_or_the_first_unique_one_without_nulls() {
    for (ddl, key) in [
        ("(a INT, b INT, PRIMARY KEY (B, a))", "b a"),
        ("(a INT UNIQUE, b INT NOT NULL, UNIQUE (b))", "b"),
        ("(UNIQUE (b), a INT NOT NULL UNIQUE, b INT NOT NULL)", "b"),
        ("(a INT NOT NULL, UNIQUE ((a + 1)), KEY (a))", ""),
        ("(a INT NOT NULL UNIQUE, b INT PRIMARY KEY)", "b"),
        ("(a SERIAL, b INT)", "a"),
    ] {
        let mut catalog = catalog();
        apply(&mut catalog, &format!("CREATE TABLE t {ddl}"));
        assert_eq!(catalog.table(&TableId::new("db", "t")).unwrap().primary_key.join(" "), key, "{ddl}");
    }
}

#[test]
fn renaming_moves_the_definition() {
    let mut catalog = catalog();
    apply(&mut catalog, "CREATE TABLE a (id INT)");
    let changes = apply(&mut catalog, "RENAME TABLE a TO b, b TO c");
    assert_eq!(changes.iter().map(|change| change.changes.len()).collect::<Vec<_>>(), [0, 1]);
    let changes = apply(&mut catalog, "ALTER TABLE c RENAME TO other.d");
    assert_eq!(changes[0].database, "other");
    assert_eq!(changes[0].changes[0].previous_id, Some(TableId::new("db", "c")));
    assert_eq!(catalog.tables().map(|table| table.id.to_string()).collect::<Vec<_>>(), ["other.d"]);
    apply(&mut catalog, "DROP DATABASE other");
    assert_eq!(catalog.tables().count(), 0);
}

#[test]
fn names_are_found_in_any_case_where_the_server_ignores_case() {
    let mut catalog = TableCatalog::new(CatalogOptions { ignore_case: true, ..CatalogOptions::default() });
    apply(&mut catalog, "CREATE TABLE Clients (id INT)");
    apply(&mut catalog, "ALTER TABLE CLIENTS ADD a INT");
    assert_eq!(catalog.table(&TableId::new("DB", "clients")).map(|table| table.columns.len()), Some(2));
    assert_eq!(catalog.tables().count(), 1);
}

#[test]
fn statements_without_effect_on_tables_are_one_record_of_the_database() {
    let mut catalog = catalog();
    for ddl in ["CREATE INDEX i ON t (a)", "ALTER TABLE unknown ADD a INT", "ALTER DATABASE x CHARACTER SET latin1", "x ; y"] {
        assert_eq!(apply(&mut catalog, ddl), [SchemaChange::of_database("db", ddl)], "{ddl}");
    }
    assert_eq!(apply(&mut catalog, "BEGIN"), []);
    assert!(catalog.apply("SET character_set_server=latin1", "", &|_| true).unwrap()[0].sets_server_variables);
    assert_eq!(catalog.database_charset("any"), Some("latin1"));
    let truncate = apply(&mut catalog, "TRUNCATE TABLE t");
    assert_eq!((truncate[0].kind, truncate[0].changes.len()), (SchemaChangeKind::Truncate, 0));
}

#[test]
fn tables_copied_from_others_need_the_original() {
    let mut catalog = catalog();
    let error = catalog.apply("CREATE TABLE t LIKE o", "db", &|_| true).unwrap_err();
    assert_eq!((error.at, error.detail.as_str()), (20, "the table to copy is not known"));
    apply(&mut catalog, "CREATE TABLE o (a INT); CREATE TABLE t LIKE o");
    assert_eq!(columns(&catalog, "t"), "a INT");
}

#[test]
fn comments_are_kept_only_where_asked_for() {
    let ddl = "CREATE TABLE t (a INT COMMENT 'x') COMMENT='y'";
    for comments in [false, true] {
        let mut catalog = TableCatalog::new(CatalogOptions { comments, ..CatalogOptions::default() });
        apply(&mut catalog, ddl);
        let table = catalog.table(&TableId::new("db", "t")).unwrap();
        assert_eq!((table.comment.is_some(), table.columns[0].comment.is_some()), (comments, comments));
    }
}
