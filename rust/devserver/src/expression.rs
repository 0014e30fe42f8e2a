//! `${…}` in the parameters of a workflow definition (`ParametersUtils.java`).
//!
//! Data stays raw JSON on its way, so that numbers over 64 bits and escapes arrive as they were written. Not
//! done: expressions within expressions, functions and filters of `JsonPath`.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// What expressions can name: the first part of a path, `workflow` or a reference name, to a JSON value.
pub(crate) type Context = HashMap<String, String>;

/// The parameters with their expressions replaced, as JSON.
pub(crate) fn replaced(parameters: &Value, context: &Context) -> String {
    match parameters {
        Value::String(text) => replaced_text(text, context),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| replaced(item, context)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = (fields.iter())
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), replaced(value, context)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}

/// The paths of a text's expressions, for the validator.
pub(crate) fn paths(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(expression) = next_expression(rest) {
        found.push(expression.path);
        rest = expression.after;
    }
    found
}

/// A text that is one expression becomes its value, of whatever type; else the values are written into it.
fn replaced_text(text: &str, context: &Context) -> String {
    if let Some(Expression { before: "", path, after: "" }) = next_expression(text) {
        return if path.trim().is_empty() { "\"\"".to_owned() } else { read(path, context) };
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(Expression { before, path, after }) = next_expression(rest) {
        out.push_str(before);
        if !path.trim().is_empty() {
            out.push_str(&java_text(&read(path, context)));
        }
        rest = after;
    }
    out.push_str(rest);
    Value::from(out.replace("$${", "${")).to_string()
}

struct Expression<'a> {
    before: &'a str,
    path: &'a str,
    after: &'a str,
}

/// `$${` begins none.
fn next_expression(text: &str) -> Option<Expression<'_>> {
    let (start, _) = text.match_indices("${").find(|&(at, _)| at == 0 || text.as_bytes()[at - 1] != b'$')?;
    let (path, after) = text[start + 2..].split_once('}')?;
    Some(Expression { before: &text[..start], path, after })
}

/// The JSON value at a path such as `workflow.input.list[1].name`; `null` where there is none.
fn read(path: &str, context: &Context) -> String {
    let mut segments = path.split(['.', '[']).map(|segment| segment.trim_end_matches(']').trim_matches('\''));
    let root = segments.next().and_then(|root| context.get(root)).map(String::as_str);
    let value = root.and_then(|root| segments.try_fold(root, child));
    value.unwrap_or("null").to_owned()
}

fn child<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    match json.as_bytes().first()? {
        b'{' => {
            let fields: Fields<'_> = serde_json::from_str(json).ok()?;
            fields.0.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.get())
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            items.get(name.parse::<usize>().ok()?).map(|item| item.get())
        }
        _ => None,
    }
}

/// A value as Java's `toString` writes it: `{a=1, b=[x, y]}`.
fn java_text(json: &str) -> String {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).unwrap_or_default(),
        Some(b'{') => {
            let fields: Fields<'_> = serde_json::from_str(json).unwrap_or_default();
            let fields: Vec<String> =
                fields.0.iter().map(|(name, value)| format!("{name}={}", java_text(value.get()))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            let items: Vec<String> = items.iter().map(|item| java_text(item.get())).collect();
            format!("[{}]", items.join(", "))
        }
        _ => json.to_owned(),
    }
}

/// An object's fields in their order, which serde's own maps lose.
#[derive(Default)]
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_type_and_texts_are_written_as_java_writes_them() {
        let input =
            r#"{"n":7,"big":1180591620717411303424,"obj":{"y":"z","x":1},"list":[1,{"k":"é\""}],"nul":null}"#;
        let context = Context::from([("workflow".to_owned(), format!(r#"{{"input":{input},"version":3}}"#))]);
        let rows = [
            ("${workflow.input.n}", "7"),
            ("${workflow.input.big}", "1180591620717411303424"),
            ("${workflow.input.obj}", r#"{"y":"z","x":1}"#),
            ("${workflow.input.list[1].k}", r#""é\"""#),
            ("${workflow.input['n']}", "7"),
            ("${workflow.version}", "3"),
            ("${workflow.input.nope.x}", "null"),
            ("${nobody.output}", "null"),
            ("${}", r#""""#),
            ("a ${workflow.input.obj} ${workflow.input.list}", r#""a {y=z, x=1} [1, {k=é\"}]""#),
            ("${workflow.input.n}${workflow.input.nul}", r#""7null""#),
            ("$${workflow.input.n}", r#""${workflow.input.n}""#),
            ("${workflow.input.n", r#""${workflow.input.n""#),
            ("$n", r#""$n""#),
        ];
        for (text, expected) in rows {
            assert_eq!(replaced(&Value::from(text), &context), expected, "{text}");
        }
        let nested = serde_json::json!({"a": [{"b": "${workflow.version}"}, 1, null]});
        assert_eq!(replaced(&nested, &context), r#"{"a":[{"b":3},1,null]}"#);
    }
}
