//! What holds for every filter: the answers of a plain evaluator, the laws of logic, and that
//! neither the order of members nor the company of other subscriptions counts.

use std::cmp::Ordering;

use livegate_core::event::{Event, Kind};
use livegate_core::filter::{Filter, SubscriptionSet};
use livegate_core::id::SourceId;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

// --- A plain evaluator, written from the description of the language. ---

/// The event as the evaluator sees it.
#[derive(Clone, Debug)]
struct Happening {
    kind: Kind,
    vendor_type: &'static str,
    channel: Option<&'static str>,
    user: Option<&'static str>,
    source: SourceId,
    data: Value,
}

impl Happening {
    fn event<'a>(&self, data: &'a str) -> Event<'a> {
        Event {
            kind: self.kind,
            vendor_type: self.vendor_type.into(),
            channel: self.channel.map(Into::into),
            user: self.user.map(Into::into),
            entity: None,
            repeat_key: None,
            relay: None,
            vendor_id: None,
            time: None,
            data: data.into(),
        }
    }

    fn attributes(&self) -> Value {
        let mut attributes = Map::new();
        attributes.insert("kind".into(), self.kind.as_str().into());
        attributes.insert("type".into(), self.vendor_type.into());
        attributes.insert("source".into(), self.source.to_string().into());
        if let Some(channel) = self.channel {
            attributes.insert("channel".into(), channel.into());
        }
        if let Some(user) = self.user {
            attributes.insert("user".into(), user.into());
        }
        attributes.into()
    }

    fn admitted_by(&self, filter: &Value) -> bool {
        let entries = |scope: &str| -> Vec<String> {
            let list = filter.get(scope).and_then(Value::as_array).cloned().unwrap_or_default();
            list.iter().map(|entry| entry.as_str().unwrap().to_owned()).collect()
        };
        let (kinds, channels, users) = (entries("kinds"), entries("channels"), entries("users"));
        let fits = |entry: &String, name: &str| match entry.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == entry,
        };
        let kind = kinds.is_empty()
            || kinds.iter().any(|k| fits(k, self.kind.as_str()) || fits(k, self.vendor_type));
        let named = |list: &[String], name: Option<&str>| {
            list.is_empty() || name.is_some_and(|name| list.iter().any(|entry| entry == name))
        };
        kind && named(&channels, self.channel)
            && named(&users, self.user)
            && filter.get("where").is_none_or(|c| self.holds(c, Some(&self.data)))
    }

    fn holds(&self, condition: &Value, value: Option<&Value>) -> bool {
        match condition {
            Value::Object(entries) => {
                let names_fields = entries.is_empty()
                    || entries.keys().any(|key| !key.starts_with('$') || key.starts_with("$$"));
                if names_fields {
                    match value {
                        Some(Value::Array(list)) => {
                            return list.iter().any(|e| self.holds(condition, Some(e)));
                        }
                        Some(Value::Object(_)) => {}
                        _ => return false,
                    }
                }
                entries.iter().all(|(key, operand)| self.entry(key, operand, value))
            }
            Value::Array(wishes) => match value {
                Some(Value::Array(list)) => {
                    wishes.iter().all(|wish| list.iter().any(|e| self.holds(wish, Some(e))))
                }
                _ => false,
            },
            scalar => match value {
                Some(Value::Array(list)) => list.iter().any(|e| self.holds(scalar, Some(e))),
                Some(value) => equal(value, scalar),
                None => false,
            },
        }
    }

    fn entry(&self, key: &str, operand: &Value, value: Option<&Value>) -> bool {
        let each = || operand.as_array().unwrap().iter();
        match key {
            "$and" => each().all(|c| self.holds(c, value)),
            "$or" => each().any(|c| self.holds(c, value)),
            "$not" => !self.holds(operand, value),
            "$event" => self.holds(operand, Some(&self.attributes())),
            "$exist" => operand == &json!(value.is_some()),
            _ if key.starts_with("$$") || !key.starts_with('$') => {
                let name = if key.starts_with("$$") { &key[1..] } else { key };
                self.holds(operand, value.and_then(|object| object.get(name)))
            }
            operator => value.is_some_and(|value| compare(operator, operand, value)),
        }
    }
}

fn compare(operator: &str, operand: &Value, value: &Value) -> bool {
    let scalar = !value.is_array() && !value.is_object();
    let order = order(value, operand);
    let contained = match (operand, value) {
        (Value::Array(list), value) if scalar => Some(list.iter().any(|m| equal(m, value))),
        (Value::Array(_), _) => None,
        (Value::String(part), Value::String(text)) => Some(text.contains(part.as_str())),
        (part, Value::Array(list)) => Some(list.iter().any(|e| equal(e, part))),
        _ => None,
    };
    let any_text = |is: fn(&str, &str) -> bool| match (operand, value) {
        (Value::String(part), Value::String(text)) => is(text, part),
        (Value::Array(parts), Value::String(text)) => {
            parts.iter().any(|part| is(text, part.as_str().unwrap()))
        }
        _ => false,
    };
    match operator {
        "$eq" => equal(value, operand),
        "$neq" => !equal(value, operand),
        "$gt" => order == Some(Ordering::Greater),
        "$gte" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        "$lt" => order == Some(Ordering::Less),
        "$lte" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        "$in" => contained == Some(true),
        "$nin" => contained == Some(false),
        "$startsWith" => any_text(|text, part| text.starts_with(part)),
        "$endsWith" => any_text(|text, part| text.ends_with(part)),
        other => panic!("{other}"),
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.chars().cmp(b.chars())),
        (Value::Number(_), Value::Number(_)) => Some(quarters(a).cmp(&quarters(b))),
        _ => None,
    }
}

/// A number in quarters: exact for all that are drawn here, which have no finer fraction.
fn quarters(number: &Value) -> i128 {
    match (number.as_u64(), number.as_i64()) {
        (Some(n), _) => i128::from(n) * 4,
        (_, Some(n)) => i128::from(n) * 4,
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of quarters")]
        _ => (number.as_f64().unwrap() * 4.0) as i128,
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => quarters(a) == quarters(b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

// --- What is drawn. Few names and values, so that they often meet. ---

const NAMES: [&str; 5] = ["a", "b", "cc", "$d", "é/~\""];

fn scalar() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        6 => select(vec![json!(0), json!(1), json!(2), json!(-1), json!(1.0), json!(1.5), json!(-1.25)]),
        1 => select(vec![
            json!(u64::MAX),
            json!(u64::MAX - 1),
            json!(i64::MIN),
            json!(9_007_199_254_740_993_u64),
            json!(9_007_199_254_740_992.0),
            json!(18_446_744_073_709_551_616.0),
        ]),
        6 => select(vec!["", "x", "y", "xy", "x\"\\\u{1}", "1", "😀", "\u{ff5e}"]).prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn object(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(select(&NAMES[..]), of, 0..4).prop_map(|members| {
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>()
            .into()
    })
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner),
        ]
    })
}

fn data() -> impl Strategy<Value = Value> {
    object(value())
}

/// A comparing operator with an operand that it takes.
fn test() -> impl Strategy<Value = (String, Value)> {
    let ordered = scalar().prop_filter("has an order", |v| v.is_number() || v.is_string());
    let text = scalar().prop_filter("is a text", Value::is_string);
    prop_oneof![
        (select(vec!["$eq", "$neq"]), value()),
        (select(vec!["$gt", "$gte", "$lt", "$lte"]), ordered),
        (
            select(vec!["$in", "$nin"]),
            prop_oneof![scalar(), prop::collection::vec(scalar(), 0..4).prop_map(Value::from)]
        ),
        (
            select(vec!["$startsWith", "$endsWith"]),
            prop_oneof![text.clone(), prop::collection::vec(text, 0..3).prop_map(Value::from)]
        ),
        (Just("$exist"), any::<bool>().prop_map(Value::from)),
    ]
    .prop_map(|(name, operand)| (name.to_owned(), operand))
}

/// An object of a condition: fields, operators and logic, mixed.
fn entries(
    field: impl Strategy<Value = Value> + Clone + 'static,
    same: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = Value> {
    let name = select(&NAMES[..])
        .prop_map(|name| if name.starts_with('$') { format!("${name}") } else { name.to_owned() });
    let entry = prop_oneof![
        4 => (name, field),
        2 => test(),
        1 => (
            select(vec!["$and", "$or"]).prop_map(str::to_owned),
            prop::collection::vec(same.clone(), 0..3).prop_map(Value::from)
        ),
        1 => (Just("$not".to_owned()), same),
    ];
    prop::collection::vec(entry, 0..4)
        .prop_map(|entries| entries.into_iter().collect::<Map<_, _>>().into())
}

/// A condition on a field's value.
fn condition() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![scalar(), test().prop_map(|(name, operand)| json!({ name: operand }))]
        .prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                4 => entries(inner.clone(), inner),
            ]
        })
        .boxed()
}

/// A condition on an event's data.
fn root() -> impl Strategy<Value = Value> + Clone {
    let attribute = select(vec!["kind", "type", "channel", "user", "source"]);
    let texts = prop_oneof![
        select(vec!["relay.state", "RTMP_X", "room", "u1", "x"]).prop_map(Value::from),
        Just(json!({"$startsWith": "r"})),
        Just(json!({"$exist": false})),
        Just(json!({"$not": "room"})),
        Just(json!({"$in": ["u1", "src_01010101010101010101010101010101"]})),
    ];
    let about_event = prop::collection::btree_map(attribute, texts, 0..3)
        .prop_map(|attributes| json!({ "$event": attributes }));
    let leaf = prop_oneof![
        3 => object(condition()).prop_map(|mut fields| {
            // The name that begins with a dollar sign is written with two.
            let fields = fields.as_object_mut().unwrap();
            if let Some(value) = fields.remove("$d") {
                fields.insert("$$d".into(), value);
            }
            Value::Object(fields.clone())
        }),
        1 => about_event,
    ];
    leaf.prop_recursive(2, 8, 3, |inner| entries(condition(), inner)).boxed()
}

fn filter() -> impl Strategy<Value = Value> {
    let scope = |names: Vec<&'static str>| prop::collection::vec(select(names), 0..3);
    (
        scope(vec![
            "relay.state",
            "relay.*",
            "R*",
            "RTMP_X",
            "RTMP_X*",
            "RT*",
            "*",
            "unknown",
            "re",
        ]),
        scope(vec!["room", "room2", "x"]),
        scope(vec!["u1", "u2"]),
        prop::option::of(root()),
    )
        .prop_map(|(kinds, channels, users, condition)| {
            let mut filter = json!({ "kinds": kinds, "channels": channels, "users": users });
            if let Some(condition) = condition {
                filter["where"] = condition;
            }
            filter
        })
}

fn happening() -> impl Strategy<Value = Happening> {
    (
        select(Kind::ALL),
        select(vec!["RTMP_X", "RTMP_XY", "RTZ", "RT", "Q", "relay.state"]),
        select(vec![None, Some("room"), Some("x")]),
        select(vec![None, Some("u1")]),
        select(vec![1_u8, 2]),
        data(),
    )
        .prop_map(|(kind, vendor_type, channel, user, source, data)| Happening {
            kind,
            vendor_type,
            channel,
            user,
            source: SourceId::from_bytes([source; 16]),
            data,
        })
}

fn parse(filter: &Value) -> Filter {
    parse_text(&filter.to_string())
}

fn parse_text(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|violations| panic!("{text}: {violations:?}"))
}

fn answer(filter: &Value, happening: &Happening) -> bool {
    parse(filter).matches(&happening.event(&happening.data.to_string()), happening.source)
}

/// Whether a condition and what is made of it here stay within the limits.
fn small(condition: &Value) -> bool {
    Filter::parse(
        &json!({ "where": { "$not": { "$not": condition }, "$or": [condition] } }).to_string(),
    )
    .is_ok()
}

/// Writes JSON with members in another order and blanks in between.
fn shuffled(value: &Value, turn: usize, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if turn % 2 == 1 {
                members.reverse();
            }
            let by = turn / 2 % members.len().max(1);
            members.rotate_left(by);
            out.push_str("{ ");
            for (at, (name, value)) in members.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { " ,\n" });
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push_str(" :\t");
                shuffled(value, turn, out);
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (at, value) in list.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                shuffled(value, turn, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn answers_as_the_plain_evaluator_does(filter in filter(), happening in happening()) {
        prop_assert_eq!(answer(&filter, &happening), happening.admitted_by(&filter));
    }

    #[test]
    fn conditions_answer_as_the_plain_evaluator_does(condition in root(), happening in happening()) {
        let filter = json!({ "where": condition });
        prop_assert_eq!(answer(&filter, &happening), happening.admitted_by(&filter));
    }

    #[test]
    fn de_morgan_holds_for_the_data_and_for_fields(
        (a, b) in (root(), root()),
        (c, d) in (condition(), condition()),
        happening in happening(),
    ) {
        prop_assume!(small(&json!({"$and": [a, b]})) && small(&json!({"a": [c, d]})));
        let not_or = json!({"$not": {"$or": [a, b]}});
        let and_not = json!({"$and": [{"$not": a}, {"$not": b}]});
        let not_and = json!({"$not": {"$and": [a, b]}});
        let or_not = json!({"$or": [{"$not": a}, {"$not": b}]});
        for (one, other) in [(not_or, and_not), (not_and, or_not)] {
            let (one, other) = (json!({"where": one}), json!({"where": other}));
            prop_assert_eq!(answer(&one, &happening), answer(&other, &happening));
        }
        let not_or = json!({"where": {"a": {"$not": {"$or": [c, d]}}}});
        let and_not = json!({"where": {"a": {"$and": [{"$not": c}, {"$not": d}]}}});
        prop_assert_eq!(answer(&not_or, &happening), answer(&and_not, &happening));
    }

    #[test]
    fn not_negates_and_twice_is_nothing(
        on_data in root(),
        on_field in condition(),
        happening in happening(),
    ) {
        prop_assume!(small(&on_data) && small(&json!({"a": on_field})));
        let plain = answer(&json!({"where": on_data}), &happening);
        prop_assert_eq!(answer(&json!({"where": {"$not": on_data}}), &happening), !plain);
        let twice = json!({"where": {"$not": {"$not": on_data}}});
        prop_assert_eq!(answer(&twice, &happening), plain);

        let plain = answer(&json!({"where": {"a": on_field}}), &happening);
        prop_assert_eq!(answer(&json!({"where": {"a": {"$not": on_field}}}), &happening), !plain);
        let twice = json!({"where": {"a": {"$not": {"$not": on_field}}}});
        prop_assert_eq!(answer(&twice, &happening), plain);
    }

    #[test]
    fn a_filter_reads_back_what_it_prints(filter in filter()) {
        let parsed = parse(&filter);
        let printed = serde_json::to_string(&parsed).unwrap();
        let again = parse_text(&printed);
        prop_assert_eq!(&again, &parsed);
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), printed);
    }

    #[test]
    fn floats_read_back_as_they_are_printed(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let parsed = parse(&json!({"where": {"a": number}}));
        prop_assert_eq!(parse_text(&serde_json::to_string(&parsed).unwrap()), parsed);
    }

    #[test]
    fn the_order_of_members_does_not_count(
        filter in filter(),
        happening in happening(),
        turn in 0_usize..12,
    ) {
        let (mut other_filter, mut other_data) = (String::new(), String::new());
        shuffled(&filter, turn, &mut other_filter);
        shuffled(&happening.data, turn, &mut other_data);
        prop_assert_eq!(
            parse_text(&other_filter).matches(&happening.event(&other_data), happening.source),
            answer(&filter, &happening)
        );
    }

    #[test]
    fn any_json_is_a_filter_or_has_violations(filter in value(), condition in value()) {
        for text in [filter.to_string(), json!({"where": condition}).to_string()] {
            if let Err(violations) = Filter::parse(&text) {
                prop_assert!(!violations.is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn any_data_gets_an_answer(filter in filter(), happening in happening(), data in "\\PC{0,40}") {
        let _ = parse(&filter).matches(&happening.event(&data), happening.source);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_set_answers_as_each_filter_by_itself(
        filters in prop::collection::vec((filter(), select(vec![None, Some(1_u8), Some(2)])), 0..150),
        happenings in prop::collection::vec(happening(), 1..4),
    ) {
        let subscriptions: Vec<(usize, Option<SourceId>, Filter)> = filters
            .iter()
            .enumerate()
            .map(|(number, (filter, source))| {
                (number, source.map(|byte| SourceId::from_bytes([byte; 16])), parse(filter))
            })
            .collect();
        let set = SubscriptionSet::new(subscriptions.clone());
        prop_assert_eq!(set.len(), subscriptions.len());
        prop_assert_eq!(set.is_empty(), subscriptions.is_empty());
        for happening in happenings {
            let data = happening.data.to_string();
            let event = happening.event(&data);
            let alone: Vec<usize> = subscriptions
                .iter()
                .filter(|(_, source, _)| source.is_none_or(|source| source == happening.source))
                .filter(|(_, _, filter)| filter.matches(&event, happening.source))
                .map(|(number, ..)| *number)
                .collect();
            let mut together = Vec::new();
            set.matches(&event, happening.source, |number| together.push(*number));
            prop_assert_eq!(together, alone);
        }
    }
}

#[test]
fn what_is_drawn_meets_often_enough_to_say_something() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut admitted = 0;
    for _ in 0..1000 {
        let condition = root().new_tree(&mut runner).unwrap().current();
        let happening = happening().new_tree(&mut runner).unwrap().current();
        admitted += u32::from(happening.admitted_by(&json!({ "where": condition })));
    }
    assert!((150..850).contains(&admitted), "{admitted} of 1000");
}
