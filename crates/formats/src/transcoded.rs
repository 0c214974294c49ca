//! Bytes of another encoding as UTF-8.

use std::io::{BufRead, Read};

/// Bytes of some encoding as UTF-8, piece by piece.
pub(crate) struct Transcoded<R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    ready: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R> Transcoded<R> {
    /// Takes bytes of an encoding; a byte order mark is left out.
    pub(crate) fn new(inner: R, encoding: &'static encoding_rs::Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Transcoded { inner, decoder, ready: Vec::new(), at: 0, ended: false }
    }
}

impl<R: BufRead> Read for Transcoded<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.ready.len() && !self.ended {
            let chunk = self.inner.fill_buf()?;
            self.ended = chunk.is_empty();
            let room = self.decoder.max_utf8_buffer_length(chunk.len()).unwrap_or(chunk.len() * 3 + 16);
            self.ready.resize(room, 0);
            let (_, read, written, _) = self.decoder.decode_to_utf8(chunk, &mut self.ready, self.ended);
            self.inner.consume(read);
            self.ready.truncate(written);
            self.at = 0;
        }
        let len = out.len().min(self.ready.len() - self.at);
        out[..len].copy_from_slice(&self.ready[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}
