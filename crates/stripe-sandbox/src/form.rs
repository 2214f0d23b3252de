//! Bracketed forms (`items[0][price]=…`) as a tree, and typed reading of it.

use serde_json::{Map, Value, json};

use crate::error::ApiError;

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub struct Params(pub Value);

impl Params {
    /// Reads a form or a query string.
    pub fn parse(form: &[u8]) -> Self {
        let mut root = Value::Object(Map::new());
        for (name, value) in url::form_urlencoded::parse(form).filter(|(name, _)| !name.is_empty()) {
            insert(&mut root, &keys(&name), value.into_owned());
        }
        Self(lists(root))
    }

    /// The value at a path such as `recurring.interval`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.0, |value, key| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            other => other.get(key),
        })
    }

    /// Whether the caller sent it, be it empty.
    pub fn has(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// A text that is not empty.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text that must be there.
    pub fn required(&self, path: &str) -> Result<&str, ApiError> {
        let name = bracketed(path);
        self.text(path).ok_or_else(|| ApiError::coded("parameter_missing", format!("Missing required param: {name}."), Some(&name)))
    }

    /// A whole number.
    pub fn int(&self, path: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(path) else { return Ok(None) };
        let name = bracketed(path);
        let wrong = || ApiError::coded("parameter_invalid_integer", format!("Invalid integer: {text}"), Some(&name));
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// A boolean.
    pub fn flag(&self, path: &str) -> Result<Option<bool>, ApiError> {
        match self.text(path) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid(format!("Invalid boolean: {other}"), Some(&bracketed(path)))),
        }
    }

    /// A list of sub-trees, empty where there is none.
    pub fn list(&self, path: &str) -> Vec<Params> {
        match self.get(path) {
            Some(Value::Array(items)) => items.iter().cloned().map(Params).collect(),
            Some(Value::String(one)) if !one.is_empty() => vec![Params(json!(one))],
            _ => Vec::new(),
        }
    }

    /// A list of texts.
    pub fn texts(&self, path: &str) -> Vec<String> {
        self.list(path).iter().filter_map(|item| item.0.as_str().map(str::to_owned)).collect()
    }

    /// One of a few texts.
    pub fn choice(&self, path: &str, allowed: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(path) else { return Ok(None) };
        let message = || format!("Invalid {}: must be one of {}", bracketed(path), allowed.join(", "));
        allowed.iter().find(|one| **one == text).map(|one| Some(*one)).ok_or_else(|| ApiError::invalid(message(), Some(&bracketed(path))))
    }

    /// Refuses every parameter that is not named here; `expand` may always be sent.
    pub fn allow(&self, names: &[&str]) -> Result<(), ApiError> {
        let Some(map) = self.0.as_object() else { return Ok(()) };
        match map.keys().find(|key| *key != "expand" && !names.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(ApiError::coded("parameter_unknown", format!("Received unknown parameter: {key}"), Some(key))),
        }
    }

    /// Refuses parameters that exist but mean nothing here: ignoring them would promise what is not done. "false" is no promise.
    pub fn refuse(&self, paths: &[&str]) -> Result<(), ApiError> {
        let sent = |path: &&&str| self.get(path).is_some_and(|value| value != "" && value != "false");
        match paths.iter().find(sent) {
            None => Ok(()),
            Some(path) => Err(ApiError::invalid(format!("The sandbox does not know `{}`.", bracketed(path)), Some(&bracketed(path)))),
        }
    }

    /// Refuses what is not named inside of a parameter, or of each element of a list.
    pub fn allow_in(&self, path: &str, names: &[&str]) -> Result<(), ApiError> {
        let elements = match self.get(path) {
            Some(Value::Array(elements)) => elements.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let mut keys = elements.into_iter().filter_map(Value::as_object).flat_map(|map| map.keys());
        match keys.find(|key| !names.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let name = bracketed(&format!("{path}.{key}"));
                Err(ApiError::coded("parameter_unknown", format!("Received unknown parameter: {name}"), Some(&name)))
            }
        }
    }
}

/// Copies texts that were sent; an empty one unsets.
pub fn copy_texts(target: &mut Value, params: &Params, names: &[&str]) {
    for name in names {
        if params.has(name) {
            target[*name] = json!(params.text(name));
        }
    }
}

/// Merges metadata as the API does: an empty value removes its key, an empty map removes all.
pub fn merge_metadata(target: &mut Value, params: &Params) {
    match params.get("metadata") {
        Some(Value::Object(changes)) => {
            if !target["metadata"].is_object() {
                target["metadata"] = json!({});
            }
            for (key, value) in changes {
                match (value.as_str(), target["metadata"].as_object_mut()) {
                    (Some(""), Some(map)) => drop(map.remove(key)),
                    (_, Some(map)) => drop(map.insert(key.clone(), value.clone())),
                    _ => {}
                }
            }
        }
        Some(_) => target["metadata"] = json!({}),
        None => {}
    }
}

/// `a.0.b` as `a[0][b]`, the way errors name a parameter.
fn bracketed(path: &str) -> String {
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| format!("{name}[{part}]"))
}

/// `a[0][b]` as `["a", "0", "b"]`.
fn keys(name: &str) -> Vec<&str> {
    name.split('[').map(|part| part.trim_end_matches(']')).collect()
}

fn insert(tree: &mut Value, keys: &[&str], value: String) {
    let Some((first, rest)) = keys.split_first() else {
        *tree = Value::String(value);
        return;
    };
    if !tree.is_object() {
        *tree = Value::Object(Map::new());
    }
    let Some(map) = tree.as_object_mut() else { return };
    // `a[]=x` appends: its key is the next number.
    let key = if first.is_empty() { map.len().to_string() } else { (*first).to_owned() };
    insert(map.entry(key).or_insert(Value::Null), rest, value);
}

/// Turns every map whose keys are all numbers into a list, in the order of the numbers.
fn lists(tree: Value) -> Value {
    let Value::Object(map) = tree else { return tree };
    let numbered = !map.is_empty() && map.keys().all(|key| key.parse::<usize>().is_ok());
    if !numbered {
        return Value::Object(map.into_iter().map(|(key, value)| (key, lists(value))).collect());
    }
    let mut items: Vec<(usize, Value)> = map.into_iter().map(|(key, value)| (key.parse().unwrap_or_default(), lists(value))).collect();
    items.sort_by_key(|(index, _)| *index);
    Value::Array(items.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_become_a_tree() {
        let params = Params::parse(b"a=1&b%5B0%5D[c]=x&b[1][c]=y&lookup_keys[]=p&lookup_keys[]=q&m[k]=");
        assert_eq!(params.0, json!({"a": "1", "b": [{"c": "x"}, {"c": "y"}], "lookup_keys": ["p", "q"], "m": {"k": ""}}));
        assert_eq!(params.text("b.1.c"), Some("y"));
        assert_eq!(bracketed("b.1.c"), "b[1][c]");
    }

    #[test]
    fn empty_metadata_removes() {
        let mut target = json!({"metadata": {"a": "1", "b": "2"}});
        merge_metadata(&mut target, &Params::parse(b"metadata[a]=&metadata[c]=3"));
        assert_eq!(target["metadata"], json!({"b": "2", "c": "3"}));
        merge_metadata(&mut target, &Params::parse(b"metadata="));
        assert_eq!(target["metadata"], json!({}));
    }
}
