//! Bodies that producers compressed: those of Java do so above 4 KiB.
use connect_api::{Error, ErrorKind, Result};
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
            let decoder = ruzstd::decoding::StreamingDecoder::new(body)
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
