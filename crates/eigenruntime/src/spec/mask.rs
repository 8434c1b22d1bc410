//! The values that may be secrets in a text of which there is no tree.

use super::source::Span;

const KEY: &[u8] = b"value";

/// Returns what stands at every key that ends in `value`, in any case, up to the end of its line and of its block.
///
/// Without a tree nobody knows which of them belong to secrets, so all of them may.
pub(super) fn values(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some((key, colon)) = next_key(text.as_bytes(), from) {
        let start = colon + 1;
        from = end_of_value(text, content_column(text, key), start);
        let start = from - text[start..from].trim_start().len();
        let end = start + text[start..from].trim_end().len();
        if start < end {
            spans.push(start..end);
        }
    }
    spans
}

/// Returns where the next key begins and where its colon stands.
fn next_key(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let candidates = text.get(from..)?.windows(KEY.len()).enumerate();
    candidates
        .filter(|(_, window)| window.eq_ignore_ascii_case(KEY))
        .find_map(|(index, _)| {
            let key = from + index;
            let mut at = key + KEY.len();
            at += usize::from(matches!(text.get(at), Some(b'"' | b'\'')));
            // The colon of an explicit key, and of a key in JSON, can stand on a later line.
            while text.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            (text.get(at) == Some(&b':')).then_some((key, at))
        })
}

/// Returns where the value ends that starts at `start` and whose key stands on a line with this column.
fn end_of_value(text: &str, column: usize, start: usize) -> usize {
    let first = after_properties(text, start);
    let mut end = end_of_line(text, start);
    if first <= end || may_go_on(text, column, first) {
        end = end_of_line(text, end_of_token(text, first)).max(end);
    }
    // What is indented further goes on; so do the items of a list that starts below its key.
    loop {
        let next = after_line_break(text, end);
        if next == end {
            return end;
        }
        let line = &text[next..end_of_line(text, next)];
        let (indent, content) = indentation(line);
        let goes_on = content.is_empty()
            || indent > column
            || (indent == column && (content == "-" || content.starts_with("- ")));
        if !goes_on {
            return end;
        }
        end = next + line.len();
    }
}

/// Tells whether what begins at `first`, on a later line than its key, can be the key's value although it is not
/// indented further: a flow collection or JSON is free in that, but the next key is to be shown.
fn may_go_on(text: &str, column: usize, first: usize) -> bool {
    let line = &text[first..end_of_line(text, first)];
    let indented = content_column(text, first) > column;
    indented || line.starts_with(['"', '\'', '[', '{']) || !line.contains(':')
}

/// Skips white space, tags and anchors.
fn after_properties(text: &str, start: usize) -> usize {
    let mut at = start;
    loop {
        at = text.len() - text[at..].trim_start().len();
        let word = text[at..].split(char::is_whitespace).next().unwrap_or("");
        if !word.starts_with(['!', '&']) {
            return at;
        }
        at += word.len();
    }
}

/// Returns where the token at `start` ends, if its ends are marked: a quoted text or a flow collection.
///
/// One that is never closed goes on to the end of the text.
fn end_of_token(text: &str, start: usize) -> usize {
    if !text[start..].starts_with(['"', '\'', '[', '{']) {
        return start;
    }
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => at = end_of_quoted(bytes, at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return (at + 1).min(text.len());
        }
        at += 1;
    }
    text.len()
}

/// Returns the place of the quote that closes the one at `open`, or the end of the text.
fn end_of_quoted(bytes: &[u8], open: usize) -> usize {
    let quote = bytes[open];
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        let doubled = quote == b'\'' && bytes.get(at + 1) == Some(&quote);
        match byte {
            b'\\' if quote == b'"' => at += 1,
            byte if *byte == quote && doubled => at += 1,
            byte if *byte == quote => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Returns the column at which the content of the line around `at` begins, behind the dashes of lists.
fn content_column(text: &str, at: usize) -> usize {
    let start = text[..at].rfind(['\n', '\r']).map_or(0, |index| index + 1);
    let (indent, content) = indentation(&text[start..]);
    let behind = content.trim_start_matches(['-', '?', ' ']);
    let column = indent + content.len() - behind.len();
    column.min(indent + at - start)
}

/// Returns the width of the white space that `line` begins with, and the rest; a tab is as wide as eight spaces.
fn indentation(line: &str) -> (usize, &str) {
    let content = line.trim_start_matches([' ', '\t']);
    let blank = &line[..line.len() - content.len()];
    let width = |c: char| if c == '\t' { 8 } else { 1 };
    (blank.chars().map(width).sum(), content)
}

fn end_of_line(text: &str, from: usize) -> usize {
    text[from..]
        .find(['\n', '\r'])
        .map_or(text.len(), |index| from + index)
}

/// Returns where the next line starts, given the end of a line; that end itself, if there is no next line.
fn after_line_break(text: &str, end: usize) -> usize {
    let rest = &text[end..];
    let width = if rest.starts_with("\r\n") {
        2
    } else {
        rest.len().min(1)
    };
    end + width
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the text with every masked character but line breaks replaced.
    fn masked(text: &str) -> String {
        let spans = values(text);
        let hidden = |at: usize| spans.iter().any(|span| span.contains(&at));
        let shown = |(at, c): (usize, char)| if hidden(at) && c != '\n' { '*' } else { c };
        text.char_indices().map(shown).collect()
    }

    #[test]
    fn a_value_ends_with_its_line_or_block() {
        for (text, expected) in [
            ("value: a\nb: c", "value: *\nb: c"),
            ("- Value : a\n- b: c", "- Value : *\n- b: c"),
            ("\"value\": 'a'\nb: c", "\"value\": ***\nb: c"),
            ("{type: x, value: a}\nb: c", "{type: x, value: **\nb: c"),
            (
                "- value: |\n    a\n\n   b\n  c: d",
                "- value: *\n*****\n\n****\n  c: d",
            ),
            ("value:\n- a\n- b\nc: d", "value:\n***\n***\nc: d"),
            ("value:\nc: d", "value:\nc: d"),
            ("{\"value\"\n:\n\"a\",\nc: d", "{\"value\"\n:\n****\nc: d"),
            ("value: !t &a \"b\nc\"\nd: e", "value: ********\n**\nd: e"),
            ("value: 'it''s\nb'\nc: d", "value: ******\n**\nc: d"),
            (
                "value: [a, {\nb: \"]\"}\n]\nc: d",
                "value: *****\n*******\n*\nc: d",
            ),
            ("value: \"a\\\"\nb: c", "value: ****\n****"),
            ("value:", "value:"),
            ("value", "value"),
            ("values: a", "values: a"),
        ] {
            assert_eq!(masked(text), expected, "{text:?}");
        }
    }
}
