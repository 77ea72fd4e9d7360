//! Are the files that users start from sound: connector-configs/, schemas/, docker-compose.yml?
#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use tributary::config::ConfigMap;
use tributary::config::properties::{self, Encoding};
use tributary::config::worker::{ModeName, WorkerConfig};
use tributary::worker::unknown_settings::unknown_settings;
use yaml_rust2::YamlLoader;

const CONNECTORS: &[&str] = &[
    "hdfsSink_santander_clients_migration",
    "hdfsSink_santander_employees_migration",
    "hdfsSink_santander_operations_migration",
    "hdfsSink_stockmarket_b3_migration",
    "mysqlSource_santander_data",
    "mysqlSource_stock_market_data",
];

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn settings(name: &str) -> ConfigMap {
    let bytes = fs::read(file(&format!("connector-configs/{name}.properties"))).unwrap();
    properties::parse(&bytes, Encoding::Latin1).unwrap()
}

#[test]
fn every_example_file_is_known() {
    let mut found: Vec<String> = fs::read_dir(file("connector-configs"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !name.starts_with("connect-"))
        .collect();
    found.sort();
    assert_eq!(found, CONNECTORS);
}

#[test]
fn the_worker_files_are_complete() {
    for (mode, name) in [(ModeName::Distributed, "connect-distributed"), (ModeName::Standalone, "connect-standalone")] {
        WorkerConfig::from_properties(mode, &settings(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn each_connector_file_names_itself_and_one_task() {
    for name in CONNECTORS {
        let settings = settings(name);
        assert_eq!(settings.get("name"), Some(*name));
        assert_eq!(settings.get("tasks.max"), Some("1"), "{name}");
    }
}

/// Nobody who starts from these files is warned of a setting that does nothing.
#[test]
fn every_setting_of_a_connector_file_is_known() {
    let registry = tributary::builtin_plugins::registry();
    for name in CONNECTORS {
        let settings = settings(name);
        let plugin = registry.connector(settings.get("connector.class").unwrap()).unwrap();
        assert_eq!(unknown_settings(&registry, plugin, &settings), Vec::<&str>::new(), "{name}");
    }
}

/// Patterns and replacements with backslashes and dollars come through the .properties syntax as meant.
#[test]
fn the_router_of_the_stock_market_has_its_pattern() {
    let settings = settings("mysqlSource_stock_market_data");
    assert_eq!(settings.get("transforms.route.regex"), Some(r"exchange\.stock_market\.(.*)"));
    assert_eq!(settings.get("transforms.route.replacement"), Some("b3.$1"));
}

#[test]
fn docker_compose_offers_the_parts_of_the_stack() {
    let text = fs::read_to_string(file("docker-compose.yml")).unwrap();
    let documents = YamlLoader::load_from_str(&text).unwrap();
    let services = documents[0]["services"].as_hash().unwrap();
    let names: Vec<&str> = services.keys().map(|name| name.as_str().unwrap()).collect();
    for part in ["kafka", "mysql", "mariadb", "namenode", "datanode", "hive", "spark", "connect"] {
        assert!(names.contains(&part), "{part} is not among {names:?}");
        let service = &documents[0]["services"][part];
        // Hadoop's image comes with the merged block, which the parser keeps as a block of its own.
        let image = if service["image"].is_badvalue() { &service["<<"]["image"] } else { &service["image"] };
        assert!(image.as_str().is_some(), "{part} has no image");
        for port in service["ports"].as_vec().into_iter().flatten() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{part} listens on more than this machine");
        }
    }
}

/// The columns of each table as its files on HDFS have them; the schemas were taken from the files of a demo run.
#[test]
fn every_schema_is_avro_with_the_tables_columns() {
    let tables = [
        ("operations", "id cpf tipo_produto origem operacao valor online data horario op_timestamp success"),
        ("clients", "nome cpf tipo_produto data_nascimento address renda_mensal"),
        ("employees", "nome cpf data_inicio address salario area"),
        ("ibovespa", "index symbol date high open close volume low adjclose dividends"),
    ];
    for (table, columns) in tables {
        let text = std::fs::read_to_string(format!("schemas/{table}.avsc")).unwrap();
        let schema = apache_avro::Schema::parse_str(&text).unwrap_or_else(|error| panic!("{table}: {error}"));
        let apache_avro::Schema::Record(record) = schema else { panic!("{table} is not a record") };
        let names = record.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names.join(" "), columns, "{table}");
    }
}
