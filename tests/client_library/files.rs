//! Files over networks that cut, beside what was there before, from servers that say no.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use parlor::client::Error;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::scripted::server;
use super::{enter, options};
use crate::harness::{Daemon, Proxy, noise};

#[test]
fn files_go_up_and_come_down_whole_over_a_network_that_cuts_them() {
    let daemon = Daemon::start();
    let proxy = Proxy::start(daemon.address, 200_000..600_000);
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("noise.bin"), folder.path().join("copy.bin"));
    std::fs::write(&path, noise(7, 1_500_000)).unwrap();
    Runtime::new().unwrap().block_on(async {
        let (alice, mut events) = enter(&options(proxy.address, "alice")).await;
        tokio::spawn(async move { while events.next().await.is_some() {} });
        let mut up = Vec::new();
        alice.upload(&path, "noise.bin", |progress| up.push(progress.done_bytes)).await.unwrap();
        let mut down = Vec::new();
        alice.download("noise.bin", &copy, |progress| down.push(progress.done_bytes)).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&copy).unwrap());
        assert_eq!((up.last(), down.last()), (Some(&1_500_000), Some(&1_500_000)));
        assert!(proxy.cuts() >= 2, "{}", proxy.cuts());
        assert!(!folder.path().join("copy.bin.part").exists());
    });
}

#[test]
fn what_lies_at_the_place_of_a_download_is_another_file_or_a_part_and_is_replaced() {
    let daemon = Daemon::start();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("original"), noise(3, 300_000)).unwrap();
    Runtime::new().unwrap().block_on(async {
        let (alice, _events) = enter(&options(daemon.address, "alice")).await;
        assert!(matches!(alice.upload(folder.path(), "folder", |_| ()).await, Err(Error::Io(_))));
        alice.upload(&at("original"), "noise", |_| ()).await.unwrap();
        assert_eq!(alice.upload(&at("original"), "noise", |_| ()).await.unwrap_err().code(), Some("file-exists"));
        let is_whole = || std::fs::read(at("copy")).unwrap() == noise(3, 300_000) && !at("copy.part").exists();
        // A part, a part that is too long, parts of another file.
        let parts = [noise(3, 300_000)[..100_000].to_vec(), noise(4, 400_000), noise(4, 100_000), noise(4, 300_000)];
        for part in parts {
            std::fs::write(at("copy"), "old").unwrap();
            std::fs::write(at("copy.part"), part).unwrap();
            alice.download("noise", &at("copy"), |_| ()).await.unwrap();
            assert!(is_whole());
        }
        // Another one is fetching to that place.
        let other = std::fs::File::create(at("copy.part")).unwrap();
        other.lock().unwrap();
        let busy = alice.download("noise", &at("copy"), |_| ()).await;
        assert!(matches!(busy, Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::ResourceBusy));
        drop(other);
        alice.download("noise", &at("copy"), |_| ()).await.unwrap();
        assert!(is_whole());
        assert!(matches!(alice.download("noise", folder.path(), |_| ()).await, Err(Error::Io(_))));
        assert_eq!(alice.download("nothing", &at("nothing"), |_| ()).await.unwrap_err().code(), Some("no-such-file"));
        assert!(!at("nothing.part").exists());
        std::fs::write(at("empty"), "").unwrap();
        alice.upload(&at("empty"), "empty", |_| ()).await.unwrap();
        alice.download("empty", &at("empty copy"), |_| ()).await.unwrap();
        assert_eq!(std::fs::read(at("empty copy")).unwrap(), b"");
    });
}

/// A server that shares one file, and answers the attempts to fetch it by these bytes, each whole.
fn sharing(whole: Vec<u8>, answers: Vec<Vec<u8>>) -> std::net::SocketAddr {
    let sha256: String = Sha256::digest(&whole).iter().map(|byte| format!("{byte:02x}")).collect();
    let attempts = AtomicUsize::new(0);
    server(move |number, talk| {
        if number > 0 {
            let first_line = talk.request().unwrap()["line"].as_str().unwrap().to_owned();
            assert!(first_line.starts_with("T secret "), "{first_line}");
            return talk.write(&answers[attempts.fetch_add(1, Ordering::Relaxed)]);
        }
        talk.log_in(1);
        while let Some(request) = talk.request() {
            talk.grant(&request, json!({ "ticket": "secret", "size_bytes": whole.len(), "sha256": sha256 }));
        }
    })
}

async fn fetch(whole: Vec<u8>, answers: Vec<Vec<u8>>, to: &Path) -> Result<(), Error> {
    let (alice, _events) = enter(&options(sharing(whole, answers), "alice")).await;
    alice.download("file", to, |_| ()).await
}

#[test]
fn a_refusal_in_place_of_a_file_is_never_a_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("file");
    let whole = noise(5, 5000);
    let line = |line: &str| line.as_bytes().to_vec();
    Runtime::new().unwrap().block_on(async {
        let answers = vec![
            line("ERR busy try again in a few seconds\n"),
            whole[..2000].to_vec(),
            line("ERR bu"),
            line("Closing (full): too many are here\n"),
            whole[2000..].to_vec(),
        ];
        fetch(whole.clone(), answers, &to).await.unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), whole);
        // Longer than the file.
        let answers = vec![line("ERR bad-ticket it is too old\n"), line("tiny")];
        fetch(line("tiny"), answers, &to).await.unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), b"tiny");
        // A file may say the same.
        let refusal = line("ERR busy try again in a few seconds\n");
        fetch(refusal.clone(), vec![refusal.clone()], &to).await.unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), refusal);
        let refused = fetch(whole.clone(), vec![line("ERR quota no\n")], &to).await;
        assert_eq!(refused.unwrap_err().code(), Some("quota"));
        assert!(matches!(fetch(line("true"), vec![line("lies")], &to).await, Err(Error::HashMismatch)));
        assert!(matches!(fetch(line("true"), vec![noise(1, 50_000)], &to).await, Err(Error::HashMismatch)));
        assert_eq!(std::fs::read(&to).unwrap(), refusal);
    });
}
