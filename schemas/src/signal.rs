//! Signals sent with a decision, and what they are found to be. `docs/metrics.md`, "Signals", says how.

use serde::{Deserialize, Serialize};

use crate::event::code;

code!(
    /// What was sent: a TC string of the IAB's Transparency & Consent Framework, a string of the IAB's Global Privacy Platform,
    /// Google's consent types, Global Privacy Control.
    Signal { Tcf = "tcf", Gpp = "gpp", ConsentMode = "consent_mode", Gpc = "gpc" }
);
code!(
    /// What it is found to be; of several that hold, the first: it is not what it is called; it breaks its own framework's rules;
    /// it grants what the visitor refused; it denies what she granted; nothing of the decision speaks of what it speaks of;
    /// it says what she decided.
    Finding {
        Unreadable = "unreadable", Invalid = "invalid", GrantsRefused = "grants_refused", DeniesGranted = "denies_granted",
        Incomparable = "incomparable", Consistent = "consistent",
    }
);
