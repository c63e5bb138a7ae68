//! Reading little-endian numbers, each with a check that there is one.

/// The rest of a file.
pub(super) struct Reader<'a> {
    whole: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(whole: &'a [u8]) -> Self {
        Self { whole, at: 0 }
    }

    /// The next bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let bytes = self.whole.get(self.at..).and_then(|rest| rest.get(..count));
        let bytes = bytes.ok_or_else(|| format!("It is cut off: it has {} bytes", self.whole.len()))?;
        self.at += count;
        Ok(bytes)
    }

    /// Bytes of the whole file.
    pub(super) fn range(&self, offset: u64, length: u64) -> Option<&'a [u8]> {
        let (start, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
        self.whole.get(start..start.checked_add(length)?)
    }

    pub(super) fn u32(&mut self) -> Result<u32, String> {
        self.number().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, String> {
        self.number().map(u64::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, String> {
        self.number().map(u16::from_le_bytes)
    }

    pub(super) fn f32(&mut self) -> Result<f32, String> {
        self.number().map(f32::from_le_bytes)
    }

    /// A number that is written with a sign and has none.
    pub(super) fn size(&mut self) -> Result<usize, String> {
        let number = self.number().map(i32::from_le_bytes)?;
        usize::try_from(number).map_err(|_| format!("It has the size {number}"))
    }

    pub(super) fn character(&mut self) -> Result<char, String> {
        let number = self.u32()?;
        char::from_u32(number).ok_or_else(|| format!("{number} in its map of characters is none"))
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut number = [0; N];
        number.copy_from_slice(self.take(N)?);
        Ok(number)
    }
}
