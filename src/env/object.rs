//! JSON: an `Environment` document of ours, a map of names to values, or a list of `NAME=value`.

use serde_json::Value as Json;

use super::{ReadError, Value};

pub(super) fn read(text: &str) -> Result<Vec<(String, Value)>, ReadError> {
    let json: Json = serde_json::from_str(text)
        .map_err(|error| ReadError::at(error.line().max(1), format!("this is no JSON: {error}")))?;
    if json["kind"] == "Environment" {
        let variables = json["variables"].as_array().into_iter().flatten();
        let one = |variable: &Json| {
            let name = variable["name"].as_str().ok_or("a variable without a name")?;
            Ok((name.to_owned(), value(&variable["value"]).map_err(|why| format!("`{name}` {why}"))?))
        };
        return variables.map(one).collect::<Result<_, String>>().map_err(|why| ReadError::at(1, why));
    }
    match &json {
        Json::Object(map) => map
            .iter()
            .map(|(name, inner)| {
                let value = value(inner).map_err(|why| ReadError::at(1, format!("`{name}` {why}")))?;
                Ok((name.clone(), value))
            })
            .collect(),
        Json::Array(items) => items
            .iter()
            .map(|item| {
                let pair = item.as_str().and_then(|line| line.split_once('='));
                let (name, value) =
                    pair.ok_or_else(|| ReadError::at(1, format!("{item} is not `NAME=value`")))?;
                Ok((name.to_owned(), Value::from(value)))
            })
            .collect(),
        _ => Err(ReadError::at(1, "this is neither a map of variables nor a list of `NAME=value`")),
    }
}

/// A value of JSON: a text, `{"secret": "KEYID:HASH"}` or `{"hole": "why"}`; numbers and booleans letter by letter.
pub(super) fn value(json: &Json) -> Result<Value, String> {
    let only = |key: &str| json.as_object().filter(|map| map.len() == 1)?.get(key)?.as_str();
    match json {
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Number(_) | Json::Bool(_) => Ok(Value::Text(json.to_string())),
        Json::Null => Err("is null; write \"\" for empty, and leave it out for absent".to_owned()),
        _ => match (only("secret"), only("hole")) {
            (Some(""), _) => Ok(Value::Secret(None)),
            (Some(hash), _) => Ok(Value::Secret(Some(hash.parse().map_err(|why| format!("{hash} {why}"))?))),
            (_, Some(why)) => Ok(Value::Hole(why.to_owned())),
            _ => Err("is neither a text, a secret nor a hole".to_owned()),
        },
    }
}
