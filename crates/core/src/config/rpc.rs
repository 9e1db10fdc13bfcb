//! Parameters of RPC calls as objects: `A.B.1.C=…`, or a parameter that holds JSON.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::table::{Form, Kind, Object, Shape, Walk};
use super::violation::Violations;
use crate::scheme::request::rpc::Params;

/// The parameters of an RPC call.
pub trait RpcParams {
    /// The value of that name, dots and numbers included: `Users.1`.
    fn param(&self, name: &str) -> Option<&str>;

    /// How many items a list has that is written as `Users.1`, `Users.2`…
    fn count(&self, list: &str) -> usize;
}

impl RpcParams for Params {
    fn param(&self, name: &str) -> Option<&str> {
        self.get(name)
    }

    fn count(&self, list: &str) -> usize {
        self.at(list).items().count()
    }
}

/// Names and values in any order; of several of one name the first counts.
impl<K: AsRef<str>, V: AsRef<str>> RpcParams for [(K, V)] {
    fn param(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| key.as_ref() == name).map(|(_, value)| value.as_ref())
    }

    fn count(&self, list: &str) -> usize {
        let item = |number: &usize| {
            let number = number.to_string();
            self.iter().any(|(key, _)| {
                let rest = key.as_ref().strip_prefix(list).and_then(|rest| rest.strip_prefix('.'));
                rest.and_then(|rest| rest.strip_prefix(&*number))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        (1..=self.len()).take_while(item).count()
    }
}

/// The fields of a call within their limits, and the walk for what goes beyond the table.
pub(crate) fn gather(shape: &Shape, params: &(impl RpcParams + ?Sized)) -> (Object, Walk) {
    // One copy of what follows for every kind of parameters.
    fn of_source(shape: &Shape, source: &Source<'_>) -> (Object, Walk) {
        let mut walk = Walk::new(Form::Rpc);
        let kept = walk.object(shape, object(shape, source, &mut String::new()));
        (kept, walk)
    }
    let source = Source { param: &|name| params.param(name), count: &|list| params.count(list) };
    of_source(shape, &source)
}

/// As [`gather`], where the table says it all.
pub(crate) fn checked(
    shape: &Shape,
    params: &(impl RpcParams + ?Sized),
) -> Result<Object, Violations> {
    let (kept, walk) = gather(shape, params);
    walk.settle(kept)
}

struct Source<'p> {
    param: &'p dyn Fn(&str) -> Option<&'p str>,
    count: &'p dyn Fn(&str) -> usize,
}

fn object(shape: &Shape, source: &Source<'_>, path: &mut String) -> Object {
    let mut found = Object::new();
    for row in shape.rows {
        let len = path.len();
        if len > 0 {
            path.push('.');
        }
        path.push_str(row.name);
        let value = value(&row.kind, source, path);
        if !value.is_null() {
            found.insert(row.name.to_string(), value);
        }
        path.truncate(len);
    }
    found
}

/// What stands at a path, null for nothing. A table is as deep as it was written, so this is, too.
fn value(kind: &Kind, source: &Source<'_>, path: &mut String) -> Value {
    if let Some(text) = (source.param)(path) {
        return text.into();
    }
    match kind {
        Kind::Object(shape) => match object(shape, source, path) {
            found if found.is_empty() => Value::Null,
            found => found.into(),
        },
        Kind::List { max, of, .. } => {
            // One more than the most shows that there are too many.
            let count = (source.count)(path).min(max.saturating_add(1));
            let mut items = Vec::new();
            for number in 1..=count {
                let len = path.len();
                path.push('.');
                path.push_str(&number.to_string());
                items.push(value(of, source, path));
                path.truncate(len);
            }
            if items.is_empty() { Value::Null } else { items.into() }
        }
        _ => Value::Null,
    }
}
