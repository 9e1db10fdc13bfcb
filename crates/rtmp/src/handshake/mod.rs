//! What stands before the chunks (RTMP 1.0 §5.2).
//!
//! Each side sends a version byte and 1536 bytes, and returns the other's 1536. In the form that
//! Flash had, and that some servers ask for, both carry digests: [`digest`] has that.
//!
//! The random bytes are made of a seed of 32 that the caller draws. Times are left at 0, as many
//! peers do; nobody reads them.

pub mod digest;

use core::fmt;

use alloc::vec::Vec;

use livegate_core::error::{Code, Coded, Fault};

use digest::Side;

/// Bytes of C1, S1, C2 and S2.
pub const PACKET: usize = 1536;

/// What C1, S1, C2 and S2 are.
pub type Packet = [u8; PACKET];

/// What C0 and S0 say: 3 is plain RTMP.
const VERSION: u8 = 3;

/// Random bytes that a handshake is made of. They need not be secret.
pub type Seed = [u8; 32];

/// Which handshake a client begins. A server answers in the form that it is asked in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// With digests. Servers that do not know them take them for random bytes.
    #[default]
    Digest,
    /// Without.
    Simple,
}

/// Why there is no handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// `rtmp.handshake_version`: the first byte is not 3. It is 6 for encrypted RTMP, 22 for TLS, and
    /// a letter for HTTP.
    Version {
        /// What came.
        found: u8,
    },
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Version { found } = self;
        write!(f, "the handshake begins with {found}, it should be 3")
    }
}

impl core::error::Error for HandshakeError {}

impl Coded for HandshakeError {
    fn code(&self) -> Code {
        Code::new("rtmp.handshake_version")
    }

    fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// One side of a handshake.
#[derive(Clone)]
pub struct Handshake {
    role: Role,
    stage: Stage,
    /// What came of the packet that is due. Nothing is reserved before a byte comes.
    there: Vec<u8>,
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("stage", &self.stage).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
enum Role {
    Server { seed: Seed },
    Client { seed: Seed },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The version and the first packet: C0 and C1, or S0 and S1.
    First,
    /// The second packet: C2 or S2.
    Second,
    Done,
}

impl Handshake {
    /// A server's. It has nothing to say before the client has.
    pub const fn server(seed: Seed) -> Self {
        Self { role: Role::Server { seed }, stage: Stage::First, there: Vec::new() }
    }

    /// A client's, with C0 and C1 appended to `out`.
    pub fn client(seed: Seed, form: Form, out: &mut impl Extend<u8>) -> Self {
        let mut c1 = digest::random(&seed, 1);
        c1[..8].fill(0);
        if form == Form::Digest {
            digest::sign_first(&mut c1, Side::Client);
        }
        out.extend([VERSION]);
        out.extend(c1);
        Self { role: Role::Client { seed }, stage: Stage::First, there: Vec::new() }
    }

    /// Whether chunks follow.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Takes what belongs to the handshake from the beginning of `input`, and appends what is to be
    /// sent to `out`.
    pub fn read(
        &mut self,
        input: &mut &[u8],
        out: &mut impl Extend<u8>,
    ) -> Result<(), HandshakeError> {
        while self.stage != Stage::Done && !input.is_empty() {
            if self.stage == Stage::First && self.there.is_empty() {
                // Known at once, and said before anything is gathered.
                match input.first() {
                    Some(&VERSION) | None => {}
                    Some(&found) => return Err(HandshakeError::Version { found }),
                }
            }
            let wanted = if self.stage == Stage::First { 1 + PACKET } else { PACKET };
            let missing = wanted - self.there.len();
            let (taken, rest) = input.split_at(missing.min(input.len()));
            self.there.extend_from_slice(taken);
            *input = rest;
            if self.there.len() == wanted {
                self.go_on(out);
            }
        }
        Ok(())
    }

    /// What came is whole: the next stage.
    fn go_on(&mut self, out: &mut impl Extend<u8>) {
        let there = core::mem::take(&mut self.there);
        // What the peer returns is not compared: a wrong echo says that its writer was careless, and a
        // digest whose key everybody knows proves nothing.
        self.stage = match self.stage {
            Stage::First => Stage::Second,
            Stage::Second | Stage::Done => Stage::Done,
        };
        if self.stage == Stage::Second
            && let Some(first) = there.last_chunk::<PACKET>()
        {
            match &self.role {
                Role::Server { seed } => answer_client(seed, first, out),
                Role::Client { seed } => out.extend(second(seed, first, Side::Client)),
            }
        }
    }
}

/// S0, S1 and S2.
fn answer_client(seed: &Seed, c1: &Packet, out: &mut impl Extend<u8>) {
    let mut s1 = digest::random(seed, 1);
    s1[..8].fill(0);
    if let Some(found) = digest::find(c1, Side::Client) {
        digest::sign_first_as(&mut s1, Side::Server, found.scheme);
    }
    out.extend([VERSION]);
    out.extend(s1);
    out.extend(second(seed, c1, Side::Server));
}

/// C2 or S2: signed if the peer's packet is, or else the peer's packet itself. RTMP 1.0 §5.2.4 has
/// the time of its arrival in bytes 4 to 7; librtmp compares all of them with what it sent.
fn second(seed: &Seed, first: &Packet, side: Side) -> Packet {
    match digest::find(first, side.other()) {
        Some(found) => {
            let mut packet = digest::random(seed, 2);
            digest::sign_second(&mut packet, side, &found.digest);
            packet
        }
        None => *first,
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Handshake, HandshakeError, PACKET, Seed};
    use alloc::vec;
    use alloc::vec::Vec;
    use livegate_core::error::Coded;

    const SEED: Seed = [7; 32];

    /// Both ends joined, bytes passed in pieces of `step`.
    fn join(form: Form, step: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let mut client = Handshake::client([9; 32], form, &mut to_server);
        let mut server = Handshake::server(SEED);
        let (mut c, mut s) = (0, 0);
        while !(client.is_done() && server.is_done()) {
            let end = to_server.len().min(c + step);
            let mut input = &to_server[c..end];
            server.read(&mut input, &mut to_client).unwrap();
            c = end - input.len();
            let end = to_client.len().min(s + step);
            let mut input = &to_client[s..end];
            client.read(&mut input, &mut to_server).unwrap();
            s = end - input.len();
        }
        (to_server, to_client)
    }

    #[test]
    fn both_ends_agree_however_bytes_are_cut() {
        for form in [Form::Simple, Form::Digest] {
            let whole = join(form, usize::MAX / 2);
            assert_eq!((whole.0.len(), whole.1.len()), (1 + 2 * PACKET, 1 + 2 * PACKET));
            assert_eq!(join(form, 1), whole);
            assert_eq!(join(form, 1000), whole);
        }
    }

    #[test]
    fn a_simple_client_gets_its_bytes_back() {
        let (to_server, to_client) = join(Form::Simple, 4096);
        let (c1, c2) = (&to_server[1..=PACKET], &to_server[1 + PACKET..]);
        let (s1, s2) = (&to_client[1..=PACKET], &to_client[1 + PACKET..]);
        assert_eq!((c1, s1), (s2, c2));
        assert_eq!(c1[..8], [0; 8]);
        assert_eq!(s1[..8], [0; 8]);
        assert_ne!(c1[8..], s1[8..]);
    }

    #[test]
    fn what_is_no_rtmp_is_known_by_its_first_byte() {
        for found in [0_u8, 6, 22, b'G'] {
            let mut out = Vec::new();
            let mut input: &[u8] = &[found];
            let error = Handshake::server(SEED).read(&mut input, &mut out).unwrap_err();
            assert_eq!(error, HandshakeError::Version { found });
            assert_eq!(error.code().as_str(), "rtmp.handshake_version");
            assert!(out.is_empty());
            let mut input: &[u8] = &[found];
            let mut client = Handshake::client(SEED, Form::Simple, &mut out);
            assert!(client.read(&mut input, &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn takes_nothing_that_follows() {
        let mut server = Handshake::server(SEED);
        let mut bytes = vec![3];
        bytes.extend([0; 2 * PACKET]);
        bytes.extend(b"chunks");
        let mut input = &bytes[..];
        server.read(&mut input, &mut Vec::new()).unwrap();
        assert!(server.is_done());
        assert_eq!(input, b"chunks");
    }
}
