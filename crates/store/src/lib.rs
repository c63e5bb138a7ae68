//! The metadata database: SQLite and PostgreSQL, transactions, migrations.
