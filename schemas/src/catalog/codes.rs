//! The closed lists of codes of the file format. A code means the same in every language and is never translated; a
//! new one is added, none is ever taken away or changed.

use serde::{Deserialize, Serialize};

/// Declares a closed list of codes: never translated, snake case in the file.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }
    )*};
}

codes! {
    /// What a party is under the GDPR (Art. 4(7), 4(8), 26).
    RoleKind {
        /// Decides on purposes and means.
        Controller,
        /// Processes on the controller's behalf (Art. 28).
        Processor,
        /// Decides together with another (Art. 26).
        JointController,
        /// Not stated: of an operator's own or imported entry only.
        Unknown,
    }
    /// A legal basis of Art. 6(1) GDPR.
    GdprBasis {
        /// (a)
        Consent,
        /// (b)
        Contract,
        /// (c)
        LegalObligation,
        /// (d)
        VitalInterests,
        /// (e)
        PublicTask,
        /// (f)
        LegitimateInterest,
        /// Not stated: of an operator's own or imported entry only.
        Unknown,
    }
    /// Whether Art. 5(3) of Directive 2002/58/EC asks for consent. Another question than the legal basis.
    EprivacyRule {
        /// Consent before anything is stored or read.
        Consent,
        /// Strictly necessary for what the visitor asked for.
        Exempt,
        /// Depends on when and for what it is set; needs a person's judgement.
        Conditional,
    }
    /// A three-step scale for risks.
    Level {
        /// Little to expect.
        Low,
        /// To be watched.
        Medium,
        /// To be treated before use.
        High,
        /// Not stated: of an operator's own or imported entry only.
        Unknown,
    }
    /// When a datum is collected.
    When {
        /// As soon as the script runs.
        OnLoad,
        /// While the visitor uses the service.
        InUse,
        /// Only if the site asks for it or the visitor enters it.
        IfAsked,
    }
    /// Whether a data protection impact assessment is to be expected (Art. 35 GDPR).
    DpiaAdvice {
        /// Usually not.
        Unlikely,
        /// In the situations listed as triggers.
        Conditional,
        /// Always advisable.
        Recommended,
        /// Not stated: of an operator's own or imported entry only.
        Unknown,
    }
    /// Whether data leave the European Economic Area.
    OutsideEea {
        /// Not by what is published.
        No,
        /// Depending on plan, options or sub-processors.
        Possible,
        /// Yes.
        Yes,
    }
    /// What a recipient is.
    RecipientKind {
        /// The site itself.
        Site,
        /// The vendor.
        Vendor,
        /// Somebody whom the vendor engages.
        SubProcessor,
        /// Somebody whom the site connects.
        Integration,
    }
    /// Where in the browser an entry is kept.
    Storage {
        /// A cookie.
        Cookie,
        /// `localStorage`.
        LocalStorage,
        /// `sessionStorage`.
        SessionStorage,
    }
    /// What a cookie's name is compared with.
    Match {
        /// The very name.
        Exact,
        /// A pattern in which `*` stands for one or more characters.
        Pattern,
    }
    /// What kind of cookie the vendor or the directory says it is.
    CookieType {
        /// Needed for what the visitor asked for.
        Necessary,
        /// Makes a function work or more convenient.
        Functional,
        /// Measures.
        Statistics,
        /// Advertises.
        Marketing,
    }
    /// Who says that this cookie exists.
    Evidence {
        /// The vendor's documentation.
        Vendor,
        /// The published source code.
        SourceCode,
        /// A directory of services.
        Directory,
        /// Somebody who saw it: an issue, another site's cookie list.
        Report,
    }
}
