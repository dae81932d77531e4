//! Global Privacy Control: <https://www.w3.org/TR/gpc/>, section 3. It asks that data be neither sold nor shared, so it is held
//! against what was decided of marketing.

use avow_schemas::category::MARKETING;

use crate::Answer;
use crate::finding::{Finding, compared};

/// None where it is off: it says nothing then.
pub(crate) fn finding(is_on: bool, answer: &Answer<'_>) -> Option<Finding> {
    is_on.then(|| compared(false, answer.category(MARKETING)))
}
