//! The database's shape: `schema.sql` for a new one, steps for an older one, refusal for a newer one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::OpenError;
use super::checkpoint::{self, Names, Unwritten};

/// The whole schema, at its latest version.
const SCHEMA: &str = include_str!("../../schema.sql");

/// What brings a database from version `n + 1` to version `n + 2`, `n` being the place in the list.
/// A change to `schema.sql` after a release appends a step here; the test below compares them.
const STEPS: &[&str] = &[];

/// What tells our databases from other programs': "Prlr".
const APPLICATION_ID: i64 = 0x5072_6c72;

/// How long to wait for somebody else's lock on the database, such as an operator's `sqlite3`.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A line of development of the schema.
struct Plan {
    schema: &'static str,
    steps: &'static [&'static str],
}

const PLAN: Plan = Plan { schema: SCHEMA, steps: STEPS };

impl Plan {
    fn latest(&self) -> i64 {
        1 + i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }
}

/// Opens the database for the writer: made, migrated or refused, and set to survive power cuts.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    open_with(path, &PLAN)
}

fn open_with(path: &Path, plan: &Plan) -> Result<Connection, OpenError> {
    let explain = |source| OpenError::explain(path, source);
    let names = Names::open_for(path).map_err(|source| OpenError::System { path: path.to_owned(), source })?;
    let sync_names = || names.sync().map_err(|error| OpenError::explain_log(path, Unwritten::Unsynced(error)));
    let mut connection = Connection::open_with_flags(path, OpenFlags::default()).map_err(explain)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(explain)?;
    checkpoint::take_over(&connection).map_err(explain)?;
    let is_new = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0)).map_err(explain)?;
    let version = if is_new { 0 } else { known_version_of(&connection, path, plan)? };
    // `FULL` is what makes OK mean "on disk": NORMAL loses the newest commits in a power cut.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(explain)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(explain)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(explain)?;
    checkpoint::write_log_again(&mut connection, path).map_err(|error| OpenError::explain_log(path, error))?;
    if !is_new && version < plan.latest() {
        copy_first(&connection, path, version, plan).map_err(explain)?;
        sync_names()?;
    }
    if version < plan.latest() {
        migrate(&mut connection, version, plan).map_err(explain)?;
    }
    sync_names()?;
    Ok(connection)
}

/// The version of a database that is ours and that this program knows.
pub(super) fn known_version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    known_version_of(connection, path, &PLAN)
}

fn known_version_of(connection: &Connection, path: &Path, plan: &Plan) -> Result<i64, OpenError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get(0)).map_err(|source| OpenError::explain(path, source));
    if number("PRAGMA application_id")? != APPLICATION_ID {
        return Err(OpenError::Corrupt { path: path.to_owned(), why: "it is another program's database".to_owned() });
    }
    match number("PRAGMA user_version")? {
        ..1 => Err(OpenError::Corrupt { path: path.to_owned(), why: "it has no schema version".to_owned() }),
        found if found > plan.latest() => Err(OpenError::Newer { path: path.to_owned(), found, known: plan.latest() }),
        version => Ok(version),
    }
}

fn copy_first(connection: &Connection, path: &Path, version: i64, plan: &Plan) -> rusqlite::Result<()> {
    let copy = copy_path(path, version);
    connection.backup("main", &copy, None)?;
    log::warn!(
        "upgrading {} from schema {version} to {}; a copy of it as it was is {}",
        path.display(),
        plan.latest(),
        copy.display()
    );
    Ok(())
}

fn migrate(connection: &mut Connection, version: i64, plan: &Plan) -> rusqlite::Result<()> {
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version == 0 {
        change.execute_batch(plan.schema)?;
    } else {
        let done = usize::try_from(version - 1).unwrap_or(usize::MAX);
        plan.steps.iter().skip(done).try_for_each(|step| change.execute_batch(step))?;
    }
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    change.pragma_update(None, "user_version", plan.latest())?;
    change.commit()
}

/// Where the database is copied to before it is changed.
fn copy_path(path: &Path, version: i64) -> PathBuf {
    path.with_extension(format!("schema-{version}.db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Plan = Plan { schema: "CREATE TABLE a (x INTEGER) STRICT;", steps: &[] };
    const NEW: Plan = Plan {
        schema: "CREATE TABLE a (x INTEGER, y TEXT) STRICT; CREATE TABLE b (z BLOB) STRICT;",
        steps: &["ALTER TABLE a ADD COLUMN y TEXT;", "CREATE TABLE b (z BLOB) STRICT;"],
    };

    fn shape(connection: &Connection) -> Vec<(String, String)> {
        let sql = "SELECT t.name, c.name || ' ' || c.type || c.\"notnull\" || c.pk FROM sqlite_schema t, pragma_table_info(t.name) c \
                   WHERE t.type = 'table' ORDER BY 1, c.cid";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn an_older_database_is_copied_and_brought_to_the_same_shape() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("parlor.db");
        open_with(&path, &OLD).unwrap().execute("INSERT INTO a VALUES (7)", []).unwrap();
        let migrated = open_with(&path, &NEW).unwrap();
        let fresh = open_with(&directory.path().join("fresh.db"), &NEW).unwrap();
        assert_eq!(shape(&migrated), shape(&fresh));
        assert_eq!(migrated.query_row("SELECT x FROM a", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
        let copy = Connection::open(copy_path(&path, 1)).unwrap();
        assert_eq!(copy.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
        assert_eq!(shape(&copy).len(), 1);
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("parlor.db");
        open_with(&path, &NEW).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(open_with(&path, &OLD), Err(OpenError::Newer { found: 3, known: 1, .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_is_no_database_of_ours_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("parlor.db");
        std::fs::write(&path, "this is not a database, whatever its name may say".repeat(100)).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(open(&path), Err(OpenError::Corrupt { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        for version in [-1, 0, 1, 99] {
            let other = directory.path().join(format!("other{version}.db"));
            let connection = Connection::open(&other).unwrap();
            connection.execute_batch(&format!("CREATE TABLE theirs (x); PRAGMA user_version = {version}")).unwrap();
            drop(connection);
            let before = std::fs::read(&other).unwrap();
            assert!(matches!(open(&other), Err(OpenError::Corrupt { .. })));
            assert_eq!(std::fs::read(&other).unwrap(), before);
        }
    }
}
