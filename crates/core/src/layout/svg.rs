//! A resolved layout as a drawing, so that people can look at it.

use alloc::string::String;
use core::fmt::Write;

use super::px::Canvas;
use super::resolve::{Placed, Resolved};
use super::share::Share;
use super::{Member, Picture};

/// The panes' colours, one after the other: distinct also for the colour-blind (Okabe and Ito, 2008).
const COLOURS: [u32; 7] =
    [0x00_72b2, 0xe6_9f00, 0x00_9e73, 0xcc_79a7, 0x56_b4e9, 0xd5_5e00, 0xf0_e442];

/// The longest label, in characters.
const MAX_LABEL: usize = 64;

impl Placed {
    /// The colour of this pane in drawings, `0xRRGGBB`; black without a user.
    pub fn colour(&self) -> u32 {
        let at = usize::from(self.id) % COLOURS.len();
        if self.user.is_some() { COLOURS.get(at).copied().unwrap_or(0) } else { 0 }
    }
}

impl Resolved {
    /// As an SVG document (SVG 1.1) of the canvas' size: each pane a rectangle with its user, its
    /// number, its place above others and its size.
    pub fn to_svg(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = self.draw(&mut out);
        out
    }

    fn draw(&self, out: &mut String) -> core::fmt::Result {
        let Canvas { background, .. } = self.canvas;
        let [_, _, width, height] = self.canvas.rect().numbers();
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\">"
        )?;
        writeln!(out, "<rect width=\"{width}\" height=\"{height}\" fill=\"{background}\"/>")?;
        for pane in self.panes() {
            draw_pane(out, pane)?;
        }
        out.push_str("</svg>\n");
        Ok(())
    }
}

fn draw_pane(out: &mut String, pane: &Placed) -> core::fmt::Result {
    let [x, y, width, height] = pane.rect.numbers();
    let colour = pane.colour();
    write!(
        out,
        "<g><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"#{colour:06X}\" \
         stroke=\"#FFFFFF\" stroke-width=\"2\""
    )?;
    if pane.alpha != Share::WHOLE {
        write!(out, " opacity=\"{}\"", pane.alpha)?;
    }
    // Dark letters on the one bright colour.
    let letters = if colour == 0xf0_e442 { "#000000" } else { "#FFFFFF" };
    let size = (width / 12).min(height / 6).max(8);
    let (left, base) = (x + size / 2, y + size + size / 4);
    write!(out, "/><text x=\"{left}\" y=\"{base}\" font-size=\"{size}\" fill=\"{letters}\">")?;
    match &pane.user {
        Some(member) => write_member(out, member),
        None => out.push('-'),
    }
    let (small, next) = ((size / 2).max(6), base + size);
    writeln!(
        out,
        "</text><text x=\"{left}\" y=\"{next}\" font-size=\"{small}\" fill=\"{letters}\">pane {} z {} \
         {width}x{height} {}</text></g>",
        pane.id, pane.z, pane.fit
    )
}

/// A user's name, with what XML reads otherwise escaped (XML 1.0, §2.4), and characters that XML
/// cannot have (§2.2) or that turn the text around replaced.
fn write_member(out: &mut String, member: &Member) {
    for character in member.user.chars().take(MAX_LABEL) {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    if member.user.chars().nth(MAX_LABEL).is_some() {
        out.push('\u{2026}');
    }
    if member.picture == Picture::Screen {
        out.push_str(" (screen)");
    }
}

#[cfg(test)]
mod tests {
    use crate::layout::{Arrangement, Canvas, Layout, Member, Rgb, Template};
    use alloc::string::String;

    fn drawn(users: &[Member]) -> String {
        let canvas = Canvas::new(640, 360).unwrap().with_background(Rgb::new(0x12_34ab).unwrap());
        let arrangement = Arrangement::Template { template: Template::Horizontal, main: None };
        Layout { canvas, arrangement }.resolve(users).unwrap().to_svg()
    }

    #[test]
    fn panes_are_rectangles_with_their_users() {
        let svg = drawn(&[Member::new("anna"), Member::new("ben").screen()]);
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\""));
        assert!(svg.contains("fill=\"#1234AB\""), "{svg}");
        assert!(svg.contains("<rect x=\"320\" y=\"0\" width=\"320\" height=\"360\""), "{svg}");
        assert!(svg.contains(">anna</text>") && svg.contains(">ben (screen)</text>"), "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn names_cannot_become_markup() {
        let svg = drawn(&[Member::new("</text><script>&\"'\u{0}\u{202e}")]);
        let escaped = "&lt;/text&gt;&lt;script&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}</text>";
        assert!(svg.contains(escaped), "{svg}");
        let long = drawn(&[Member::new("x".repeat(70))]);
        assert!(long.contains(&("x".repeat(64) + "\u{2026}<")), "{long}");
    }
}
