//! Knows what every table looks like at the current position, by applying the statements that change it.

mod definition;

use std::collections::BTreeMap;

use super::ddl::{self, Body, DdlError, Dialect, Name, Problem, Statement, TableOptions, charset_of_collation};
use super::table::{Table, TableId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Create,
    Alter,
    Drop,
}

/// One table after a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct TableChange {
    pub kind: ChangeKind,
    pub id: TableId,
    /// The name before a rename.
    pub previous_id: Option<TableId>,
    /// The new definition; `None` for a DROP.
    pub table: Option<Table>,
}

/// What kind of schema change record a statement makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaChangeKind {
    Create,
    Alter,
    Drop,
    Truncate,
    Database,
}

/// One record of the schema history and of the schema change topic.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaChange {
    pub kind: SchemaChangeKind,
    /// The database the statement is about; empty for the whole server.
    pub database: String,
    pub ddl: String,
    /// Empty if the statement changed nothing that is known (an index, a view, a table dropped at once).
    pub changes: Vec<TableChange>,
    /// All tables of the same database that the statement names, for `source.table` of the schema change record.
    pub tables: Vec<TableId>,
    /// A SET outside any database, which the history keeps whatever the filters say.
    pub sets_server_variables: bool,
}

impl SchemaChange {
    /// The record of a definition that was read from the server instead of understood from the statement.
    pub fn of_table(kind: ChangeKind, ddl: impl Into<String>, table: Table) -> Self {
        let id = table.id.clone();
        Self {
            kind: if kind == ChangeKind::Create { SchemaChangeKind::Create } else { SchemaChangeKind::Alter },
            database: id.database.to_string(),
            ddl: ddl.into(),
            changes: vec![TableChange { kind, id: id.clone(), previous_id: None, table: Some(table) }],
            tables: vec![id],
            sets_server_variables: false,
        }
    }

    /// The record of a statement that changes no table.
    pub fn of_database(database: impl Into<String>, ddl: impl Into<String>) -> Self {
        let (database, ddl) = (database.into(), ddl.into());
        Self {
            kind: SchemaChangeKind::Database,
            changes: Vec::new(),
            tables: Vec::new(),
            sets_server_variables: database.is_empty() && starts_with_set(&ddl),
            database,
            ddl,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct CatalogOptions {
    pub dialect: Dialect,
    /// `lower_case_table_names` is 1 or 2.
    pub ignore_case: bool,
    /// `sql_mode` holds ANSI_QUOTES.
    pub ansi_quotes: bool,
    /// `include.schema.comments`.
    pub comments: bool,
    pub server_charset: Option<String>,
}

#[derive(Clone, Debug)]
pub struct TableCatalog {
    options: CatalogOptions,
    /// By name, in lower case if case is ignored.
    tables: BTreeMap<TableId, Table>,
    /// Default character sets of databases that are not the server's.
    database_charsets: BTreeMap<String, String>,
}

/// Statements that Debezium lets pass without a record.
const SILENT: &[&str] = &["BEGIN", "END", "FLUSH PRIVILEGES"];

impl TableCatalog {
    pub fn new(options: CatalogOptions) -> Self {
        Self { options, tables: BTreeMap::new(), database_charsets: BTreeMap::new() }
    }

    pub fn options(&self) -> &CatalogOptions {
        &self.options
    }

    pub fn table(&self, id: &TableId) -> Option<&Table> {
        if self.options.ignore_case { self.tables.get(&self.key(id)) } else { self.tables.get(id) }
    }

    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// Puts a definition read from the server or the history in place of what was known.
    pub fn put(&mut self, table: Table) {
        self.tables.insert(self.key(&table.id), table);
    }

    pub fn remove(&mut self, id: &TableId) -> Option<Table> {
        self.tables.remove(&self.key(id))
    }

    /// Forgets everything, for a snapshot that starts over.
    pub fn clear(&mut self) {
        self.tables.clear();
        self.database_charsets.clear();
    }

    /// The character set that tables of this database have unless they say otherwise.
    pub fn database_charset(&self, database: &str) -> Option<&str> {
        self.database_charsets.get(&self.fold(database)).or(self.options.server_charset.as_ref()).map(String::as_str)
    }

    pub fn set_database_charset(&mut self, database: &str, charset: impl Into<String>) {
        self.database_charsets.insert(self.fold(database), charset.into());
    }

    fn fold(&self, name: &str) -> String {
        if self.options.ignore_case { name.to_lowercase() } else { name.to_owned() }
    }

    fn key(&self, id: &TableId) -> TableId {
        if self.options.ignore_case { TableId::new(self.fold(&id.database), self.fold(&id.table)) } else { id.clone() }
    }

    /// Parses a CREATE TABLE statement without changing the catalog, which gives dialect and character sets.
    ///
    /// # Errors
    /// The statement is not a CREATE TABLE with columns, or could not be understood.
    pub fn parse_table(&self, id: &TableId, create: &str) -> Result<Table, DdlError> {
        let fail = |at, detail: String| DdlError { statement: create.to_owned(), at, detail, tables: vec![id.clone()] };
        match ddl::parse(create, self.options.dialect).into_iter().next().map(|parsed| parsed.statement) {
            Some(Ok(Statement::CreateTable { table, .. })) => match table.body {
                Body::Defined { elements, options } => Ok(self.define(id.clone(), elements, options)),
                Body::Like(_) => Err(fail(0, "the statement names no columns".to_owned())),
            },
            Some(Err(failure)) => Err(fail(failure.problem.at, failure.problem.detail)),
            Some(Ok(_)) | None => Err(fail(0, "expected CREATE TABLE".to_owned())),
        }
    }

    /// Applies the statements of one QUERY event and returns the records of the history in Debezium's order: one for
    /// each table or database concerned, or a single one with the whole text if it changes no known table.
    ///
    /// A statement that cannot be read and is about tables that are not captured is no error; its tables are forgotten.
    ///
    /// # Errors
    /// A statement about a captured table could not be understood. It was not applied.
    pub fn apply(
        &mut self,
        ddl: &str,
        current_database: &str,
        captured: &dyn Fn(&TableId) -> bool,
    ) -> Result<Vec<SchemaChange>, DdlError> {
        if SILENT.contains(&ddl) {
            return Ok(Vec::new());
        }
        let mut run = Run { ddl, statement_start: 0, database: current_database.to_owned(), captured, events: Vec::new() };
        let statements = ddl::parse(ddl, self.options.dialect);
        for failure in statements.iter().filter_map(|parsed| parsed.statement.as_ref().err()) {
            let tables: Vec<_> = failure.names.iter().map(|name| run.id(name)).collect();
            // Without a name nobody can say that it is somebody else's table.
            if tables.is_empty() || tables.iter().any(captured) {
                return Err(run.error(&failure.problem, tables));
            }
        }
        for parsed in statements {
            let text = ddl.get(parsed.start..parsed.end).unwrap_or_default();
            run.statement_start = parsed.start;
            match parsed.statement {
                Ok(statement) => self.run(statement, text, &mut run)?,
                Err(failure) => {
                    for name in &failure.names {
                        self.remove(&run.id(name));
                    }
                }
            }
        }
        if run.events.is_empty() {
            return Ok(vec![SchemaChange::of_database(current_database, ddl)]);
        }
        Ok(self.records(run.events))
    }

    fn run(&mut self, statement: Statement, text: &str, run: &mut Run<'_>) -> Result<(), DdlError> {
        match statement {
            Statement::CreateTable { table, replace } => {
                let id = run.id(&table.name);
                if table.if_not_exists && !replace && self.table(&id).is_some() {
                    return Ok(());
                }
                let table = match table.body {
                    Body::Defined { elements, options } => self.define(id.clone(), elements, options),
                    Body::Like(original) => match self.table(&run.id(&original)) {
                        Some(original) => Table { id: id.clone(), comment: None, ..original.clone() },
                        None if (run.captured)(&id) => {
                            let problem = Problem { at: original.start, detail: "the table to copy is not known".to_owned() };
                            return Err(run.error(&problem, vec![id]));
                        }
                        None => return Ok(()),
                    },
                };
                self.put(table);
                run.push(SchemaChangeKind::Create, id, text);
            }
            Statement::AlterTable(alter) => {
                let id = run.id(&alter.name);
                let Some(mut table) = self.table(&id).cloned() else {
                    if (run.captured)(&id) {
                        tracing::warn!(table = %id, "ALTER TABLE of a table whose definition is not known; ignored");
                    }
                    return Ok(());
                };
                for action in alter.actions {
                    self.alter(&mut table, action, run)
                        .map_err(|detail| run.error(&Problem { at: alter.name.end, detail }, vec![id.clone()]))?;
                }
                let new_id = table.id.clone();
                self.remove(&id);
                self.put(table);
                run.push(SchemaChangeKind::Alter, new_id.clone(), text);
                if new_id != id {
                    run.previous(id);
                }
            }
            Statement::DropTables { names, behaviour } => {
                let prefix = names.first().map_or("", |first| run.statement_until(first.start));
                for name in &names {
                    let id = run.id(name);
                    self.remove(&id);
                    let behaviour = behaviour.map_or(String::new(), |word| format!(" {word}"));
                    run.push(SchemaChangeKind::Drop, id.clone(), &format!("{prefix}{}{behaviour}", quoted(&id)));
                }
            }
            Statement::RenameTables(pairs) => {
                let prefix = pairs.first().map_or("", |(first, _)| run.statement_until(first.start));
                for (from, to) in &pairs {
                    let (old, new) = (run.id(from), run.id(to));
                    if let Some(table) = self.remove(&old) {
                        self.put(Table { id: new.clone(), ..table });
                    }
                    let pair = run.ddl.get(from.start..to.end).unwrap_or_default();
                    run.push(SchemaChangeKind::Alter, new, &format!("{prefix}{pair}"));
                    run.previous(old);
                }
            }
            Statement::Truncate(name) => run.push(SchemaChangeKind::Truncate, run.id(&name), text),
            Statement::UniqueIndex { table, key } => {
                let id = run.id(&table);
                if (run.captured)(&id)
                    && let Some(mut table) = self.table(&id).cloned()
                    && definition::may_become_key(&table, &key)
                {
                    definition::add_key(&mut table, &key);
                    self.put(table);
                    run.push(SchemaChangeKind::Alter, id, text);
                }
            }
            Statement::CreateDatabase { name, options } => {
                self.set_charset(&name, &options);
                run.push_database(name, text);
            }
            Statement::AlterDatabase { name, options } => {
                let name = name.unwrap_or_else(|| run.database.clone());
                self.set_charset(&name, &options);
            }
            Statement::DropDatabase(name) => {
                let folded = self.fold(&name);
                self.tables.retain(|id, _| *id.database != *folded);
                self.database_charsets.remove(&folded);
                run.push_database(name, text);
            }
            Statement::Use(name) => {
                run.database.clone_from(&name);
                run.push_database(name, text);
            }
            Statement::SetVariables(variables) => {
                for (name, value) in variables {
                    self.set_variable(&name, value, &run.database);
                }
                run.push_database(run.database.clone(), text);
            }
            Statement::Other => {}
        }
        Ok(())
    }

    fn set_charset(&mut self, database: &str, options: &TableOptions) {
        let charset = match &options.charset {
            Some(Some(charset)) => Some(charset.clone()),
            Some(None) => self.options.server_charset.clone(),
            None => options.collation.as_deref().and_then(charset_of_collation),
        };
        if let Some(charset) = charset {
            self.set_database_charset(database, charset);
        }
    }

    fn set_variable(&mut self, name: &str, value: String, database: &str) {
        match name {
            "character_set_server" => self.options.server_charset = Some(value),
            "character_set_database" if !database.is_empty() => self.set_database_charset(database, value),
            _ => {}
        }
    }

    /// Debezium: definitions are those after the whole text, and a table that is gone by then makes no change.
    fn records(&self, events: Vec<Event>) -> Vec<SchemaChange> {
        let mut records = Vec::with_capacity(events.len());
        for group in events.chunk_by(|a, b| a.database == b.database) {
            let mut tables: Vec<TableId> = Vec::new();
            for id in group.iter().filter_map(|event| event.id.as_ref()) {
                if !tables.contains(id) {
                    tables.push(id.clone());
                }
            }
            records.extend(group.iter().map(|event| SchemaChange {
                kind: event.kind,
                database: event.database.clone(),
                ddl: event.ddl.clone(),
                changes: self.change(event).into_iter().collect(),
                tables: tables.clone(),
                sets_server_variables: event.database.is_empty() && starts_with_set(&event.ddl),
            }));
        }
        if !self.options.ansi_quotes {
            for record in &mut records {
                record.ddl = ddl::single_quoted(&record.ddl, self.options.dialect, false);
            }
        }
        records
    }

    fn change(&self, event: &Event) -> Option<TableChange> {
        let id = event.id.clone()?;
        let kind = match event.kind {
            SchemaChangeKind::Create => ChangeKind::Create,
            SchemaChangeKind::Alter => ChangeKind::Alter,
            SchemaChangeKind::Drop => return Some(TableChange { kind: ChangeKind::Drop, id, previous_id: None, table: None }),
            SchemaChangeKind::Truncate | SchemaChangeKind::Database => return None,
        };
        let table = self.table(&id)?.clone();
        Some(TableChange { kind, id, previous_id: event.previous.clone(), table: Some(table) })
    }
}

/// A record in the making: what it is about, not yet how it looks.
struct Event {
    kind: SchemaChangeKind,
    database: String,
    ddl: String,
    id: Option<TableId>,
    previous: Option<TableId>,
}

/// One text being applied.
struct Run<'a> {
    ddl: &'a str,
    statement_start: usize,
    /// Changes with USE.
    database: String,
    captured: &'a dyn Fn(&TableId) -> bool,
    events: Vec<Event>,
}

impl<'a> Run<'a> {
    fn id(&self, name: &Name) -> TableId {
        TableId::new(name.database.as_deref().unwrap_or(&self.database), name.table.as_str())
    }

    fn push(&mut self, kind: SchemaChangeKind, id: TableId, text: &str) {
        let database = id.database.to_string();
        self.events.push(Event { kind, database, ddl: text.to_owned(), id: Some(id), previous: None });
    }

    fn push_database(&mut self, database: String, text: &str) {
        let kind = SchemaChangeKind::Database;
        self.events.push(Event { kind, database, ddl: text.to_owned(), id: None, previous: None });
    }

    fn previous(&mut self, id: TableId) {
        if let Some(event) = self.events.last_mut() {
            event.previous = Some(id);
        }
    }

    /// The statement up to this byte of the whole text.
    fn statement_until(&self, end: usize) -> &'a str {
        self.ddl.get(self.statement_start..end).unwrap_or_default()
    }

    fn error(&self, problem: &Problem, tables: Vec<TableId>) -> DdlError {
        DdlError { statement: self.ddl.to_owned(), at: problem.at, detail: problem.detail.clone(), tables }
    }
}

fn quoted(id: &TableId) -> String {
    format!("`{}`.`{}`", id.database.replace('`', "``"), id.table.replace('`', "``"))
}

fn starts_with_set(ddl: &str) -> bool {
    ddl.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SET "))
}

#[cfg(test)]
mod tests;
