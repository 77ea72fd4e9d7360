//! Cuts bytes into lines and counts how many bytes the complete ones took.

/// A line longer than this is no text file's.
pub const LONGEST_LINE_BYTES: usize = 64 * 1024 * 1024;

#[derive(Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// How far a line end was looked for.
    seen: usize,
}

impl Lines {
    pub fn push(&mut self, chunk: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.seen -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(chunk);
    }

    /// Takes the next line without its end, and how many bytes it took with it. Lines end with `\n`, `\r` or `\r\n`; a
    /// `\r` at the very end waits, because its `\n` may still come.
    pub fn next_line(&mut self) -> Option<(&[u8], usize)> {
        let found = self.bytes[self.seen..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(end) = found.map(|at| self.seen + at) else {
            self.seen = self.bytes.len();
            return None;
        };
        let after = match (self.bytes[end], self.bytes.get(end + 1)) {
            (b'\r', None) => {
                self.seen = end;
                return None;
            }
            (b'\r', Some(b'\n')) => end + 2,
            _ => end + 1,
        };
        let start = std::mem::replace(&mut self.start, after);
        self.seen = after;
        Some((&self.bytes[start..end], after - start))
    }

    /// Bytes of the line that is not complete yet.
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&str]) -> (Vec<String>, usize) {
        let (mut lines, mut found, mut taken) = (Lines::default(), Vec::new(), 0);
        for chunk in chunks {
            lines.push(chunk.as_bytes());
            while let Some((line, bytes)) = lines.next_line() {
                found.push(String::from_utf8(line.to_vec()).unwrap());
                taken += bytes;
            }
        }
        (found, taken)
    }

    #[test]
    fn every_line_end_counts_once_wherever_the_chunks_are_cut() {
        let text = "a\nb\r\nc\rdé\n\nlast";
        let expected = (vec!["a".into(), "b".into(), "c".into(), "dé".into(), String::new()], text.len() - 4);
        assert_eq!(cut(&[text]), expected);
        for at in (0..text.len()).filter(|&at| text.is_char_boundary(at)) {
            assert_eq!(cut(&[&text[..at], &text[at..]]), expected, "cut at {at}");
        }
    }

    #[test]
    fn a_carriage_return_at_the_end_waits() {
        assert_eq!(cut(&["a\r"]), (vec![], 0));
        assert_eq!(cut(&["a\r", "\n"]), (vec!["a".into()], 3));
        assert_eq!(cut(&["a\r", "b\n"]), (vec!["a".into(), "b".into()], 4));
    }
}
