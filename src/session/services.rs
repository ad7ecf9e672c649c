//! What sessions and transfers work with: handles on the parts of the daemon, and the terms that the operator may
//! change.

use std::time::Duration;

use crate::auth::Auth;
use crate::connections::Connections;
use crate::files::Files;
use crate::games::Games;
use crate::guard::Guard;
use crate::live::Live;
use crate::protocol::closing::Closing;
use crate::protocol::shell::Advertised;
use crate::protocol::tongue::Tongue;
use crate::room::Room;
use crate::store::queue::Queue;
use crate::store::read::Reader;

/// What every session and every transfer uses.
pub struct Services {
    /// Who is connected.
    pub connections: Connections,
    /// The room.
    pub room: Room,
    /// Where records are put.
    pub queue: Queue,
    /// Where questions are asked.
    pub reader: Reader,
    /// The door for passwords.
    pub auth: Auth,
    /// Who may ask how much.
    pub guard: Guard,
    /// What is shared.
    pub files: Files,
    /// What is played.
    pub games: Games,
    /// What sessions go by.
    pub terms: Live<Terms>,
}

/// What sessions go by, and the operator may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Where clients reach the daemon, if not at their connection's own address.
    pub advertised: Advertised,
    /// The tongue a connection is spoken to in until it chooses.
    pub tongue: Tongue,
    /// How long a connection may take to its first line.
    pub first_line_timeout: Duration,
    /// How long a connection may take to its login.
    pub login_timeout: Duration,
    /// How long a sender may go on waiting for the disk once the daemon stops.
    pub stop_patience: Duration,
}

impl Services {
    /// What those who are here when the daemon stops are told.
    pub fn why_it_stops(&self) -> Closing {
        if self.queue.is_dead() { Closing::StoreFailed } else { Closing::ShuttingDown }
    }
}
