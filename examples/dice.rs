//! A bot that rolls dice: `2d6` said by anybody is answered. Sixty lines on `parlor::client`; the same in
//! Python, with nothing but its standard library, is `dice.py`.
//!
//! ```sh
//! PARLOR_PASSWORD=correct-horse cargo run --example dice -- 127.0.0.1:7171 dice
//! ```

#![expect(clippy::print_stderr, reason = "an example says what it does where it runs")]

use std::env;

use parlor::client::{Client, Error, Event, Happening, Login, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let (Some(address), Some(name)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: PARLOR_PASSWORD=... dice HOST:PORT NAME");
        std::process::exit(2);
    };
    let password = env::var("PARLOR_PASSWORD").unwrap_or_default();
    let login = Login::Password { name: name.clone(), password, may_register: true };
    let (client, mut events, welcome) = Client::connect(Options::new(address, login)).await?;
    eprintln!("{} is here; say 2d6", welcome.name);
    while let Some(event) = events.next().await {
        match event {
            Event::Room(event) => {
                if let Happening::Chat { from, text } = event.what
                    && from != welcome.name
                    && let Some((count, sides)) = read(&text)
                {
                    // Said once, whatever the network does meanwhile.
                    client.say(&format!("{from}: {}", roll(count, sides))).await?;
                }
            }
            Event::Ended { reason } => eprintln!("over: {reason}"),
            _ => (),
        }
    }
    Ok(())
}

/// `2d6`: how many dice, with how many sides.
fn read(text: &str) -> Option<(u32, u32)> {
    let (count, sides) = text.trim().split_once('d')?;
    let (count, sides) = (count.parse().ok()?, sides.parse().ok()?);
    ((1..=20).contains(&count) && (2..=1000).contains(&sides)).then_some((count, sides))
}

fn roll(count: u32, sides: u32) -> String {
    let rolled: Vec<u32> = (0..count).map(|_| 1 + getrandom::u32().unwrap_or_default() % sides).collect();
    let shown: Vec<String> = rolled.iter().map(u32::to_string).collect();
    format!("{} = {}", shown.join(" + "), rolled.iter().sum::<u32>())
}
