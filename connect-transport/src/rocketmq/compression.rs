//! Bodies that producers compressed: those of Java do so above 4 KiB.
use connect_api::{Error, ErrorKind, Result};
use ruzstd::decoding::StreamingDecoder;
use std::io::Read;

/// Longest body after decompression, in bytes: eight times what a broker takes by default.
const MAX_BODY: u64 = 32 << 20;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Zlib,
    Lz4,
    Zstd,
}

impl Compression {
    /// By bits 8 to 10 of a message's system flag; none set is zlib, as old producers do.
    pub(super) fn of(system_flag: i32) -> Self {
        match system_flag >> 8 & 7 {
            1 => Self::Lz4,
            2 => Self::Zstd,
            _ => Self::Zlib,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Lz4 => "LZ4",
            Self::Zstd => "Zstandard",
        }
    }
}

/// The body as it was before the producer compressed it.
///
/// # Errors
/// `Data`: the body is damaged, or longer than 32 MiB.
pub(super) fn decompress(compression: Compression, body: &[u8]) -> Result<Vec<u8>> {
    let damaged = |source: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(
            ErrorKind::Data,
            format!("the body, compressed by {}, is damaged", compression.name()),
        )
        .with_source(source)
    };
    let mut plain = Vec::new();
    let read = match compression {
        Compression::Zlib => take(flate2::bufread::ZlibDecoder::new(body), &mut plain),
        Compression::Lz4 => take(lz4_flex::frame::FrameDecoder::new(body), &mut plain),
        Compression::Zstd => {
            // Else a frame may ask for 128 MiB.
            let decoder = StreamingDecoder::new_with_max_window_size(body, MAX_BODY)
                .map_err(|source| damaged(source.into()))?;
            take(decoder, &mut plain)
        }
    };
    read.map_err(|source| damaged(source.into()))?;
    if plain.len() as u64 > MAX_BODY {
        return Err(Error::new(
            ErrorKind::Data,
            "the compressed body is longer than 32 MiB",
        ));
    }
    Ok(plain)
}

fn take(decoder: impl Read, plain: &mut Vec<u8>) -> std::io::Result<usize> {
    decoder.take(MAX_BODY + 1).read_to_end(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Compression::{Lz4, Zlib, Zstd};

    const PLAIN: &[u8] = b"connect connect connect connect connect connect connect connect";
    /// `PLAIN` by Python's zlib, and by the programs lz4 and zstd.
    const BODIES: [(Compression, &str); 3] = [
        (Zlib, "789c4bcecfcb4b4d2e5148268f060005dc1831"),
        (
            Lz4,
            "04224d186440a7120000008f636f6e6e6563742008001f506e6e65637400000000eee5eb4f",
        ),
        (
            Zstd,
            "28b52ffd243f75000040636f6e6e656374200100dc59b86b943974",
        ),
    ];

    fn unhex(digits: &str) -> Vec<u8> {
        digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn bodies_of_other_compressors_are_read() {
        for (compression, body) in BODIES {
            let plain = decompress(compression, &unhex(body)).unwrap();
            assert_eq!(plain, PLAIN, "{compression:?}");
        }
    }

    #[test]
    fn the_system_flag_names_the_compressor() {
        for (flag, compression) in [(0x001, Zlib), (0x101, Lz4), (0x201, Zstd), (0x301, Zlib)] {
            assert_eq!(Compression::of(flag), compression);
        }
    }

    #[test]
    fn damaged_bodies_are_refused_by_name() {
        for (compression, body) in BODIES {
            let body = unhex(body);
            for damaged in [&body[..body.len() / 2], &body[1..], b"plain text"] {
                let error = decompress(compression, damaged).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Data);
                assert!(error.to_string().contains(compression.name()), "{error}");
            }
        }
    }

    #[test]
    fn a_body_that_grows_beyond_bounds_is_refused() {
        use flate2::{Compression as Level, write::ZlibEncoder};
        use std::io::Write;
        let mut bomb = ZlibEncoder::new(Vec::new(), Level::best());
        let zeros = vec![0; 1 << 20];
        for _ in 0..33 {
            bomb.write_all(&zeros).unwrap();
        }
        let error = decompress(Zlib, &bomb.finish().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().contains("longer than 32 MiB"), "{error}");
    }
}
