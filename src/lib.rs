#![doc = include_str!("ARCHITECTURE.md")]

// In reading order, which is also the layer order: a module uses only modules of lower layers (see ARCHITECTURE.md).
pub mod data;
pub mod telemetry;

pub mod codec;
pub mod config;

pub mod plugin;

pub mod kafka;

pub mod connectors;
pub mod converters;
pub mod transforms;

pub mod storage;

pub mod cluster;
pub mod worker;

pub mod herder;

pub mod rest;

pub mod app;
pub mod builtin_plugins;
pub mod cli;
