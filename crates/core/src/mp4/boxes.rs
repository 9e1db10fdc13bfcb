//! Boxes (4.2): a size, a type, and what is in it.

/// Four characters.
pub type Kind = [u8; 4];

/// What a box begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its type.
    pub kind: Kind,
    /// Bytes of this head: 8 or 16.
    pub len: usize,
    /// Bytes behind the head. `None`: up to the end of what it is in.
    pub body: Option<u64>,
}

/// How many bytes a head has at most.
pub const MAX_HEAD: usize = 16;

impl Head {
    /// How many bytes a head mostly has; one with a size of 64 bits has [`MAX_HEAD`].
    pub const LEN: usize = 8;

    /// Reads a head. `Ok(None)` if it is not all there.
    ///
    /// # Errors
    /// [`Broken`]: the box would be shorter than its head.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Broken> {
        let mut fields = Fields(bytes);
        let (Some(size), Some(kind)) = (fields.u32(), fields.take()) else { return Ok(None) };
        let (len, size) = match size {
            0 => return Ok(Some(Self { kind, len: Self::LEN, body: None })),
            1 => match fields.u64() {
                Some(size) => (MAX_HEAD, size),
                None => return Ok(None),
            },
            size => (Self::LEN, u64::from(size)),
        };
        let body = u64::try_from(len).ok().and_then(|len| size.checked_sub(len));
        body.map(|body| Some(Self { kind, len, body: Some(body) })).ok_or(Broken)
    }
}

/// No box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Boxes that hold the boxes that matter, and nothing else.
const CONTAINERS: [&Kind; 7] = [b"trak", b"edts", b"mdia", b"minf", b"stbl", b"mvex", b"traf"];

/// The boxes in a box, and in those of them that are containers: a container, then what is in it.
///
/// How deep a box lies is not looked at, so boxes cannot nest too deeply. It ends where one reaches
/// behind the whole.
#[derive(Clone, Debug, Default)]
pub struct Boxes {
    /// Where the next one begins.
    pub at: usize,
}

impl Boxes {
    /// The next box of what is in `all`: its type, and what is in it.
    pub fn next<'a>(&mut self, all: &'a [u8]) -> Option<(Kind, &'a [u8])> {
        let rest = all.get(self.at..)?;
        let head = Head::parse(rest).ok()??;
        let rest = rest.get(head.len..)?;
        let len = head.body.map_or(Some(rest.len()), |len| usize::try_from(len).ok())?;
        let body = rest.get(..len)?;
        let taken = if CONTAINERS.contains(&&head.kind) { 0 } else { len };
        self.at = self.at.saturating_add(head.len).saturating_add(taken);
        Some((head.kind, body))
    }
}

/// All of them.
pub fn boxes(all: &[u8]) -> impl Iterator<Item = (Kind, &[u8])> {
    let mut boxes = Boxes::default();
    core::iter::from_fn(move || boxes.next(all))
}

/// The fields of a box, from the first on.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    /// 32 bits.
    pub fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    /// 64 bits.
    pub fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// 32 bits; in boxes of a version above 0, 64.
    pub fn of_version(&mut self, version: u8) -> Option<u64> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }

    /// Passes fields of `bytes` over.
    pub fn skip(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }

    /// The version and the flags that full boxes begin with.
    pub fn version(&mut self) -> Option<(u8, u32)> {
        let [version, high, middle, low] = self.take()?;
        Some((version, u32::from_be_bytes([0, high, middle, low])))
    }
}

#[cfg(test)]
mod tests {
    use super::{Broken, Head, boxes};
    use std::vec::Vec;

    #[test]
    fn reads_heads_of_every_size() {
        let head = |len, body| Ok(Some(Head { kind: *b"mdat", len, body }));
        assert_eq!(Head::parse(b"\0\0\0\x09mdat"), head(8, Some(1)));
        assert_eq!(Head::parse(b"\0\0\0\0mdat"), head(8, None));
        assert_eq!(Head::parse(b"\0\0\0\x01mdat\x80\0\0\0\0\0\0\x10"), head(16, Some(1 << 63)));
        // Shorter than itself.
        assert_eq!(Head::parse(b"\0\0\0\x07mdat"), Err(Broken));
        assert_eq!(Head::parse(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0F"), Err(Broken));
        for len in 0..8 {
            assert_eq!(Head::parse(&b"\0\0\0\x09mdat"[..len]), Ok(None));
        }
        assert_eq!(Head::parse(b"\0\0\0\x01mdat\0\0\0\0\0\0\0"), Ok(None));
    }

    #[test]
    fn boxes_come_with_what_is_in_containers() {
        let body = b"\0\0\0\x08free\0\0\0\x17trak\0\0\0\x0Ftkhdabcdefg\0\0\0\0mdhd12";
        let all: Vec<_> = boxes(body).collect();
        let trak = (*b"trak", &body[16..31]);
        assert_eq!(all, [(*b"free", &b""[..]), trak, (*b"tkhd", b"abcdefg"), (*b"mdhd", b"12")]);
        // One that reaches behind the whole ends it.
        assert_eq!(boxes(&body[..30]).count(), 1);
        assert_eq!(boxes(b"\0\0\0\x0Afree1").count(), 0);
        // A thousand within one another.
        let deep: Vec<u8> = (0..1000_u16)
            .rev()
            .flat_map(|inner| [&u32::from(inner * 8 + 8).to_be_bytes()[..], b"trak"].concat())
            .collect();
        assert_eq!(boxes(&deep).count(), 1000);
    }
}
