//! The sizes that `protocol.md` promises. Everything a peer can make long has its bound here.

/// The longest line after login, in bytes without its line end.
pub const LINE_BYTES: usize = 4096;
/// The longest line before login: a stranger needs no more than a name and a password.
pub const STRANGER_LINE_BYTES: usize = 512;
/// The longest JSON request after login; escapes may make six bytes of one.
pub const JSON_LINE_BYTES: usize = 16 * 1024;
/// The longest text of one message once a JSON request is decoded.
pub const TEXT_BYTES: usize = LINE_BYTES;
/// The longest `ref` of a request.
pub const REF_BYTES: usize = 64;
/// The longest new account name, in characters.
pub const NAME_CHARS: usize = 32;
/// The longest word by which an account is looked for, in bytes.
pub const NAME_BYTES_SOUGHT: usize = STRANGER_LINE_BYTES;
/// The most combining marks in a run. The tallest stack in real use, a Tibetan monogram, has eight.
pub const MARKS_IN_A_RUN: usize = 8;
/// The longest name of a shared file, in bytes: what most file systems take.
pub const FILE_NAME_BYTES: usize = 255;
/// Files that an account may share at once, whatever their size.
pub const FILES_AN_ACCOUNT: usize = 10_000;
/// Tickets of one account that may wait to be used; another one takes the place of the oldest.
pub const TICKETS_AN_ACCOUNT: usize = 64;
/// The shortest password that can be registered, in bytes.
pub const PASSWORD_MIN_BYTES: usize = 6;
/// The longest password that can be registered, in bytes: bcrypt reads 72, one of them its NUL.
pub const PASSWORD_MAX_BYTES: usize = 71;
/// Wrong passwords that one connection may send; the last one closes it.
pub const PASSWORD_TRIES: u32 = 3;
/// Names listed in the reply to a login.
pub const NAMES_AT_LOGIN: usize = 20;
/// Names on one page of `W`.
pub const NAMES_A_PAGE: usize = 100;
/// Lines of history when none are asked for, and the most a person gets at once.
pub const HISTORY_LINES: usize = 20;
/// Files on one page of the shelf.
pub const SHELF_LINES: usize = 20;
/// As [`SHELF_LINES`], for programs.
pub const SHELF_LINES_JSON: usize = 100;
/// The most lines of history a program gets at once.
pub const HISTORY_LINES_JSON: usize = 1000;
/// The most minutes that a game's clock begins with.
pub const CLOCK_MINUTES: u32 = 180;
/// The most seconds that a move adds to a game's clock.
pub const CLOCK_SECONDS: u32 = 180;
/// Games on one page of `N`.
pub const GAMES_A_PAGE: usize = 20;
/// As [`GAMES_A_PAGE`], for programs.
pub const GAMES_A_PAGE_JSON: usize = 100;
/// The best ratings that are listed of each game.
pub const RATINGS_LISTED: usize = 10;
/// Adjourned games that are told at a login; `N` lists all.
pub const ADJOURNED_AT_LOGIN: usize = 3;
/// The newest games that are listed of one account.
pub const GAMES_LISTED: usize = 10;
/// A page of history ends early once its texts exceed this, so that one reply stays small: it is the most that a peer
/// can have made for it and not take.
pub const HISTORY_PAGE_BYTES: usize = 256 << 10;

const _: () = assert!(STRANGER_LINE_BYTES < LINE_BYTES && LINE_BYTES < JSON_LINE_BYTES);
const _: () = assert!(HISTORY_LINES <= HISTORY_LINES_JSON);
