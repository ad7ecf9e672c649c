//! Orders that change something: what is checked before, what is written, what happens once that is durable.
//!
//! The contract:
//! 1. An order is looked into, written with its row of the audit, and takes effect for those who are connected once
//!    that is durable; then the operator is told. Only a kick comes before its row, which is all there is to write.
//! 2. What is not durable in time takes effect when it is, and the operator is told so.
//! 3. One order at a time, so that what an order was checked against still holds when it is written.
//! 4. Orders that are refused have a row too. Those that only look have none.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout_at;

use super::rates::{Rates, SAMPLE_INTERVAL};
use super::{Order, Outcome, lists, status};
use crate::clock::now_ms;
use crate::connections::{Ended, MOST_NETWORKS};
use crate::guard::network::{Network, NetworkFault, Origin};
use crate::metrics::METRICS;
use crate::protocol::closing::Closing;
use crate::protocol::event::Deed;
use crate::protocol::limits::{MARKS_IN_A_RUN, TEXT_BYTES};
use crate::protocol::name::Name;
use crate::protocol::refusal::Banned;
use crate::protocol::secret::Secret;
use crate::protocol::text::{Text, TextFault};
use crate::room::Posting;
use crate::session::Services;
use crate::store::read::ReadError;
use crate::store::record::{Account, AccountId, AuditRow, BanRecord, Barred, Change, Level, OrderRecord, Record};

/// The longest reason for a ban: it is told in one line.
const WHY_BYTES: usize = 300;

/// Who carries out orders.
pub struct Operator {
    pub(super) services: Arc<Services>,
    /// The data directory.
    pub(super) data: PathBuf,
    pub(super) started: Instant,
    pub(super) rates: std::sync::Mutex<Rates>,
    last_audit_id: AtomicI64,
    one_at_a_time: Mutex<()>,
}

/// An order as the audit tells it.
struct Asked {
    what: &'static str,
    whom: Option<String>,
    details: String,
}

/// Why an order is not carried out.
struct Refused(String);

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        Refused(error.to_string())
    }
}

/// What an order comes to.
struct Plan {
    change: Option<Change>,
    effect: Effect,
    /// What the operator is told, with how many connections were ended.
    words: Box<dyn FnOnce(Ended) -> String + Send>,
}

/// What happens to those who are connected.
enum Effect {
    /// An account's connections end.
    Kick(AccountId),
    /// And its tickets are void.
    End(AccountId, Closing),
    /// An account's sessions have another level.
    Level(AccountId, Level),
    /// A network's connections end, and no more come.
    Ban(Network, Option<i64>),
    Unban(Network),
    Nothing,
}

impl Effect {
    async fn happen(self, services: &Services) -> Ended {
        let connections = &services.connections;
        match self {
            Effect::Kick(account) => return connections.end_account(account, Closing::Kicked),
            Effect::End(account, closing) => {
                // Sessions first: from then on nobody is given a ticket.
                let ended = connections.end_account(account, closing);
                services.files.revoke(account).await;
                return ended;
            }
            Effect::Ban(network, until_ms) => return connections.ban(network, until_ms, now_ms()),
            Effect::Level(account, level) => _ = connections.set_level(account, level),
            Effect::Unban(network) => connections.unban(network),
            Effect::Nothing => (),
        }
        Ended::default()
    }
}

impl Operator {
    /// For the daemon on this data directory.
    pub async fn new(services: Arc<Services>, data: PathBuf) -> Result<Self, ReadError> {
        let last = services.reader.audit(1).await?.first().map_or(0, |row| row.id);
        Ok(Self {
            services,
            data,
            started: Instant::now(),
            rates: std::sync::Mutex::new(Rates::new(&METRICS, Instant::now())),
            last_audit_id: AtomicI64::new(last),
            one_at_a_time: Mutex::new(()),
        })
    }

    /// Looks at the counters now and then.
    pub(super) async fn watch(&self) {
        loop {
            tokio::time::sleep(SAMPLE_INTERVAL).await;
            let mut rates = self.rates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            rates.sample(&METRICS, Instant::now());
        }
    }

    pub(super) async fn carry_out(&self, order: Order, who: &str) -> Outcome {
        let reader = &self.services.reader;
        match order {
            Order::Status { json } => Outcome::Done(status::of(self, json).await),
            Order::Bans => told(reader.bans(now_ms()).await.map(|bans| lists::bans(&bans))),
            Order::Audit { count } => told(reader.audit(count).await.map(|rows| lists::audit(&rows))),
            Order::Announce { ref text } => {
                let text = text.clone();
                self.announce(asked(&order), &text, who).await
            }
            order => self.change(order, who).await,
        }
    }

    /// Refuses an order, whatever it is.
    pub(super) async fn refuse(&self, order: Order, who: &str, why: &str) -> Outcome {
        self.refuse_asked(asked(&order), who, why.into()).await
    }

    /// Keeps in the audit what was done elsewhere; of what only looked, in the log.
    pub(super) async fn note(&self, order: Order, who: &str, done: &str) {
        let mut asked = asked(&order);
        asked.details = format!("{}: {done}", asked.details);
        log::info!("{who} ordered {} {}", asked.what, asked.details);
        if matches!(order, Order::KeepFiles { into: Some(_) })
            && let Ok(slot) = self.services.queue.slot(1).await
        {
            let position = self.services.queue.push(vec![self.record(asked, who, None, None)], vec![slot]);
            let _ = self.services.queue.durable(position, self.services.queue.confirm_deadline()).await;
        }
    }

    async fn refuse_asked(&self, asked: Asked, who: &str, why: String) -> Outcome {
        log::warn!("{who} ordered {}: refused, {why}", asked.what);
        // Where the store fails there is the log.
        if let Ok(slot) = self.services.queue.slot(1).await {
            let record = self.record(asked, who, None, Some(why.clone()));
            let position = self.services.queue.push(vec![record], vec![slot]);
            let _ = self.services.queue.durable(position, self.services.queue.confirm_deadline()).await;
        }
        Outcome::Failed(why)
    }

    async fn change(&self, order: Order, who: &str) -> Outcome {
        let asked = asked(&order);
        let _one = self.one_at_a_time.lock().await;
        match self.plan(order).await {
            Err(Refused(why)) => self.refuse_asked(asked, who, why).await,
            Ok(plan) if matches!(plan.effect, Effect::Kick(_)) => self.kick(plan, asked, who).await,
            Ok(plan) => self.write(plan, asked, who).await,
        }
    }

    /// At once: nothing of it needs the disk but the record of it.
    async fn kick(&self, plan: Plan, asked: Asked, who: &str) -> Outcome {
        let ended = plan.effect.happen(&self.services).await;
        if ended == Ended::default() {
            let name = asked.whom.as_deref().unwrap_or_default().trim_start_matches('@');
            let why = format!("{name} is not here");
            return self.refuse_asked(asked, who, why).await;
        }
        log_done(&asked, who);
        let (queue, deadline) = (&self.services.queue, self.services.queue.confirm_deadline());
        let slot = queue.slot(1).await.ok().or_else(|| queue.reserve_slot());
        let record = self.record(asked, who, None, None);
        let words = (plan.words)(ended);
        match slot.map(|slot| queue.push(vec![record], vec![slot])) {
            Some(position) if queue.durable(position, deadline).await.is_ok() => Outcome::Done(words),
            _ => Outcome::Failed(format!("{words}; but the record of it is not stored")),
        }
    }

    async fn write(&self, plan: Plan, asked: Asked, who: &str) -> Outcome {
        let Plan { change, effect, words } = plan;
        let (services, deadline) = (Arc::clone(&self.services), self.services.queue.confirm_deadline());
        let Ok(slot) = services.queue.slot(1).await else {
            return Outcome::Failed("the daemon cannot store anything at the moment; nothing was changed".into());
        };
        log_done(&asked, who);
        let position = services.queue.push(vec![self.record(asked, who, change, None)], vec![slot]);
        // Whatever becomes of whoever asked: what is written takes effect.
        let (done, outcome) = oneshot::channel();
        tokio::spawn(async move {
            services.queue.durable_at_last(position).await;
            let _ = done.send(effect.happen(&services).await);
        });
        match timeout_at(deadline, outcome).await {
            Ok(Ok(ended)) => Outcome::Done(words(ended)),
            _ => Outcome::Failed("not stored yet; it takes effect when it is. Look with --status and --audit".into()),
        }
    }

    async fn announce(&self, asked: Asked, text: &str, who: &str) -> Outcome {
        let text = match Text::parse_lines(text) {
            Ok(text) => text,
            Err(fault) => return self.refuse_asked(asked, who, announcement_fault(fault)).await,
        };
        let (queue, deadline) = (&self.services.queue, self.services.queue.confirm_deadline());
        let Ok(slot) = queue.slot(1).await else {
            return Outcome::Failed("the daemon cannot store anything at the moment; nothing was announced".into());
        };
        let mut posting = Posting::new(Deed::Announcement { text }, None, None);
        posting.records.push(self.record(asked, who, None, None));
        let announced = self.services.room.post(posting, slot).await;
        if queue.durable(announced.position, deadline).await.is_err() {
            return Outcome::Failed("announced, but not stored yet; do not repeat it".into());
        }
        Outcome::Done(format!("announced to {}", connections(announced.listeners)))
    }

    fn record(&self, asked: Asked, who: &str, change: Option<Change>, refused: Option<String>) -> Record {
        let Asked { what, whom, details } = asked;
        let id = self.last_audit_id.fetch_add(1, Ordering::Relaxed) + 1;
        let audit = AuditRow { id, at_ms: now_ms(), who: who.to_owned(), what: what.into(), whom, details, refused };
        Record::Order(Box::new(OrderRecord { audit, change }))
    }

    async fn plan(&self, order: Order) -> Result<Plan, Refused> {
        match order {
            Order::Kick { name } => {
                let Account { id, name, .. } = self.account(&name).await?;
                let words = move |ended: Ended| format!("kicked {name}: {}", ended_words(ended));
                Ok(Plan { change: None, effect: Effect::Kick(id), words: Box::new(words) })
            }
            Order::Ban { whom, for_s, why } => self.plan_ban(&whom, for_s, why).await,
            Order::Unban { whom } => self.plan_unban(&whom).await,
            Order::Grant { name } => {
                self.plan_level(&name, Level::ADMINISTRATOR, "is an administrator already", "is an administrator now").await
            }
            Order::Revoke { name } => {
                self.plan_level(&name, Level::ORDINARY, "is no administrator", "is no administrator any more").await
            }
            Order::SetPassword { name, password } => self.plan_password(&name, &Secret::new(&password)).await,
            Order::KeepFiles { .. } | Order::Kept { .. } => Err(Refused("nothing is kept on this connection".into())),
            // Carried out elsewhere, see `carry_out`.
            Order::Announce { .. } | Order::Status { .. } | Order::Bans | Order::Audit { .. } => {
                Ok(Plan { change: None, effect: Effect::Nothing, words: Box::new(|_| String::new()) })
            }
        }
    }

    async fn plan_ban(&self, whom: &str, for_s: Option<u64>, why: String) -> Result<Plan, Refused> {
        if !why.is_empty() && (Text::parse(&why).is_err() || why.len() > WHY_BYTES) {
            return Err(Refused(format!("--why is one line of text, of at most {WHY_BYTES} bytes")));
        }
        let made_ms = now_ms();
        let until_ms = for_s.map(|for_s| made_ms.saturating_add(i64::try_from(for_s.saturating_mul(1000)).unwrap_or(i64::MAX)));
        let (barred, effect, shown) = match self.whom(whom).await? {
            Whom::Account(Account { id, name, .. }) => {
                (Barred::Account(id), Effect::End(id, Closing::Banned), name.to_string())
            }
            Whom::Network(network) if network.is_vast() => {
                return Err(Refused(format!("{network} is too much of the world; ban smaller networks")));
            }
            Whom::Network(network) => {
                if self.services.connections.can_ban(network, made_ms).is_err() {
                    return Err(Refused(format!(
                        "{MOST_NETWORKS} networks are banned already; ban larger ones, or --unban some"
                    )));
                }
                let shown = network.to_string();
                (Barred::Network(shown.clone()), Effect::Ban(network, until_ms), shown)
            }
        };
        let until = lists::until(until_ms);
        let words = move |ended| format!("banned {shown} {until}: {}", ended_words(ended));
        let ban = BanRecord { whom: barred, made_ms, terms: Banned { until_ms, why } };
        Ok(Plan { change: Some(Change::Ban(ban)), effect, words: Box::new(words) })
    }

    async fn plan_unban(&self, whom: &str) -> Result<Plan, Refused> {
        let bans = self.services.reader.bans(now_ms()).await?;
        let whom = self.whom(whom).await?;
        let (barred, effect, shown) = match &whom {
            Whom::Account(account) => (Barred::Account(account.id), Effect::Nothing, account.name.to_string()),
            Whom::Network(network) => (Barred::Network(network.to_string()), Effect::Unban(*network), network.to_string()),
        };
        if bans.iter().any(|named| named.ban.whom == barred) {
            let words = move |_| format!("{shown} may come in again");
            return Ok(Plan { change: Some(Change::Unban(barred)), effect, words: Box::new(words) });
        }
        let mut networks = bans.iter().filter_map(|named| named.name.parse::<Network>().ok());
        Err(Refused(match whom {
            Whom::Network(network) => match networks.find(|other| other.overlaps(network)) {
                Some(other) => format!("{network} is not banned by itself, but {other} is: --unban {other}"),
                None => format!("{network} is not banned"),
            },
            Whom::Account(account) => format!("{} is not banned", account.name),
        }))
    }

    async fn plan_level(&self, name: &str, level: Level, already: &str, now: &'static str) -> Result<Plan, Refused> {
        let account = self.account(name).await?;
        let name = account.name;
        if account.level == level {
            return Err(Refused(format!("{name} {already}")));
        }
        let words = Box::new(move |_| format!("{name} {now}"));
        let change = Change::Level { account: account.id, level };
        Ok(Plan { change: Some(change), effect: Effect::Level(account.id, level), words })
    }

    async fn plan_password(&self, name: &str, password: &Secret) -> Result<Plan, Refused> {
        let Account { id, name, .. } = self.account(name).await?;
        if !password.is_acceptable() {
            return Err(Refused("no possible password".into()));
        }
        let busy = |_| Refused("too many passwords are being hashed; try again in some seconds".into());
        let hash = self.services.auth.hash(password.clone()).await.map_err(busy)?;
        let words = move |ended| format!("{name} has a new password, and its tokens are void: {}", ended_words(ended));
        let change = Change::Password { account: id, hash };
        Ok(Plan { change: Some(change), effect: Effect::End(id, Closing::PasswordChanged), words: Box::new(words) })
    }

    /// An account or a network; `@` before a name that looks like an address.
    async fn whom(&self, word: &str) -> Result<Whom, Refused> {
        if let Ok(address) = word.parse() {
            return Ok(Whom::Network(Origin::of(address).network()));
        }
        match word.parse::<Network>() {
            Ok(network) => Ok(Whom::Network(network)),
            Err(fault @ NetworkFault::AddressWithin(_)) => Err(Refused(fault.to_string())),
            // No name has these.
            Err(fault) if word.contains(['/', ':']) => Err(Refused(fault.to_string())),
            Err(NetworkFault::NotANetwork) => self.account(word).await.map(Whom::Account),
        }
    }

    async fn account(&self, word: &str) -> Result<Account, Refused> {
        let word = word.strip_prefix('@').unwrap_or(word);
        // Not parsed as a new name would be: an account that is there is found, whatever the rules are now.
        let known = self.services.reader.credentials(&Name::stored(word.to_owned())).await?;
        known.map(|known| known.account).ok_or_else(|| Refused(format!("nobody is called {word}")))
    }
}

/// Whom an order is about.
enum Whom {
    Account(Account),
    Network(Network),
}

fn asked(order: &Order) -> Asked {
    let (what, whom, details) = match order {
        Order::Announce { text } => ("announce", None, text.clone()),
        Order::Status { .. } => ("status", None, String::new()),
        Order::Bans => ("bans", None, String::new()),
        Order::Audit { .. } => ("audit", None, String::new()),
        Order::Kick { name } => ("kick", Some(name), String::new()),
        Order::Ban { whom, for_s, why } => {
            let time = for_s.map_or_else(|| "for ever".to_owned(), |for_s| format!("for {for_s} s"));
            ("ban", Some(whom), if why.is_empty() { time } else { format!("{time}: {why}") })
        }
        Order::Unban { whom } => ("unban", Some(whom), String::new()),
        Order::Grant { name } => ("grant", Some(name), String::new()),
        Order::Revoke { name } => ("revoke", Some(name), String::new()),
        Order::SetPassword { name, .. } => ("set-password", Some(name), String::new()),
        Order::KeepFiles { into: Some(into) } => ("backup", None, format!("into {into}")),
        Order::KeepFiles { into: None } => ("verify", None, String::new()),
        Order::Kept { .. } => ("backup", None, String::new()),
    };
    Asked { what, whom: whom.cloned(), details }
}

fn log_done(asked: &Asked, who: &str) {
    log::info!("{who} ordered {} {}", asked.what, asked.whom.as_deref().unwrap_or_default());
}

fn told(words: Result<String, ReadError>) -> Outcome {
    words.map_or_else(|error| Outcome::Failed(error.to_string()), Outcome::Done)
}

fn ended_words(ended: Ended) -> String {
    match ended.all() {
        0 => "no connection was open".into(),
        count => format!("{} ended", connections(count)),
    }
}

fn connections(count: usize) -> String {
    format!("{count} connection{}", if count == 1 { "" } else { "s" })
}

fn announcement_fault(fault: TextFault) -> String {
    match fault {
        TextFault::Blank => "there is nothing to announce".into(),
        TextFault::TooLong => format!("an announcement has at most {TEXT_BYTES} bytes"),
        TextFault::Marks => format!("an announcement has at most {MARKS_IN_A_RUN} combining marks on one letter"),
        TextFault::Escape | TextFault::Control => "an announcement may not hold control characters".into(),
    }
}
