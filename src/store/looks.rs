//! Which account a name looks like, in SQL: two unique columns of `base_info`, which decide a race too.
//!
//! Either column is NULL where an account that was there before has the same look: then that one stands for both,
//! and nobody is kept out.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::protocol::name::Name;
use crate::protocol::name::looks::Looks;

/// The name of the account, but for that of this name itself, which looks like it.
pub(super) fn look_alike(connection: &Connection, name: &Name) -> rusqlite::Result<Option<Name>> {
    let Looks { folded, shown } = name.looks();
    let sql = "SELECT name FROM base_info \
               WHERE (lookalike IN (?1, ?2) OR lookalike_shown IN (?1, ?2)) AND folded_name <> ?3 ORDER BY id LIMIT 1";
    let mut find = connection.prepare_cached(sql)?;
    find.query_row(params![folded, shown, name.folded()], |row| row.get(0).map(Name::stored)).optional()
}

/// Fills the columns of accounts that are older than they, first come first.
pub(super) fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    let names: Vec<(i64, String)> = {
        let mut unfilled = connection.prepare("SELECT id, name FROM base_info WHERE lookalike IS NULL ORDER BY id")?;
        unfilled.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
    };
    if names.is_empty() {
        return Ok(());
    }
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (id, name) in names {
        let Looks { folded, shown } = Name::stored(name).looks();
        for (column, look) in [("lookalike", folded), ("lookalike_shown", shown)] {
            change
                .prepare_cached(&format!("UPDATE OR IGNORE base_info SET {column} = ?2 WHERE id = ?1"))?
                .execute(params![id, look])?;
        }
    }
    change.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, Connection) {
        let directory = tempfile::tempdir().unwrap();
        let connection = super::super::schema::open(&directory.path().join("parlor.db")).unwrap();
        (directory, connection)
    }

    fn insert(connection: &Connection, name: &str) {
        let sql = "INSERT INTO base_info (name, folded_name, password_hash, address, register_time) VALUES (?1, ?2, '', '', 0)";
        connection.execute(sql, [name, Name::stored(name.into()).folded()]).unwrap();
    }

    #[test]
    fn older_accounts_get_their_looks_first_come_first() {
        let (_directory, mut connection) = database();
        for name in ["alice", "\u{430}lice", "Ivan", "🙂"] {
            insert(&connection, name);
        }
        for _ in 0..2 {
            fill(&mut connection).unwrap();
            let mut names = connection.prepare("SELECT name FROM base_info WHERE lookalike IS NULL").unwrap();
            let later: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(later, ["\u{430}lice"]);
        }
        let like = |name: &str| look_alike(&connection, &Name::stored(name.into())).unwrap().map(|name| name.to_string());
        assert_eq!(like("a1ice").as_deref(), Some("alice"));
        assert_eq!(like("lvan").as_deref(), Some("Ivan"));
        assert_eq!(like("IVAN"), None, "that is the account itself");
        assert_eq!(like("alicia"), None);
    }

    #[test]
    fn looking_for_a_look_alike_is_done_by_indexes() {
        let (_directory, connection) = database();
        let sql = "EXPLAIN QUERY PLAN SELECT name FROM base_info \
                   WHERE (lookalike IN ('a', 'b') OR lookalike_shown IN ('a', 'b')) AND folded_name <> 'c' ORDER BY id LIMIT 1";
        let mut plan = connection.prepare(sql).unwrap();
        let steps: Vec<String> = plan.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert_eq!(steps.iter().filter(|step| step.starts_with("SEARCH base_info USING INDEX")).count(), 2, "{steps:?}");
    }
}
