//! Schemas of inputs and outputs, which servers that give tokens keep as well (Orkes'); the open one has no `/schema`.
//! As conductor-python sends and reads them (`schema_resource_api.py`); no such server could be asked.

use serde_json::Value;

use crate::answer::Answer;
use crate::metadata_routes;
use crate::request::ApiRequest;
use crate::shared::Shared;

const SAVE_HANDLER: &str = "SchemaResource.save";

pub(crate) const fn are_kept(shared: &Shared) -> bool {
    shared.options.auth.is_some()
}

/// `POST`: one schema or a list; all or none. A name and version that exist are replaced.
pub(crate) fn save(shared: &Shared, request: &ApiRequest) -> Answer {
    let given = match metadata_routes::parse(request, SAVE_HANDLER) {
        Ok(Value::Array(given)) => given,
        Ok(given) => vec![given],
        Err(answer) => return answer,
    };
    let mut named = Vec::new();
    for schema in given {
        let (name, version, kind) = (&schema["name"], &schema["version"], &schema["type"]);
        let (Some(name), Some(version), true) = (name.as_str(), version.as_u64(), kind.is_string()) else {
            return Answer::error(400, "a schema needs name, version and type");
        };
        named.push(((name.to_owned(), version), schema));
    }
    shared.schemas().extend(named);
    Answer::empty(200)
}

pub(crate) fn get(shared: &Shared, name: &str, version: &str) -> Answer {
    let schema = version
        .parse()
        .ok()
        .and_then(|version| shared.schemas().get(&(name.to_owned(), version)).map(Value::to_string));
    schema.map_or_else(
        || Answer::error(404, &format!("No such schema found by name: {name}, version: {version}")),
        |json| Answer::json(200, json),
    )
}
