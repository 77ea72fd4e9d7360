//! Builds and changes the definition of one table.

use super::super::ddl::{Action, ColumnDefinition, Element, Key, Place, TableOptions, charset_of_collation, settle};
use super::super::table::{Column, Table, TableId};
use super::{Run, TableCatalog};

impl TableCatalog {
    pub(super) fn define(&self, id: TableId, elements: Vec<Element>, options: TableOptions) -> Table {
        let charset = match options.charset {
            Some(Some(charset)) => Some(charset),
            Some(None) => None,
            None => options.collation.as_deref().and_then(charset_of_collation),
        };
        let default_charset = charset.or_else(|| self.database_charset(&id.database).map(str::to_owned));
        let comment = options.comment.filter(|_| self.options.comments);
        let mut table = Table { id, columns: Vec::new(), primary_key: Vec::new(), default_charset, comment };
        // Keys may be named before their columns, so columns come first; keys keep their order.
        let mut keys = Vec::new();
        for element in elements {
            match element {
                Element::Column(definition) => {
                    keys.extend(inline_key(&definition));
                    let column = self.settled(definition.column, &table);
                    put_column(&mut table, column);
                }
                Element::Key(key) => keys.push(key),
                Element::Ignored => {}
            }
        }
        for key in &keys {
            add_key(&mut table, key);
        }
        renumber(&mut table);
        table
    }

    fn settled(&self, mut column: Column, table: &Table) -> Column {
        settle(&mut column, table.default_charset.as_deref());
        if !self.options.comments {
            column.comment = None;
        }
        column
    }

    /// Applies one action of ALTER TABLE.
    ///
    /// # Errors
    /// What the statement supposes and the table lacks.
    pub(super) fn alter(&self, table: &mut Table, action: Action, run: &Run<'_>) -> Result<(), String> {
        match action {
            Action::Add { element: Element::Column(definition), place, if_not_exists } => {
                if if_not_exists && table.column(&definition.column.name).is_some() {
                    return Ok(());
                }
                let key = inline_key(&definition);
                let column = self.settled(definition.column, table);
                let name = column.name.clone();
                put_column(table, column);
                move_column(table, &name, place.as_ref());
                if let Some(key) = key {
                    add_key(table, &key);
                }
            }
            Action::Add { element: Element::Key(key), .. } => add_key(table, &key),
            Action::Add { element: Element::Ignored, .. } => {}
            Action::DropColumn { name, if_exists } => match position(table, &name) {
                Some(at) => {
                    let column = table.columns.remove(at);
                    table.primary_key.retain(|key| !key.eq_ignore_ascii_case(&column.name));
                }
                None if if_exists => {}
                None => return Err(unknown(&name, table)),
            },
            Action::DropPrimaryKey => table.primary_key.clear(),
            Action::Change { name, definition, place, if_exists, is_modify } => {
                let Some(at) = position(table, &name) else {
                    return if if_exists { Ok(()) } else { Err(unknown(&name, table)) };
                };
                let key = inline_key(&definition);
                let mut column = self.settled(definition.column, table);
                let old = &mut table.columns[at];
                if !is_modify {
                    // Debezium edits the old column here, so what the statement does not mention stays.
                    column.comment = column.comment.or_else(|| old.comment.take());
                    column.auto_incremented |= old.auto_incremented;
                    column.generated |= old.generated;
                }
                let (old_name, new_name) = (std::mem::take(&mut old.name), column.name.clone());
                *old = column;
                rename_in_key(table, &old_name, &new_name);
                move_column(table, &new_name, place.as_ref());
                if let Some(key) = key {
                    add_key(table, &key);
                }
            }
            Action::RenameColumn { from, to, if_exists } => match position(table, &from) {
                Some(at) => {
                    let old = std::mem::replace(&mut table.columns[at].name, to.clone());
                    rename_in_key(table, &old, &to);
                }
                None if if_exists => {}
                None => return Err(unknown(&from, table)),
            },
            Action::SetDefault { column, default } => {
                if let Some(at) = position(table, &column) {
                    table.columns[at].has_default = true;
                    table.columns[at].default = default;
                }
            }
            Action::DropDefault { column } => {
                if let Some(at) = position(table, &column) {
                    table.columns[at].has_default = false;
                    table.columns[at].default = None;
                }
            }
            Action::RenameTo(name) => table.id = run.id(&name),
            Action::ConvertTo { charset, collation } => {
                let charset = charset
                    .or_else(|| collation.as_deref().and_then(charset_of_collation))
                    .or_else(|| self.database_charset(&table.id.database).map(str::to_owned));
                for column in table.columns.iter_mut().filter(|column| column.charset.is_some()) {
                    column.charset.clone_from(&charset);
                    settle(column, charset.as_deref());
                }
                table.default_charset = charset;
            }
            Action::Options(options) => {
                let charset = match options.charset {
                    Some(Some(charset)) => Some(charset),
                    Some(None) => self.database_charset(&table.id.database).map(str::to_owned),
                    None => options.collation.as_deref().and_then(charset_of_collation),
                };
                if charset.is_some() {
                    table.default_charset = charset;
                }
                if self.options.comments && options.comment.is_some() {
                    table.comment = options.comment;
                }
            }
        }
        renumber(table);
        Ok(())
    }
}

fn inline_key(definition: &ColumnDefinition) -> Option<Key> {
    let parts = vec![Some(definition.column.name.clone())];
    (definition.primary || definition.unique).then_some(Key { primary: definition.primary, parts })
}

/// Debezium: a unique index is looked at only if no key is known and all its parts are columns.
pub(super) fn may_become_key(table: &Table, key: &Key) -> bool {
    let is_column = |part: &Option<String>| part.as_deref().is_some_and(|name| table.column(name).is_some());
    table.primary_key.is_empty() && key.parts.iter().all(is_column)
}

/// Makes a key the table's key if it is primary, or the first unique one of columns that are never NULL
/// (contracts/mysql-source.md, section 5.5).
pub(super) fn add_key(table: &mut Table, key: &Key) {
    if !key.primary {
        let never_null =
            |part: &Option<String>| part.as_deref().and_then(|name| table.column(name)).is_some_and(|column| !column.optional);
        if !may_become_key(table, key) || !key.parts.iter().all(never_null) {
            return;
        }
    }
    let mut names = Vec::with_capacity(key.parts.len());
    for name in key.parts.iter().flatten() {
        match position(table, name) {
            Some(at) => {
                let column = &mut table.columns[at];
                if column.optional {
                    column.optional = false;
                    column.has_default = column.default.is_some();
                }
                names.push(column.name.clone());
            }
            None => names.push(name.clone()),
        }
    }
    table.primary_key = names;
}

fn position(table: &Table, name: &str) -> Option<usize> {
    // MySQL compares column names without case, beyond ASCII as well.
    table
        .columns
        .iter()
        .position(|column| column.name.eq_ignore_ascii_case(name))
        .or_else(|| table.columns.iter().position(|column| column.name.to_lowercase() == name.to_lowercase()))
}

fn put_column(table: &mut Table, column: Column) {
    match position(table, &column.name) {
        Some(at) => table.columns[at] = column,
        None => table.columns.push(column),
    }
}

fn move_column(table: &mut Table, name: &str, place: Option<&Place>) {
    let (Some(place), Some(at)) = (place, position(table, name)) else {
        return;
    };
    let column = table.columns.remove(at);
    let to = match place {
        Place::First => 0,
        Place::After(after) => position(table, after).map_or(table.columns.len(), |at| at + 1),
    };
    table.columns.insert(to, column);
}

fn rename_in_key(table: &mut Table, old: &str, new: &str) {
    for key in table.primary_key.iter_mut().filter(|key| key.eq_ignore_ascii_case(old)) {
        new.clone_into(key);
    }
}

fn renumber(table: &mut Table) {
    for (position, column) in (1..).zip(&mut table.columns) {
        column.position = position;
    }
}

fn unknown(column: &str, table: &Table) -> String {
    format!("column '{column}' of table {} is not known", table.id)
}
