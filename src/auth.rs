//! The only door for passwords, tokens and tickets: hashing, checking, issuing, and the claim on a name
//! that is being registered.
//!
//! bcrypt takes a fifth of a second at its default cost. It runs on two threads of its own at the
//! lowest priority, behind a bounded queue, so that a rush of logins delays other logins and nothing
//! else; past the queue a login is refused at once instead of waiting for minutes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crossbeam_channel::{Receiver, Sender};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::background::lower_priority;
use crate::protocol::name::Name;
use crate::protocol::secret::Secret;
use crate::store::record::TokenHash;

/// Passwords being hashed at once.
const THREADS: usize = 2;
/// Passwords waiting to be hashed: at the default cost the last of them waits some six seconds.
const WAITING: usize = 64;
/// How long a token opens its account after its last use.
pub const TOKEN_LIFETIME_MS: i64 = 30 * 24 * 3600 * 1000;

/// Too many passwords are waiting to be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be hashed")]
pub struct Busy;

/// The system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("no random numbers: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

enum Job {
    Hash { password: Secret, answer: oneshot::Sender<String> },
    Verify { password: Secret, hash: Option<String>, answer: oneshot::Sender<bool> },
}

/// The door.
pub struct Auth {
    jobs: Sender<Job>,
    claims: Arc<Mutex<HashSet<String>>>,
}

/// A name that nobody else can register until this is dropped.
pub struct Claim {
    folded: String,
    claims: Arc<Mutex<HashSet<String>>>,
}

impl Auth {
    /// Starts the hashing threads. They end with the last handle.
    pub fn start(bcrypt_cost: u32) -> std::io::Result<Self> {
        let (jobs, waiting) = crossbeam_channel::bounded(WAITING);
        let nobodys_hash = Arc::<OnceLock<String>>::default();
        for _ in 0..THREADS {
            let (waiting, nobodys_hash) = (waiting.clone(), Arc::clone(&nobodys_hash));
            std::thread::Builder::new().name("hash".into()).spawn(move || work(&waiting, bcrypt_cost, &nobodys_hash))?;
        }
        Ok(Self { jobs, claims: Arc::default() })
    }

    /// The hash of a new password, which must be an acceptable one.
    pub async fn hash(&self, password: Secret) -> Result<String, Busy> {
        self.ask(|answer| Job::Hash { password, answer }).await
    }

    /// Whether the password belongs to the hash. Where there is none it does not, which takes as long to find out: how
    /// long somebody waits tells nothing of who is registered.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, Busy> {
        self.ask(|answer| Job::Verify { password, hash, answer }).await
    }

    /// Claims a name for a registration; `None` while somebody else is registering it.
    pub fn claim(&self, name: &Name) -> Option<Claim> {
        let folded = name.folded().to_owned();
        let is_mine = self.claims.lock().unwrap_or_else(PoisonError::into_inner).insert(folded.clone());
        is_mine.then(|| Claim { folded, claims: Arc::clone(&self.claims) })
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Busy> {
        let (answer, receiver) = oneshot::channel();
        self.jobs.try_send(job(answer)).map_err(|_| Busy)?;
        // A hash that fails, which the checks before it rule out, is told as busy too.
        receiver.await.map_err(|_| Busy)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.folded);
    }
}

fn work(waiting: &Receiver<Job>, bcrypt_cost: u32, nobodys_hash: &OnceLock<String>) {
    lower_priority();
    // Before it is needed, or the first name that nobody has would take twice as long.
    let nobodys_hash = nobodys_hash.get_or_init(|| bcrypt::hash("nobody's password", bcrypt_cost).unwrap_or_default());
    for job in waiting {
        // Whoever asked may be gone, here and below.
        match job {
            Job::Hash { answer, .. } if answer.is_closed() => (),
            Job::Verify { answer, .. } if answer.is_closed() => (),
            Job::Hash { password, answer } => match bcrypt::non_truncating_hash(password.expose(), bcrypt_cost) {
                Ok(hash) => _ = answer.send(hash),
                Err(error) => log::error!("cannot hash a password: {error}"),
            },
            Job::Verify { password, hash, answer } => {
                let is_somebodys = hash.is_some();
                let hash = hash.as_deref().unwrap_or(nobodys_hash);
                // An error is a password that is too long to have been registered.
                let is_right = bcrypt::non_truncating_verify(password.expose(), hash).unwrap_or(false);
                _ = answer.send(is_right && is_somebodys);
            }
        }
    }
}

/// A new token or ticket, 128 random bits in hexadecimal, and the hash that is kept of it.
pub fn new_token() -> Result<(String, TokenHash), NoRandomness> {
    let token = format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?);
    let hash = hash_token(&token);
    Ok((token, hash))
}

/// The hash under which a token or a ticket is kept. Its 128 random bits need no salt and no slow hash.
pub fn hash_token(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_are_checked_to_the_last_byte() {
        let auth = Auth::start(4).unwrap();
        let longest = "p".repeat(71);
        let hash = auth.hash(Secret::new(&longest)).await.unwrap();
        for (typed, want) in [(longest.clone(), true), (format!("{longest}x"), false), ("p".repeat(70), false)] {
            assert_eq!(auth.verify(Secret::new(&typed), None).await, Ok(false));
            assert_eq!(auth.verify(Secret::new(&typed), Some(hash.clone())).await, Ok(want));
        }
    }

    #[tokio::test]
    async fn a_rush_is_refused_at_once_instead_of_waiting() {
        let auth = Arc::new(Auth::start(6).unwrap());
        let asks: Vec<_> = (0..WAITING + THREADS + 20)
            .map(|_| {
                let auth = Arc::clone(&auth);
                tokio::spawn(async move { auth.hash(Secret::new("password")).await.is_ok() })
            })
            .collect();
        let mut refused = 0;
        for ask in asks {
            refused += usize::from(!ask.await.unwrap());
        }
        // On one runtime thread all ask before the first is hashed, but for those being hashed already.
        assert!((1..=20 + THREADS).contains(&refused), "{refused}");
    }

    #[test]
    fn a_name_is_claimed_once_at_a_time() {
        let auth = Auth::start(4).unwrap();
        let name = |word| Name::parse(word).unwrap();
        let claim = auth.claim(&name("Alice"));
        assert!(claim.is_some() && auth.claim(&name("alice")).is_none() && auth.claim(&name("bob")).is_some());
        drop(claim);
        assert!(auth.claim(&name("alice")).is_some());
    }

    #[test]
    fn tokens_differ_and_only_their_hash_is_kept() {
        let (one, hash) = new_token().unwrap();
        assert_eq!(one.len(), 32);
        assert_ne!(one, new_token().unwrap().0);
        assert_eq!(hash, hash_token(&one));
    }
}
