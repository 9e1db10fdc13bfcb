//! What chunks cost: a second of a stream read, written, and chunked once for many.
//!
//! `cargo bench -p livegate-rtmp --bench chunks`.

use bytes::{Bytes, BytesMut};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use livegate_rtmp::Limits;
use livegate_rtmp::chunk::reader::Reader;
use livegate_rtmp::chunk::shared::Shared;
use livegate_rtmp::chunk::writer::{Headers, Writer};
use livegate_rtmp::chunk::{ChunkSize, ChunkStreamId};
use livegate_rtmp::handshake::{Form, Handshake};
use livegate_rtmp::message::{Kind, Message};

fn main() {
    divan::main();
}

/// A second at 30 frames a second and 3 Mbit/s, 12,500 bytes a frame, with 47 frames of audio of 341.
fn second() -> Vec<Message> {
    let message = |kind: Kind, timestamp: u32, len: usize| {
        let payload = Bytes::from(vec![0x55; len]);
        Message { kind, timestamp, stream: 1, payload }
    };
    let video = (0..30).map(|number| message(Kind::VIDEO, number * 33, 12_500));
    let audio = (0..47).map(|number| message(Kind::AUDIO, number * 21, 341));
    video.chain(audio).collect()
}

fn chunk_stream(message: &Message) -> ChunkStreamId {
    if message.kind == Kind::VIDEO { ChunkStreamId::VIDEO } else { ChunkStreamId::AUDIO }
}

fn write(messages: &[Message], size: ChunkSize, out: &mut BytesMut) {
    let mut writer = Writer::new();
    writer.set_chunk_size(size);
    for message in messages {
        writer.write(chunk_stream(message), message, Headers::Full, out);
    }
}

/// A second as it arrives, in chunks of a size.
fn wire(size: ChunkSize) -> Vec<u8> {
    let mut out = BytesMut::from(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..]);
    out.extend(size.bytes().to_be_bytes());
    write(&second(), size, &mut out);
    out.to_vec()
}

/// Chunks of 128 bytes, as who announces nothing sends them, of 4,096 and of 60,000; reads of 64 KiB.
#[divan::bench(args = [128, 4_096, 60_000])]
fn read(bencher: Bencher<'_, '_>, size: u32) {
    let wire = wire(ChunkSize::new(size).unwrap());
    bencher.counter(BytesCount::of_slice(&wire)).bench(|| {
        let mut reader = Reader::new(Limits::default());
        let mut messages = 0_usize;
        for mut piece in black_box(&wire).chunks(65_536) {
            while let Some(message) = reader.next(&mut piece).unwrap() {
                black_box(message);
                messages += 1;
            }
        }
        messages
    });
}

/// What reading would cost if there were nothing but the copy.
#[divan::bench]
fn copy(bencher: Bencher<'_, '_>) {
    let wire = wire(ChunkSize::OURS);
    bencher.counter(BytesCount::of_slice(&wire)).bench(|| black_box(&wire).clone());
}

/// Into one buffer, for one connection.
#[divan::bench(args = [128, 4_096, 60_000])]
fn write_one(bencher: Bencher<'_, '_>, size: u32) {
    let messages = second();
    let size = ChunkSize::new(size).unwrap();
    let bytes: usize = messages.iter().map(|message| message.payload.len()).sum();
    let mut out = BytesMut::with_capacity(2 * bytes);
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        out.clear();
        write(black_box(&messages), size, &mut out);
        out.len()
    });
}

/// For 50 connections: each one's pieces, as a vectored write takes them. Bytes are not touched.
#[divan::bench]
fn share_among_50(bencher: Bencher<'_, '_>) {
    let messages = second();
    bencher.counter(ItemsCount::new(messages.len() * 50)).bench(|| {
        let mut pieces = 0;
        for message in black_box(&messages) {
            let shared = Shared::new(message, ChunkSize::OURS);
            for stream in 1..=50 {
                let head = shared.head(stream);
                pieces += shared.pieces(&head, 0).map(black_box).count();
            }
        }
        pieces
    });
}

/// A server's handshake.
#[divan::bench(args = ["simple", "digest"])]
fn handshake(bencher: Bencher<'_, '_>, form: &str) {
    let form = if form == "simple" { Form::Simple } else { Form::Digest };
    let mut first = Vec::new();
    let _ = Handshake::client([1; 32], form, &mut first);
    first.resize(first.len() + 1_536, 0);
    bencher.bench(|| {
        let mut out = Vec::new();
        let mut server = Handshake::server([2; 32]);
        server.read(&mut &black_box(&first)[..], &mut out).unwrap();
        assert!(server.is_done());
        out
    });
}
