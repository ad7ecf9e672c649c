//! History backwards, who is here, the shelf.

use parlor::client::Happening;
use tokio::runtime::Runtime;

use super::{enter, options};
use crate::harness::{Client as Raw, Daemon};

#[test]
fn history_is_read_backwards_to_its_beginning() {
    let daemon = Daemon::start();
    Runtime::new().unwrap().block_on(async {
        let (alice, _events) = enter(&options(daemon.address, "alice")).await;
        for number in 0..5 {
            alice.say(&format!("message {number}")).await.unwrap();
        }
        let (all, has_older) = alice.history_before(None, 100).await.unwrap();
        assert!(!has_older);
        // Long pages end early: all of it comes nevertheless.
        let long = "x".repeat(4000);
        for _ in 0..300 {
            alice.say(&long).await.unwrap();
        }
        let (longs, has_older) = alice.history_before(None, 300).await.unwrap();
        assert!(has_older && longs.len() == 300 && longs.is_sorted_by_key(|event| event.seq));
        let mut backwards = Vec::new();
        let (mut before, mut has_older) = (Some(longs[0].seq), true);
        while has_older {
            let (mut older, more) = alice.history_before(before, 2).await.unwrap();
            assert!(older.len() <= 2 && older.is_sorted_by_key(|event| event.seq));
            (before, has_older) = (older.first().map(|event| event.seq), more);
            older.append(&mut backwards);
            backwards = older;
        }
        assert_eq!(backwards, all);
        assert!(all.iter().any(|event| event.what == Happening::Started));
        assert_eq!(all.last().unwrap().fields["text"], "message 4");
        assert_eq!(alice.history_before(Some(1), 10).await.unwrap(), (vec![], false));
    });
}

#[test]
fn all_pages_of_members_and_of_the_shelf_are_read() {
    let daemon = Daemon::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small");
    std::fs::write(&path, "small").unwrap();
    Runtime::new().unwrap().block_on(async {
        let (alice, mut events) = enter(&options(daemon.address, "alice")).await;
        tokio::spawn(async move { while events.next().await.is_some() {} });
        let others: Vec<Raw> = (0..100).map(|number| Raw::enter(&daemon, &format!("m{number:03}"))).collect();
        let members = alice.members().await.unwrap();
        assert_eq!((members.len(), members[0].as_str(), members[100].as_str()), (1 + others.len(), "alice", "m099"));
        for number in 0..101 {
            alice.upload(&path, &format!("file {number}"), |_| ()).await.unwrap();
        }
        let shelf = alice.shelf().await.unwrap();
        let names: Vec<&str> = shelf.iter().map(|file| file.file_name.as_str()).collect();
        let newest_first: Vec<String> = (0..101).rev().map(|number| format!("file {number}")).collect();
        assert_eq!(names, newest_first);
        assert!(shelf.iter().all(|file| file.from == "alice" && file.size_bytes == 5 && file.sha256.len() == 64));
    });
}
