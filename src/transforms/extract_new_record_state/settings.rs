//! The settings of ExtractNewRecordState, with the names they had in older versions of Debezium.

use super::FieldReference;
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance, Validator, Width};
use crate::plugin::Result;

pub(super) static CONFIG: ConfigDef = ConfigDef {
    keys: &[
        ConfigKey::new(
            "delete.tombstone.handling.mode",
            ConfigType::String,
            Default::Text("tombstone"),
            Importance::Medium,
            "What becomes of deletes and the tombstones behind them. drop: neither passes; tombstone: the delete becomes a null value, tombstones are dropped; delete-to-tombstone: the same without a schema, a true tombstone; rewrite: the deleted row passes with __deleted=true, tombstones are dropped; rewrite-with-tombstone: tombstones pass as well.",
        )
        .validator(Validator::OneOfIgnoreCase(&["drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone"]))
        .width(Width::Medium, "Handle delete and tombstone records"),
        ConfigKey::new(
            "route.by.field",
            ConfigType::String,
            Default::Text(""),
            Importance::Low,
            "The row's field whose text becomes the topic.",
        )
        .width(Width::Long, "Route by field name"),
        ConfigKey::new("add.fields.prefix", ConfigType::String, Default::Text("__"), Importance::Low, "Put before the names of added fields.")
            .width(Width::Short, "Field prefix to be added to each field."),
        ConfigKey::new(
            "add.fields",
            ConfigType::List,
            Default::Text(""),
            Importance::Low,
            "Fields of the envelope to add to the row: op, table, source.ts_ms, transaction.id, before.x; a suffix :NAME renames.",
        )
        .width(Width::Long, "Adds the specified field(s) to the message if they exist."),
        ConfigKey::new("add.headers.prefix", ConfigType::String, Default::Text("__"), Importance::Low, "Put before the names of added headers.")
            .width(Width::Short, "Header prefix to be added to each header."),
        ConfigKey::new(
            "add.headers",
            ConfigType::List,
            Default::Text(""),
            Importance::Low,
            "Fields of the envelope to add as headers, written as for add.fields.",
        )
        .width(Width::Long, "Adds the specified fields to the header if they exist."),
        ConfigKey::new(
            "drop.fields.header.name",
            ConfigType::String,
            Default::Null,
            Importance::Low,
            "The header that lists fields to drop from the row.",
        )
        .width(Width::Short, "Specifies a header that contains a list of field names to be removed"),
        ConfigKey::new(
            "drop.fields.from.key",
            ConfigType::Boolean,
            Default::Text("false"),
            Importance::Low,
            "Whether the listed fields are dropped from the key as well.",
        )
        .width(Width::Short, "Specifies whether the fields to be dropped should also be omitted from the key"),
        ConfigKey::new(
            "drop.fields.keep.schema.compatible",
            ConfigType::Boolean,
            Default::Text("true"),
            Importance::Low,
            "Whether only optional fields are dropped.",
        )
        .width(Width::Short, "Specifies if fields are dropped, will the event's schemas be compatible"),
        ConfigKey::new(
            "replace.null.with.default",
            ConfigType::Boolean,
            Default::Text("true"),
            Importance::Low,
            "Whether a null field that has a default becomes its default when the row is rewritten.",
        )
        .width(Width::Short, "replace null field value with default"),
        ConfigKey::new(
            "drop.tombstones",
            ConfigType::Boolean,
            Default::Text("true"),
            Importance::Low,
            "Setting of Debezium up to 3.1: whether tombstones are dropped. With delete.handling.mode it stands in for delete.tombstone.handling.mode.",
        )
        .width(Width::Short, "Drop tombstones"),
        ConfigKey::new(
            "delete.handling.mode",
            ConfigType::String,
            Default::Text("drop"),
            Importance::Low,
            "Setting of Debezium up to 3.1: drop, none (a null value) or rewrite.",
        )
        .validator(Validator::OneOfIgnoreCase(&["drop", "rewrite", "none"]))
        .width(Width::Medium, "Handle delete records"),
        ConfigKey::new(
            "operation.header",
            ConfigType::Boolean,
            Default::Text("false"),
            Importance::Low,
            "Setting of Debezium up to 1.2: adds the header __op, as add.headers=op does.",
        )
        .width(Width::Short, "Adds a message header representing the applied operation"),
        ConfigKey::new(
            "add.source.fields",
            ConfigType::List,
            Default::Text(""),
            Importance::Low,
            "Setting of Debezium up to 1.2: fields of the source block to add, as add.fields does.",
        )
        .width(Width::Long, "Adds the specified fields from the 'source' field"),
    ],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Drop,
    Tombstone,
    DeleteToTombstone,
    Rewrite,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) keep_tombstones: bool,
    pub(super) keep_truncates: bool,
    pub(super) fields: Vec<FieldReference>,
    pub(super) headers: Vec<FieldReference>,
    pub(super) operation_header: bool,
    pub(super) route_by_field: Option<String>,
    pub(super) drop_fields_header: Option<String>,
    pub(super) drop_fields_from_key: bool,
    pub(super) drop_optional_only: bool,
    pub(super) replace_null: bool,
}

impl Settings {
    /// `old_default` says what holds if no setting speaks of deletes: what Debezium did up to 3.1, or does today.
    pub(super) fn new(map: &ConfigMap, old_default: bool) -> Result<Self> {
        let config = CONFIG.parse(map)?;
        let old_keys = map.contains("drop.tombstones") || map.contains("delete.handling.mode");
        let old = !map.contains("delete.tombstone.handling.mode") && (old_keys || old_default);
        let drop_tombstones = config.boolean("drop.tombstones");
        let setting = if old { "delete.handling.mode" } else { "delete.tombstone.handling.mode" };
        let name = config.text(setting).unwrap_or_default().to_ascii_lowercase();
        let mode = match name.as_str() {
            "drop" => Mode::Drop,
            "rewrite" | "rewrite-with-tombstone" => Mode::Rewrite,
            "delete-to-tombstone" => Mode::DeleteToTombstone,
            // "none" is the older name.
            _ => Mode::Tombstone,
        };
        let references = |list: &str, prefix: &str| {
            let prefix = config.text(prefix).unwrap_or_default();
            config.list(list).iter().map(|text| FieldReference::parse(prefix, text)).collect::<Result<Vec<_>, _>>()
        };
        let mut fields = references("add.fields", "add.fields.prefix")?;
        for name in config.list("add.source.fields") {
            fields.push(FieldReference::parse("__", &format!("source.{name}:{name}"))?);
        }
        let text = |name: &str| config.text(name).filter(|text| !text.trim().is_empty()).map(str::to_owned);
        Ok(Self {
            mode,
            keep_tombstones: if old { !drop_tombstones } else { name == "rewrite-with-tombstone" },
            keep_truncates: old && !drop_tombstones,
            fields,
            headers: references("add.headers", "add.headers.prefix")?,
            operation_header: config.boolean("operation.header"),
            route_by_field: text("route.by.field"),
            drop_fields_header: text("drop.fields.header.name"),
            drop_fields_from_key: config.boolean("drop.fields.from.key"),
            drop_optional_only: config.boolean("drop.fields.keep.schema.compatible"),
            replace_null: config.boolean("replace.null.with.default"),
        })
    }
}
