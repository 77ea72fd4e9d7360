//! Reads ALTER TABLE.

use super::column::{ColumnDefinition, charset_option, column_definition, column_definition_of, default_value};
use super::create_table::{Element, TableOptions, elements, key_or_constraint, table_option};
use super::cursor::{Cursor, Name, Result};

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    pub name: Name,
    pub actions: Vec<Action>,
}

/// Where a column goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    First,
    After(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Add {
        element: Element,
        place: Option<Place>,
        if_not_exists: bool,
    },
    DropColumn {
        name: String,
        if_exists: bool,
    },
    DropPrimaryKey,
    /// MODIFY, or CHANGE with another name in the definition.
    Change {
        name: String,
        definition: ColumnDefinition,
        place: Option<Place>,
        if_exists: bool,
        is_modify: bool,
    },
    RenameColumn {
        from: String,
        to: String,
        if_exists: bool,
    },
    /// `None` is NULL or an expression.
    SetDefault {
        column: String,
        default: Option<String>,
    },
    DropDefault {
        column: String,
    },
    RenameTo(Name),
    /// `None` is DEFAULT: the database's.
    ConvertTo {
        charset: Option<String>,
        collation: Option<String>,
    },
    Options(TableOptions),
}

/// Reads what follows ALTER TABLE. Partitions, indexes and whatever else changes no column is left out.
pub fn alter_table(cursor: &mut Cursor<'_>) -> Result<AlterTable> {
    cursor.eat(&["IF", "EXISTS"]);
    let name = cursor.name()?;
    // MariaDB
    if cursor.eat(&["WAIT"]) {
        cursor.number()?;
    }
    cursor.eat(&["NOWAIT"]);
    let mut actions = Vec::new();
    while !cursor.at_end() {
        action(cursor, &mut actions)?;
        if !cursor.at_end() && !cursor.eat_sign(',') {
            // `REMOVE PARTITIONING` and PARTITION BY follow without a comma.
            if cursor.is_any(&["PARTITION", "REMOVE"]) {
                cursor.skip_to_end();
            } else {
                return cursor.expected("a comma or the end");
            }
        }
    }
    Ok(AlterTable { name, actions })
}

fn action(cursor: &mut Cursor<'_>, actions: &mut Vec<Action>) -> Result<()> {
    if cursor.eat(&["ADD"]) {
        return add(cursor, actions);
    }
    if cursor.eat(&["DROP"]) {
        return drop(cursor, actions);
    }
    if cursor.eat(&["MODIFY"]) {
        return change(cursor, actions, true);
    }
    if cursor.eat(&["CHANGE"]) {
        return change(cursor, actions, false);
    }
    if cursor.eat(&["ALTER"]) {
        return alter_column(cursor, actions);
    }
    if cursor.eat(&["RENAME"]) {
        return rename(cursor, actions);
    }
    if cursor.is("CONVERT") && cursor.is_at(1, "TO") {
        cursor.eat(&["CONVERT", "TO"]);
        let Some(charset) = charset_option(cursor)? else {
            return cursor.expected("CHARACTER SET");
        };
        let mut options = TableOptions::default();
        while table_option(cursor, &mut options)? {}
        actions.push(Action::ConvertTo { charset, collation: options.collation });
        return Ok(());
    }
    if cursor.eat(&["ORDER", "BY"]) || cursor.is("PARTITION") {
        // Their lists have commas of their own, and nothing that matters comes after them.
        cursor.skip_to_end();
        return Ok(());
    }
    let mut options = TableOptions::default();
    while !cursor.at_end() && !cursor.is_sign(',') {
        if !table_option(cursor, &mut options)? {
            cursor.skip_one()?;
        }
    }
    if options != TableOptions::default() {
        actions.push(Action::Options(options));
    }
    Ok(())
}

fn add(cursor: &mut Cursor<'_>, actions: &mut Vec<Action>) -> Result<()> {
    let is_partition = cursor.is("PARTITION");
    let is_versioning = cursor.is("SYSTEM") && cursor.is_at(1, "VERSIONING");
    if is_partition || is_versioning {
        return cursor.skip_to_separator();
    }
    let named_column = cursor.eat(&["COLUMN"]);
    let if_not_exists = cursor.eat(&["IF", "NOT", "EXISTS"]);
    if cursor.is_sign('(') {
        let elements = elements(cursor)?;
        actions.extend(elements.into_iter().map(|element| Action::Add { element, place: None, if_not_exists }));
        return Ok(());
    }
    let key = if named_column { None } else { key_or_constraint(cursor)? };
    let element = match key {
        Some(element) => element,
        None => Element::Column(column_definition(cursor)?),
    };
    let place = place(cursor)?;
    actions.push(Action::Add { element, place, if_not_exists });
    Ok(())
}

fn place(cursor: &mut Cursor<'_>) -> Result<Option<Place>> {
    if cursor.eat(&["FIRST"]) {
        return Ok(Some(Place::First));
    }
    if cursor.eat(&["AFTER"]) {
        return Ok(Some(Place::After(cursor.identifier()?)));
    }
    Ok(None)
}

fn drop(cursor: &mut Cursor<'_>, actions: &mut Vec<Action>) -> Result<()> {
    if cursor.eat(&["PRIMARY", "KEY"]) {
        actions.push(Action::DropPrimaryKey);
        return Ok(());
    }
    let named_column = cursor.eat(&["COLUMN"]);
    let other = cursor.is_any(&["INDEX", "KEY", "FOREIGN", "CHECK", "CONSTRAINT", "PARTITION"])
        || (cursor.is("SYSTEM") && cursor.is_at(1, "VERSIONING"))
        || (cursor.is("PERIOD") && cursor.is_at(1, "FOR"));
    if other && !named_column {
        return cursor.skip_to_separator();
    }
    let if_exists = cursor.eat(&["IF", "EXISTS"]);
    let name = cursor.identifier()?;
    cursor.eat_any(&["RESTRICT", "CASCADE"]);
    actions.push(Action::DropColumn { name, if_exists });
    Ok(())
}

/// CHANGE has the old name before the definition, MODIFY only the definition.
fn change(cursor: &mut Cursor<'_>, actions: &mut Vec<Action>, is_modify: bool) -> Result<()> {
    cursor.eat(&["COLUMN"]);
    let if_exists = cursor.eat(&["IF", "EXISTS"]);
    let name = cursor.identifier()?;
    let definition = if is_modify { column_definition_of(name.clone(), cursor)? } else { column_definition(cursor)? };
    let place = place(cursor)?;
    actions.push(Action::Change { name, definition, place, if_exists, is_modify });
    Ok(())
}

fn alter_column(cursor: &mut Cursor<'_>, actions: &mut Vec<Action>) -> Result<()> {
    if cursor.is_any(&["INDEX", "KEY", "CHECK", "CONSTRAINT"]) {
        return cursor.skip_to_separator();
    }
    cursor.eat(&["COLUMN"]);
    cursor.eat(&["IF", "EXISTS"]);
    let column = cursor.identifier()?;
    if cursor.eat(&["SET", "DEFAULT"]) {
        let default = default_value(cursor)?;
        actions.push(Action::SetDefault { column, default });
        Ok(())
    } else if cursor.eat(&["DROP", "DEFAULT"]) {
        actions.push(Action::DropDefault { column });
        Ok(())
    } else {
        // SET VISIBLE, SET INVISIBLE
        cursor.skip_to_separator()
    }
}

fn rename(cursor: &mut Cursor<'_>, actions: &mut Vec<Action>) -> Result<()> {
    if cursor.eat(&["COLUMN"]) {
        let if_exists = cursor.eat(&["IF", "EXISTS"]);
        let from = cursor.identifier()?;
        if !cursor.eat(&["TO"]) {
            return cursor.expected("TO");
        }
        actions.push(Action::RenameColumn { from, to: cursor.identifier()?, if_exists });
        return Ok(());
    }
    if cursor.is_any(&["INDEX", "KEY"]) {
        return cursor.skip_to_separator();
    }
    if !cursor.eat_any(&["TO", "AS"]) {
        cursor.eat_sign('=');
    }
    actions.push(Action::RenameTo(cursor.name()?));
    Ok(())
}
