//! A resolved layout as a PNG picture.

use std::convert::Infallible;

use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};
use livegate_core::layout::{Placed, Resolved, Share};

/// The picture, in the canvas' size: each pane with its user, number, place and size.
pub(crate) fn png(layout: &Resolved) -> Result<Vec<u8>, png::EncodingError> {
    let mut picture = Picture::new(layout);
    for pane in layout.panes() {
        picture.pane(pane);
    }
    picture.encode()
}

/// Whether a picture shows every letter of a name; others are a `?` there. The fonts have Latin-1.
pub(crate) fn has_letters(name: &str) -> bool {
    name.chars().all(|letter| matches!(letter, ' '..='~' | '\u{a0}'..='\u{ff}'))
}

/// How thick the white frame of a pane is, within it.
const FRAME: u32 = 2;

/// Pixels, three bytes each.
struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Picture {
    fn new(layout: &Resolved) -> Self {
        let [_, _, width, height] = layout.canvas.rect().numbers();
        let count = width as usize * height as usize;
        Self { width, height, pixels: layout.canvas.background.channels().repeat(count) }
    }

    fn pane(&mut self, pane: &Placed) {
        let [x, y, width, height] = pane.rect.numbers();
        let area = Rectangle::new(at(x, y), Size::new(width, height));
        let colour = colour(pane.colour());
        // Each pixel once, as a pane may let through what is below.
        let (w, h) = (width.saturating_sub(2 * FRAME), height.saturating_sub(2 * FRAME));
        let (across, down) = (FRAME.min(width - w), FRAME.min(height - h));
        let (right, bottom) = (x + across + w, y + down + h);
        for (rows, thickness) in [(y, down), (bottom, height - h - down)] {
            self.fill([x, rows, width, thickness], Rgb888::WHITE, pane.alpha);
        }
        for (columns, thickness) in [(x, across), (right, width - w - across)] {
            self.fill([columns, y + down, thickness, h], Rgb888::WHITE, pane.alpha);
        }
        self.fill([x + across, y + down, w, h], colour, pane.alpha);
        let bright =
            u32::from(colour.r()) + u32::from(colour.g()) + u32::from(colour.b()) > 3 * 160;
        let letters = if bright { Rgb888::BLACK } else { Rgb888::WHITE };
        let name = pane.user.as_ref().map_or("-", |member| &*member.user);
        let about = format!("pane {} z {} {width}x{height} {}", pane.id, pane.z, pane.fit);
        let font = if width >= 240 { &FONT_10X20 } else { &FONT_6X10 };
        let mut inside = self.clipped(&area);
        let Ok(()) = line(&mut inside, name, at(x + 8, y + 8), font, letters);
        let second = at(x + 8, y + 12 + font.character_size.height);
        let Ok(()) = line(&mut inside, &about, second, &FONT_6X10, letters);
    }

    /// Lays a rectangle of one colour over what is there, so opaque.
    fn fill(&mut self, [x, y, width, height]: [u32; 4], colour: Rgb888, alpha: Share) {
        const WHOLE: u32 = 1 << 16;
        let over = alpha.of(WHOLE);
        // What is laid over one row, and over every other.
        let channels =
            [colour.r(), colour.g(), colour.b()].map(|channel| u32::from(channel) * over);
        let row = channels.repeat(width as usize);
        for y in y..y + height {
            let first = (y as usize * self.width as usize + x as usize) * 3;
            for (pixel, laid) in self.pixels[first..first + row.len()].iter_mut().zip(&row) {
                // At most 255 of `WHOLE`.
                let [_, mixed, ..] = (laid + u32::from(*pixel) * (WHOLE - over)).to_be_bytes();
                *pixel = mixed;
            }
        }
    }

    fn encode(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(out)
    }
}

fn line(
    on: &mut impl DrawTarget<Color = Rgb888, Error = Infallible>,
    text: &str,
    at: Point,
    font: &MonoFont<'_>,
    colour: Rgb888,
) -> Result<(), Infallible> {
    Text::with_baseline(text, at, MonoTextStyle::new(font, colour), Baseline::Top).draw(on)?;
    Ok(())
}

fn at(x: u32, y: u32) -> Point {
    // A canvas has at most 8192 pixels a side.
    Point::new(i32::try_from(x).unwrap_or(i32::MAX), i32::try_from(y).unwrap_or(i32::MAX))
}

fn colour(number: u32) -> Rgb888 {
    let [_, red, green, blue] = number.to_be_bytes();
    Rgb888::new(red, green, blue)
}

impl OriginDimensions for Picture {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Picture {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(point, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else { continue };
            if x < self.width && y < self.height {
                let first = (y as usize * self.width as usize + x as usize) * 3;
                self.pixels[first..first + 3].copy_from_slice(&[
                    colour.r(),
                    colour.g(),
                    colour.b(),
                ]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::png;
    use livegate_core::layout::{
        Arrangement, Canvas, Even, Layout, Member, Placed, Rect, Resolved, Rgb, Share, Template,
    };

    #[test]
    fn the_picture_has_the_canvas_size_and_the_panes_colours() {
        let canvas = Canvas::new(320, 180).unwrap().with_background(Rgb::new(0x0a_0b0c).unwrap());
        let arrangement = Arrangement::Template { template: Template::Corner, main: None };
        let layout = Layout { canvas, arrangement }.resolve(&[Member::new("anna")]).unwrap();
        let pixels = pixels(&layout, (320, 180));
        // One user has all of the canvas: its middle has the pane's colour.
        let middle = (90 * 320 + 160) * 3;
        let colour = layout.panes()[0].colour().to_be_bytes();
        assert_eq!(pixels[middle..middle + 3], colour[1..]);
        // The corner is the frame's.
        assert_eq!(pixels[..3], [255; 3]);
    }

    fn pixels(layout: &Resolved, size: (u32, u32)) -> Vec<u8> {
        let bytes = png(layout).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), size);
        pixels
    }

    /// A black pane, of nobody, that half of what is below shines through.
    fn shade(id: u16, rect: [u32; 4]) -> Placed {
        let [x, y, right, bottom] = rect.map(Even::floor);
        let mut pane = Placed::new(id, None, Rect::between(x, y, right, bottom));
        pane.alpha = Share::from_billionths(500_000_000).unwrap();
        pane
    }

    #[test]
    fn what_is_below_shines_through_a_pane_and_nowhere_else() {
        let canvas = Canvas::new(64, 64).unwrap().with_background(Rgb::new(0x40_80c0).unwrap());
        let panes = [shade(0, [10, 10, 50, 60]), shade(1, [52, 10, 54, 14])];
        let pixels = pixels(&Resolved::new(canvas, panes), (64, 64));
        let at =
            |x: usize, y: usize| <[u8; 3]>::try_from(&pixels[(y * 64 + x) * 3..][..3]).unwrap();
        assert_eq!(at(9, 30), [0x40, 0x80, 0xc0]);
        assert_eq!(at(50, 30), [0x40, 0x80, 0xc0]);
        // Half of it below black, at the pane's foot, where no letters are.
        assert_eq!(at(30, 56), [0x20, 0x40, 0x60]);
        // The frame is two pixels of white: (0x40 + 255) / 2, rounded down, and so on.
        for corner in [at(10, 10), at(11, 11), at(49, 59), at(48, 58), at(52, 10), at(53, 13)] {
            assert_eq!(corner, [0x9f, 0xbf, 0xdf]);
        }
        assert_eq!(at(47, 57), [0x20, 0x40, 0x60]);
    }
}
