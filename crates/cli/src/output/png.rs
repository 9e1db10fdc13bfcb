//! A resolved layout as a PNG picture.

use std::convert::Infallible;

use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyleBuilder, Rectangle};
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
        // What is drawn is opaque; a pane that is not lets what is below through.
        let below = (pane.alpha != Share::WHOLE).then(|| self.pixels.clone());
        let colour = colour(pane.colour());
        let style = PrimitiveStyleBuilder::new()
            .fill_color(colour)
            .stroke_color(Rgb888::WHITE)
            .stroke_width(2)
            .stroke_alignment(embedded_graphics::primitives::StrokeAlignment::Inside)
            .build();
        let Ok(()) = area.into_styled(style).draw(self);
        if let Some(below) = below {
            self.mix(&below, pane.alpha);
        }
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

    /// Lays what is drawn over what was there before, so opaque.
    fn mix(&mut self, below: &[u8], alpha: Share) {
        let (over, whole) = (u64::from(alpha.billionths()), u64::from(Share::WHOLE.billionths()));
        for (pixel, old) in self.pixels.iter_mut().zip(below) {
            let sum = u64::from(*pixel) * over + u64::from(*old) * (whole - over);
            *pixel = u8::try_from(sum / whole).unwrap_or(u8::MAX);
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
    use livegate_core::layout::{Arrangement, Canvas, Layout, Member, Rgb, Template};

    #[test]
    fn the_picture_has_the_canvas_size_and_the_panes_colours() {
        let canvas = Canvas::new(320, 180).unwrap().with_background(Rgb::new(0x0a_0b0c).unwrap());
        let arrangement = Arrangement::Template { template: Template::Corner, main: None };
        let layout = Layout { canvas, arrangement }.resolve(&[Member::new("anna")]).unwrap();
        let bytes = png(&layout).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (320, 180));
        // One user has all of the canvas: its middle has the pane's colour.
        let middle = (90 * 320 + 160) * 3;
        let colour = layout.panes()[0].colour().to_be_bytes();
        assert_eq!(pixels[middle..middle + 3], colour[1..]);
        // The corner is the frame's.
        assert_eq!(pixels[..3], [255; 3]);
    }
}
