//! Bytes: the prefix, the header, and where sections lie.

use super::{FORMAT, MAX_LAYERS, NAME};
use crate::Error;
use crate::arith::ARITHMETIC;
use crate::crc::crc32;
use half::f16;
use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

pub const MAGIC: [u8; 8] = *b"tinyscor";
pub const PREFIX: usize = 24;
pub const ALIGN: usize = 16;

/// The header, in postcard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    pub name: String<NAME>,
    /// dim, hidden widths, dim
    pub widths: Vec<u16, { MAX_LAYERS + 1 }>,
    pub input_limit: u16,
    pub input_parts: u8,
    pub levels: u16,
    pub plan: StoredHead,
}

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
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `len` bytes; empty if there are not that many, which only an unchecked blob can have.
    pub fn section(&mut self, len: usize) -> &'a [u8] {
        let (section, rest) = self.0.split_at_checked(len).unwrap_or_default();
        self.0 = rest.get(padded(len) - len..).unwrap_or_default();
        section
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

/// Half-precision number `i`; 0 past the end.
pub fn half_float(bytes: &[u8], i: usize) -> f32 {
    let half = bytes.get(2 * i..).and_then(<[u8]>::first_chunk);
    half.map_or(0.0, |b| f16::from_le_bytes(*b).to_f32())
}

/// Checks magic, versions, length and checksum; the blob without what follows it.
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
