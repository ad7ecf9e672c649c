//! Keeping a panic, which is a bug, to the one thing that it happened to.
//!
//! Whoever contains one must throw away what was being changed when it came: it may be half changed. What panicked
//! has been said on standard error by then.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;

/// That something has panicked.
pub struct Panicked(Box<dyn Any + Send>);

impl Panicked {
    /// Lets it go on, where there is nothing that could be thrown away.
    pub fn resume(self) -> ! {
        resume_unwind(self.0)
    }
}

/// Does some work, and tells if it panicked. What it held is dropped then, as at its end.
pub async fn contained<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    poll_fn(|context| {
        // Safe to look at afterwards is only what the caller does not throw away: that is the caller's promise.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Err(payload) => Poll::Ready(Err(Panicked(payload))),
        }
    })
    .await
}

/// The same for work that waits for nothing.
pub fn contained_now<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // As above.
    catch_unwind(AssertUnwindSafe(work)).map_err(Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_panicked_is_told_and_what_it_held_is_dropped() {
        let held = std::sync::Arc::new(());
        let inside = std::sync::Arc::clone(&held);
        let work = async move {
            tokio::task::yield_now().await;
            assert!(std::sync::Arc::strong_count(&inside) == 7, "a bug");
        };
        assert!(contained(work).await.is_err());
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
        assert_eq!(contained(async { 7 }).await.ok(), Some(7));
        assert!(contained_now(|| panic!("a bug")).is_err());
    }
}
