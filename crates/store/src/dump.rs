//! All rows as lines of text, the same for both databases: what a backup keeps.
//!
//! A line `{"table": NAME, "columns": [[NAME, TYPE], …]}` begins a table; each line after it that is a JSON array is a row.
//! Types are `bool`, `int`, `real`, `text` and `bytes`; reals are decimal text, bytes are base64.

use std::sync::{Mutex, PoisonError};

use base::{Error, Result};
use tokio::sync::mpsc;

use crate::row::Backend;
use crate::store::Mode;
use crate::tx::{Tx, no_receiver};
use crate::value::{Column, Value};
use crate::{Row, Store, params};

/// A chunk of lines is sent when it is longer than this, in bytes.
const CHUNK: usize = 64 * 1024;
/// The table that migrations keep themselves.
const MIGRATIONS: &str = "craton_migrations";

/// What a dump holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumped {
    /// How many steps of each module had run, by module.
    pub modules: Vec<(String, u32)>,
    /// Rows of all tables.
    pub rows: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Table {
    name: String,
    columns: Vec<(String, Column)>,
}

impl Store {
    /// Sends every row of every table to `to`, as they are in one snapshot. Others read and write meanwhile.
    ///
    /// # Errors
    /// As [`Store::read`]; Internal, where nobody receives any more.
    pub async fn dump(&self, to: mpsc::Sender<Vec<u8>>) -> Result<Dumped> {
        self.read(|tx| async move {
            let modules = self.modules(&tx).await?;
            let mut rows = 0;
            for table in self.tables(&tx).await? {
                let lines = Lines { to: &to, table: &table };
                rows += lines.send(&tx).await?;
            }
            Ok(Dumped { modules, rows })
        })
        .await
    }

    /// Puts the rows of a dump, whose lines `lines` gives, in place of those that are there, in one transaction. The tables
    /// must be there, as they were when the dump was made.
    ///
    /// # Errors
    /// Invalid, where the lines are not those of a dump or do not fit the tables; as [`Store::write`] otherwise.
    pub async fn load(&self, lines: impl Iterator<Item = std::io::Result<String>> + Send) -> Result<u64> {
        // The transaction runs once: nothing gets in its way in an empty database.
        let lines = Mutex::new(Some(lines));
        let lines = &lines;
        self.transact(Mode::Migrate, false, |tx| async move {
            let taken = lines.lock().unwrap_or_else(PoisonError::into_inner).take();
            let lines = taken.ok_or_else(|| Error::unavailable("The database was changed while it was filled."))?;
            let tables = self.tables(&tx).await?;
            let constraints = self.defer_constraints(&tx).await?;
            for table in tables.iter().rev() {
                tx.execute_made(format!("DELETE FROM {}", quoted(&table.name)), params![]).await?;
            }
            let rows = fill(&tx, &tables, lines).await?;
            restore_constraints(&tx, constraints).await?;
            Ok(rows)
        })
        .await
    }

    /// Whether the database holds no table.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn is_empty(&self) -> Result<bool> {
        self.read(|tx| async move { Ok(tx.fetch_all(self.table_names(), params![]).await?.is_empty()) }).await
    }

    async fn modules(&self, tx: &Tx) -> Result<Vec<(String, u32)>> {
        let mut modules: Vec<(String, u32)> = Vec::new();
        for row in self.all_applied(tx).await? {
            let name = row.text("module")?;
            match modules.last_mut().filter(|(last, _)| *last == name) {
                Some((_, count)) => *count += 1,
                None => modules.push((name, 1)),
            }
        }
        Ok(modules)
    }

    /// The tables, in the order in which they were made, so that those that are referred to come first.
    fn table_names(&self) -> &'static str {
        self.dialect(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
            "SELECT CAST(relname AS TEXT) AS name FROM pg_class
             WHERE relkind = 'r' AND relnamespace = CAST(current_schema() AS regnamespace) ORDER BY oid",
        )
    }

    async fn tables(&self, tx: &Tx) -> Result<Vec<Table>> {
        let columns = self.dialect(
            "SELECT name, type FROM pragma_table_info($1) ORDER BY cid",
            "SELECT CAST(a.attname AS TEXT) AS name, format_type(a.atttypid, a.atttypmod) AS type
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE c.relname = $1 AND c.relnamespace = CAST(current_schema() AS regnamespace)
               AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        );
        let mut tables = Vec::new();
        for row in tx.fetch_all(self.table_names(), params![]).await? {
            let name = row.text("name")?;
            if name == MIGRATIONS {
                continue;
            }
            let rows = tx.fetch_all(columns, params![&name]).await?;
            let columns = rows
                .iter()
                .map(|row| Ok((row.text("name")?, column_of(&name, &row.text("type")?)?)))
                .collect::<Result<_>>()?;
            tables.push(Table { name, columns });
        }
        Ok(tables)
    }

    /// Lets rows refer to rows that come later, until the transaction's end; on PostgreSQL the constraints that were changed
    /// for that: table and name.
    async fn defer_constraints(&self, tx: &Tx) -> Result<Vec<(String, String)>> {
        let Some(sql) = self.dialect(
            None,
            Some(
                "SELECT CAST(c.relname AS TEXT) AS name, CAST(f.conname AS TEXT) AS constraint_name
                 FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid
                 WHERE f.contype = 'f' AND NOT f.condeferrable
                   AND f.connamespace = CAST(current_schema() AS regnamespace)",
            ),
        ) else {
            tx.execute("PRAGMA defer_foreign_keys = ON", params![]).await?;
            return Ok(Vec::new());
        };
        let rows = tx.fetch_all(sql, params![]).await?;
        let constraints: Vec<(String, String)> =
            rows.iter().map(|row| Ok((row.text("name")?, row.text("constraint_name")?))).collect::<Result<_>>()?;
        alter(tx, &constraints, "DEFERRABLE INITIALLY DEFERRED").await?;
        Ok(constraints)
    }
}

async fn restore_constraints(tx: &Tx, constraints: Vec<(String, String)>) -> Result<()> {
    if !constraints.is_empty() {
        tx.execute("SET CONSTRAINTS ALL IMMEDIATE", params![]).await?;
        alter(tx, &constraints, "NOT DEFERRABLE").await?;
    }
    Ok(())
}

async fn alter(tx: &Tx, constraints: &[(String, String)], how: &str) -> Result<()> {
    for (table, name) in constraints {
        let sql = format!("ALTER TABLE {} ALTER CONSTRAINT {} {how}", quoted(table), quoted(name));
        tx.execute_made(sql, params![]).await?;
    }
    Ok(())
}

/// The rows of one table on their way.
struct Lines<'a> {
    to: &'a mpsc::Sender<Vec<u8>>,
    table: &'a Table,
}

impl Lines<'_> {
    async fn send(&self, tx: &Tx) -> Result<u64> {
        let columns: Vec<[&str; 2]> =
            self.table.columns.iter().map(|(name, column)| [name.as_str(), word(*column)]).collect();
        let header = serde_json::json!({ "table": self.table.name, "columns": columns });
        self.to.send(format!("{header}\n").into_bytes()).await.map_err(|_| no_receiver())?;
        let names: Vec<String> = self.table.columns.iter().map(|(name, _)| quoted(name)).collect();
        let sql = format!("SELECT {} FROM {}", names.join(", "), quoted(&self.table.name));
        tx.send_rows(sql, CHUNK, self.to, |row, text| self.line(row, text)).await
    }

    fn line(&self, row: &Row, into: &mut Vec<u8>) -> Result<()> {
        let values = self.table.columns.iter().map(|(name, column)| json_of(row, name, *column));
        let values = values.collect::<Result<Vec<serde_json::Value>>>()?;
        serde_json::to_writer(&mut *into, &values).map_err(Error::internal)?;
        into.push(b'\n');
        Ok(())
    }
}

async fn fill(tx: &Tx, tables: &[Table], lines: impl Iterator<Item = std::io::Result<String>>) -> Result<u64> {
    let mut table: Option<(&Table, String)> = None;
    let mut rows = 0;
    for (number, line) in (1..).zip(lines) {
        let wrong = |why: &str| Error::invalid(format!("Line {number} of the database's rows {why}."));
        let line = line.map_err(|error| wrong("cannot be read").with_detail(error))?;
        let value: serde_json::Value =
            serde_json::from_str(&line).map_err(|error| wrong("is no JSON").with_detail(error))?;
        match (value, &table) {
            (serde_json::Value::Object(header), _) => {
                let found = tables.iter().find(|table| header.get("table").is_some_and(|name| *name == *table.name));
                let found = found.ok_or_else(|| wrong("is of a table that is not there"))?;
                let ordered = reordered(found, &header).ok_or_else(|| wrong("has other columns than its table"))?;
                table = Some((found, ordered));
            }
            (serde_json::Value::Array(values), Some((table, sql))) if values.len() == table.columns.len() => {
                let values = table.columns.iter().zip(values).map(|((_, column), value)| value_of(*column, value));
                let values = values.collect::<Option<Vec<Value<'_>>>>().ok_or_else(|| wrong("has a wrong value"))?;
                tx.execute_made(sql.clone(), &values).await?;
                rows += 1;
            }
            _ => return Err(wrong("is no row")),
        }
    }
    Ok(rows)
}

/// The statement that adds a row, where the columns of `header` are those of `table`. Both databases order a table's
/// columns as its migrations made them.
fn reordered(table: &Table, header: &serde_json::Map<String, serde_json::Value>) -> Option<String> {
    let columns = header.get("columns")?.as_array()?;
    let same = columns.len() == table.columns.len()
        && columns.iter().zip(&table.columns).all(|(given, (name, column))| {
            given.get(0).is_some_and(|given| *given == **name)
                && given.get(1).is_some_and(|given| *given == word(*column))
        });
    let names: Vec<String> = table.columns.iter().map(|(name, _)| quoted(name)).collect();
    let places: Vec<String> = (1..=names.len()).map(|number| format!("${number}")).collect();
    let sql = format!("INSERT INTO {} ({}) VALUES ({})", quoted(&table.name), names.join(", "), places.join(", "));
    same.then_some(sql)
}

fn column_of(table: &str, declared: &str) -> Result<Column> {
    match declared.to_ascii_uppercase().as_str() {
        "TEXT" => Ok(Column::Text),
        "BIGINT" | "INTEGER" => Ok(Column::Int),
        "BOOLEAN" => Ok(Column::Bool),
        "DOUBLE PRECISION" => Ok(Column::Real),
        "BYTEA" => Ok(Column::Bytes),
        _ => Err(Error::internal(format!("a column of `{table}` has the type `{declared}`"))),
    }
}

fn word(column: Column) -> &'static str {
    match column {
        Column::Bool => "bool",
        Column::Int => "int",
        Column::Real => "real",
        Column::Text => "text",
        Column::Bytes => "bytes",
    }
}

fn json_of(row: &Row, name: &str, column: Column) -> Result<serde_json::Value> {
    use base64::Engine as _;
    Ok(match column {
        Column::Bool => opt_bool(row, name)?.into(),
        Column::Int => row.opt_int(name)?.into(),
        // Decimal text that reads back to the same bits.
        Column::Real => row.opt_real(name)?.map(|real| format!("{real:?}")).into(),
        Column::Text => row.opt_text(name)?.into(),
        Column::Bytes => {
            row.opt_bytes(name)?.map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)).into()
        }
    })
}

fn opt_bool(row: &Row, name: &str) -> Result<Option<bool>> {
    use sqlx::Row as _;
    match &row.0 {
        Backend::Sqlite(_) => Ok(row.opt_int(name)?.map(|value| value != 0)),
        Backend::Postgres(row) => {
            row.try_get(name).map_err(|error| Error::internal(format!("column `{name}`: {error}")))
        }
    }
}

fn value_of(column: Column, value: serde_json::Value) -> Option<Value<'static>> {
    use base64::Engine as _;
    use serde_json::Value as Json;
    Some(match (column, value) {
        (column, Json::Null) => Value::Null(column),
        (Column::Bool, Json::Bool(value)) => Value::Bool(value),
        (Column::Int, Json::Number(value)) => Value::Int(value.as_i64()?),
        (Column::Real, Json::String(text)) => Value::Real(text.parse().ok()?),
        (Column::Text, Json::String(text)) => Value::Text(text.into()),
        (Column::Bytes, Json::String(text)) => {
            Value::Bytes(base64::engine::general_purpose::STANDARD.decode(text).ok()?.into())
        }
        _ => return None,
    })
}

/// A name as both databases take it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
