//! Where settings come from: flags, then variables, then the file of `--config`, then defaults; and what has changed when
//! the file is read again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStr, Resettable};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use super::file::{FileError, is_setting, with_file};
use super::{Changeable, Config};

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The flags or variables are wrong, or ask for help.
    #[error(transparent)]
    Flags(#[from] clap::Error),
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The words that a setting was given, by its flag's name: empty where it has no value.
type Words = BTreeMap<String, Vec<OsString>>;

/// Settings, and what they were made of.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    arguments: Vec<OsString>,
    words: Words,
}

/// Which settings differ from others that were read later, by their flags' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that take effect while the daemon runs.
    pub now: Vec<String>,
    /// Those that take effect at its next start.
    pub at_start: Vec<String>,
}

impl Loaded {
    /// Reads the command line, the environment and the file that they name. The program's name is the first argument.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, LoadError> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let mut command = Config::command();
        let mut matches = command.clone().try_get_matches_from(&arguments)?;
        if let Some(path) = matches.get_one::<PathBuf>("config") {
            command = with_file(command, path)?;
            matches = command.clone().try_get_matches_from(&arguments)?;
        }
        let settings = command.get_arguments().filter(|flag| is_setting(flag));
        let words = settings.filter_map(|flag| {
            let given = matches.get_raw(flag.get_id().as_str()).into_iter().flatten();
            Some((flag.get_long()?.to_owned(), given.map(ToOwned::to_owned).collect()))
        });
        let words = words.collect();
        let config = Config::from_arg_matches(&matches)?;
        config.fits_together().map_err(|why| command.error(ErrorKind::ArgumentConflict, why))?;
        Ok(Self { config, arguments, words })
    }

    /// Reads all of it again.
    pub fn again(&self) -> Result<Self, LoadError> {
        Self::read(self.arguments.iter().cloned())
    }

    /// Whether there is a file to be read again.
    pub fn has_file(&self) -> bool {
        self.config.config.is_some()
    }

    /// What has changed since. A setting takes effect at once if [`Changeable`] differs by it alone.
    pub fn changes(&self, newer: &Self) -> Changes {
        let mut changes = Changes::default();
        let changeable = Changeable::from(&self.config);
        for (name, words) in newer.words.iter().filter(|(name, words)| self.words.get(*name) != Some(words)) {
            let mut with_it = self.words.clone();
            with_it.insert(name.clone(), words.clone());
            let is_live = config_of(&with_it).is_ok_and(|config| Changeable::from(&config) != changeable);
            if is_live { &mut changes.now } else { &mut changes.at_start }.push(name.clone());
        }
        changes
    }
}

/// The settings that such words give.
fn config_of(words: &Words) -> Result<Config, clap::Error> {
    let command = Config::command().mut_args(|flag| match flag.get_long().and_then(|name| words.get(name)) {
        Some(words) => flag.env(Resettable::Reset).default_values(words.iter().map(OsStr::from)),
        None => flag,
    });
    Config::from_arg_matches(&command.try_get_matches_from(["parlord"])?)
}
