use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, Full};
use livegate_core::relay::token::{Claims, PlayKeys, PublishKeys};
use livegate_core::scheme::{KeyForm, Secret, Secrets};
use livegate_core::time::Millis;
use livegate_rtmp::message::Kind;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::yield_now;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::stage::{CLIP, clip, packet};
use super::{KEY, Served, header, problem, request, run, until};
use crate::clock;
use crate::http::Patience;

#[test]
fn a_viewer_gets_every_byte_that_ffmpeg_wrote() {
    run(async {
        let host = Served::new().await;
        let play = host.publish("live", "room 1", "ann");
        let asked = request("GET", "/live/live/room%201.flv?user=ann").body(Full::default());
        let answer = host.send(asked.unwrap()).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "content-type"), "video/x-flv");
        assert_eq!(header(&answer, "transfer-encoding"), "chunked");
        assert_eq!(header(&answer, "access-control-allow-origin"), "*");
        assert_eq!(host.host.meters.http_flv.viewers.value(), 1);
        play.all(clip());
        drop(play);
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(bytes == CLIP, "{} bytes", bytes.len());
        assert_eq!(host.host.meters.http_flv.bytes.value(), CLIP.len() as u64);
        until(|| host.host.meters.http_flv.viewers.value() == 0).await;
    });
}

#[test]
fn times_beyond_24_bits_are_written() {
    run(async {
        let host = Served::new().await;
        let play = host.publish("live", "room", "ann");
        let asked = request("GET", "/live/live/room.flv").body(Full::default()).unwrap();
        let answer = host.send(asked).await;
        for mut one in clip() {
            one.message.timestamp += 0x0100_0000;
            play.push(&one);
        }
        drop(play);
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        // What ffmpeg wrote, with the upper byte of each time one higher (annex E.4.1).
        let mut expected = CLIP.to_vec();
        let mut at = 13;
        while at < expected.len() {
            let size =
                u32::from_be_bytes([0, expected[at + 1], expected[at + 2], expected[at + 3]]);
            expected[at + 7] += 1;
            at += 11 + size as usize + 4;
        }
        assert!(bytes == expected);
    });
}

#[test]
fn the_header_says_what_there_is() {
    run(async {
        let host = Served::new().await;
        for (channel, kind, flags) in [("a", Kind::AUDIO, 4), ("v", Kind::VIDEO, 1)] {
            let play = host.publish("live", channel, "ann");
            let path = format!("/live/live/{channel}.flv");
            let asked = request("GET", &path).body(Full::default()).unwrap();
            let answer = host.send(asked).await;
            play.all(clip().into_iter().filter(|one| one.message.kind == kind));
            // It is said while the stream goes on.
            let mut body = answer.into_body();
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(&first[..13], [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
        }
    });
}

#[test]
fn a_stream_that_nobody_publishes_is_not_found_or_waited_for() {
    run(async {
        let host = Served::new().await;
        for path in [
            "/live/live/room.flv",
            "/live/live/room.flv?user=bob",
            "/live/none/room.flv",
            "/live/live/.flv",
        ] {
            assert_eq!(
                problem(&host.get(path).await),
                (404, "play.no_stream".to_owned()),
                "{path}"
            );
        }
        let begun = Instant::now();
        assert_eq!(problem(&host.get("/live/live/room.flv?wait=1").await).0, 404);
        assert!(begun.elapsed() >= Duration::from_secs(1));
        until(|| host.host.meters.http_connections.value() == 0).await;
        let asked = request("GET", "/live/live/room.flv?wait=15").body(Full::default()).unwrap();
        let mut asked = pin!(host.send(asked));
        // It waits; then somebody publishes.
        tokio::select! {
            biased;
            _ = &mut asked => panic!("there is nothing to play"),
            () = async {
                until(|| host.host.meters.http_connections.value() == 1).await;
                // Until it was looked for, too.
                for _ in 0..100 {
                    yield_now().await;
                }
            } => {}
        }
        let _play = host.publish("live", "room", "ann");
        assert_eq!(asked.await.status(), 200);
        for wait in ["31", "-1", "soon", "1.5"] {
            let path = format!("/live/live/room.flv?wait={wait}");
            assert_eq!(problem(&host.get(&path).await), (422, "request.invalid".to_owned()));
        }
        assert_eq!(problem(&host.get("/live/live/room.flv?source=moon").await).0, 422);
    });
}

#[test]
fn a_token_opens_its_own_stream_alone() {
    run(async {
        let host = Served::new().await;
        let _ann = host.publish("shut", "room", "ann");
        let _bob = host.publish("shut", "room", "bob");
        let secrets = || Secrets::new(Secret::parse(KeyForm::Text, KEY).unwrap());
        let keys = PlayKeys::new(&secrets()).unwrap();
        let soon = clock::now().plus(Millis::from_mins(1));
        let mut claims = Claims::new("shut", soon);
        claims.user = Some("bob".to_owned());
        let bobs = keys.sign(&claims).unwrap();
        let all = keys.sign(&Claims::new("shut", soon)).unwrap();
        let other = keys.sign(&Claims::new("live", soon)).unwrap();
        let late = keys.sign(&Claims::new("shut", clock::now())).unwrap();
        let publish =
            PublishKeys::new(&secrets()).unwrap().sign(&Claims::new("shut", soon)).unwrap();
        let head = async |query: String| {
            let path = format!("/live/shut/room.flv?{query}");
            host.ask(request("HEAD", &path).body(Full::default()).unwrap()).await.status().as_u16()
        };
        assert_eq!(head(format!("user=bob&token={bobs}")).await, 200);
        assert_eq!(head(format!("user=ann&token={all}")).await, 200);
        // Of several the one that the token is for.
        assert_eq!(head(format!("token={bobs}")).await, 200);
        for refused in [
            String::new(),
            "token=x".to_owned(),
            format!("user=ann&token={bobs}"),
            format!("token={other}"),
            format!("token={late}"),
            format!("token={publish}"),
        ] {
            assert_eq!(head(refused.clone()).await, 401, "{refused}");
        }
        let told = host.get(&format!("/live/shut/room.flv?user=ann&token={bobs}")).await;
        assert_eq!(problem(&told), (401, "play.refused".to_owned()));
        let told = String::from_utf8(told.body().to_vec()).unwrap();
        assert!(!told.contains(&bobs), "{told}");
    });
}

#[test]
fn pages_of_the_allowed_origins_may_play() {
    run(async {
        let more = r#","play_origins":["https://a.example"]"#;
        let host = Served::with(more, Patience::default(), super::DoorSettings::default()).await;
        let _play = host.publish("live", "room", "ann");
        let ask = async |method: &str, origin: &str, more: &[(&str, &str)]| {
            let mut request = request(method, "/live/live/room.flv").header("origin", origin);
            for (name, value) in more {
                request = request.header(*name, *value);
            }
            host.send(request.body(Full::default()).unwrap()).await
        };
        let own = ask("HEAD", "https://a.example", &[]).await;
        assert_eq!(header(&own, "access-control-allow-origin"), "https://a.example");
        assert_eq!(header(&own, "vary"), "origin");
        let asked =
            ask("OPTIONS", "https://a.example", &[("access-control-request-method", "GET")]);
        let asked = asked.await;
        assert_eq!(asked.status(), 204);
        assert_eq!(header(&asked, "access-control-allow-methods"), "GET, HEAD, OPTIONS");
        let other = ask("HEAD", "https://b.example", &[]).await;
        assert!(!other.headers().contains_key("access-control-allow-origin"));
        // A WebSocket of another page is not opened at all.
        let upgrade = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        assert_eq!(ask("GET", "https://b.example", &upgrade).await.status(), 403);
        let opened = ask("GET", "https://a.example", &upgrade).await;
        assert_eq!(opened.status(), 101);
        // RFC 6455 §1.3.
        assert_eq!(header(&opened, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(ask("GET", "https://a.example", &upgrade[..3]).await.status(), 400);
    });
}

/// A frame of a client's, masked with zeros.
fn frame(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { opcode, mask: Some([0; 4]), ..FrameHeader::default() };
    let mut bytes = Vec::new();
    header.format(payload.len() as u64, &mut bytes).unwrap();
    bytes.extend(payload);
    bytes
}

#[test]
fn a_websocket_brings_the_same_bytes() {
    run(async {
        let host = Served::new().await;
        let play = host.publish("live", "room", "ann");
        let mut stream = host.connect().await;
        let asked = "GET /live/live/room.flv HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(asked.as_bytes()).await.unwrap();
        until(|| play.viewers() == 1).await;
        stream.write_all(&frame(OpCode::Control(Control::Ping), b"hello")).await.unwrap();
        stream.write_all(&frame(OpCode::Data(Data::Text), b"words")).await.unwrap();
        play.all(clip());
        assert_eq!(host.host.meters.websocket_flv.viewers.value(), 1);
        let mut got = Vec::new();
        let is_head = |got: &[u8]| got.windows(4).position(|four| four == b"\r\n\r\n");
        // The pong comes while the stream goes on.
        while !got.windows(7).any(|seven| seven == b"\x8a\x05hello") {
            assert!(stream.read_buf(&mut got).await.unwrap() > 0);
        }
        drop(play);
        stream.read_to_end(&mut got).await.unwrap();
        let mut rest = Bytes::from(got.split_off(is_head(&got).unwrap() + 4));
        assert!(got.starts_with(b"HTTP/1.1 101 "));
        let (mut flv, mut others) = (Vec::new(), Vec::new());
        while rest.has_remaining() {
            let mut cursor = std::io::Cursor::new(&rest);
            let (header, length) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
            assert!(header.mask.is_none() && header.is_final);
            let at = usize::try_from(cursor.position()).unwrap();
            rest.advance(at);
            let payload = rest.split_to(usize::try_from(length).unwrap());
            match header.opcode {
                OpCode::Data(Data::Binary) => flv.extend(payload),
                other => others.push((other, payload)),
            }
        }
        assert!(flv == CLIP, "{} bytes", flv.len());
        let pong = (OpCode::Control(Control::Pong), Bytes::from_static(b"hello"));
        // 1000: the end (RFC 6455 §7.4.1).
        let close = (OpCode::Control(Control::Close), Bytes::from_static(&[0x03, 0xE8]));
        assert_eq!(others, [pong, close]);
        drop(stream);
        let meters = &host.host.meters;
        until(|| meters.http_connections.value() == 0).await;
        assert_eq!(meters.websocket_flv.viewers.value(), 0);
    });
}

#[test]
fn a_slow_viewer_is_skipped_and_holds_up_nobody() {
    run(async {
        let patience = Patience { stall: Duration::from_millis(300), ..Patience::default() };
        let host = Served::with("", patience, super::DoorSettings::default()).await;
        let play = host.publish("live", "room", "ann");
        // It asks and never reads.
        let mut slow = host.connect().await;
        slow.write_all(b"GET /live/live/room.flv HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let asked = request("GET", "/live/live/room.flv").body(Full::default()).unwrap();
        let mut quick = host.send(asked).await.into_body();
        until(|| play.viewers() == 2).await;
        play.all(clip());
        let mut sent = CLIP.len();
        let mut read = 0;
        let key_frame = Bytes::from([&[0x17, 1][..], &vec![0; 32 * 1024]].concat());
        let mut time = 2_000;
        // More than this machine keeps for a connection, then until the slow one is given up.
        while sent < 32 << 20 || play.viewers() == 2 {
            time += 40;
            play.push(&packet(Kind::VIDEO, time, key_frame.clone()));
            sent += 11 + key_frame.len() + 4;
            while read < sent {
                let data = quick.frame().await.unwrap().unwrap().into_data().unwrap();
                read += data.len();
            }
        }
        // Everything came to the one who reads; the other one was skipped and then let go.
        assert_eq!(read, sent);
        assert!(host.host.meters.http_flv.dropped.value() > 0);
        assert_eq!(play.viewers(), 1);
    });
}
