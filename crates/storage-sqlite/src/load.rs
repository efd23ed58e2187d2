//! Loading a batch inside its transaction.

use std::collections::{BTreeSet, HashMap};

use altyn_domain::PaymentId;
use altyn_storage::{LoadKeys, Loaded};
use rusqlite::Connection;

use crate::customers;
use crate::fault::Fault;
use crate::rows;

/// Opens the transaction that writes, and reads what a batch needs. The lock of the whole file stands for
/// the locks of its rows.
pub(crate) fn load(db: &mut Connection, keys: &LoadKeys) -> Result<Loaded, Fault> {
    // A batch whose owner went away may still be open.
    roll_back(db)?;
    db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    read(db, keys).inspect_err(|_| {
        // A broken connection is dropped anyway, and the transaction with it.
        let _ = roll_back(db);
    })
}

/// Closes the transaction, if one is open, without writing.
pub(crate) fn roll_back(db: &Connection) -> Result<(), Fault> {
    if !db.is_autocommit() {
        db.prepare_cached("ROLLBACK")?.execute([])?;
    }
    Ok(())
}

/// The version of all settings.
pub(crate) fn settings_version(db: &Connection) -> Result<i64, Fault> {
    let sql = "SELECT settings_version FROM installation";
    let version = rows::first(db, sql, [], |cells| Ok(cells.take()?))?;
    version.ok_or_else(|| Fault::corrupt("installation", 1, "settings_version"))
}

fn read(db: &Connection, keys: &LoadKeys) -> Result<Loaded, Fault> {
    let version = settings_version(db)?;
    let mut references = HashMap::with_capacity(keys.references.len());
    let mut wanted: BTreeSet<PaymentId> = keys.payments.clone();
    for key in &keys.references {
        if let Some(id) = rows::referenced(db, key)? {
            references.insert(key.clone(), id);
            wanted.insert(id);
        }
    }
    let mut payments = Vec::with_capacity(wanted.len());
    for id in wanted {
        payments.extend(rows::payment(db, id)?);
    }
    let balances = customers::of_payments(db, &payments)?;
    let mut fences = HashMap::with_capacity(keys.timers.len());
    for key in &keys.timers {
        let id = key.payment_id;
        let sql = "SELECT fence FROM timers \
                   WHERE bucket = ?1 AND payment_id = ?2 AND kind = ?3 AND subject = ?4";
        let params = (
            id.bucket().number(),
            id.uuid(),
            key.kind.number(),
            key.subject,
        );
        if let Some(fence) = rows::first(db, sql, params, |cells| Ok(cells.take()?))? {
            fences.insert(*key, fence);
        }
    }
    Ok(Loaded::new(version, payments, references, fences, balances))
}
