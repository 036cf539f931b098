//! Bolt's chunks: a message is one or more of `size (u16), bytes`, closed by a size of 0.

use crate::packstream::Malformed;

/// Larger messages cost a client its connection.
const MESSAGE_LIMIT: usize = 64 << 20;

/// Puts messages together from bytes that come in any split.
#[derive(Default)]
pub(crate) struct Deframer {
    message: Vec<u8>,
    whole: bool,
    /// What the chunk under way still lacks.
    chunk_left: usize,
    /// The first byte of a size, when its second has not come yet.
    size_begun: Option<u8>,
}

impl Deframer {
    /// Takes bytes from the front of `input` until a message is whole; nothing when they do not suffice.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, Malformed> {
        if self.whole {
            self.message.clear();
            self.whole = false;
        }
        while let Some((&byte, rest)) = input.split_first() {
            if self.chunk_left > 0 {
                let (taken, rest) = input.split_at(self.chunk_left.min(input.len()));
                self.message.extend(taken);
                self.chunk_left -= taken.len();
                *input = rest;
                continue;
            }
            *input = rest;
            let Some(high) = self.size_begun.take() else {
                self.size_begun = Some(byte);
                continue;
            };
            self.chunk_left = usize::from(u16::from_be_bytes([high, byte]));
            if self.message.len() + self.chunk_left > MESSAGE_LIMIT {
                return Err(Malformed);
            }
            // A size of 0 with nothing before it is a sign of life, not a message.
            if self.chunk_left == 0 && !self.message.is_empty() {
                self.whole = true;
                return Ok(Some(&self.message));
            }
        }
        Ok(None)
    }
}

/// Appends a message as chunks.
pub(crate) fn frame(out: &mut Vec<u8>, message: &[u8]) {
    for chunk in message.chunks(usize::from(u16::MAX)) {
        out.extend(u16::try_from(chunk.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend(chunk);
    }
    out.extend([0, 0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_every_split() {
        let messages = [vec![1; 3], vec![2; 70_000], vec![3; 65_535]];
        let mut bytes = vec![0, 0];
        for message in &messages {
            frame(&mut bytes, message);
        }
        for step in [1, 2, 7, 65_536, bytes.len()] {
            let (mut deframer, mut seen) = (Deframer::default(), Vec::new());
            for mut input in bytes.chunks(step) {
                while let Ok(Some(message)) = deframer.next(&mut input) {
                    seen.push(message.to_vec());
                }
            }
            assert!(seen == messages, "in steps of {step}");
        }
    }
}
