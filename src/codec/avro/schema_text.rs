//! Reads and prints the JSON text of Avro schemas, exactly as Java's `Schema.toString()` prints it.

use ahash::AHashMap;
use serde_json::{Map, Value as Json};

use super::MAX_DEPTH;
use crate::codec::CodecError;
use crate::codec::java_text::{push_json, push_json_string};

/// An Avro schema. Named types may be repeated in full or given as [`Kind::Reference`].
#[derive(Clone, Debug, PartialEq)]
pub struct AvroSchema {
    pub kind: Kind,
    /// Properties beyond the standard ones, in order.
    pub props: Map<String, Json>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Box<AvroSchema>),
    Map(Box<AvroSchema>),
    Union(Vec<AvroSchema>),
    Fixed {
        name: Name,
        doc: Option<String>,
        size: usize,
    },
    Enum {
        name: Name,
        doc: Option<String>,
        symbols: Vec<String>,
        default: Option<String>,
    },
    Record {
        name: Name,
        doc: Option<String>,
        fields: Vec<RecordField>,
    },
    /// A named type defined earlier in the same schema.
    Reference(Name),
}

/// The name of a record, enum or fixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub namespace: Option<String>,
    pub name: String,
}

impl Name {
    pub fn new(namespace: Option<&str>, name: &str) -> Self {
        Self { namespace: namespace.filter(|x| !x.is_empty()).map(str::to_owned), name: name.to_owned() }
    }

    /// Splits `a.b.C` at its last dot.
    pub fn from_full(full: &str) -> Self {
        match full.rsplit_once('.') {
            Some((namespace, name)) => Self::new(Some(namespace), name),
            None => Self::new(None, full),
        }
    }

    pub fn full(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecordField {
    pub name: String,
    pub doc: Option<String>,
    pub schema: AvroSchema,
    pub default: Option<Json>,
    pub props: Map<String, Json>,
}

impl AvroSchema {
    pub fn new(kind: Kind) -> Self {
        Self { kind, props: Map::new() }
    }

    /// The name, if the schema defines or refers to a named type.
    pub fn name(&self) -> Option<&Name> {
        match &self.kind {
            Kind::Fixed { name, .. } | Kind::Enum { name, .. } | Kind::Record { name, .. } | Kind::Reference(name) => Some(name),
            _ => None,
        }
    }

    /// Adds a property unless it is there already, as Java's `addProp` does with an equal value.
    pub fn add_prop(&mut self, name: &str, value: impl Into<Json>) {
        self.props.entry(name).or_insert_with(|| value.into());
    }

    /// Prints the schema.
    ///
    /// # Errors
    /// `Schema` if two different types share one name: no reader could tell them apart.
    pub fn to_text(&self) -> Result<String, CodecError> {
        let mut printer = Printer { out: Vec::with_capacity(1024), defined: AHashMap::new() };
        printer.schema(self, None)?;
        String::from_utf8(printer.out).map_err(|_| CodecError::Schema("schema text is not UTF-8".to_owned()))
    }

    /// Parses a schema text.
    ///
    /// # Errors
    /// `Schema` with the place in the text's structure.
    pub fn parse(text: &str) -> Result<Self, CodecError> {
        let json: Json =
            serde_json::from_str(text).map_err(|e| CodecError::Schema(format!("Avro schema is not valid JSON: {e}")))?;
        let mut parser = Parser { defined: AHashMap::new() };
        parser.schema(&json, None, 0)
    }

    /// All named types defined in this schema, by full name.
    pub fn definitions(&self) -> AHashMap<String, &AvroSchema> {
        fn collect<'a>(schema: &'a AvroSchema, found: &mut AHashMap<String, &'a AvroSchema>) {
            match &schema.kind {
                Kind::Array(item) | Kind::Map(item) => collect(item, found),
                Kind::Union(branches) => branches.iter().for_each(|branch| collect(branch, found)),
                Kind::Record { name, fields, .. } => {
                    found.insert(name.full(), schema);
                    fields.iter().for_each(|field| collect(&field.schema, found));
                }
                Kind::Fixed { name, .. } | Kind::Enum { name, .. } => {
                    found.insert(name.full(), schema);
                }
                _ => {}
            }
        }
        let mut found = AHashMap::new();
        collect(self, &mut found);
        found
    }
}

/// Standard attributes; everything else on a type is a property.
const TYPE_ATTRIBUTES: &[&str] =
    &["type", "name", "namespace", "doc", "fields", "items", "values", "size", "symbols", "aliases", "default"];
const FIELD_ATTRIBUTES: &[&str] = &["name", "type", "doc", "default", "order", "aliases"];

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

struct Printer<'a> {
    out: Vec<u8>,
    defined: AHashMap<String, &'a AvroSchema>,
}

impl<'a> Printer<'a> {
    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, text: &str) {
        push_json_string(text, &mut self.out);
    }

    fn schema(&mut self, schema: &'a AvroSchema, space: Option<&str>) -> Result<(), CodecError> {
        match &schema.kind {
            Kind::Union(branches) => {
                self.raw("[");
                for (index, branch) in branches.iter().enumerate() {
                    if index > 0 {
                        self.raw(",");
                    }
                    self.schema(branch, space)?;
                }
                self.raw("]");
                return Ok(());
            }
            Kind::Reference(name) => self.reference(name, space),
            Kind::Array(item) => {
                self.raw("{\"type\":\"array\",\"items\":");
                self.schema(item, space)?;
                self.end(schema);
            }
            Kind::Map(value) => {
                self.raw("{\"type\":\"map\",\"values\":");
                self.schema(value, space)?;
                self.end(schema);
            }
            Kind::Fixed { name, doc, size } => {
                if self.known(name, schema, space)? {
                    return Ok(());
                }
                self.head("fixed", name, space);
                self.doc(doc.as_deref());
                self.raw(",\"size\":");
                self.raw(&size.to_string());
                self.end(schema);
            }
            Kind::Enum { name, doc, symbols, default } => {
                if self.known(name, schema, space)? {
                    return Ok(());
                }
                self.head("enum", name, space);
                self.doc(doc.as_deref());
                self.raw(",\"symbols\":[");
                for (index, symbol) in symbols.iter().enumerate() {
                    if index > 0 {
                        self.raw(",");
                    }
                    self.string(symbol);
                }
                self.raw("]");
                if let Some(default) = default {
                    self.raw(",\"default\":");
                    self.string(default);
                }
                self.end(schema);
            }
            Kind::Record { name, doc, fields } => {
                if self.known(name, schema, space)? {
                    return Ok(());
                }
                self.head("record", name, space);
                self.doc(doc.as_deref());
                self.raw(",\"fields\":[");
                for (index, field) in fields.iter().enumerate() {
                    if index > 0 {
                        self.raw(",");
                    }
                    self.field(field, name.namespace.as_deref())?;
                }
                self.raw("]");
                self.end(schema);
            }
            simple => {
                let name = match simple {
                    Kind::Null => "\"null\"",
                    Kind::Boolean => "\"boolean\"",
                    Kind::Int => "\"int\"",
                    Kind::Long => "\"long\"",
                    Kind::Float => "\"float\"",
                    Kind::Double => "\"double\"",
                    Kind::Bytes => "\"bytes\"",
                    _ => "\"string\"",
                };
                if schema.props.is_empty() {
                    self.raw(name);
                } else {
                    self.raw("{\"type\":");
                    self.raw(name);
                    self.end(schema);
                }
            }
        }
        Ok(())
    }

    /// True if the type was printed before; then only its name is printed.
    fn known(&mut self, name: &Name, schema: &'a AvroSchema, space: Option<&str>) -> Result<bool, CodecError> {
        let full = name.full();
        match self.defined.get(&full) {
            None => {
                self.defined.insert(full, schema);
                Ok(false)
            }
            Some(known) if *known == schema => {
                self.reference(name, space);
                Ok(true)
            }
            Some(_) => Err(CodecError::Schema(format!(
                "two different types share the Avro name '{full}', so no reader could use the schema; give their Connect schemas different names"
            ))),
        }
    }

    fn reference(&mut self, name: &Name, space: Option<&str>) {
        // A name that looks like a primitive has to be written in full even inside its own namespace.
        if name.namespace.is_none() || (name.namespace.as_deref() == space && primitive(&name.name).is_none()) {
            self.string(&name.name);
        } else {
            self.string(&name.full());
        }
    }

    fn head(&mut self, kind: &str, name: &Name, space: Option<&str>) {
        self.raw("{\"type\":\"");
        self.raw(kind);
        self.raw("\",\"name\":");
        self.string(&name.name);
        match (&name.namespace, space) {
            (Some(own), space) if Some(own.as_str()) != space => {
                self.raw(",\"namespace\":");
                self.string(own);
            }
            (None, Some(_)) => self.raw(",\"namespace\":\"\""),
            _ => {}
        }
    }

    fn doc(&mut self, doc: Option<&str>) {
        if let Some(doc) = doc {
            self.raw(",\"doc\":");
            self.string(doc);
        }
    }

    fn field(&mut self, field: &'a RecordField, space: Option<&str>) -> Result<(), CodecError> {
        self.raw("{\"name\":");
        self.string(&field.name);
        self.raw(",\"type\":");
        self.schema(&field.schema, space)?;
        self.doc(field.doc.as_deref());
        if let Some(default) = &field.default {
            self.raw(",\"default\":");
            push_json(default, &mut self.out);
        }
        self.props(&field.props);
        self.raw("}");
        Ok(())
    }

    fn props(&mut self, props: &Map<String, Json>) {
        for (key, value) in props {
            self.raw(",");
            self.string(key);
            self.raw(":");
            push_json(value, &mut self.out);
        }
    }

    fn end(&mut self, schema: &AvroSchema) {
        self.props(&schema.props);
        self.raw("}");
    }
}

struct Parser {
    /// Full names seen so far.
    defined: AHashMap<String, ()>,
}

impl Parser {
    fn schema(&mut self, json: &Json, space: Option<&str>, depth: usize) -> Result<AvroSchema, CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::Schema(format!("Avro schema is nested deeper than {MAX_DEPTH} levels")));
        }
        match json {
            Json::String(name) => match primitive(name) {
                Some(kind) => Ok(AvroSchema::new(kind)),
                None => self.reference(name, space),
            },
            Json::Array(branches) => {
                let branches =
                    branches.iter().map(|branch| self.schema(branch, space, depth + 1)).collect::<Result<Vec<_>, _>>()?;
                Ok(AvroSchema::new(Kind::Union(branches)))
            }
            Json::Object(object) => self.object(object, space, depth),
            other => Err(CodecError::Schema(format!("Avro schema expected, found {other}"))),
        }
    }

    fn reference(&self, name: &str, space: Option<&str>) -> Result<AvroSchema, CodecError> {
        let candidates =
            if name.contains('.') { vec![Name::from_full(name)] } else { vec![Name::new(space, name), Name::new(None, name)] };
        candidates
            .into_iter()
            .find(|candidate| self.defined.contains_key(&candidate.full()))
            .map(|found| AvroSchema::new(Kind::Reference(found)))
            .ok_or_else(|| CodecError::Schema(format!("Avro schema uses the type '{name}' before it is defined")))
    }

    fn object(&mut self, object: &Map<String, Json>, space: Option<&str>, depth: usize) -> Result<AvroSchema, CodecError> {
        let kind = match object.get("type") {
            Some(Json::String(kind)) => kind.as_str(),
            // {"type": {...}} only wraps another schema.
            Some(nested @ (Json::Object(_) | Json::Array(_))) => return self.schema(nested, space, depth + 1),
            _ => return Err(CodecError::Schema("Avro schema object has no 'type'".to_owned())),
        };
        let kind = match kind {
            "record" | "error" => self.record(object, space, depth)?,
            "enum" => {
                let name = self.define(object, space)?;
                let symbols = object.get("symbols").and_then(Json::as_array).into_iter().flatten();
                let symbols = symbols.filter_map(Json::as_str).map(str::to_owned).collect();
                Kind::Enum { name, doc: text(object, "doc"), symbols, default: text(object, "default") }
            }
            "fixed" => {
                let name = self.define(object, space)?;
                let size = object.get("size").and_then(Json::as_u64).and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or_else(|| CodecError::Schema(format!("Avro fixed '{}' has no valid size", name.full())))?;
                Kind::Fixed { name, doc: text(object, "doc"), size }
            }
            "array" | "map" => {
                let key = if kind == "array" { "items" } else { "values" };
                let part = object.get(key).ok_or_else(|| CodecError::Schema(format!("Avro {kind} has no '{key}'")))?;
                let part = Box::new(self.schema(part, space, depth + 1)?);
                if kind == "array" { Kind::Array(part) } else { Kind::Map(part) }
            }
            name => match primitive(name) {
                Some(kind) => kind,
                None => return self.reference(name, space),
            },
        };
        let standard = |key: &str| match &kind {
            // `default` is an attribute of enums only.
            Kind::Enum { .. } => TYPE_ATTRIBUTES.contains(&key),
            _ => key != "default" && TYPE_ATTRIBUTES.contains(&key),
        };
        let props = object.iter().filter(|(key, _)| !standard(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(AvroSchema { kind, props })
    }

    fn record(&mut self, object: &Map<String, Json>, space: Option<&str>, depth: usize) -> Result<Kind, CodecError> {
        let name = self.define(object, space)?;
        let list = object
            .get("fields")
            .and_then(Json::as_array)
            .ok_or_else(|| CodecError::Schema(format!("Avro record '{}' has no fields", name.full())))?;
        let mut fields = Vec::with_capacity(list.len());
        for entry in list {
            let (Some(object), Some(field), Some(kind)) =
                (entry.as_object(), entry.get("name").and_then(Json::as_str), entry.get("type"))
            else {
                return Err(CodecError::Schema(format!(
                    "a field of Avro record '{}' lacks its name or its type: {entry}",
                    name.full()
                )));
            };
            let schema = self.schema(kind, name.namespace.as_deref(), depth + 1).map_err(|error| error.in_field(field))?;
            let props = object.iter().filter(|(key, _)| !FIELD_ATTRIBUTES.contains(&key.as_str()));
            fields.push(RecordField {
                name: field.to_owned(),
                doc: text(object, "doc"),
                schema,
                default: object.get("default").cloned(),
                props: props.map(|(key, value)| (key.clone(), value.clone())).collect(),
            });
        }
        Ok(Kind::Record { name, doc: text(object, "doc"), fields })
    }

    fn define(&mut self, object: &Map<String, Json>, space: Option<&str>) -> Result<Name, CodecError> {
        let name =
            object.get("name").and_then(Json::as_str).ok_or_else(|| CodecError::Schema("Avro type without a name".to_owned()))?;
        let name = if name.contains('.') {
            Name::from_full(name)
        } else {
            Name::new(object.get("namespace").and_then(Json::as_str).or(space), name)
        };
        if self.defined.insert(name.full(), ()).is_some() {
            return Err(CodecError::Schema(format!("Avro schema defines '{}' twice", name.full())));
        }
        Ok(name)
    }
}

fn text(object: &Map<String, Json>, key: &str) -> Option<String> {
    object.get(key).and_then(Json::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parsed() {
        for text in [
            r#""int""#,
            r#"{"type":"int","connect.type":"int8"}"#,
            r#"{"type":"record","name":"Envelope","namespace":"a.b","fields":[{"name":"before","type":["null",{"type":"record","name":"Value","fields":[{"name":"id","type":"int"}],"connect.name":"a.b.Value"}],"default":null},{"name":"after","type":["null","Value"],"default":null},{"name":"source","type":{"type":"record","name":"Source","namespace":"c","doc":"d","fields":[{"name":"m","type":{"type":"map","values":"a.b.Value"},"default":{}}]}}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"A"},"doc":"x"},{"name":"f","type":{"type":"fixed","name":"F","size":3}},{"name":"d","type":["double","null"],"default":1.0E10}]}"#,
        ] {
            assert_eq!(AvroSchema::parse(text).unwrap().to_text().unwrap(), text);
        }
    }

    #[test]
    fn refuses_one_name_for_two_types() {
        let record = |kind| {
            let field =
                RecordField { name: "x".into(), doc: None, schema: AvroSchema::new(kind), default: None, props: Map::new() };
            AvroSchema::new(Kind::Record { name: Name::new(None, "R"), doc: None, fields: vec![field] })
        };
        let union = AvroSchema::new(Kind::Union(vec![record(Kind::Int), record(Kind::Long)]));
        assert!(union.to_text().unwrap_err().to_string().contains("share the Avro name 'R'"));
    }

    #[test]
    fn refuses_deep_nesting_and_unknown_names() {
        let deep = r#"{"type":"array","items":"#.repeat(200) + "\"int\"" + &"}".repeat(200);
        assert!(AvroSchema::parse(&deep).is_err());
        assert!(AvroSchema::parse(r#"{"type":"array","items":"Nobody"}"#).is_err());
    }
}
