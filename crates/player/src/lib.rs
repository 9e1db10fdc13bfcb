//! The player's core for pages: numbers and JSON in and out, and no decisions. web/player gives it a
//! face; docs/spec/player.md says what everything means.
//!
//! Nothing but numbers passes, so that wasm-bindgen makes no glue and no call makes an object. A tracker is
//! a number ([`open`]), and each function's first argument. Times are microseconds as `f64`. Bytes go
//! in through a buffer of the module's own ([`room`]), texts and places come out of its memory.
//!
//! For wasm there is no `std`: its panics alone are as large as all that is here. A panic is a bug; it
//! ends the module's instance.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use livegate_core::layout::Size;
use livegate_core::layout::hit::Showing;
use livegate_core::player::{Found, Pushed, Scope, Tracker, scene};
use livegate_core::sei::codec::Codec;
use livegate_core::sei::frame::{FrameFormat, Framing};
use livegate_core::sei::length::LengthSize;
use spin::mutex::SpinMutex;
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// The largest buffer that is made.
const MAX_ROOM: usize = 16 * 1024 * 1024;

/// Above all counts of messages.
const WARNED: i32 = 1 << 16;

/// The page's trackers by their numbers. The module has one thread: the lock is free, unless a call ended
/// in the middle.
static OPEN: SpinMutex<Vec<Option<Box<Open>>>> = SpinMutex::new(Vec::new());

/// A tracker and what of it lies in the module's memory.
struct Open {
    tracker: Tracker,
    buffer: Vec<u8>,
    /// What was asked for last as text; its place is kept, so that memory does not fall to pieces.
    text: String,
    /// Where the panes are that were asked for last: four numbers each.
    places: Vec<i32>,
}

/// Asks a tracker; one that is not there says `otherwise`.
fn ask<T>(tracker: u32, otherwise: T, ask: impl FnOnce(&mut Open) -> T) -> T {
    let Some(mut open) = OPEN.try_lock() else { return otherwise };
    let found = open.get_mut(size(tracker)).and_then(Option::as_mut);
    found.map_or(otherwise, |open| ask(open))
}

/// A tracker that reads the layouts of a stream and says which one counts when. A layout counts for
/// `max_age_us`.
#[wasm_bindgen]
pub fn open(max_age_us: f64) -> u32 {
    let Some(mut open) = OPEN.try_lock() else { return u32::MAX };
    let tracker = Tracker::new(micros(max_age_us));
    let new =
        Box::new(Open { tracker, buffer: Vec::new(), text: String::new(), places: Vec::new() });
    let free = open.iter().position(Option::is_none).unwrap_or(open.len());
    match open.get_mut(free) {
        Some(slot) => *slot = Some(new),
        None => open.push(Some(new)),
    }
    u32::try_from(free).unwrap_or(u32::MAX)
}

/// Gives a tracker's memory back; its number may be another's from now on.
#[wasm_bindgen]
pub fn close(tracker: u32) {
    if let Some(mut open) = OPEN.try_lock()
        && let Some(slot) = open.get_mut(size(tracker))
    {
        *slot = None;
    }
}

/// Where in the module's memory a buffer of at least `len` bytes is, until this is called again;
/// 0 for more than 16 MiB.
#[wasm_bindgen]
pub fn room(tracker: u32, len: u32) -> u32 {
    let len = size(len);
    if len > MAX_ROOM {
        return 0;
    }
    ask(tracker, 0, |open| {
        if open.buffer.len() < len {
            open.buffer.resize(len, 0);
        }
        address(open.buffer.as_ptr())
    })
}

/// Says how frames are written: codec 0 for H.264 and 1 for H.265; 0 for start codes, or how many
/// bytes a length has.
#[wasm_bindgen]
pub fn configure(tracker: u32, codec: u32, length_size: u32) {
    let framing = match length_size {
        0 => Framing::StartCodes,
        1 => Framing::Lengths(LengthSize::One),
        2 => Framing::Lengths(LengthSize::Two),
        3 => Framing::Lengths(LengthSize::Three),
        _ => Framing::Lengths(LengthSize::Four),
    };
    let format = FrameFormat { codec: codec_of(codec), framing };
    ask(tracker, (), |open| open.tracker.configure(format));
}

/// The same by the decoder configuration record (`avcC`, `hvcC`) of `len` bytes in the buffer; −1
/// if it cannot be read.
#[wasm_bindgen]
pub fn configure_record(tracker: u32, codec: u32, len: u32) -> i32 {
    ask(tracker, 0, |Open { tracker, buffer, .. }| {
        let read = tracker.configure_record(codec_of(codec), filled(buffer, len));
        if read.is_ok() { 0 } else { -1 }
    })
}

/// Takes a frame of `total` bytes of which the first `have` are in the buffer. Gives how many
/// messages it had, and 65,536 more if something was wrong beside them; or, less than 0, that so
/// many bytes from its first are needed.
#[wasm_bindgen]
pub fn push(tracker: u32, have: u32, total: u32, time_us: f64) -> i32 {
    ask(tracker, 0, |Open { tracker, buffer, .. }| {
        said(tracker.push(filled(buffer, have), size(total), micros(time_us)))
    })
}

/// The same of one FLV tag with its header. If the time is NaN it is the tag's own.
#[wasm_bindgen]
pub fn flv_tag(tracker: u32, have: u32, total: u32, time_us: f64) -> i32 {
    let time = (!time_us.is_nan()).then(|| micros(time_us));
    ask(tracker, 0, |Open { tracker, buffer, .. }| {
        said(tracker.flv_tag(filled(buffer, have), size(total), time))
    })
}

/// Takes the next `len` bytes of an FLV stream from the buffer; gives the same.
#[wasm_bindgen]
pub fn flv(tracker: u32, len: u32) -> i32 {
    ask(tracker, 0, |Open { tracker, buffer, .. }| told(tracker.flv(filled(buffer, len))))
}

/// Takes the next `len` bytes of an MPEG transport stream from the buffer; its times count
/// `shift_us` less.
#[wasm_bindgen]
pub fn ts(tracker: u32, len: u32, shift_us: f64) -> i32 {
    ask(tracker, 0, |Open { tracker, buffer, .. }| {
        told(tracker.ts(filled(buffer, len), micros(shift_us)))
    })
}

/// The same of fragmented MP4.
#[wasm_bindgen]
pub fn mp4(tracker: u32, len: u32, shift_us: f64) -> i32 {
    ask(tracker, 0, |Open { tracker, buffer, .. }| {
        told(tracker.mp4(filled(buffer, len), micros(shift_us)))
    })
}

/// Where players of MSE have their zero; NaN until that is known.
#[wasm_bindgen]
pub fn base_us(tracker: u32) -> f64 {
    ask(tracker, f64::NAN, |open| open.tracker.base().map_or(f64::NAN, wide))
}

/// The same for a player that leaves the sound out.
#[wasm_bindgen]
pub fn base_of_video_us(tracker: u32) -> f64 {
    ask(tracker, f64::NAN, |open| open.tracker.base_of_video().map_or(f64::NAN, wide))
}

/// Says by how much the stream's times are more than the player's.
#[wasm_bindgen]
pub fn shift(tracker: u32, us: f64) {
    ask(tracker, (), |open| open.tracker.shift(micros(us)));
}

/// Other bytes come next; with anything but 0, of another stream.
#[wasm_bindgen]
pub fn reset(tracker: u32, all: u32) {
    let scope = if all == 0 { Scope::Readers } else { Scope::All };
    ask(tracker, (), |open| open.tracker.reset(scope));
}

/// The number of the layout that counts at a time of the player's; 0 if none does.
#[wasm_bindgen]
pub fn at(tracker: u32, media_time_us: f64) -> u32 {
    if media_time_us.is_nan() {
        return 0;
    }
    ask(tracker, 0, |open| open.tracker.at(micros(media_time_us)).unwrap_or(0))
}

/// When, in the stream's time, the message is whose content is the first `len` bytes of the buffer
/// and that is near a time of the player's; NaN if none is, or several are.
#[wasm_bindgen]
pub fn time_of(tracker: u32, len: u32, media_time_us: f64) -> f64 {
    ask(tracker, f64::NAN, |Open { tracker, buffer, .. }| {
        let content = filled(buffer, len);
        tracker.time_of(content, micros(media_time_us)).map_or(f64::NAN, wide)
    })
}

/// How many bytes of JSON a layout is; none if it is gone. They are at [`text`].
#[wasm_bindgen]
pub fn layout(tracker: u32, id: u32) -> u32 {
    ask(tracker, 0, |Open { tracker, text, .. }| {
        tracker.layout(id, text);
        len(text)
    })
}

/// How many bytes of JSON it is what the last push had. They are at [`text`].
#[wasm_bindgen]
pub fn messages(tracker: u32) -> u32 {
    ask(tracker, 0, |Open { tracker, text, .. }| {
        tracker.messages(text);
        len(text)
    })
}

/// Where in the module's memory the text is that was asked for last, until another one is.
#[wasm_bindgen]
pub fn text(tracker: u32) -> u32 {
    ask(tracker, 0, |open| address(open.text.as_ptr()))
}

/// Where in the module's memory the places of a layout's panes are, four `i32` each, until this is
/// called again: left, top, width and height in 64ths of a pixel.
#[wasm_bindgen]
#[expect(clippy::too_many_arguments, reason = "numbers are what passes without an object")]
pub fn place(
    tracker: u32,
    id: u32,
    video_width: u32,
    video_height: u32,
    box_width64: u32,
    box_height64: u32,
    fit: u32,
    position_x: f64,
    position_y: f64,
) -> u32 {
    let picture = Size { width: video_width, height: video_height };
    let showing = showing(box_width64, box_height64, fit, [position_x, position_y]);
    ask(tracker, 0, |Open { tracker, places, .. }| {
        places.clear();
        for rect in tracker.place(id, picture, &showing) {
            let four = [rect.x, rect.y, rect.width, rect.height];
            places.extend(four.map(|number| i32::try_from(number).unwrap_or(i32::MAX)));
        }
        address(places.as_ptr())
    })
}

const fn codec_of(number: u32) -> Codec {
    if number == 1 { Codec::H265 } else { Codec::H264 }
}

/// The first `len` bytes of the buffer, or all.
fn filled(buffer: &[u8], len: u32) -> &[u8] {
    buffer.get(..size(len)).unwrap_or(buffer)
}

fn size(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

fn len(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(0)
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn said(pushed: Pushed) -> i32 {
    match pushed {
        Pushed::More(bytes) => -number(bytes),
        Pushed::Done(found) => told(found),
    }
}

/// How many messages, and more than there can be if something else is told.
fn told(found: Found) -> i32 {
    number(found.messages) | if found.is_warned { WARNED } else { 0 }
}

fn address<T>(pointer: *const T) -> u32 {
    u32::try_from(pointer.addr()).unwrap_or(0)
}

/// The nearest whole microsecond; what is none is 0.
#[expect(clippy::cast_possible_truncation, reason = "it saturates, and NaN is 0")]
fn micros(us: f64) -> i64 {
    // `core` has no rounding; casts cut off.
    (us + 0.5_f64.copysign(us)) as i64
}

#[expect(clippy::cast_precision_loss, reason = "exact for 285 years of microseconds")]
const fn wide(us: i64) -> f64 {
    us as f64
}

fn showing(width: u32, height: u32, fit: u32, position: [f64; 2]) -> Showing {
    let position = position.map(|part| {
        let millionths = micros(part * 1e6);
        i32::try_from(millionths).unwrap_or(if millionths < 0 { i32::MIN } else { i32::MAX })
    });
    Showing { width, height, fit: scene::object_fit(fit), position }
}
