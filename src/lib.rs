//! Parlor: a chat room whose complete client is netcat.
//!
//! A room is a log; what people say is one event each in it, numbered from 1. An event goes out to
//! everyone as soon as it has its number, and the sender's `OK` follows when it is on disk.
//!
//! # Reading the code
//!
//! Start from the data: a [`protocol::request::Request`] comes in, an [`protocol::event::Event`] goes
//! out, and the [`room`] is what is between them. Then follow one line of talk:
//!
//! 1. [`net`] reads bytes; [`protocol::codec`] makes a line of them, or a fault, which is a value too;
//! 2. [`session`] lets [`protocol::parse`] read the line, checks that this session may ask it, and
//!    takes a slot in the store's queue;
//! 3. [`room`] gives it a number, encodes it once for each voice in use, appends it to the log and
//!    wakes who listens; their writers in [`net`] copy the bytes from the log to their sockets;
//! 4. [`store`] gets the record at the same time; its writer thread commits what has gathered as one
//!    transaction and publishes how far everything is durable;
//! 5. that releases the `OK` in the sender's [`session::outbox`].
//!
//! And one file:
//!
//! 1. `F` goes from the session to the actor of the [`files`], which gives a ticket;
//! 2. a new connection begins with that ticket; [`net`] takes the socket to the [`background`] threads,
//!    and puts its bytes block by block into an [`files::upload::Upload`], which writes and hashes them;
//! 3. once they are on disk under their hash, the actor posts an event to the [`room`], and the record
//!    of the file is committed with it; that releases the uploader's `OK`.
//!
//! And one move:
//!
//! 1. `M` goes from the session, with a slot for its record, to the actor of the [`games`], which lets the
//!    rules of the game judge it;
//! 2. the board goes out to players and watchers by the game's own log, which their writers read beside the
//!    room's; the record goes to the [`store`] at the same time;
//! 3. once that is durable, the mover's `OK` leaves the outbox. A result goes through the [`room`]: its event,
//!    the game's record and the ratings are one transaction.
//!
//! | part | holds | knows |
//! |---|---|---|
//! | [`protocol`] | requests, events, replies, voices, codec, limits: pure | nothing of ours |
//! | [`store`] | the queue, the writer thread, the reads, the schema: the only SQL | protocol |
//! | [`connections`] | who is connected, and the one way to end a connection from outside | protocol, store, guard's networks |
//! | [`room`] | the actor, the log with its cursors, who is here | protocol, store, connections |
//! | [`auth`] | the only bcrypt, tokens and tickets | protocol, store |
//! | [`files`] | the actor, the shelf, tickets, the files' directory | protocol, store, room, auth |
//! | [`games`] | the actor, tables, clocks, ratings, and the rules of each game | protocol, store, room |
//! | [`session`] | what one connection may ask, and its replies | the handles of the above |
//! | [`net`] | listener, TLS, reader, writer, transfers: the only sockets of clients | session, files, room's cursors |
//! | [`admin`] | the control socket, the operator's orders and the flags that give them | session's services |
//! | [`backup`] | the flags that copy, put back and examine a data directory, in a process of their own | store, files, admin |
//! | [`client`] | the library for the other side of the wire: no part of the daemon | nothing of ours |
//! | [`guard`] | budgets against floods and guesses, networks | protocol, store |
//! | [`background`] | the threads of low priority, for hashes and bytes | nothing of ours |
//! | [`metrics`] | what has happened since the start, as numbers | protocol |
//! | [`mailbox`] | how actors are told and asked | nothing of ours |
//! | [`panics`] | keeping a panic to what it happened to | nothing of ours |
//! | [`errors`] | which error is which refusal | protocol, store, auth |
//! | [`live`] | a value that is replaced whole while the daemon runs | nothing of ours |
//! | [`reload`] | what SIGHUP does to the settings | config, and the handles that have settings |
//! | [`server`] | wires the parts, starts and stops them | everything |
//!
//! # What must not happen
//!
//! - An `OK` for what is not durable; a number given to two events, across a crash too.
//! - A room that waits: not for the disk (the slot comes with the command), not for a member (each
//!   reads the log at its own pace), not for a session.
//! - A queue without a bound, or something dropped without the peer being told.
//! - A byte inside another line.
//! - A file's byte on a thread that carries talk; a name on the shelf without its bytes on disk.
//! - A seat with two takers, a game with two results; a move on a board that its rules did not allow.
//! - Nobody awaits backwards: session → files | games → room → store. The other way there are only wake-ups.
//! - A bug in one game or one transfer that ends another, or the room.
//! - A second way in: one place parses, one checks who may, one hashes, one words replies, one writes SQL.
//!
//! `tests/documents.rs` holds the rules of who may import whom.

pub mod admin;
pub mod auth;
pub mod background;
pub mod backup;
pub mod client;
pub mod clock;
pub mod config;
pub mod connections;
pub mod data_dir;
pub mod errors;
pub mod exit;
pub mod files;
pub mod games;
pub mod guard;
pub mod live;
pub mod logging;
pub mod mailbox;
pub mod metrics;
pub mod net;
pub mod panics;
pub mod protocol;
pub mod reload;
pub mod room;
pub mod server;
pub mod session;
pub mod store;
