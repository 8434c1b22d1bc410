//! The characters that text from outside may not bring to a terminal.

/// The longest text of a server that is kept to be shown, in characters.
pub const MAX_MESSAGE: usize = 512;

/// Tells whether a character could act on a terminal, or deceive whoever reads the text that it is in.
///
/// These are the control characters, line breaks and tabs among them; the separators of lines and paragraphs; the marks
/// that turn the direction of writing (Unicode's `Bidi_Control`); and what is not shown at all and so can hide something
/// (`Default_Ignorable_Code_Point`, and the marks of annotations between lines). Unicode reserves whole ranges for
/// characters to be ignored, and they are here as a whole: what a later version puts there is as invisible.
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' // soft hyphen
            | '\u{34f}' // combining grapheme joiner
            | '\u{61c}' // Arabic letter mark
            | '\u{115f}'..='\u{1160}' // Hangul fillers
            | '\u{17b4}'..='\u{17b5}' // inherent vowels of Khmer
            | '\u{180b}'..='\u{180f}' // variation selectors and the vowel separator of Mongolian
            | '\u{200b}'..='\u{200f}' // spaces and joiners without width, marks of direction
            | '\u{2028}'..='\u{202e}' // separators of lines and paragraphs, embeddings and overrides
            | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, isolates, and what is deprecated
            | '\u{3164}' // Hangul filler
            | '\u{fe00}'..='\u{fe0f}' // variation selectors, which can carry any bytes
            | '\u{feff}' // byte order mark
            | '\u{ffa0}' // Hangul filler of half width
            | '\u{fff0}'..='\u{fffb}' // reserved, and the marks of annotations
            | '\u{1bca0}'..='\u{1bca3}' // controls of shorthand
            | '\u{1d173}'..='\u{1d17a}' // controls of musical notation
            | '\u{e0000}'..='\u{e0fff}' // tags, more variation selectors, and what is reserved beside them
        )
}

/// Returns a server's text without what could play tricks on a terminal or a reader, as [`is_deceptive`] says. Line
/// breaks become spaces; what is very long is cut.
pub fn without_control_characters(text: &str) -> String {
    text.chars()
        .map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c })
        .filter(|c| !is_deceptive(*c))
        .take(MAX_MESSAGE)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::is_deceptive;

    /// `Bidi_Control`, from `PropList.txt` of Unicode 16.
    const DIRECTION: &[RangeInclusive<u32>] = &[
        0x061C..=0x061C,
        0x200E..=0x200F,
        0x202A..=0x202E,
        0x2066..=0x2069,
    ];

    /// `Default_Ignorable_Code_Point`, from `DerivedCoreProperties.txt` of Unicode 16.
    const IGNORABLE: &[RangeInclusive<u32>] = &[
        0x00AD..=0x00AD,
        0x034F..=0x034F,
        0x061C..=0x061C,
        0x115F..=0x1160,
        0x17B4..=0x17B5,
        0x180B..=0x180D,
        0x180E..=0x180E,
        0x180F..=0x180F,
        0x200B..=0x200F,
        0x202A..=0x202E,
        0x2060..=0x2064,
        0x2065..=0x2065,
        0x2066..=0x206F,
        0x3164..=0x3164,
        0xFE00..=0xFE0F,
        0xFEFF..=0xFEFF,
        0xFFA0..=0xFFA0,
        0xFFF0..=0xFFF8,
        0x1BCA0..=0x1BCA3,
        0x1D173..=0x1D17A,
        0xE0000..=0xE0000,
        0xE0001..=0xE0001,
        0xE0002..=0xE001F,
        0xE0020..=0xE007F,
        0xE0080..=0xE00FF,
        0xE0100..=0xE01EF,
        0xE01F0..=0xE0FFF,
    ];

    /// Control characters, the separators of lines and paragraphs, and the marks of annotations.
    const OTHERS: &[RangeInclusive<u32>] = &[
        0x0000..=0x001F,
        0x007F..=0x009F,
        0x2028..=0x2029,
        0xFFF9..=0xFFFB,
    ];

    #[test]
    fn is_all_that_turns_directions_or_is_not_shown_and_nothing_else() {
        let ranges = [DIRECTION, IGNORABLE, OTHERS].concat();
        for character in '\0'..=char::MAX {
            let expected = ranges
                .iter()
                .any(|range| range.contains(&u32::from(character)));
            assert_eq!(
                is_deceptive(character),
                expected,
                "U+{:04X}",
                u32::from(character)
            );
        }
    }

    #[test]
    fn leaves_text_of_any_script_alone() {
        for text in [
            "plain text, v1.2",
            "é ✓ …",
            "日本語",
            "עברית",
            "العربية",
            "हिन्दी",
            "🎉",
        ] {
            assert!(!text.contains(is_deceptive), "{text}");
        }
    }
}
