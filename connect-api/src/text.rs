//! What digits are written to.

/// A growing text.
pub trait TextSink {
    /// Appends `text`.
    fn push_text(&mut self, text: &str);
}

impl TextSink for String {
    #[inline]
    fn push_text(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl TextSink for Vec<u8> {
    #[inline]
    fn push_text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// Appends so many zeros.
#[inline]
pub(crate) fn push_zeros(out: &mut impl TextSink, mut count: usize) {
    const ZEROS: &str = "00000000000000000000000000000000";
    while count > ZEROS.len() {
        out.push_text(ZEROS);
        count -= ZEROS.len();
    }
    out.push_text(&ZEROS[..count]);
}
