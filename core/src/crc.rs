//! CRC-32 as in ISO-HDLC (zlib, PNG): reflected polynomial 0xEDB88320, four bits at a time.

/// Remainders of the 16 values of four bits.
const NIBBLES: [u32; 16] = nibbles();

const fn nibbles() -> [u32; 16] {
    let mut table = [0; 16];
    let mut i = 0;
    while i < 16 {
        let (mut r, mut bit) = (i as u32, 0);
        while bit < 4 {
            r = if r & 1 == 1 { (r >> 1) ^ 0xedb8_8320 } else { r >> 1 };
            bit += 1;
        }
        table[i] = r;
        i += 1;
    }
    table
}

/// CRC-32 of the concatenated `parts`.
pub fn crc32(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().copied().flatten();
    !bytes.fold(!0, |crc, &byte| {
        let crc = crc ^ u32::from(byte);
        let crc = (crc >> 4) ^ NIBBLES[(crc & 15) as usize];
        (crc >> 4) ^ NIBBLES[(crc & 15) as usize]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value that the CRC catalogues give for this code.
    #[test]
    fn check_value() {
        assert_eq!(crc32(&[b"12345", b"6789"]), 0xcbf4_3926);
    }
}
