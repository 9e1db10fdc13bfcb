//! WebSocket-FLV: the bytes of an FLV stream as binary messages (RFC 6455). Frames are put before
//! shared bytes, so nothing is copied; of what a viewer sends only what keeps or ends the connection
//! counts.

use std::future::poll_fn;
use std::io::{self, Cursor};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

use super::playing::Playing;
use crate::http::pieces::Pieces;

/// The longest payload of a viewer's frame: a control frame's (§5.5), with room for players that say
/// a few words.
const MOST: u64 = 4 * 1024;

/// How often a viewer is asked whether it is there.
const PING: Duration = Duration::from_secs(20);

/// How long a viewer may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Sends a stream until it ends or the viewer goes.
pub(super) async fn run<S>(mut socket: S, early: Bytes, mut playing: Playing) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut inbox = BytesMut::from(early);
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    let code = loop {
        tokio::select! {
            next = poll_fn(|cx| playing.poll_next(cx)) => match next {
                Some(bytes) => send(&mut socket, OpCode::Data(Data::Binary), bytes).await?,
                None => break CloseCode::Normal,
            },
            read = socket.read_buf(&mut inbox) => {
                if read? == 0 {
                    return Ok(());
                }
            }
            _ = pings.tick() => {
                send(&mut socket, OpCode::Control(Control::Ping), Pieces::default()).await?;
            }
        }
        match answer(&mut inbox, &mut socket).await? {
            None => {}
            Some(code) => break code,
        }
    };
    let code = Bytes::copy_from_slice(&u16::from(code).to_be_bytes());
    send(&mut socket, OpCode::Control(Control::Close), code.into()).await?;
    socket.shutdown().await?;
    // What it still sends is read, so that the last frames are not lost to a reset.
    let mut nowhere = tokio::io::sink();
    let rest = tokio::io::copy(&mut socket, &mut nowhere);
    timeout(GOODBYE, rest).await.map_or(Ok(()), |rest| rest.map(drop))
}

/// Answers the frames that are there; with what the connection is to be closed, if it is.
async fn answer<S>(inbox: &mut BytesMut, socket: &mut S) -> io::Result<Option<CloseCode>>
where
    S: AsyncWrite + Unpin,
{
    loop {
        match take(inbox) {
            Err(code) => return Ok(Some(code)),
            Ok(None) => return Ok(None),
            Ok(Some((OpCode::Control(Control::Close), _))) => return Ok(Some(CloseCode::Normal)),
            Ok(Some((OpCode::Control(Control::Ping), payload))) => {
                send(socket, OpCode::Control(Control::Pong), payload.into()).await?;
            }
            // Words of a player's own are passed over.
            Ok(Some(_)) => {}
        }
    }
}

/// Takes a frame off the front.
///
/// # Errors
/// With what the connection is to be closed.
fn take(inbox: &mut BytesMut) -> Result<Option<(OpCode, Bytes)>, CloseCode> {
    let mut cursor = Cursor::new(&inbox[..]);
    let header = FrameHeader::parse(&mut cursor).map_err(|_| CloseCode::Protocol)?;
    let Some((header, length)) = header else { return Ok(None) };
    let at = usize::try_from(cursor.position()).map_err(|_| CloseCode::Protocol)?;
    // §5.1: a client's frames are masked; §5.5: control frames are short and whole.
    let Some(mask) = header.mask else { return Err(CloseCode::Protocol) };
    let is_control = matches!(header.opcode, OpCode::Control(_));
    if header.rsv1
        || header.rsv2
        || header.rsv3
        || (is_control && (length > 125 || !header.is_final))
    {
        return Err(CloseCode::Protocol);
    }
    let Some(length) = usize::try_from(length).ok().filter(|_| length <= MOST) else {
        return Err(CloseCode::Size);
    };
    if inbox.len() < at + length {
        return Ok(None);
    }
    inbox.advance(at);
    let mut payload = inbox.split_to(length);
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok(Some((header.opcode, payload.freeze())))
}

async fn send<S>(socket: &mut S, opcode: OpCode, mut payload: Pieces) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    let mut bytes = Vec::with_capacity(10);
    header.format(payload.len() as u64, &mut bytes).map_err(io::Error::other)?;
    payload.push_front(bytes.into());
    socket.write_all_buf(&mut payload).await?;
    socket.flush().await
}

#[cfg(test)]
mod tests {
    use super::take;
    use bytes::BytesMut;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{
        CloseCode, Control, Data, OpCode,
    };

    fn taken(bytes: &[u8]) -> Result<Option<(OpCode, Vec<u8>)>, CloseCode> {
        let mut inbox = BytesMut::from(bytes);
        take(&mut inbox).map(|frame| frame.map(|(opcode, payload)| (opcode, payload.to_vec())))
    }

    /// RFC 6455 §5.7: a masked "Hello", here as text and as ping.
    const HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

    #[test]
    fn reads_the_frames_of_the_standard() {
        let hello = b"Hello".to_vec();
        assert_eq!(taken(&HELLO), Ok(Some((OpCode::Data(Data::Text), hello.clone()))));
        let mut ping = HELLO;
        ping[0] = 0x89;
        assert_eq!(taken(&ping), Ok(Some((OpCode::Control(Control::Ping), hello))));
        for cut in 0..HELLO.len() {
            assert_eq!(taken(&HELLO[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn closes_what_is_no_clients_frame() {
        // §5.7: "Hello" without a mask, as a server sends it.
        assert_eq!(taken(&[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]), Err(CloseCode::Protocol));
        for (bytes, code) in [
            (&[0xC1, 0x80, 0, 0, 0, 0][..], CloseCode::Protocol), // a reserved bit
            (&[0x83, 0x80, 0, 0, 0, 0], CloseCode::Protocol),     // a reserved opcode
            (&[0x09, 0x80, 0, 0, 0, 0], CloseCode::Protocol),     // a ping in pieces
            (&[0x89, 0xFE, 0, 126, 0, 0, 0, 0], CloseCode::Protocol), // a long ping
            (&[0x82, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0], CloseCode::Size),
            (&[0x82, 0xFF, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0], CloseCode::Size),
        ] {
            assert_eq!(taken(bytes), Err(code), "{bytes:?}");
        }
    }
}
