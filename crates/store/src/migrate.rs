//! Migrations: how a module's tables come to be.

use std::fmt::Write as _;

use base::{Error, Result};
use sha2::{Digest as _, Sha256};

use crate::store::Mode;
use crate::{Row, Store, Tx, params};

/// One step of a module's tables. Once released a step never changes; later changes are later steps.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3 … within the module.
    pub version: u32,
    /// What it does, for messages.
    pub name: &'static str,
    /// The statements for SQLite.
    pub sqlite: &'static str,
    /// The statements for PostgreSQL.
    pub postgres: &'static str,
}

impl Migration {
    /// A step with the same statements for both databases.
    #[must_use]
    pub const fn same(version: u32, name: &'static str, sql: &'static str) -> Self {
        Self { version, name, sqlite: sql, postgres: sql }
    }
}

/// The tables of one module: its name and every step of them.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// The module's name.
    pub name: &'static str,
    /// Its steps: 1, 2, 3 …
    pub migrations: &'static [Migration],
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS craton_migrations (
    module TEXT NOT NULL,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (module, version)
)";

impl Store {
    /// Brings the tables of `module` up to date: runs those of `migrations` (versions 1, 2, 3 …) that have not run, in
    /// one transaction.
    ///
    /// # Errors
    /// Conflict, with nothing touched, where the database was written by a newer version of Craton or by a changed
    /// migration; Internal, where `migrations` is not numbered 1, 2, 3 … or a statement is wrong.
    pub async fn migrate(&self, module: &'static str, migrations: &[Migration]) -> Result<()> {
        if migrations.iter().zip(1..).any(|(migration, version)| migration.version != version) {
            return Err(Error::internal(format!("the migrations of `{module}` are not numbered 1, 2, 3 …")));
        }
        self.transact(Mode::Migrate, false, |tx| async move {
            // Servers that start together migrate one after another. SQLite's write transaction does that by itself.
            if let Some(lock) = self.dialect(None, Some("SELECT pg_advisory_xact_lock(1129469006)")) {
                tx.execute(lock, params![]).await?;
            }
            tx.execute_script(TABLE).await?;
            let applied = tx
                .fetch_all(
                    "SELECT version, name, checksum FROM craton_migrations WHERE module = $1 ORDER BY version",
                    params![module],
                )
                .await?;
            self.check(module, migrations, &applied.iter().collect::<Vec<_>>())?;
            for migration in &migrations[applied.len()..] {
                self.apply(&tx, module, migration).await?;
            }
            Ok(())
        })
        .await
    }

    /// How many steps of `module` have run; 0 in an empty database. Touches nothing.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn applied(&self, module: &str) -> Result<u32> {
        self.read(|tx| async move {
            let applied = self.all_applied(&tx).await?;
            let count = applied.iter().filter(|row| row.text("module").is_ok_and(|name| name == module)).count();
            u32::try_from(count).map_err(Error::internal)
        })
        .await
    }

    /// Looks whether this version of Craton, which has the tables of `modules`, may open the database: whether nothing in
    /// it was made by a newer version or another build. Touches nothing.
    ///
    /// # Errors
    /// Conflict, where it may not.
    pub async fn check_modules(&self, modules: &[Module]) -> Result<()> {
        let applied = self.read(|tx| async move { self.all_applied(&tx).await }).await?;
        let mut names = applied.iter().map(|row| row.text("module")).collect::<Result<Vec<_>>>()?;
        names.dedup();
        for name in names {
            let rows: Vec<&Row> =
                applied.iter().filter(|row| row.text("module").is_ok_and(|module| module == name)).collect();
            match modules.iter().find(|module| module.name == name) {
                Some(module) => self.check(module.name, module.migrations, &rows)?,
                None => return Err(newer(self.place(), &name, rows.len() as i64, 0)),
            }
        }
        Ok(())
    }

    /// Every step that has run, by module and version.
    pub(crate) async fn all_applied(&self, tx: &Tx) -> Result<Vec<Row>> {
        let there = self.dialect(
            "SELECT COUNT(*) AS there FROM sqlite_schema WHERE type = 'table' AND name = 'craton_migrations'",
            "SELECT to_regclass('craton_migrations') IS NOT NULL AS there",
        );
        if !tx.fetch_one(there, params![]).await?.bool("there")? {
            return Ok(Vec::new());
        }
        let sql = "SELECT module, version, name, checksum FROM craton_migrations ORDER BY module, version";
        tx.fetch_all(sql, params![]).await
    }

    async fn apply(&self, tx: &Tx, module: &'static str, migration: &Migration) -> Result<()> {
        tracing::debug!(module, version = migration.version, name = migration.name, "migrating");
        let sql = self.dialect(migration.sqlite, migration.postgres);
        tx.execute_script(sql).await.map_err(|error| {
            let detail = error.detail.clone().unwrap_or_default();
            error.with_detail(format!("migration {module}/{} `{}`: {detail}", migration.version, migration.name))
        })?;
        tx.execute(
            "INSERT INTO craton_migrations (module, version, name, checksum) VALUES ($1, $2, $3, $4)",
            params![module, migration.version, migration.name, checksum(sql)],
        )
        .await?;
        Ok(())
    }

    /// Are the applied steps the first ones of ours?
    fn check(&self, module: &str, migrations: &[Migration], applied: &[&Row]) -> Result<()> {
        for (row, position) in applied.iter().zip(0..) {
            let Some(migration) = migrations.get(position) else {
                return Err(newer(self.place(), module, row.int("version")?, migrations.len()));
            };
            let known = checksum(self.dialect(migration.sqlite, migration.postgres));
            if row.int("version")? != i64::from(migration.version) || row.text("checksum")? != known {
                let name = row.text("name")?;
                return Err(Error::new(
                    base::ErrorKind::Conflict,
                    format!("The tables of `{module}` in the database {} were made by another `{name}`.", self.place()),
                )
                .with_hint(
                    "The database was written by another build of Craton; use that build, or another data directory.",
                ));
            }
        }
        Ok(())
    }
}

fn newer(place: &str, module: &str, version: i64, known: usize) -> Error {
    Error::new(
        base::ErrorKind::Conflict,
        format!(
            "The database {place} was written by a newer version of Craton (`{module}` {version}, known here: {known})."
        ),
    )
    .with_hint("Use that version, or another data directory. Nothing was changed.")
}

fn checksum(sql: &str) -> String {
    Sha256::digest(sql).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
