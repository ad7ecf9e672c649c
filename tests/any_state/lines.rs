//! Lines to send in any state: requests as they should be, nearly as they should be, and bytes that are none.

use crate::harness::Dice;

/// What stands for a connection's names and numbers in the patterns below.
pub struct Scene {
    /// Its own name.
    pub own: String,
    /// Somebody else's.
    pub other: String,
    /// A game that was begun.
    pub game_id: u64,
}

/// Requests in any state. `~` is one's own name, `@@` somebody else's, `##` a game's number.
const ANY: [&str; 12] = ["K", "?", "? C", "? Q", "help", "V en", "V zh", "V json", "V fr", "V  JSON ", "K 1", "Y"];
const STRANGER: [&str; 14] = [
    "U ~",
    "U @@",
    "U nobody-yet",
    "U -x",
    "U a b",
    "P nobody-else secret-word",
    "P ~",
    "P ~ short",
    "I 0123456789abcdef",
    "I",
    "C - hello",
    "M h8",
    "W",
    "H 1 2 3",
];
const MEMBER: [&str; 58] = [
    "C - hello",
    "C - two  blanks ",
    "C ~ mine",
    "C @@ not mine",
    "C",
    "C -",
    "'said",
    "你好",
    "' ",
    "H",
    "H - - 5",
    "H 1 9 +3",
    "H x",
    "H 0 0 999999",
    "W",
    "W 2",
    "W 0",
    "U @@",
    "P ~ secret-word",
    "I x",
    "F - a.txt",
    "F - ../../etc/passwd",
    "F @@ b.txt",
    "F",
    "L - none.txt",
    "L",
    "S",
    "S 9",
    "X - a.txt",
    "X - none.txt",
    "T 3d8b1b7c23735981d05d3c210e8cee33 5",
    "T for two",
    "G - gomoku",
    "G - chess 5+3 @@@",
    "G - 0+0",
    "G - go",
    "G - -",
    "G - resume ##",
    "G",
    "D - @@",
    "D - nobody",
    "D",
    "M",
    "M h8",
    "M b2",
    "M a1 1",
    "M e4 1 ##",
    "M draw",
    "M undo",
    "M rematch",
    "M abort",
    "M claim",
    "N",
    "O ##",
    "O -",
    "R",
    "R -",
    "B ##",
];
/// The same as objects, without their refs.
const OBJECTS: [&str; 30] = [
    r#""do":"K""#,
    r#""do":"?""#,
    r#""do":"C","text":"hello""#,
    r#""do":"C","text":"two\nlines""#,
    r#""do":"C","name":"@@","text":"not mine""#,
    r#""do":"C","text":"\u001b[2J""#,
    r#""do":"C","text":7"#,
    r#""do":"C""#,
    r#""do":"H","left":1,"n":"+1000""#,
    r#""do":"H","left":{},"n":[]"#,
    r#""do":"W","page":1"#,
    r#""do":"W","page":1.5"#,
    r#""do":"F","file_name":"a.txt""#,
    r#""do":"F","file_name":"/etc/passwd""#,
    r#""do":"L","file_name":"none.txt""#,
    r#""do":"S""#,
    r#""do":"X","file_name":"a.txt""#,
    r#""do":"G","game":"tic-tac-toe","seat":"@@""#,
    r#""do":"G","game":"resume","game_id":##"#,
    r#""do":"G","game":"-""#,
    r#""do":"D","inviter":"@@""#,
    r#""do":"M","move":"b2""#,
    r#""do":"M","move":"a1","ply":1,"game_id":##"#,
    r#""do":"M""#,
    r#""do":"N","page":null"#,
    r#""do":"O","game_id":##"#,
    r#""do":"O","game_id":"-""#,
    r#""do":"R","name":"@@""#,
    r#""do":"B","game_id":##"#,
    r#""do":"Y","text":"\ud83d""#,
];

/// A line, without its line end, and what is known of it.
pub struct Sent {
    pub bytes: Vec<u8>,
    /// The `ref` that its reply has if it is in voice `json`; unknown where the line was spoilt.
    pub reference: Option<String>,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.bytes[..self.bytes.len().min(200)];
        write!(f, "{} bytes \"{}\" {:?}", self.bytes.len(), shown.escape_ascii(), self.reference)
    }
}

impl Sent {
    fn plain(line: impl Into<Vec<u8>>) -> Self {
        Self { bytes: line.into(), reference: None }
    }

    /// What of it is left to read: nothing of it is a request if this is empty.
    fn trimmed(&self) -> &[u8] {
        self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes).trim_ascii()
    }

    /// Whether it is answered, by who is in or not.
    pub fn is_answered(&self, is_in: bool) -> bool {
        let line = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        !is_in || line.iter().any(|byte| !b" \t".contains(byte))
    }

    /// Whether the state may be another one behind it.
    pub fn may_log_in(&self) -> bool {
        let start = self.trimmed().trim_ascii_start();
        start.first().is_some_and(|letter| b"pPiI{\xef".contains(letter))
    }

    /// Whether the connection may be over with its reply.
    pub fn may_end(&self) -> bool {
        self.trimmed().first().is_some_and(|letter| b"eEqQtTpPiI{\xef".contains(letter) || letter.is_ascii_uppercase())
    }
}

/// A line for who is in, or is not.
pub fn line(dice: &mut Dice, scene: &Scene, is_in: bool, is_json: bool, reference: &str) -> Sent {
    let mut sent = match dice.below(20) {
        0 => return garbage(dice),
        1 => return Sent::plain(["", " ", "\t \t"][dice.below(3) as usize]),
        2 => return long(dice),
        _ if is_json && dice.below(3) > 0 => {
            let body = filled(OBJECTS[dice.below(OBJECTS.len() as u64) as usize], scene);
            let line = format!("{{{body},\"ref\":\"{reference}\"}}");
            let is_object = serde_json::from_str::<serde_json::Value>(&line).is_ok();
            Sent { bytes: line.into_bytes(), reference: is_object.then(|| reference.to_owned()) }
        }
        3 | 4 => Sent::plain(ANY[dice.below(ANY.len() as u64) as usize]),
        // What belongs to the other state is refused.
        roll if is_in == (roll != 5) => Sent::plain(filled(MEMBER[dice.below(MEMBER.len() as u64) as usize], scene)),
        _ => Sent::plain(filled(STRANGER[dice.below(STRANGER.len() as u64) as usize], scene)),
    };
    if dice.below(4) == 0 {
        spoil(dice, &mut sent);
    }
    sent
}

fn filled(pattern: &str, scene: &Scene) -> String {
    pattern.replace("@@", &scene.other).replace('~', &scene.own).replace("##", &scene.game_id.to_string())
}

/// Changes some bytes: what comes of it is nearly a request.
fn spoil(dice: &mut Dice, sent: &mut Sent) {
    sent.reference = None;
    let bytes = &mut sent.bytes;
    for _ in 0..=dice.below(2) {
        let at = dice.below(bytes.len().max(1) as u64) as usize;
        match dice.below(6) {
            0 if !bytes.is_empty() => drop(bytes.remove(at)),
            1 if !bytes.is_empty() => bytes.insert(at, bytes[at]),
            2 if !bytes.is_empty() => bytes[at] = bytes[at].swap_bytes() ^ 0x20,
            3 => bytes.insert(at, b" \t'{\"\\,-0@#"[dice.below(11) as usize]),
            4 => bytes.extend_from_slice(b" more words"),
            _ => bytes.truncate(at + 1),
        }
    }
    bytes.retain(|&byte| byte != b'\n' && byte != 0xff);
}

fn garbage(dice: &mut Dice) -> Sent {
    let length = dice.below(40);
    let mut bytes: Vec<u8> = (0..length).map(|_| dice.below(255) as u8).collect();
    bytes.retain(|&byte| byte != b'\n');
    Sent::plain(bytes)
}

/// About a limit, or far over it.
fn long(dice: &mut Dice) -> Sent {
    let length = [510, 512, 513, 4096, 4097, 16_384, 16_385, 40_000][dice.below(8) as usize];
    let start: &[u8] = [&b"C - "[..], b"{\"do\":\"C\",\"text\":\"", b"x", b"H "][dice.below(4) as usize];
    let mut bytes = start.to_vec();
    bytes.resize(length, b'y');
    Sent::plain(bytes)
}
