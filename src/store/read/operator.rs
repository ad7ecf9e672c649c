//! The operator's questions: who is banned, what was ordered.

use rusqlite::{OptionalExtension, Row, params};

use super::{ReadError, Reader};
use crate::protocol::refusal::Banned;
use crate::store::record::{AccountId, AuditRow, BanRecord, Barred};

/// A ban with the name of whom it keeps out.
#[derive(Debug)]
pub struct NamedBan {
    /// The account's name, or the network.
    pub name: String,
    /// The ban.
    pub ban: BanRecord,
}

impl Reader {
    /// Every ban that has not ended by then, the newest first.
    pub async fn bans(&self, now_ms: i64) -> Result<Vec<NamedBan>, ReadError> {
        let named = |row: &Row<'_>| {
            let account: Option<i64> = row.get(0)?;
            let name: String = row.get(1)?;
            let whom = account.map_or_else(|| Barred::Network(name.clone()), |id| Barred::Account(AccountId(id)));
            let terms = Banned { until_ms: row.get(3)?, why: row.get(4)? };
            Ok(NamedBan { name, ban: BanRecord { whom, made_ms: row.get(2)?, terms } })
        };
        let sql = "SELECT ban.uid, coalesce(b.name, ban.network), ban.made_time, ban.end_time, ban.why FROM ban \
                   LEFT JOIN base_info b ON b.id = ban.uid WHERE ban.end_time IS NULL OR ban.end_time > ?1 ORDER BY ban.id DESC";
        self.ask(move |connection| connection.prepare_cached(sql)?.query_map([now_ms], named)?.collect()).await
    }

    /// The ban that an account has, or had.
    pub async fn ban_of(&self, account: AccountId) -> Result<Option<Banned>, ReadError> {
        self.ask(move |connection| {
            let sql = "SELECT end_time, why FROM ban WHERE uid = ?1";
            let found = |row: &Row<'_>| Ok(Banned { until_ms: row.get(0)?, why: row.get(1)? });
            connection.prepare_cached(sql)?.query_row([account.0], found).optional()
        })
        .await
    }

    /// The newest orders, the newest first.
    pub async fn audit(&self, count: u32) -> Result<Vec<AuditRow>, ReadError> {
        let order = |row: &Row<'_>| {
            Ok(AuditRow {
                id: row.get(0)?,
                at_ms: row.get(1)?,
                who: row.get(2)?,
                what: row.get(3)?,
                whom: row.get(4)?,
                details: row.get(5)?,
                refused: row.get(6)?,
            })
        };
        let sql = "SELECT id, order_time, who, what, whom, details, refused FROM audit ORDER BY id DESC LIMIT ?1";
        self.ask(move |connection| connection.prepare_cached(sql)?.query_map(params![count], order)?.collect()).await
    }
}
