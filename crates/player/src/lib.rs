//! The player's core for pages: numbers and JSON in and out, and no decisions. web/player gives it a
//! face; docs/spec/player.md says what everything means.
//!
//! Times are microseconds as `f64`. Bytes go through a buffer of the module's own
//! ([`Tracker::room`]), so that a frame makes no object in JavaScript.
//!
//! For wasm there is no `std`: its panics alone are as large as all that is here. A panic is a bug; it
//! ends the module's instance.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use livegate_core::layout::Size;
use livegate_core::layout::hit::Showing;
use livegate_core::player::{Pushed, Scope, scene};
use livegate_core::sei::codec::Codec;
use livegate_core::sei::frame::{FrameFormat, Framing};
use livegate_core::sei::length::LengthSize;
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

/// Reads the layouts of a stream and says which one counts when.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Tracker {
    inner: livegate_core::player::Tracker,
    buffer: Vec<u8>,
    /// Where the panes are that were asked for last: four numbers each.
    places: Vec<i32>,
}

#[wasm_bindgen]
impl Tracker {
    /// One that knows nothing. A layout counts for `max_age_us`.
    #[wasm_bindgen(constructor)]
    pub fn new(max_age_us: f64) -> Self {
        let inner = livegate_core::player::Tracker::new(micros(max_age_us));
        Self { inner, buffer: Vec::new(), places: Vec::new() }
    }

    /// Where in the module's memory a buffer of at least `len` bytes is, until this is called again;
    /// 0 for more than 16 MiB.
    pub fn room(&mut self, len: u32) -> u32 {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > MAX_ROOM {
            return 0;
        }
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        address(self.buffer.as_ptr())
    }

    /// Says how frames are written: codec 0 for H.264 and 1 for H.265; 0 for start codes, or how many
    /// bytes a length has.
    pub fn configure(&mut self, codec: u32, length_size: u32) {
        let framing = match length_size {
            0 => Framing::StartCodes,
            1 => Framing::Lengths(LengthSize::One),
            2 => Framing::Lengths(LengthSize::Two),
            3 => Framing::Lengths(LengthSize::Three),
            _ => Framing::Lengths(LengthSize::Four),
        };
        self.inner.configure(FrameFormat { codec: codec_of(codec), framing });
    }

    /// The same by the decoder configuration record (`avcC`, `hvcC`) of `len` bytes in the buffer; −1
    /// if it cannot be read.
    pub fn configure_record(&mut self, codec: u32, len: u32) -> i32 {
        let read = self.inner.configure_record(codec_of(codec), filled(&self.buffer, len));
        if read.is_ok() { 0 } else { -1 }
    }

    /// Takes a frame of `total` bytes of which the first `have` are in the buffer. Gives how many
    /// messages it had; or, less than 0, that so many bytes from its first are needed.
    pub fn push(&mut self, have: u32, total: u32, time_us: f64) -> i32 {
        said(self.inner.push(filled(&self.buffer, have), size(total), micros(time_us)))
    }

    /// The same of one FLV tag with its header. If the time is NaN it is the tag's own.
    pub fn flv_tag(&mut self, have: u32, total: u32, time_us: f64) -> i32 {
        let time = (!time_us.is_nan()).then(|| micros(time_us));
        said(self.inner.flv_tag(filled(&self.buffer, have), size(total), time))
    }

    /// Takes the next `len` bytes of an FLV stream from the buffer; gives how many messages they had.
    pub fn flv(&mut self, len: u32) -> i32 {
        number(self.inner.flv(filled(&self.buffer, len)))
    }

    /// Takes the next `len` bytes of an MPEG transport stream from the buffer; its times count
    /// `shift_us` less.
    pub fn ts(&mut self, len: u32, shift_us: f64) -> i32 {
        number(self.inner.ts(filled(&self.buffer, len), micros(shift_us)))
    }

    /// The same of fragmented MP4.
    pub fn mp4(&mut self, len: u32, shift_us: f64) -> i32 {
        number(self.inner.mp4(filled(&self.buffer, len), micros(shift_us)))
    }

    /// Where players of MSE have their zero; NaN until that is known.
    pub fn base_us(&self) -> f64 {
        self.inner.base().map_or(f64::NAN, wide)
    }

    /// The same for a player that leaves the sound out.
    pub fn base_of_video_us(&self) -> f64 {
        self.inner.base_of_video().map_or(f64::NAN, wide)
    }

    /// Says by how much the stream's times are more than the player's.
    pub fn shift(&mut self, us: f64) {
        self.inner.shift(micros(us));
    }

    /// Other bytes come next; with anything but 0, of another stream.
    pub fn reset(&mut self, all: u32) {
        self.inner.reset(if all == 0 { Scope::Readers } else { Scope::All });
    }

    /// The number of the layout that counts at a time of the player's; 0 if none does.
    pub fn at(&mut self, media_time_us: f64) -> u32 {
        if media_time_us.is_nan() {
            return 0;
        }
        self.inner.at(micros(media_time_us)).unwrap_or(0)
    }

    /// When, in the stream's time, the message is whose content is the first `len` bytes of the buffer
    /// and that is near a time of the player's; NaN if none is, or several are.
    pub fn time_of(&self, len: u32, media_time_us: f64) -> f64 {
        let content = filled(&self.buffer, len);
        self.inner.time_of(content, micros(media_time_us)).map_or(f64::NAN, wide)
    }

    /// A layout as JSON; nothing if it is gone.
    pub fn layout(&mut self, id: u32) -> String {
        self.inner.layout(id).unwrap_or_default()
    }

    /// What the last push had, as JSON.
    pub fn messages(&mut self) -> String {
        self.inner.messages()
    }

    /// Where in the module's memory the places of a layout's panes are, four `i32` each, until this is
    /// called again: left, top, width and height in 64ths of a pixel.
    #[expect(clippy::too_many_arguments, reason = "numbers are what passes without an object")]
    pub fn place(
        &mut self,
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
        let rects = self.inner.place(id, picture, &showing);
        self.places.clear();
        for rect in rects {
            let four = [rect.x, rect.y, rect.width, rect.height];
            self.places.extend(four.map(|number| i32::try_from(number).unwrap_or(i32::MAX)));
        }
        address(self.places.as_ptr())
    }
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

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn said(pushed: Pushed) -> i32 {
    match pushed {
        Pushed::More(bytes) => -number(bytes),
        Pushed::Done(count) => number(count),
    }
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
