//! Decides which databases, tables and columns are captured.

mod java_regex;

use super::table::TableId;
use crate::plugin::{ConnectError, Result};
use java_regex::JavaRegex;

/// The databases of the server itself, ignored unless `table.ignore.builtin` is false.
const BUILTIN_DATABASES: &[&str] = &["mysql", "performance_schema", "sys", "information_schema"];

pub fn is_builtin_database(database: &str) -> bool {
    BUILTIN_DATABASES.iter().any(|name| name.eq_ignore_ascii_case(database))
}

/// The filter settings as the user wrote them, under today's names.
#[derive(Clone, Debug, Default)]
pub struct FilterSettings {
    pub database_include: Option<String>,
    pub database_exclude: Option<String>,
    pub table_include: Option<String>,
    pub table_exclude: Option<String>,
    pub column_include: Option<String>,
    pub column_exclude: Option<String>,
    /// `table.ignore.builtin`.
    pub ignore_builtin: bool,
    /// `signal.data.collection`: captured although no filter names it. A comma separated list of `db.table`.
    pub signal_table: Option<String>,
}

/// The compiled filters.
#[derive(Clone, Debug, Default)]
pub struct TableFilter {
    databases: Rule,
    tables: Rule,
    columns: Rule,
    ignore_builtin: bool,
    signal_tables: Vec<String>,
}

impl TableFilter {
    /// # Errors
    /// `Config`, naming the key, if a pattern is not a regular expression or a list and its opposite are both given.
    pub fn new(settings: &FilterSettings) -> Result<Self> {
        let signal_tables = settings.signal_table.as_deref().unwrap_or_default().split(',');
        Ok(Self {
            databases: Rule::new("database", settings.database_include.as_deref(), settings.database_exclude.as_deref())?,
            tables: Rule::new("table", settings.table_include.as_deref(), settings.table_exclude.as_deref())?,
            columns: Rule::new("column", settings.column_include.as_deref(), settings.column_exclude.as_deref())?,
            ignore_builtin: settings.ignore_builtin,
            signal_tables: signal_tables.map(|name| name.trim().replace('`', "")).filter(|name| !name.is_empty()).collect(),
        })
    }

    /// True if rows of this table are read.
    pub fn captures(&self, table: &TableId) -> bool {
        let name = table.to_string();
        (self.captures_database(&table.database) && self.tables.keeps(&name)) || self.is_signal_table(&name)
    }

    /// True if this database is not ruled out by the database lists (and is not a system database).
    pub fn captures_database(&self, database: &str) -> bool {
        !(self.ignore_builtin && is_builtin_database(database)) && self.databases.keeps(database)
    }

    /// True if this column stays in the row (`db.table.column` lists). Key columns stay in the key regardless.
    pub fn captures_column(&self, table: &TableId, column: &str) -> bool {
        matches!(self.columns, Rule::All) || self.columns.keeps(&format!("{table}.{column}"))
    }

    /// True if some column list is set, so that columns must be asked one by one.
    pub fn filters_columns(&self) -> bool {
        !matches!(self.columns, Rule::All)
    }

    fn is_signal_table(&self, name: &str) -> bool {
        self.signal_tables.iter().any(|signal| signal.eq_ignore_ascii_case(name))
    }
}

/// An include list, an exclude list, or neither.
#[derive(Clone, Debug, Default)]
enum Rule {
    #[default]
    All,
    Include(PatternList),
    Exclude(PatternList),
}

impl Rule {
    fn new(what: &str, include: Option<&str>, exclude: Option<&str>) -> Result<Self> {
        let (include_key, exclude_key) = (format!("{what}.include.list"), format!("{what}.exclude.list"));
        let given = |list: Option<&str>| list.is_some_and(|list| !list.trim().is_empty());
        match (include, exclude) {
            (Some(_), Some(_)) if given(include) && given(exclude) => Err(ConnectError::config(format!(
                "'{include_key}' and '{exclude_key}' are both set, but only one of them can apply; remove one"
            ))),
            (Some(list), _) if given(include) => Ok(Self::Include(PatternList::new(&include_key, list)?)),
            (_, Some(list)) if given(exclude) => Ok(Self::Exclude(PatternList::new(&exclude_key, list)?)),
            _ => Ok(Self::All),
        }
    }

    fn keeps(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Include(patterns) => patterns.matches(name),
            Self::Exclude(patterns) => !patterns.matches(name),
        }
    }
}

/// One comma separated list of patterns, for every setting of this form. A pattern is a Java regular expression for
/// the whole name, without regard to case; a comma inside a pattern is written `\,`.
#[derive(Clone, Debug)]
pub struct PatternList {
    patterns: Vec<JavaRegex>,
}

impl PatternList {
    /// # Errors
    /// `Config`, naming `key` and the pattern, if a pattern cannot be used.
    pub fn new(key: &str, list: &str) -> Result<Self> {
        Self::compile(key, list, JavaRegex::new)
    }

    /// For texts of several lines: a dot stands for line breaks, too.
    ///
    /// # Errors
    /// As `new`.
    pub fn for_texts(key: &str, list: &str) -> Result<Self> {
        Self::compile(key, list, JavaRegex::for_texts)
    }

    fn compile(key: &str, list: &str, compile: fn(&str) -> Result<JavaRegex, String>) -> Result<Self> {
        let patterns = split(list)
            .into_iter()
            .map(|pattern| {
                compile(&pattern).map_err(|detail| {
                    ConnectError::config(format!("the pattern '{pattern}' of '{key}' cannot be used: {detail}"))
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { patterns })
    }

    pub fn matches(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    /// True if the list holds no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

/// Debezium: Strings.RegExSplitter. A backslash keeps the character after it together with itself; only then does
/// `\,` become a comma.
fn split(list: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut chars = list.chars();
    while let Some(c) = chars.next() {
        match c {
            ',' => parts.push(std::mem::take(&mut part)),
            '\\' => {
                part.push(c);
                part.extend(chars.next());
            }
            _ => part.push(c),
        }
    }
    parts.push(part);
    parts.iter().map(|part| part.trim().replace("\\,", ",")).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(settings: FilterSettings) -> TableFilter {
        TableFilter::new(&FilterSettings { ignore_builtin: true, ..settings }).unwrap()
    }

    #[test]
    fn captures_everything_but_the_servers_own_databases_without_lists() {
        let filter = filter(FilterSettings::default());
        assert!(filter.captures(&TableId::new("bank", "clients")));
        for database in ["mysql", "SYS", "performance_schema", "information_schema"] {
            assert!(!filter.captures(&TableId::new(database, "t")), "{database}");
        }
        assert!(filter.captures_column(&TableId::new("bank", "clients"), "cpf"));
    }

    #[test]
    fn patterns_match_whole_names_in_any_case() {
        let filter = filter(FilterSettings {
            database_include: Some("bank|shop, inv".to_owned()),
            table_include: Some("bank\\.cli.*,INV.t[0-9]+".to_owned()),
            ..FilterSettings::default()
        });
        for (database, table, captured) in [
            ("bank", "clients", true),
            ("BANK", "CLIENTS", true),
            ("bank", "oldclients", false),
            ("bank2", "clients", false),
            ("inv", "t12", true),
            ("inv", "t12x", false),
            ("shop", "t1", false),
        ] {
            assert_eq!(filter.captures(&TableId::new(database, table)), captured, "{database}.{table}");
        }
    }

    #[test]
    fn exclusion_keeps_the_rest_and_the_signal_table_is_always_captured() {
        let filter = filter(FilterSettings {
            table_exclude: Some("bank\\..*".to_owned()),
            column_exclude: Some(".*\\.secret".to_owned()),
            signal_table: Some("bank.signals".to_owned()),
            ..FilterSettings::default()
        });
        assert!(!filter.captures(&TableId::new("bank", "clients")));
        assert!(filter.captures(&TableId::new("bank", "signals")));
        assert!(filter.captures(&TableId::new("shop", "t")));
        assert!(!filter.captures_column(&TableId::new("shop", "t"), "Secret"));
        assert!(filter.captures_column(&TableId::new("shop", "t"), "id"));
    }

    #[test]
    fn a_list_and_its_opposite_together_are_an_error() {
        let error = TableFilter::new(&FilterSettings {
            table_include: Some("a.b".to_owned()),
            table_exclude: Some("a.c".to_owned()),
            ..FilterSettings::default()
        })
        .unwrap_err();
        assert_eq!(
            error.message(),
            "'table.include.list' and 'table.exclude.list' are both set, but only one of them can apply; remove one"
        );
    }

    #[test]
    fn commas_inside_patterns_are_escaped() {
        assert_eq!(split(r"a\.b{1\,2}, ,c\\,d"), [r"a\.b{1,2}", r"c\\", "d"]);
        let list = PatternList::new("k", r"a\.b{1\,2}").unwrap();
        assert!(list.matches("a.bb") && !list.matches("a.bbb"));
    }

    #[test]
    fn an_unusable_pattern_is_named_with_its_key() {
        let error = PatternList::new("table.include.list", "a.(b").unwrap_err();
        assert!(error.message().starts_with("the pattern 'a.(b' of 'table.include.list' cannot be used: "), "{error}");
    }
}
