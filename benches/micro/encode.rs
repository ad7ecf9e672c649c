//! An event becomes a line in each voice.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use parlor::protocol::event::{Deed, Event};
use parlor::protocol::name::Name;
use parlor::protocol::text::Text;
use parlor::protocol::tongue::Tongue;
use parlor::protocol::voice::Voice;

use crate::TEXT;

#[divan::bench]
fn chat_en(bencher: Bencher<'_, '_>) {
    encoding(bencher, Tongue::En);
}

#[divan::bench]
fn chat_zh(bencher: Bencher<'_, '_>) {
    encoding(bencher, Tongue::Zh);
}

#[divan::bench]
fn chat_json(bencher: Bencher<'_, '_>) {
    encoding(bencher, Tongue::Json);
}

/// As the room does it: behind what the batch has so far, into memory that is there already.
fn encoding(bencher: Bencher<'_, '_>, tongue: Tongue) {
    let (voice, event) = (Voice::new(tongue), said(1_234_567));
    let mut line = String::new();
    voice.event("lobby", &event, &mut line);
    bencher.counter(BytesCount::of_str(&line)).counter(ItemsCount::new(1_usize)).bench_local(|| {
        line.clear();
        voice.event("lobby", black_box(&event), &mut line);
        black_box(&line);
    });
}

/// An event of talk.
pub fn said(seq: u64) -> Event {
    let (from, text) = (Name::parse("alice").unwrap(), Text::parse(TEXT).unwrap());
    Event { seq, at_ms: 1_795_142_340_123, deed: Deed::Chat { from, text, reference: None } }
}
