//! The tables of all modules.

use base::Result;
use store::{Module, Store};

/// Every module that has tables, in the order in which they are opened.
pub(crate) fn modules() -> Vec<Module> {
    let (jobs, objects, knowledge) = (jobs::TABLES, objects::TABLES, knowledge::TABLES);
    let orchestration =
        [orchestration::assistants::TABLES, orchestration::answers::TABLES, orchestration::evaluations::TABLES];
    [identity::MODULES, &[jobs, objects], models::MODULES, &[knowledge], &orchestration].concat()
}

/// Refuses a database of a newer version before anything in it is touched.
///
/// # Errors
/// Conflict, where another build of Craton made any of its tables.
pub(crate) async fn check(store: &Store) -> Result<()> {
    store.check_modules(&modules()).await
}
