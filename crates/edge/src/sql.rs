//! `SQLite` of one Durable Object: statements in, rows out.
//!
//! Everything here is synchronous, as in the runtime: what one turn of an object writes without
//! awaiting is one transaction.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::error::{Error, Result};

#[wasm_bindgen]
extern "C" {
    type Sql;

    #[wasm_bindgen(method, getter, js_name = databaseSize)]
    fn database_size(this: &Sql) -> f64;
}

#[wasm_bindgen(module = "/src/platform.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn run(sql: &Sql, query: &str, bindings: &Array) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn rows(sql: &Sql, query: &str, bindings: &Array) -> Result<Array, JsValue>;
}

/// A database.
pub(crate) struct Db(Sql);

/// Values for a statement's `?`s.
macro_rules! params {
    ($($value:expr),* $(,)?) => {{
        let array = js_sys::Array::new();
        $(array.push(&$crate::sql::Param::into_js($value));)*
        array
    }};
}
pub(crate) use params;

/// What a `?` can be.
pub(crate) trait Param {
    fn into_js(self) -> JsValue;
}

impl Param for u64 {
    #[expect(clippy::cast_precision_loss, reason = "sequences and times stay below 2^53")]
    fn into_js(self) -> JsValue {
        JsValue::from_f64(self as f64)
    }
}

impl Param for &str {
    fn into_js(self) -> JsValue {
        JsValue::from_str(self)
    }
}

impl Param for &String {
    fn into_js(self) -> JsValue {
        JsValue::from_str(self)
    }
}

impl Param for &[u8] {
    fn into_js(self) -> JsValue {
        Uint8Array::from(self).into()
    }
}

impl<T: Param> Param for Option<T> {
    fn into_js(self) -> JsValue {
        self.map_or(JsValue::NULL, Param::into_js)
    }
}

impl Db {
    pub(crate) fn of(state: &worker::State) -> Self {
        Self::from_sql(&state.storage().sql())
    }

    pub(crate) fn from_sql(sql: &worker::SqlStorage) -> Self {
        Self(AsRef::<JsValue>::as_ref(sql).clone().unchecked_into())
    }

    /// Bytes on disk.
    pub(crate) fn size(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size in bytes, below 2^53"
        )]
        let bytes = self.0.database_size() as u64;
        bytes
    }

    /// Runs a statement for its effect.
    pub(crate) fn run(&self, query: &str, params: &Array) -> Result<()> {
        run(&self.0, query, params).map_err(Error::js)
    }

    /// Runs a statement for its rows.
    pub(crate) fn rows(&self, query: &str, params: &Array) -> Result<Vec<Row>> {
        let rows = rows(&self.0, query, params).map_err(Error::js)?;
        Ok(rows.iter().map(|row| Row(row.unchecked_into())).collect())
    }

    /// The first row, if there is one.
    pub(crate) fn row(&self, query: &str, params: &Array) -> Result<Option<Row>> {
        Ok(self.rows(query, params)?.into_iter().next())
    }
}

/// One row, read by column number.
pub(crate) struct Row(Array);

impl Row {
    /// An integer column; zero where it is NULL.
    pub(crate) fn int(&self, column: u32) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "only what `Param for u64` wrote is read here"
        )]
        self.0.get(column).as_f64().map_or(0, |number| number as u64)
    }

    /// A text column; empty where it is NULL.
    pub(crate) fn text(&self, column: u32) -> String {
        self.0.get(column).as_string().unwrap_or_default()
    }

    /// A text column that may be NULL.
    pub(crate) fn maybe_text(&self, column: u32) -> Option<String> {
        self.0.get(column).as_string()
    }

    /// A blob column.
    pub(crate) fn blob(&self, column: u32) -> Vec<u8> {
        crate::js::bytes_of(&self.0.get(column))
    }
}
