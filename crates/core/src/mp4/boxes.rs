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

/// The boxes in a box, one after another. Ends where one reaches behind it.
#[derive(Clone, Debug)]
pub struct Children<'a> {
    rest: &'a [u8],
}

/// The boxes that `body` holds.
pub const fn children(body: &[u8]) -> Children<'_> {
    Children { rest: body }
}

impl<'a> Iterator for Children<'a> {
    type Item = (Kind, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let head = Head::parse(self.rest).ok()??;
        let rest = self.rest.get(head.len..)?;
        let len = head.body.map_or(Some(rest.len()), |body| usize::try_from(body).ok())?;
        let (body, rest) = rest.split_at_checked(len)?;
        self.rest = rest;
        Some((head.kind, body))
    }
}

/// The first box along a path of types.
pub fn find<'a>(body: &'a [u8], path: &[&Kind]) -> Option<&'a [u8]> {
    path.iter().try_fold(body, |body, wanted| {
        children(body).find_map(|(kind, body)| (kind == **wanted).then_some(body))
    })
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
    use super::{Broken, Head, children, find};
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
    fn boxes_are_found_along_a_path() {
        let body = b"\0\0\0\x08free\0\0\0\x18trak\0\0\0\x0Ftkhdabcdefg\0\0\0\0traf12";
        // A box that reaches behind the one that it is in ends it.
        assert_eq!(find(body, &[b"trak", b"tkhd"]), Some(&b"abcdefg"[..]));
        assert_eq!(find(body, &[b"tkhd"]), None);
        let kinds: Vec<_> = children(body).map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [*b"free", *b"trak"]);
        assert_eq!(find(b"\0\0\0\0traf12", &[b"traf"]), Some(&b"12"[..]));
        assert_eq!(find(b"\0\0\0\x0Atrak1", &[b"trak"]), None);
    }
}
