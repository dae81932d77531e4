//! Step 5: the signals sent with a decision (TCF, GPP, Consent Mode, GPC). They are kept as text; what they say, the processor
//! finds in them (`crates/signals`). `Sec-GPC: 1` on the request counts as `signals.gpc` (Global Privacy Control, section 3.2).

use std::collections::BTreeMap;

use avow_schemas::fate::Rejection;

use crate::decode::field::{MOST_NAME_CHARS, is_name, member};
use crate::decode::node::Node;
use crate::decode::{Fields, MOST_EVENT_BYTES, Name};
use crate::sender::Sender;

/// The signals of an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    pub tcf: Option<String>,
    pub gpp: Option<String>,
    pub consent_mode: BTreeMap<String, String>,
    pub gpc: Option<bool>,
}

/// Keeps the event's signals.
///
/// # Errors
/// `invalid_value`.
pub fn kept(fields: &Fields<'_>, sender: &Sender) -> Result<Signals, Rejection> {
    let signals = fields.field(Name::Signals).object()?;
    // A whole event is smaller than this, so no signal is cut off from what it may be.
    let text = |name, pointer| Ok(member(signals, name, pointer).text(MOST_EVENT_BYTES)?.map(str::to_owned));
    let gpc = member(signals, "gpc", "/signals/gpc").flag()?;
    Ok(Signals {
        tcf: text("tcf", "/signals/tcf")?,
        gpp: text("gpp", "/signals/gpp")?,
        consent_mode: {
            let modes = member(signals, "consent_mode", "/signals/consent_mode");
            let one = |(at, (name, mode)): (usize, &(std::borrow::Cow<'_, str>, Node<'_>))| match mode {
                Node::Text(mode) if is_name(name, MOST_NAME_CHARS) && is_name(mode, MOST_NAME_CHARS) => {
                    Ok((name.as_ref().to_owned(), mode.as_ref().to_owned()))
                }
                _ => Err(modes.refuse(&format!("member {} must be text of 1 to 64 characters, like its name", at + 1))),
            };
            modes.map()?.iter().enumerate().map(one).collect::<Result<_, _>>()?
        },
        gpc: if sender.gpc { Some(true) } else { gpc },
    })
}
