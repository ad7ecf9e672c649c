//! Upload of one GiB, hashed and durable, beside socat, `sync` and `openssl`: the same sender.

use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::Instant;

use crate::harness::{Daemon, eventually};
use crate::rates::Series;
use crate::report::{ROUNDS, Row};
use crate::servers::{Socat, cpu_seconds, cpu_seconds_of_children, found, run};
use crate::transfer::{Content, Desk, FLAGS, begin_upload, finish_upload};

pub fn measure() -> Vec<Row> {
    let content = Content::new(2, 1024);
    let sha256 = content.sha256();
    let daemon = Daemon::start_with(FLAGS);
    let mut desk = Desk::open(daemon.address);
    let others = found("socat", "socat") & found("openssl", "openssl");
    if !others {
        return Vec::new();
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    let (mut ours, mut bare, mut whole) = (Series::default(), Series::default(), Series::default());
    for round in 0..=ROUNDS {
        let mut rest = [Series::default(), Series::default(), Series::default()];
        // The first round finds the disk's free space and is not counted.
        let [ours, bare, whole] = if round > 0 { [&mut ours, &mut bare, &mut whole] } else { rest.each_mut() };
        if round % 2 == 0 {
            parlor(&daemon, &mut desk, &content, &sha256, ours);
            socat(&file, &content, bare, whole);
        } else {
            socat(&file, &content, bare, whole);
            parlor(&daemon, &mut desk, &content, &sha256, ours);
        }
    }
    let what = "upload of 1 GiB, hashed, durable";
    vec![
        Row::of_rates(what, "socat, then sync, then openssl", &ours, &whole, 1.3),
        Row::of_rates(what, "bare socat: no hash, no sync", &ours, &bare, 0.6),
    ]
}

fn parlor(daemon: &Daemon, desk: &mut Desk, content: &Content, sha256: &str, series: &mut Series) {
    let ticket = desk.ticket("F", "file");
    let before = cpu_seconds(daemon.pid());
    let begin = Instant::now();
    let mut stream = begin_upload(daemon.address, &ticket, content.size, sha256);
    content.send(&mut stream);
    finish_upload(stream);
    series.add((begin.elapsed().as_secs_f64(), cpu_seconds(daemon.pid()) - before));
    // The next round is to write it again.
    desk.withdraw("file");
    eventually("the bytes are removed", || !daemon.data().join("files").join(sha256).exists());
    rustix::fs::sync();
}

fn socat(file: &Path, content: &Content, bare: &mut Series, whole: &mut Series) {
    let path = file.to_str().unwrap();
    let before = cpu_seconds_of_children();
    let socat = Socat::start(path);
    let begin = Instant::now();
    let mut stream = TcpStream::connect(socat.address).unwrap();
    content.send(&mut stream);
    stream.shutdown(Shutdown::Write).unwrap();
    socat.wait();
    bare.add((begin.elapsed().as_secs_f64(), cpu_seconds_of_children() - before));
    run("sync", &[path]);
    run("openssl", &["dgst", "-sha256", path]);
    whole.add((begin.elapsed().as_secs_f64(), cpu_seconds_of_children() - before));
    std::fs::remove_file(file).unwrap();
    rustix::fs::sync();
}
