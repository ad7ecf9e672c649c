//! Logging: `log` to standard error, level `info` unless `PARLOR_LOG` says otherwise.
//!
//! Nothing a stranger can cause at will is logged above `debug`, no password is logged at all, and
//! control characters are escaped, whoever they came from.

use std::io::Write;

use env_logger::Env;

/// Starts it.
pub fn start() {
    env_logger::Builder::from_env(Env::new().filter_or("PARLOR_LOG", "info"))
        .format(|out, record| {
            let level_style = out.default_level_style(record.level());
            let level = record.level();
            writeln!(
                out,
                "{} {level_style}{level}{level_style:#} {}",
                out.timestamp_seconds(),
                escaped(&record.args().to_string())
            )
        })
        .init();
}

fn escaped(message: &str) -> String {
    message.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(super::escaped("a\u{1b}[31m\nb 你"), "a\\u{1b}[31m\\nb 你");
    }
}
