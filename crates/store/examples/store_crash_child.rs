//! The program that `tests/crash.rs` kills: appends numbered rows to a database and numbered files to a directory.

use std::fs::{File, rename};
use std::io::Write as _;
use std::path::Path;

use store::{Migration, Store, crash, params};

const TABLES: &[Migration] = &[Migration::same(1, "entries", "CREATE TABLE entries (number BIGINT PRIMARY KEY)")];

/// How far it counts.
const LAST: i64 = 6;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args_os().nth(1).ok_or("no directory given")?;
    let dir = Path::new(&dir);
    let store = Store::open_sqlite(&dir.join("craton.db")).await?;
    store.migrate("entries", TABLES).await?;
    loop {
        let done = store
            .read(|tx| async move {
                tx.fetch_one("SELECT COALESCE(MAX(number), 0) AS last FROM entries", params![]).await?.int("last")
            })
            .await?;
        if done == LAST {
            return Ok(());
        }
        write_file(dir, done + 1)?;
        store
            .write(|tx| async move { tx.execute("INSERT INTO entries (number) VALUES ($1)", params![done + 1]).await })
            .await?;
    }
}

/// The file first, whole or not at all; the row that promises it afterwards.
fn write_file(dir: &Path, number: i64) -> std::io::Result<()> {
    let (partial, whole) = (dir.join("partial"), dir.join(number.to_string()));
    let mut file = File::create(&partial)?;
    file.write_all(format!("entry {number}").as_bytes())?;
    crash::point("file.sync.before");
    file.sync_all()?;
    crash::point("file.rename.before");
    rename(partial, whole)?;
    crash::point("file.rename.after");
    Ok(())
}
