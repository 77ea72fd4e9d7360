//! Adds the settings of a connector's transforms and predicates to its report.
//!
//! Source: contracts/connect-rest.md, section 5.8.

use super::validation::{Builder, Definition, class_not_found, show_class};
use crate::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Default, Importance, Width};
use crate::plugin::Registry;

/// What the framework itself adds to the options of every transform.
static IMPLICIT: [ConfigKey; 2] = [
    ConfigKey::new("predicate", ConfigType::String, Default::Null, Importance::Medium, "Predicate that selects the records."),
    ConfigKey::new(
        "negate",
        ConfigType::Boolean,
        Default::Text("false"),
        Importance::Medium,
        "Whether the predicate is inverted.",
    ),
];

struct Kind {
    setting: &'static str,
    /// In group and display names.
    group: &'static str,
    noun: &'static str,
}

const TRANSFORMS: Kind = Kind { setting: "transforms", group: "Transforms", noun: "Transformation" };
const PREDICATES: Kind = Kind { setting: "predicates", group: "Predicates", noun: "Predicate" };

struct Found {
    class: &'static str,
    config_def: &'static ConfigDef,
    build_error: Option<String>,
}

pub(super) fn check(report: &mut Builder<'_>, registry: &Registry) {
    let known = registry.transforms.iter().map(|factory| factory.class).collect::<Vec<_>>();
    check_kind(report, &TRANSFORMS, &known, &|class, own| {
        let factory = registry.transform(class).ok()?;
        let build_error = (factory.build)(own).err().map(|error| error.message().to_owned());
        Some(Found { class: factory.class, config_def: factory.config_def, build_error })
    });
    let known = registry.predicates.iter().map(|factory| factory.class).collect::<Vec<_>>();
    check_kind(report, &PREDICATES, &known, &|class, own| {
        let factory = registry.predicate(class).ok()?;
        let build_error = (factory.build)(own).err().map(|error| error.message().to_owned());
        Some(Found { class: factory.class, config_def: factory.config_def, build_error })
    });
}

fn aliases(config: &ConfigMap, setting: &str) -> Vec<String> {
    let mut unique = Vec::new();
    for alias in config.get(setting).unwrap_or_default().split(',').map(str::trim).filter(|alias| !alias.is_empty()) {
        if !unique.iter().any(|known| known == alias) {
            unique.push(alias.to_owned());
        }
    }
    unique
}

fn check_kind(report: &mut Builder<'_>, kind: &Kind, known: &[&'static str], find: &dyn Fn(&str, &ConfigMap) -> Option<Found>) {
    for alias in aliases(report.config, kind.setting) {
        let prefix = format!("{}.{alias}.", kind.setting);
        let type_name = format!("{prefix}type");
        let type_key = ConfigKey::new("type", ConfigType::Class, Default::Required, Importance::High, "Class of the step.").ui(
            "",
            0,
            Width::Long,
            "",
        );
        report.check(Definition {
            name: type_name.clone(),
            group: Some(format!("{}: {alias}", kind.group)),
            display_name: format!("{} type for {alias}", kind.noun),
            ..Definition::of(&type_key)
        });
        if let Some(value) = report.value(&type_name) {
            value.recommended = known.iter().map(|&class| class.to_owned()).collect();
        }
        let Some(class) = report.config.get(&type_name).map(|class| class.trim().to_owned()) else { continue };
        let own = report.config.with_prefix(&prefix);
        match find(&class, &own) {
            None => show_class(report, &type_name, Err(class_not_found(&type_name, &class))),
            Some(found) => {
                show_class(report, &type_name, Ok(found.class));
                check_options(report, kind, &alias, &found);
            }
        }
        if kind.setting == "transforms" {
            check_predicate(report, &alias, &type_name);
        }
    }
}

fn check_options(report: &mut Builder<'_>, kind: &Kind, alias: &str, found: &Found) {
    let prefix = format!("{}.{alias}.", kind.setting);
    let mut options = found.config_def.keys.to_vec();
    if kind.setting == "transforms" {
        options.retain(|key| IMPLICIT.iter().all(|implicit| implicit.name != key.name));
        options.extend(IMPLICIT);
    }
    // Connect: ConfigDef.sortedKeys; the order decides how forms show the options.
    options.sort_by_key(|key| (key.group, key.order, key.default != Default::Required, key.importance as u8, key.name));
    let mut errors = 0;
    for (position, key) in options.iter().enumerate() {
        let base = format!("{}: {alias}", kind.group);
        let definition = Definition {
            name: format!("{prefix}{}", key.name),
            group: Some(key.group.map_or(base.clone(), |group| format!("{base}: {group}"))),
            order: i32::try_from(position + 1).unwrap_or(i32::MAX),
            ..Definition::of(key)
        };
        let name = definition.name.clone();
        report.check(definition);
        errors += report.value(&name).map_or(0, |value| value.errors.len());
    }
    // What only building the step finds out, such as options that exclude each other.
    if let (Some(error), 0) = (&found.build_error, errors) {
        report.add_error(&format!("{prefix}type"), error.clone());
    }
}

fn check_predicate(report: &mut Builder<'_>, alias: &str, type_name: &str) {
    let predicate = format!("transforms.{alias}.predicate");
    let negate = format!("transforms.{alias}.negate");
    match report.config.get(&predicate).map(str::to_owned) {
        None if report.config.contains(&negate) => report.add_error(
            type_name,
            format!("Config '{negate}' was provided but there is no config '{predicate}' defining a predicate to be negated."),
        ),
        Some(name) if !aliases(report.config, "predicates").contains(&name) => report.add_error(
            &predicate,
            format!("Invalid value {name} for configuration {predicate}: no predicate of this name is listed in 'predicates'"),
        ),
        _ => {}
    }
}
