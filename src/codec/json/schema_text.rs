//! Prints and parses the schema half of the JSON envelope.

use std::sync::Arc;

use ahash::AHashSet;
use serde_json::Value as Json;

use super::decode::Decoder;
use super::encode::Encoder;
use super::{JsonOptions, MAX_DEPTH};
use crate::codec::CodecError;
use crate::codec::java_text::push_json_string_bytes;
use crate::data::{Fields, Schema, SchemaKind};

/// Appends the JSON of a schema.
///
/// # Errors
/// `Schema` if a default does not fit its schema.
pub fn push_schema(schema: &Schema, options: &JsonOptions, out: &mut Vec<u8>) -> Result<(), CodecError> {
    print(schema, None, options, out, 0)
}

fn print(schema: &Schema, field: Option<&str>, options: &JsonOptions, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
    if depth > MAX_DEPTH {
        return Err(CodecError::Schema(format!("schema is nested deeper than {MAX_DEPTH} levels")));
    }
    let name = match &schema.kind {
        SchemaKind::Boolean => "boolean",
        SchemaKind::Int8 => "int8",
        SchemaKind::Int16 => "int16",
        SchemaKind::Int32 => "int32",
        SchemaKind::Int64 => "int64",
        SchemaKind::Float32 => "float",
        SchemaKind::Float64 => "double",
        SchemaKind::String => "string",
        SchemaKind::Bytes => "bytes",
        SchemaKind::Array(_) => "array",
        SchemaKind::Map { .. } => "map",
        SchemaKind::Struct(_) => "struct",
    };
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
    match &schema.kind {
        SchemaKind::Array(item) => {
            out.extend_from_slice(b",\"items\":");
            print(item, None, options, out, depth + 1)?;
        }
        SchemaKind::Map { key, value } => {
            out.extend_from_slice(b",\"keys\":");
            print(key, None, options, out, depth + 1)?;
            out.extend_from_slice(b",\"values\":");
            print(value, None, options, out, depth + 1)?;
        }
        SchemaKind::Struct(fields) => {
            out.extend_from_slice(b",\"fields\":[");
            for field in fields.iter() {
                if field.index > 0 {
                    out.push(b',');
                }
                print(&field.schema, Some(&field.name), options, out, depth + 1)?;
            }
            out.push(b']');
        }
        _ => {}
    }
    out.extend_from_slice(if schema.optional { b",\"optional\":true" } else { b",\"optional\":false" });
    if let Some(name) = &schema.name {
        out.extend_from_slice(b",\"name\":");
        push_json_string_bytes(name, out);
    }
    if let Some(version) = schema.version {
        out.extend_from_slice(b",\"version\":");
        out.extend_from_slice(version.to_string().as_bytes());
    }
    if let Some(doc) = &schema.doc {
        out.extend_from_slice(b",\"doc\":");
        push_json_string_bytes(doc, out);
    }
    if !schema.parameters.is_empty() {
        out.extend_from_slice(b",\"parameters\":");
        for (index, (key, value)) in schema.parameters.iter().enumerate() {
            out.push(if index == 0 { b'{' } else { b',' });
            push_json_string_bytes(key, out);
            out.push(b':');
            push_json_string_bytes(value, out);
        }
        out.push(b'}');
    }
    if let Some(default) = schema.default.as_ref().filter(|default| !default.is_null()) {
        out.extend_from_slice(b",\"default\":");
        Encoder::compile(schema, options)?.encode(default, out)?;
    }
    if let Some(field) = field {
        out.extend_from_slice(b",\"field\":");
        push_json_string_bytes(field, out);
    }
    out.push(b'}');
    Ok(())
}

/// Parses the JSON of a schema; `null` is no schema.
///
/// # Errors
/// `Schema` in the words of JsonConverter.
pub fn parse_schema(json: &[u8], options: &JsonOptions) -> Result<Option<Arc<Schema>>, CodecError> {
    let json: Json = serde_json::from_slice(json).map_err(|error| CodecError::Malformed(error.to_string()))?;
    if json.is_null() {
        return Ok(None);
    }
    Ok(Some(Arc::new(schema(&json, options)?)))
}

fn fault(message: impl Into<String>) -> CodecError {
    CodecError::Schema(message.into())
}

// serde_json limits the depth of what it parses, so this recursion is bounded.
fn schema(json: &Json, options: &JsonOptions) -> Result<Schema, CodecError> {
    let kind = json.get("type").and_then(Json::as_str).ok_or_else(|| fault("Schema must contain 'type' field"))?;
    let part = |json: &Json| schema(json, options).map(Arc::new);
    let kind = match kind {
        "boolean" => SchemaKind::Boolean,
        "int8" => SchemaKind::Int8,
        "int16" => SchemaKind::Int16,
        "int32" => SchemaKind::Int32,
        "int64" => SchemaKind::Int64,
        "float" => SchemaKind::Float32,
        "double" => SchemaKind::Float64,
        "bytes" => SchemaKind::Bytes,
        "string" => SchemaKind::String,
        "array" => {
            let item = json.get("items").filter(|items| !items.is_null());
            SchemaKind::Array(part(item.ok_or_else(|| fault("Array schema did not specify the element type"))?)?)
        }
        "map" => {
            let key = json.get("keys").ok_or_else(|| fault("Map schema did not specify the key type"))?;
            let value = json.get("values").ok_or_else(|| fault("Map schema did not specify the value type"))?;
            SchemaKind::Map { key: part(key)?, value: part(value)? }
        }
        "struct" => {
            let list = json.get("fields").and_then(Json::as_array);
            let list = list.ok_or_else(|| fault("Struct schema's \"fields\" argument is not an array."))?;
            let mut fields = Vec::with_capacity(list.len());
            let mut names = AHashSet::with_capacity(list.len());
            for field in list {
                let name = field.get("field").and_then(Json::as_str);
                let name = name.ok_or_else(|| fault("Struct schema's field name not specified properly"))?;
                if !names.insert(name) {
                    return Err(fault(format!("Cannot create field because of field name duplication {name}")));
                }
                fields.push((Arc::from(name), part(field)?));
            }
            SchemaKind::Struct(Arc::new(Fields::new(fields)))
        }
        other => return Err(fault(format!("Unknown schema type: {other}"))),
    };
    let mut result = Schema::new(kind);
    result.optional = json.get("optional").and_then(Json::as_bool).unwrap_or(false);
    result.name = json.get("name").and_then(Json::as_str).map(Arc::from);
    // Java cuts larger numbers to 32 bits.
    result.version = json.get("version").and_then(Json::as_i64).map(|version| version as i32);
    result.doc = json.get("doc").and_then(Json::as_str).map(Arc::from);
    if let Some(parameters) = json.get("parameters").and_then(Json::as_object) {
        for (key, value) in parameters {
            let text = value.as_str().ok_or_else(|| fault("Schema parameters must have string values."))?;
            result.parameters.push((key.as_str().into(), text.into()));
        }
    }
    match json.get("default") {
        None => {}
        // For a required schema a null default is an error, as any other null is.
        Some(Json::Null) if result.optional => {}
        Some(default) => {
            let text = default.to_string().into_bytes().into();
            let shared = Arc::new(result);
            let value = Decoder::compile(&shared, options)?.decode_all(&text)?;
            result = Arc::unwrap_or_clone(shared);
            result.default = Some(value);
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by JsonConverter (contracts/connect-runtime.md, section 9.1).
    const GOLDEN: &str = r#"{"type":"struct","fields":[{"type":"int32","optional":false,"default":5,"field":"a"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"d"},{"type":"map","keys":{"type":"int32","optional":false},"values":{"type":"string","optional":false},"optional":false,"field":"m"},{"type":"array","items":{"type":"double","optional":false},"optional":true,"field":"l"},{"type":"int32","optional":false,"name":"org.apache.kafka.connect.data.Date","version":1,"field":"dt"},{"type":"bytes","optional":false,"default":"AQI=","field":"by"}],"optional":false,"name":"rec","version":3,"doc":"d","parameters":{"k":"v"}}"#;

    #[test]
    fn parses_and_prints_the_golden_schema() {
        let options = JsonOptions::default();
        let schema = parse_schema(GOLDEN.as_bytes(), &options).unwrap().unwrap();
        let mut out = Vec::new();
        push_schema(&schema, &options, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), GOLDEN);
    }

    #[test]
    fn errors_use_the_words_of_java() {
        for (json, message) in [
            ("7", "Schema must contain 'type' field"),
            (r#"{"type":"foo"}"#, "Unknown schema type: foo"),
            (r#"{"type":"array"}"#, "Array schema did not specify the element type"),
            (r#"{"type":"map","values":{"type":"int32"}}"#, "Map schema did not specify the key type"),
            (r#"{"type":"struct"}"#, "Struct schema's \"fields\" argument is not an array."),
            (r#"{"type":"struct","fields":[{"type":"int32"}]}"#, "Struct schema's field name not specified properly"),
            (r#"{"type":"string","parameters":{"a":1}}"#, "Schema parameters must have string values."),
            (r#"{"type":"string","default":null}"#, "Invalid null value for required STRING field"),
        ] {
            assert_eq!(parse_schema(json.as_bytes(), &JsonOptions::default()).unwrap_err().to_string(), message);
        }
    }
}
