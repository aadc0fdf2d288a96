//! Bytes: the prefix, the header, and where sections lie.

use super::{FORMAT, Kind, MAX_COUNT, MAX_LAYERS, NAME};
use crate::arith::ARITHMETIC;
use crate::codec::{Codec, MAX_LATENTS};
use crate::crc::crc32;
use crate::plan::HISTORY;
use crate::{Detector, Error};
use heapless::Vec;
use serde::{Deserialize, Serialize};

pub const MAGIC: [u8; 8] = *b"tinyscor";
pub const PREFIX: usize = 24;
pub const ALIGN: usize = 16;

/// The header, in postcard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header<'a> {
    /// [`Kind::Score`] or [`Kind::Energy`]
    pub kind: u8,
    pub name: &'a str,
    pub widths: Widths,
    pub bits: Bits,
    pub input_limit: u16,
    pub levels: u16,
    pub classes: u16,
    pub codec: Option<Codec>,
    pub detector: Detector,
    pub plan: StoredHead,
}

/// dim, hidden widths, dim; of an energy network 1 at the end
pub type Widths = Vec<u16, { MAX_LAYERS + 1 }, u8>;

/// Of each layer's weights: 8 or 4.
pub type Bits = Vec<u8, MAX_LAYERS, u8>;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct StoredHead {
    pub rows: u16,
    pub history: u8,
    pub prior: f32,
}

/// `n` rounded up to the alignment.
pub fn padded(n: usize) -> usize {
    n.div_ceil(ALIGN) * ALIGN
}

/// Cuts padded sections off the front of bytes that begin on the alignment.
#[derive(Clone, Debug)]
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `len` bytes, if there are that many.
    pub fn section(&mut self, len: usize) -> Option<&'a [u8]> {
        let section = self.0.get(..len)?;
        self.0 = self.0.get(padded(len)..)?;
        Some(section)
    }
}

/// Number `i` of little-endian `i16`; 0 past the end.
pub fn short(bytes: &[u8], i: usize) -> i16 {
    let short = bytes.get(2 * i..).and_then(<[u8]>::first_chunk);
    short.map_or(0, |b| i16::from_le_bytes(*b))
}

/// Word number `i` of little-endian `i32`; 0 past the end.
pub fn word(bytes: &[u8], i: usize) -> i32 {
    let word = bytes.get(4 * i..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |b| i32::from_le_bytes(*b))
}

/// Float number `i` of little-endian `f32`; 0 past the end.
pub fn float(bytes: &[u8], i: usize) -> f32 {
    f32::from_bits(word(bytes, i) as u32)
}

/// A half-precision number, which must not be infinite or NaN.
pub fn half(bytes: [u8; 2]) -> f32 {
    // The bits in the places of an f32, whose exponent has another bias: exact, subnormal numbers too.
    let shifted = (i32::from(i16::from_le_bytes(bytes)) << 13) as u32 & 0x8fff_ffff;
    f32::from_bits(shifted) * 5.192_297e33 // 2^112
}

/// Whether half-precision number `i` is neither infinite nor NaN.
pub fn is_finite_half(bytes: &[u8], i: usize) -> bool {
    short(bytes, i) & 0x7c00 != 0x7c00
}

/// The checked header, and the bytes after it from the first section on.
#[inline(never)]
pub fn read_header(bytes: &[u8], asked: Kind) -> Result<(Header<'_>, &[u8]), Error> {
    let (header, _, rest) = take_header::<Header<'_>>(bytes, asked, &[asked])?;
    let [dim, .., last] = *header.widths else {
        return Err(Error::Malformed("fewer than two widths"));
    };
    if asked == Kind::Energy && header.widths.len() < 3 {
        return Err(Error::Malformed("an energy network without a hidden layer"));
    }
    let good = |&n: &u16| (1..=MAX_COUNT).contains(&usize::from(n));
    let outputs = if asked == Kind::Energy { 1 } else { dim };
    if last != outputs || !header.widths.iter().all(good) || !good(&header.levels) {
        return Err(Error::Malformed("widths or number of levels"));
    }
    if header.bits.len() + 1 != header.widths.len() || !header.bits.iter().all(|bits| matches!(bits, 8 | 4)) {
        return Err(Error::Malformed("bits of the weights"));
    }
    let bad = |codec: Codec| {
        !good(&codec.outputs) || !matches!(codec.bits, 8 | 4) || usize::from(dim) > MAX_LATENTS
    };
    if header.codec.is_some_and(bad) {
        return Err(Error::Malformed("codec"));
    }
    if header.name.len() > NAME {
        return Err(Error::Malformed("name longer than 32 bytes"));
    }
    if usize::from(header.classes) > MAX_COUNT {
        return Err(Error::Malformed("number of classes"));
    }
    if usize::from(header.plan.rows) > MAX_COUNT || usize::from(header.plan.history) > HISTORY {
        return Err(Error::Malformed("stored plan"));
    }
    Ok((header, rest))
}

/// The header of a blob of one of these kinds, its kind, and what follows it; `asked` is what an error names.
pub fn take_header<'a, H: Deserialize<'a>>(
    bytes: &'a [u8],
    asked: Kind,
    kinds: &[Kind],
) -> Result<(H, Kind, &'a [u8]), Error> {
    let found = Kind::read(bytes)?;
    if !kinds.contains(&found) {
        return Err(Error::Kind { found, asked });
    }
    let length = word(bytes, 5) as u32 as usize;
    let header = bytes.get(PREFIX..).and_then(|bytes| bytes.get(..length));
    let header = header.ok_or(Error::Malformed("header length"))?;
    let (header, []) = postcard::take_from_bytes(header).map_err(|_| Error::Malformed("header"))? else {
        return Err(Error::Malformed("header length"));
    };
    let rest = bytes.get(padded(PREFIX + length)..).unwrap_or_default();
    Ok((header, found, rest))
}

/// Checks magic, versions, length and checksum; the blob without what follows it.
#[inline(never)]
pub fn check_prefix(bytes: &[u8]) -> Result<&[u8], Error> {
    let truncated = |needed| Error::Truncated { needed, have: bytes.len() };
    let prefix: &[u8; PREFIX] = bytes.first_chunk().ok_or(truncated(PREFIX))?;
    if !prefix.starts_with(&MAGIC) {
        return Err(Error::NotABlob);
    }
    let [found, arithmetic] = [[prefix[8], prefix[9]], [prefix[10], prefix[11]]].map(u16::from_le_bytes);
    if found != FORMAT {
        return Err(Error::Format { found, supported: FORMAT });
    }
    if arithmetic != ARITHMETIC {
        return Err(Error::Arithmetic { found: arithmetic, supported: ARITHMETIC });
    }
    let length = word(prefix, 3) as u32 as usize;
    let bytes = bytes.get(..length.max(PREFIX)).ok_or(truncated(length))?;
    let stored = word(prefix, 4) as u32;
    let computed = checksum(bytes);
    if stored != computed {
        return Err(Error::Checksum { stored, computed });
    }
    Ok(bytes)
}

/// CRC-32 of all bytes but those of the checksum itself.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32(&[bytes.get(..16).unwrap_or_default(), bytes.get(20..).unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;

    #[test]
    fn every_half_is_read_exactly() {
        for bits in 0..=u16::MAX {
            let (bytes, expected) = (bits.to_le_bytes(), f16::from_bits(bits));
            assert_eq!(is_finite_half(&bytes, 0), expected.is_finite(), "{bits:04x}");
            if expected.is_finite() {
                assert_eq!(super::half(bytes).to_bits(), expected.to_f32().to_bits(), "{bits:04x}");
            }
        }
    }
}
