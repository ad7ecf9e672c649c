//! Bytes become lines, and lines requests.

use bytes::BytesMut;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use parlor::protocol::codec::LineCodec;
use parlor::protocol::parse::parse;
use parlor::protocol::request::Manner;
use parlor::protocol::tongue::Tongue;
use tokio_util::codec::Decoder;

use crate::TEXT;

/// What a socket has had to give when much is said at once.
const CHUNK_BYTES: usize = 16 << 10;

const PERSON: Manner = Manner { logged_in: true, tongue: Tongue::En, is_first: false };
const PROGRAM: Manner = Manner { logged_in: true, tongue: Tongue::Json, is_first: false };

fn plain() -> String {
    format!("C - {TEXT}")
}

fn json() -> String {
    format!(r#"{{"do":"C","text":"{TEXT}","ref":"r-1234567"}}"#)
}

/// The lines of a chunk, without the reading of each.
#[divan::bench]
fn codec_16_kib(bencher: Bencher<'_, '_>) {
    let line = plain() + "\n";
    let chunk = line.repeat(CHUNK_BYTES / line.len());
    let mut codec = LineCodec::new();
    codec.set_manner(PERSON);
    bencher
        .counter(BytesCount::of_str(&chunk))
        .counter(ItemsCount::new(chunk.len() / line.len()))
        .with_inputs(|| BytesMut::from(chunk.as_bytes()))
        .bench_local_refs(|buffer| {
            while let Some(input) = codec.decode(buffer).unwrap() {
                black_box(input);
            }
        });
}

#[divan::bench(sample_size = 64)]
fn parse_plain(bencher: Bencher<'_, '_>) {
    parsing(bencher, &plain(), PERSON);
}

#[divan::bench(sample_size = 64)]
fn parse_plain_zh(bencher: Bencher<'_, '_>) {
    parsing(bencher, "C - 听说要知道慢在哪里最好的办法就是去看一看吧", PERSON);
}

/// With a ref.
#[divan::bench(sample_size = 64)]
fn parse_json(bencher: Bencher<'_, '_>) {
    parsing(bencher, &json(), PROGRAM);
}

fn parsing(bencher: Bencher<'_, '_>, line: &str, manner: Manner) {
    let counted = bencher.counter(BytesCount::of_str(line)).counter(ItemsCount::new(1_usize));
    counted.bench_local(|| parse(black_box(line), manner).unwrap());
}
