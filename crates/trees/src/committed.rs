//! What an event's leaf commits to (`schemas/leaf/v1.md`), of events as the warehouse gives them back.

use avow_ledger::Hash;
use avow_ledger::commitment::Commitment;
use avow_schemas::event::{ConsentEvent, Objections};
use avow_schemas::leaf;

/// The commitment of an event as it is here.
pub fn commitment(event: &ConsentEvent) -> Hash {
    let mut commitment = Commitment::new(&event.seed.0);
    leaf::each_field(event, |name, value| commitment.field(name, value));
    commitment.finish()
}

/// The event in the form that its leaf commits to; none where that is another event. The table does not tell objections to
/// nothing from none: the commitment does.
pub fn as_committed(event: &ConsentEvent, committed: &Hash) -> Option<ConsentEvent> {
    if commitment(event) == *committed {
        return Some(event.clone());
    }
    let other = ConsentEvent { objections: Some(Objections::default()), ..event.clone() };
    (event.objections.is_none() && commitment(&other) == *committed).then_some(other)
}
