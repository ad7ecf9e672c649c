//! The command line: which daemon, how to report, and one scene or a sweep of several.

use clap::Parser;

use super::failure::{CODES, Failure};
use super::scene::Scene;

/// Parlor's load generator
///
/// It drives a running daemon and tells how fast it is, how late its messages come, what it uses, and whether
/// anything was lost, doubled or out of order. As fast as it goes by default; --rate-per-s speaks at a steady rate
/// and measures latency from when a message was meant to be sent, so that no stall is hidden. It registers
/// accounts and speaks in the room: give it a daemon of its own, with --bcrypt-cost 4 if many are to log in. On
/// the daemon's machine it takes a core from it.
#[derive(Clone, Debug, Parser)]
#[command(name = "load", version, max_term_width = 110, after_help = CODES)]
pub(crate) struct Arguments {
    /// Where parlord listens
    #[arg(value_name = "HOST:PORT", env = "PARLOR_ADDRESS", default_value = "127.0.0.1:7171")]
    pub(crate) address: String,

    /// One JSON object instead of a table; of a sweep an array of them
    #[arg(long)]
    pub(crate) json: bool,

    /// A sweep begins with so many receivers
    #[arg(long, value_name = "N", requires = "to_receivers", conflicts_with_all = ["receivers", "from_senders"])]
    from_receivers: Option<usize>,

    /// … and ends with so many
    #[arg(long, value_name = "N", requires = "from_receivers")]
    to_receivers: Option<usize>,

    /// A sweep begins with so many senders
    #[arg(long, value_name = "N", requires = "to_senders", conflicts_with = "senders")]
    from_senders: Option<usize>,

    /// … and ends with so many
    #[arg(long, value_name = "N", requires = "from_senders")]
    to_senders: Option<usize>,

    /// Runs of a sweep, each by the same factor larger than the one before
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=100))]
    steps: u32,

    #[command(flatten)]
    scene: Scene,
}

impl Arguments {
    /// Those that the program was started with; ends it if they are wrong or ask for help.
    pub(crate) fn read() -> Self {
        Self::parse()
    }

    pub(crate) fn is_sweep(&self) -> bool {
        self.from_receivers.is_some() || self.from_senders.is_some()
    }

    /// What to run, in this order; at least one.
    pub(crate) fn scenes(&self) -> Result<Vec<Scene>, Failure> {
        // Checked first, so that all runs of a sweep share their accounts.
        let scene = self.scene.clone().checked()?;
        let receivers = self.from_receivers.zip(self.to_receivers);
        let Some((from, to)) = receivers.or(self.from_senders.zip(self.to_senders)) else { return Ok(vec![scene]) };
        if from == 0 || to < from {
            return Err(Failure::Usage(format!("a sweep goes up, from 1 or more: not from {from} to {to}")));
        }
        let scenes = steps(from, to, self.steps).into_iter().map(|count| match receivers {
            Some(_) => Scene { receivers: count, ..scene.clone() },
            None => Scene { senders: count, ..scene.clone() },
        });
        scenes.map(Scene::checked).collect()
    }
}

/// Numbers from one to another that grow by the same factor, as far as whole numbers can; each once.
fn steps(from: usize, to: usize, count: u32) -> Vec<usize> {
    let factor = (to as f64 / from as f64).powf(1.0 / f64::from(count - 1));
    let mut steps: Vec<usize> = (0..count).map(|step| (from as f64 * factor.powi(step as i32)).round() as usize).collect();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn scenes_of(line: &[&str]) -> Result<Vec<Scene>, Failure> {
        Arguments::try_parse_from([&["load"], line].concat()).unwrap().scenes()
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_sweep_grows_by_the_same_factor() {
        assert_eq!(steps(1, 10_000, 9), [1, 3, 10, 32, 100, 316, 1000, 3162, 10_000]);
        assert_eq!(steps(1, 3, 9), [1, 2, 3]);
        assert_eq!(steps(5, 5, 2), [5]);
        let senders: Vec<_> = scenes_of(&["--from-senders", "1", "--to-senders", "100", "--steps", "3"]).unwrap();
        assert_eq!(
            senders.iter().map(|scene| (scene.senders, scene.receivers)).collect::<Vec<_>>(),
            [(1, 100), (10, 100), (100, 100)]
        );
        assert!(senders.iter().all(|scene| scene.run == senders[0].run));
    }

    #[test]
    fn what_would_never_go_on_is_no_scene() {
        for line in [
            &["--receivers", "0"][..],
            &["--seconds", "0"],
            &["--idle", "5"],
            &["--from-receivers", "0", "--to-receivers", "10"],
            &["--from-receivers", "9", "--to-receivers", "3"],
        ] {
            assert!(matches!(scenes_of(line), Err(Failure::Usage(_))), "{line:?}");
        }
        for line in [&["--receivers", "0", "--senders", "0"][..], &["--receivers", "0", "--pipeline", "8"]] {
            assert!(scenes_of(line).is_ok(), "{line:?}");
        }
    }
}
