//! `scuffle-rtmp`'s server: our client publishes to it, chunked once.

use std::sync::{Arc, Mutex};

use livegate_rtmp::chunk::shared::Shared;
use livegate_rtmp::handshake::Form;
use livegate_rtmp::message::{Kind, Message};
use livegate_rtmp::session::client::{Client, Purpose, Settings};
use scuffle_rtmp::session::server::{
    ServerSession, ServerSessionError, SessionData, SessionHandler,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Frame = (u8, u32, Vec<u8>);

#[derive(Clone, Default)]
struct Handler {
    log: Arc<Mutex<Vec<String>>>,
    frames: Arc<Mutex<Vec<Frame>>>,
}

impl SessionHandler for Handler {
    async fn on_publish(
        &mut self,
        id: u32,
        app: &str,
        name: &str,
    ) -> Result<(), ServerSessionError> {
        self.log.lock().unwrap().push(format!("publish {id} {app} {name}"));
        Ok(())
    }

    async fn on_unpublish(&mut self, id: u32) -> Result<(), ServerSessionError> {
        self.log.lock().unwrap().push(format!("ended {id}"));
        Ok(())
    }

    async fn on_data(&mut self, _: u32, data: SessionData) -> Result<(), ServerSessionError> {
        let frame = match data {
            SessionData::Video { timestamp, data } => (9, timestamp, data.to_vec()),
            SessionData::Audio { timestamp, data } => (8, timestamp, data.to_vec()),
            SessionData::Amf0 { timestamp, data } => (18, timestamp, data.to_vec()),
        };
        self.frames.lock().unwrap().push(frame);
        Ok(())
    }
}

/// Enhanced RTMP among it: `hvc1`, whose bytes mean nothing to the server.
fn messages() -> Vec<Message> {
    let metadata = b"\x02\0\x0D@setDataFrame\x02\0\x0AonMetaData\x08\0\0\0\x01\0\x05width\0\x40\x94\0\0\0\0\0\0\0\0\x09";
    let frame = |header: &[u8], len: usize| [header, &vec![0x5A; len]].concat();
    let message = |kind, timestamp, payload: Vec<u8>| Message {
        kind: Kind(kind),
        timestamp,
        stream: 0,
        payload: payload.into(),
    };
    vec![
        message(18, 0, metadata.to_vec()),
        message(9, 0, frame(b"\x90hvc1", 90)),
        message(8, 0, frame(b"\xAF\0", 5)),
        message(9, 40, frame(b"\x91hvc1\0\0\0", 150_000)),
        message(8, 43, frame(b"\xAF\x01", 341)),
        message(9, 0x0100_0000, frame(b"\xA3hvc1", 61_000)),
    ]
}

async fn publish(form: Form) -> (Vec<String>, Vec<Frame>) {
    let (mut wire, theirs) = tokio::io::duplex(1 << 20);
    let handler = Handler::default();
    let server = tokio::spawn(ServerSession::new(theirs, handler.clone()).run());
    let mut settings = Settings::new(Purpose::Publish, "live", "rtmp://host/live", "key");
    settings.handshake = form;
    let mut client = Client::new([7; 32], settings);
    wire.write_all(&client.take_output()).await.unwrap();
    let mut buffer = [0; 4_096];
    while client.stream().is_none() {
        let count = wire.read(&mut buffer).await.unwrap();
        assert!(count > 0, "it does not close");
        let mut input = &buffer[..count];
        while client.next(&mut input).unwrap().is_some() {}
        wire.write_all(&client.take_output()).await.unwrap();
    }
    let stream = client.stream().unwrap();
    for message in messages() {
        let shared = Shared::new(&message, client.chunk_size());
        let head = shared.head(stream);
        for piece in shared.pieces(&head, 0) {
            wire.write_all(piece).await.unwrap();
        }
    }
    client.finish();
    wire.write_all(&client.take_output()).await.unwrap();
    wire.shutdown().await.unwrap();
    server.await.unwrap().unwrap();
    let log = handler.log.lock().unwrap().clone();
    let frames = handler.frames.lock().unwrap().clone();
    (log, frames)
}

#[test]
fn our_client_publishes_to_its_server() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for form in [Form::Digest, Form::Simple] {
        let (log, frames) = runtime.block_on(publish(form));
        assert_eq!(log, ["publish 1 live key", "ended 1"]);
        let sent: Vec<Frame> =
            messages().into_iter().map(|m| (m.kind.0, m.timestamp, m.payload.to_vec())).collect();
        let told: Vec<_> =
            frames.iter().map(|(kind, time, body)| (kind, time, body.len())).collect();
        assert!(frames == sent, "{told:?}");
    }
}
