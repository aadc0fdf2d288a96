//! Text of any usual encoding, and how its cells are separated.

/// The text of a file, and what was not plain UTF-8 about it.
///
/// A byte-order mark says UTF-8 or UTF-16; what is no UTF-8 without one is taken for Windows-1252, of which Latin-1
/// is a part.
pub(super) fn decode(bytes: Vec<u8>) -> (String, Option<&'static str>) {
    let words = |word: fn([u8; 2]) -> u16| {
        let pairs = bytes[2..].chunks_exact(2).map(|pair| word([pair[0], pair[1]]));
        char::decode_utf16(pairs).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes[..] {
        [0xff, 0xfe, ..] => return (words(u16::from_le_bytes), Some("UTF-16")),
        [0xfe, 0xff, ..] => return (words(u16::from_be_bytes), Some("UTF-16")),
        _ => {}
    }
    match String::from_utf8(bytes) {
        Ok(text) => (text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text), None),
        Err(error) => (error.into_bytes().into_iter().map(windows_1252).collect(), Some("Windows-1252")),
    }
}

fn windows_1252(byte: u8) -> char {
    const FROM_0X80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_0X80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// Lines that tell how cells are separated.
const SNIFFED: usize = 20;

/// A tab or a semicolon if each of the first lines has one outside of quotes, else a comma.
pub(super) fn delimiter(text: &str) -> u8 {
    let first = || text.lines().filter(|line| !line.trim().is_empty()).take(SNIFFED);
    let has = |line: &str, wanted: char| line.split('"').step_by(2).any(|part| part.contains(wanted));
    let separates = |wanted: &char| first().next().is_some() && first().all(|line| has(line, *wanted));
    ['\t', ';'].into_iter().find(separates).unwrap_or(',') as u8
}

/// A text cut to a length that a message can hold.
pub(crate) fn short(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_other_encodings_are_read() {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| "\u{feff}µ,1".encode_utf16().flat_map(bytes).collect();
        assert_eq!(decode(utf16(u16::to_le_bytes)), ("µ,1".into(), Some("UTF-16")));
        assert_eq!(decode(utf16(u16::to_be_bytes)), ("µ,1".into(), Some("UTF-16")));
        assert_eq!(decode("\u{feff}µ".into()), ("µ".into(), None));
        assert_eq!(decode(b"\xb5 \x80 \xfc".to_vec()), ("µ € ü".into(), Some("Windows-1252")));
    }

    #[test]
    fn the_separator_is_what_every_line_has_outside_of_quotes() {
        for (text, found) in [
            ("a;b\n1,5;2,5\n", b';'),
            ("a\tb\n1\t2", b'\t'),
            ("a,b\n1,2", b','),
            ("\"a;b\",c\n1,2\n", b','),
            ("a\n1,5\n", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter(text), found, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(short("ü"), "ü");
        assert_eq!(short(&"ü".repeat(41)), "ü".repeat(40) + "…");
    }
}
