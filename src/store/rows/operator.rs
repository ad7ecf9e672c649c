//! What the operator's orders become: their rows in the audit, and bans, levels and passwords.

use rusqlite::{Transaction, params};

use super::super::record::{AuditRow, BanRecord, Barred, Change, OrderRecord};

/// Writes an order with what it changes.
pub(in crate::store) fn carry_out(change: &Transaction<'_>, order: &OrderRecord) -> rusqlite::Result<()> {
    let AuditRow { id, at_ms, who, what, whom, details, refused } = &order.audit;
    let sql = "INSERT INTO audit (id, order_time, who, what, whom, details, refused) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
               ON CONFLICT DO NOTHING";
    change.execute(sql, params![id, at_ms, who, what, whom, details, refused])?;
    match &order.change {
        None => Ok(()),
        Some(Change::Ban(ban)) => put_ban(change, ban),
        Some(Change::Unban(whom)) => lift_ban(change, whom),
        Some(Change::Level { account, level }) => {
            change.execute("UPDATE base_info SET level = ?2 WHERE id = ?1", params![account.0, level.0]).map(|_| ())
        }
        Some(Change::Password { account, hash }) => {
            change.execute("UPDATE base_info SET password_hash = ?2 WHERE id = ?1", params![account.0, hash])?;
            change.execute("DELETE FROM login_token WHERE uid = ?1", [account.0]).map(|_| ())
        }
    }
}

fn put_ban(change: &Transaction<'_>, ban: &BanRecord) -> rusqlite::Result<()> {
    lift_ban(change, &ban.whom)?;
    // Those that are over are nobody's concern any more.
    change.execute("DELETE FROM ban WHERE end_time <= ?1", [ban.made_ms])?;
    let (account, network) = match &ban.whom {
        Barred::Account(account) => (Some(account.0), None),
        Barred::Network(network) => (None, Some(network)),
    };
    let sql = "INSERT INTO ban (uid, network, made_time, end_time, why) VALUES (?1, ?2, ?3, ?4, ?5)";
    change.execute(sql, params![account, network, ban.made_ms, ban.terms.until_ms, ban.terms.why])?;
    // Not removed: whoever comes with one is to hear of the ban, not that the token is unknown.
    change.execute("UPDATE login_token SET used_time = 0 WHERE uid = ?1", [account]).map(|_| ())
}

fn lift_ban(change: &Transaction<'_>, whom: &Barred) -> rusqlite::Result<()> {
    match whom {
        Barred::Account(account) => change.execute("DELETE FROM ban WHERE uid = ?1", [account.0]),
        Barred::Network(network) => change.execute("DELETE FROM ban WHERE network = ?1", [network]),
    }
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::keep_token;
    use super::*;
    use crate::protocol::refusal::Banned;
    use crate::store::record::{AccountId, Level, TokenDeed, TokenHash, TokenRecord};

    const ALICE: AccountId = AccountId(1);

    fn database(directory: &tempfile::TempDir) -> Connection {
        let connection = crate::store::schema::open(&directory.path().join("parlor.db")).unwrap();
        for name in ["alice", "bob"] {
            let sql = "INSERT INTO base_info (name, folded_name, password_hash, address, register_time) \
                       VALUES (?1, ?1, 'old', '', 0)";
            connection.execute(sql, [name]).unwrap();
        }
        connection
    }

    fn order(id: i64, change: Change) -> OrderRecord {
        let (who, what) = ("root (uid 0)".into(), "trial".into());
        let audit = AuditRow { id, at_ms: 50, who, what, whom: None, details: String::new(), refused: None };
        OrderRecord { audit, change: Some(change) }
    }

    fn ban(id: i64, until_ms: Option<i64>) -> OrderRecord {
        let terms = Banned { until_ms, why: String::new() };
        order(id, Change::Ban(BanRecord { whom: Barred::Account(ALICE), made_ms: 50, terms }))
    }

    fn token(byte: u8, password_hash: &str, at_ms: i64) -> TokenRecord {
        let deed = TokenDeed::Issued { password_hash: password_hash.into() };
        TokenRecord { account: ALICE, hash: [byte; 32], deed, at_ms }
    }

    fn used_time(connection: &Connection, hash: TokenHash) -> Option<i64> {
        let found = connection.query_row("SELECT used_time FROM login_token WHERE hash = ?1", [hash], |row| row.get(0));
        found.ok()
    }

    /// What a login that was overtaken by an order writes behind it opens nothing.
    #[test]
    fn a_token_is_kept_only_for_the_password_that_is_the_accounts_and_while_it_is_not_banned() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = database(&directory);
        let change = connection.transaction().unwrap();
        keep_token(&change, &token(1, "old", 10)).unwrap();
        carry_out(&change, &order(1, Change::Password { account: ALICE, hash: "new".into() })).unwrap();
        keep_token(&change, &token(2, "old", 60)).unwrap();
        keep_token(&change, &token(3, "new", 60)).unwrap();
        let seen = |byte: u8| used_time(&change, [byte; 32]);
        assert_eq!((seen(1), seen(2), seen(3)), (None, None, Some(60)));
        carry_out(&change, &ban(2, Some(100))).unwrap();
        keep_token(&change, &token(4, "new", 99)).unwrap();
        keep_token(&change, &TokenRecord { deed: TokenDeed::Used, ..token(3, "", 99) }).unwrap();
        assert_eq!((seen(3), seen(4)), (Some(0), None), "void for good");
        keep_token(&change, &token(5, "new", 100)).unwrap();
        assert_eq!(seen(5), Some(100), "the ban is over");
        carry_out(&change, &ban(3, None)).unwrap();
        keep_token(&change, &token(6, "new", i64::MAX)).unwrap();
        assert_eq!((seen(5), seen(6)), (Some(0), None));
        carry_out(&change, &order(4, Change::Unban(Barred::Account(ALICE)))).unwrap();
        keep_token(&change, &token(6, "new", 200)).unwrap();
        assert_eq!(seen(6), Some(200));
    }

    #[test]
    fn orders_are_written_again_without_harm() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = database(&directory);
        let network = |id, until_ms| {
            let (whom, terms) = (Barred::Network("192.0.2.0/24".into()), Banned { until_ms, why: "noise".into() });
            order(id, Change::Ban(BanRecord { whom, made_ms: 50, terms }))
        };
        let batch = [
            ban(1, None),
            network(2, Some(60)),
            order(3, Change::Level { account: ALICE, level: Level::ADMINISTRATOR }),
            order(4, Change::Unban(Barred::Account(ALICE))),
            network(5, None),
            ban(6, Some(70)),
        ];
        for _ in 0..2 {
            let change = connection.transaction().unwrap();
            batch.iter().for_each(|order| carry_out(&change, order).unwrap());
            change.commit().unwrap();
        }
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM audit"), 6);
        assert_eq!(count("SELECT level FROM base_info WHERE id = 1"), 1);
        assert_eq!(count("SELECT count(*) FROM ban"), 2);
        assert_eq!(count("SELECT end_time FROM ban WHERE uid = 1"), 70);
        assert_eq!(count("SELECT count(*) FROM ban WHERE network = '192.0.2.0/24' AND end_time IS NULL"), 1);
    }

    #[test]
    fn of_100_000_random_tokens_none_opens_an_account() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = database(&directory);
        let change = connection.transaction().unwrap();
        for byte in 0..10 {
            keep_token(&change, &token(byte, "old", 10 + i64::from(byte))).unwrap();
        }
        let mut find = change.prepare("SELECT 1 FROM login_token WHERE hash = ?1").unwrap();
        assert!(find.exists([[3; 32]]).unwrap());
        for _ in 0..100_000 {
            let mut hash: TokenHash = [0; 32];
            getrandom::fill(&mut hash).unwrap();
            assert!(!find.exists([hash]).unwrap());
        }
    }
}
