//! GPP strings, version 1: <https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform>, "Consent String
//! Specification". Sections are read by a library. The header is read here: of three sections or more that do not follow one
//! another, the library (0.1.2) takes the third for another one.

use std::io;

use avow_schemas::category::MARKETING;
use bitstream_io::BitRead;
use iab_gpp::sections::{
    usca::UsCa, usco::UsCo, usct::UsCt, usde::UsDe, usfl::UsFl, usia::UsIa, usmn::UsMn, usmt::UsMt, usnat::UsNat,
    usne::UsNe, usnh::UsNh, usnj::UsNj, usor::UsOr, uspv1::UspV1, ustn::UsTn, ustx::UsTx, usut::UsUt, usva::UsVa,
};
use serde_json::Value;

use crate::bounds::bits;
use crate::finding::{Finding, compared, worst};
use crate::{Answer, tcf};

const HEADER: u8 = 3;
const VERSION: u8 = 1;

/// A section's fields that say whether personal data may be sold or shared.
const OPT_OUTS: [&str; 4] = ["sale_opt_out", "sharing_opt_out", "targeted_advertising_opt_out", "opt_out_sale"];

/// The sections of a GPP string as they stand, by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpp<'a> {
    pub sections: Vec<(u16, &'a str)>,
}

impl<'a> Gpp<'a> {
    /// The section that is a TC string.
    pub const TCF_EU: u16 = 2;

    /// Reads the header. None where the text is no GPP string.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('~');
        let ids = header(parts.next()?).ok()?;
        let sections: Vec<&str> = parts.collect();
        (ids.len() == sections.len()).then(|| Self { sections: ids.into_iter().zip(sections).collect() })
    }

    /// The fields of a section of a law of the United States, as the library names them; `None` of other sections.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn section(id: u16, text: &str) -> Option<Result<Value, ()>> {
        macro_rules! sections {
            ($($id:literal => $section:ty),+ $(,)?) => {
                match id {
                    $($id => {
                        Some(text.parse::<$section>().map_err(drop).and_then(|s| serde_json::to_value(s).map_err(drop)))
                    })+
                    _ => None,
                }
            };
        }
        sections! {
            6 => UspV1, 7 => UsNat, 8 => UsCa, 9 => UsVa, 10 => UsCo, 11 => UsUt, 12 => UsCt, 13 => UsFl, 14 => UsMt,
            15 => UsOr, 16 => UsTx, 17 => UsDe, 18 => UsIa, 19 => UsNe, 20 => UsNh, 21 => UsNj, 22 => UsTn, 23 => UsMn,
        }
    }
}

fn header(text: &str) -> io::Result<Vec<u16>> {
    let mut bits = bits(text).ok_or(io::ErrorKind::InvalidData)?;
    if bits.read_unsigned::<6, u8>()? != HEADER || bits.read_unsigned::<6, u8>()? != VERSION {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let ranges = bits.read_unsigned::<12, u16>()?;
    let mut ids: Vec<u16> = Vec::new();
    for _ in 0..ranges {
        let is_group = bits.read_bit()?;
        let before = ids.last().copied().unwrap_or(0);
        let first = before.checked_add(fibonacci(&mut bits)?).ok_or(io::ErrorKind::InvalidData)?;
        let more = if is_group { fibonacci(&mut bits)? } else { 0 };
        // Section ids have eight bits.
        let last = first.checked_add(more).filter(|last| *last < 256).ok_or(io::ErrorKind::InvalidData)?;
        ids.extend(first..=last);
    }
    Ok(ids)
}

/// A number in Fibonacci coding: a bit for each of 1, 2, 3, 5, 8, ..., and a 1 after the last.
fn fibonacci(bits: &mut impl BitRead) -> io::Result<u16> {
    let (mut one, mut next, mut sum, mut last) = (1_u16, 2_u16, 0_u16, false);
    loop {
        let bit = bits.read_bit()?;
        if bit && last {
            return Ok(sum);
        }
        if bit {
            sum = sum.checked_add(one).ok_or(io::ErrorKind::InvalidData)?;
        }
        last = bit;
        (one, next) = (next, one.checked_add(next).ok_or(io::ErrorKind::InvalidData)?);
    }
}

/// Whether a section says that data may be sold or shared: false where any of it is opted out of, none where nothing of it
/// applies.
fn allows_sale(section: &Value) -> Option<bool> {
    let Value::Object(fields) = section else { return None };
    let said = fields.iter().filter_map(|(name, value)| match value.as_str() {
        Some("OptedOut" | "Yes") if OPT_OUTS.contains(&name.as_str()) => Some(false),
        Some("DidNotOptOut" | "No") if OPT_OUTS.contains(&name.as_str()) => Some(true),
        _ => allows_sale(value),
    });
    said.reduce(|all, one| all && one)
}

/// Of the string of a decision made at `at` (milliseconds since 1970). Sections that are not compared (Canada's, and those
/// that are newer than this) are not read either.
pub(crate) fn finding(text: &str, at: i64, answer: &Answer<'_>) -> Finding {
    let Some(gpp) = Gpp::parse(text) else { return Finding::Unreadable };
    let one = |(id, section): (u16, &str)| match Gpp::section(id, section) {
        _ if id == Gpp::TCF_EU => tcf::finding(section, at, answer),
        Some(Err(())) => Finding::Unreadable,
        Some(Ok(section)) => match allows_sale(&section) {
            Some(allows) => compared(allows, answer.category(MARKETING)),
            None => Finding::Incomparable,
        },
        None => Finding::Incomparable,
    };
    worst(gpp.sections.into_iter().map(one))
}
