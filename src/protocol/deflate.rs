//! Deflate (RFC 1951) of single messages: permessage-deflate without context takeover (RFC 7692), and gzip of whole
//! answers.
//!
//! The compressor's quarter of a megabyte belongs to the thread, never to a connection. Nothing is inflated beyond
//! the given bound.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The end of a flushed message. The wire leaves it out (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The window of both sides. The gateway never agrees on a smaller one.
const WINDOW_BITS: u8 = 15;
/// How much longer compression may make a message before it is given up.
const SLACK: usize = 64;

thread_local! {
    /// A message is compressed once for all its receivers, so it gets the best level that is not slow.
    static MESSAGES: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(6), false));
    /// An answer is compressed for one client only, so it gets the fastest level.
    static ANSWERS: RefCell<Compress> = RefCell::new(Compress::new_gzip(Compression::fast(), WINDOW_BITS));
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Why a message cannot be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is longer than the bound, however short its compressed form is.
    TooLong,
    /// It is not deflate.
    Broken,
}

/// Compresses a message for permessage-deflate. Returns `None` if that makes it no shorter.
#[must_use]
pub fn message(content: &[u8]) -> Option<Box<[u8]>> {
    let mut deflated = compressed(&MESSAGES, content, FlushCompress::Sync)?;
    deflated.truncate(deflated.strip_suffix(&TAIL)?.len());
    (deflated.len() < content.len()).then(|| deflated.into())
}

/// Compresses an answer by gzip. Returns `None` if that makes it no shorter.
#[must_use]
pub fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    compressed(&ANSWERS, content, FlushCompress::Finish).filter(|shorter| shorter.len() < content.len())
}

fn compressed(
    by: &'static std::thread::LocalKey<RefCell<Compress>>,
    content: &[u8],
    flush: FlushCompress,
) -> Option<Vec<u8>> {
    by.with_borrow_mut(|compress| {
        compress.reset();
        let mut out = Vec::with_capacity(content.len() + SLACK);
        let status = compress.compress_vec(content, &mut out, flush).ok()?;
        let whole = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => compress.total_in() == content.len() as u64 && out.len() < out.capacity(),
        };
        whole.then_some(out)
    })
}

/// Inflates bytes that a peer compressed, to at most `longest` bytes.
///
/// # Errors
/// A [`Fault`].
pub fn inflate(content: &[u8], longest: usize) -> Result<Vec<u8>, Fault> {
    INFLATE.with_borrow_mut(|decompress| {
        decompress.reset(false);
        let mut out = Vec::new();
        for mut rest in [content, &TAIL] {
            // Consumes all of the input, and then the output that is still pending.
            loop {
                reserve(&mut out, rest.len(), longest)?;
                let (before, read) = (out.len(), decompress.total_in());
                let status = decompress.decompress_vec(rest, &mut out, FlushDecompress::Sync);
                let taken = usize::try_from(decompress.total_in() - read).unwrap_or(usize::MAX);
                rest = &rest[taken.min(rest.len())..];
                match status.map_err(|_| Fault::Broken)? {
                    // A final block. Other blocks may follow it (section 7.2.3.5).
                    Status::StreamEnd => decompress.reset(false),
                    _ if out.len() == out.capacity() => {}
                    _ if rest.is_empty() => break,
                    _ if taken == 0 && out.len() == before => return Err(Fault::Broken),
                    _ => {}
                }
                if rest.is_empty() && out.len() < out.capacity() {
                    break;
                }
            }
        }
        if out.len() > longest { Err(Fault::TooLong) } else { Ok(out) }
    })
}

/// Reserves room up to the bound and one byte beyond it, which shows that the message is too long.
fn reserve(out: &mut Vec<u8>, input: usize, longest: usize) -> Result<(), Fault> {
    if out.len() < out.capacity() {
        return Ok(());
    }
    let room = (longest + 1).saturating_sub(out.len());
    if room == 0 {
        return Err(Fault::TooLong);
    }
    out.reserve_exact(room.min(out.len().max(4 * input).max(SLACK)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::{DeflateEncoder, GzDecoder};
    use proptest::prelude::*;

    use super::*;

    const LONGEST: usize = 64 * 1024;

    /// Returns a whole stream with a final block, as some peers send it.
    fn finished(content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        DeflateEncoder::new(content, Compression::default()).read_to_end(&mut out).unwrap();
        out
    }

    proptest! {
        #[test]
        fn an_inflated_message_is_the_one_that_was_compressed(word in "[a-z]{1,9}", times in 1usize..2_000, end in ".{0,40}") {
            let text = word.repeat(times) + &end;
            if let Some(deflated) = message(text.as_bytes()) {
                prop_assert!(deflated.len() < text.len());
                prop_assert_eq!(inflate(&deflated, text.len()).unwrap(), text.as_bytes());
                prop_assert_eq!(inflate(&deflated, text.len() - 1), Err(Fault::TooLong));
            }
            if let Some(zipped) = gzip(text.as_bytes()) {
                let mut unzipped = Vec::new();
                GzDecoder::new(&zipped[..]).read_to_end(&mut unzipped).unwrap();
                prop_assert_eq!(unzipped, text.as_bytes());
            }
        }

        #[test]
        fn arbitrary_bytes_are_inflated_within_the_bound_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(out) = inflate(&bytes, 1_000) {
                prop_assert!(out.len() <= 1_000);
            }
        }
    }

    #[test]
    fn final_blocks_end_nothing() {
        // The example of RFC 7692, section 7.2.3.4, and the two blocks of 7.2.3.5.
        assert_eq!(inflate(&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], LONGEST).unwrap(), b"Hello");
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflate(&two, LONGEST).unwrap(), b"Hello");
        let streams = [finished(b"one, "), finished(b"two")].concat();
        assert_eq!(inflate(&streams, LONGEST).unwrap(), b"one, two");
        assert_eq!(inflate(&[], LONGEST).unwrap(), b"");
    }

    #[test]
    fn a_bomb_is_refused_at_the_bound_and_noise_is_left_as_it_is() {
        let bomb = message(&vec![b'x'; 10_000_000]).unwrap();
        assert!(bomb.len() < 20_000);
        assert_eq!(inflate(&bomb, LONGEST), Err(Fault::TooLong));
        let mut state = 1u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let noise: Vec<u8> = (0..600).flat_map(|_| random()).collect();
        assert_eq!(message(&noise), None);
        assert_eq!(gzip(&noise), None);
    }
}
