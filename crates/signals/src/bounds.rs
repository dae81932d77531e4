//! How much a TC string may say. It names vendors by ranges, and a few bytes can name every vendor there could be, again and
//! again: whoever unfolds that for a stranger is busy for seconds. What unfolding would come to is counted first.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bitstream_io::{BigEndian, BitRead, BitReader, BitWrite, BitWriter};

/// Of the longest strings that CMPs write, with restrictions of many publishers, several times.
const MOST_CHARS: usize = 32_768;

/// Vendors that all lists of a string may come to: as many as 16 bits can count. Unfolding them takes 1.7 ms (four times as many 5.9).
const MOST_VENDORS: u64 = 65_536;

/// Up to the first list of vendors.
const CORE_BITS: u32 = 213;

const VENDORS_DISCLOSED: u8 = 1;
const VENDORS_ALLOWED: u8 = 2;

/// Bits after the last whole byte are none of ours.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The bits of base64url text of any length; none where a character is none of it.
pub(crate) fn bits(text: &str) -> Option<BitReader<std::io::Cursor<Vec<u8>>, BigEndian>> {
    // One character more than whole bytes take holds too few bits to be one.
    let text = text.as_bytes();
    let text = if text.len() % 4 == 1 { &text[..text.len() - 1] } else { text };
    let bytes = BASE64.decode(text).ok()?;
    Some(BitReader::endian(std::io::Cursor::new(bytes), BigEndian))
}

/// Whether unfolding a string keeps nobody waiting. Says nothing of whether it can be read.
pub(crate) fn are_modest(text: &str) -> bool {
    let mut vendors = 0;
    if text.len() > MOST_CHARS {
        return false;
    }
    for (index, segment) in text.split('.').enumerate() {
        // An end of the text is for whoever reads it; until there this is what he unfolds.
        let Some(mut segment) = bits(segment) else { return false };
        let _ = if index == 0 { core(&mut segment, &mut vendors) } else { other(&mut segment, &mut vendors) };
    }
    vendors <= MOST_VENDORS
}

fn core(bits: &mut impl BitRead, vendors: &mut u64) -> std::io::Result<()> {
    bits.skip(CORE_BITS)?;
    list(bits, vendors)?;
    list(bits, vendors)?;
    let restrictions = bits.read_unsigned::<12, u16>()?;
    for _ in 0..restrictions {
        // The purpose and the kind of restriction.
        bits.skip(8)?;
        ranges(bits, |first, last| *vendors += u64::from(last.saturating_sub(first)) + 1)?;
    }
    Ok(())
}

/// The core of a string that is modest, up to its publisher restrictions and with none, and the restrictions: purpose, kind,
/// vendors. The library reads them in the form of the GPP, which is another. None where there is no such core.
pub(crate) fn split(core: &str) -> Option<(String, Vec<(u16, u8, BTreeSet<u16>)>)> {
    let mut before = bits(core)?;
    before.skip(CORE_BITS).ok()?;
    list(&mut before, &mut 0).ok()?;
    list(&mut before, &mut 0).ok()?;
    let upto = before.position_in_bits().ok()?;
    let count = before.read_unsigned::<12, u16>().ok()?;
    let mut restrictions = Vec::new();
    for _ in 0..count {
        let (purpose, kind) = (before.read_unsigned::<6, u16>().ok()?, before.read_unsigned::<2, u8>().ok()?);
        let mut vendors = BTreeSet::new();
        ranges(&mut before, |first, last| vendors.extend(first..=last)).ok()?;
        restrictions.push((purpose, kind, vendors));
    }
    let mut all = bits(core)?;
    let mut without = BitWriter::endian(Vec::new(), BigEndian);
    for _ in 0..upto {
        without.write_bit(all.read_bit().ok()?).ok()?;
    }
    without.write_unsigned::<12, u16>(0).ok()?;
    without.byte_align().ok()?;
    Some((BASE64.encode(without.into_writer()), restrictions))
}

fn other(bits: &mut impl BitRead, vendors: &mut u64) -> std::io::Result<()> {
    match bits.read_unsigned::<3, u8>()? {
        VENDORS_DISCLOSED | VENDORS_ALLOWED => list(bits, vendors),
        _ => Ok(()),
    }
}

/// A list of vendors: a bit for each, or ranges.
fn list(bits: &mut impl BitRead, vendors: &mut u64) -> std::io::Result<()> {
    let most = bits.read_unsigned::<16, u16>()?;
    if !bits.read_bit()? {
        *vendors += u64::from(most);
        return bits.skip(u32::from(most));
    }
    ranges(bits, |first, last| *vendors += u64::from(last.saturating_sub(first)) + 1)
}

/// Vendors one by one and from one to another.
fn ranges(bits: &mut impl BitRead, mut each: impl FnMut(u16, u16)) -> std::io::Result<()> {
    for _ in 0..bits.read_unsigned::<12, u16>()? {
        let is_range = bits.read_bit()?;
        let first = bits.read_unsigned::<16, u16>()?;
        let last = if is_range { bits.read_unsigned::<16, u16>()? } else { first };
        each(first, last);
    }
    Ok(())
}
