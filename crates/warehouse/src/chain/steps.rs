//! A long stretch of the log in steps that each fit into one block of a derived table.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::tables::Step;
use crate::Warehouse;

/// Rows that one block may come to at most, far enough below the engine's block of 1,048,448.
pub(crate) const MOST_ROWS: u64 = 800_000;

/// The end of a recorded range, and how many rows it stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct Recorded {
    pub to: u64,
    pub stored: u64,
}

/// `[from, to)` along recorded ranges, which are in order: as many in one step as come to `most` rows together, and a range
/// with more than that alone (it was small enough when it was written). Where range rows are missing, as those that
/// retention took, the next step begins where the one before ended.
pub fn along(ranges: &[Recorded], from: u64, to: u64, most: u64) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut begin, mut end, mut rows) = (from, from, 0);
    for range in ranges.iter().filter(|range| from < range.to && range.to <= to) {
        if end > begin && rows + range.stored > most {
            steps.push(Step { from: begin, to: end });
            (begin, rows) = (end, 0);
        }
        rows += range.stored;
        end = range.to;
    }
    // What no range row covers holds no rows.
    if begin < to {
        steps.push(Step { from: begin, to });
    }
    steps
}

/// `[from, to)` of a partition in steps along its range rows, each of which gives at most `most` rows in any derived table
/// ([`MOST_ROWS`] but in tests), or is one recorded range. An event unfolds into one row of the roll-up for itself and one for
/// each of its services and categories, by the quarter and by the hour; the event of the stretch with most of them stands for
/// all.
///
/// # Errors
/// The engine's.
pub(crate) async fn steps(
    warehouse: &Warehouse,
    log_id: Uuid,
    partition: u32,
    Step { from, to }: Step,
    most: u64,
) -> Result<Vec<Step>, clickhouse::error::Error> {
    let ask = |sql: &str| {
        let query = warehouse.client().query(sql).param("log", log_id.to_string()).param("partition", partition);
        query.param("from", from).param("to", to)
    };
    let ranges = "SELECT range_to AS to, arraySum(book_stored) AS stored FROM events_data \
                  WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} AND partition = {partition:UInt32} \
                  AND range_to > {from:UInt64} AND range_to <= {to:UInt64} ORDER BY range_to";
    let ranges: Vec<Recorded> = ask(ranges).fetch_all().await?;
    let widest = "SELECT toUInt64(2 * max(1 + length(pair_service) + length(category_name) + length(signal_name))) FROM events_data \
                  WHERE kind != 'range' AND log_id = {log:UUID} AND partition = {partition:UInt32} \
                  AND position >= {from:UInt64} AND position < {to:UInt64}";
    let widest: u64 = ask(widest).fetch_one().await?;
    Ok(along(&ranges, from, to, most / widest.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(ranges: &[(u64, u64)], from: u64, to: u64, most: u64) -> Vec<(u64, u64)> {
        let ranges: Vec<Recorded> = ranges.iter().map(|&(to, stored)| Recorded { to, stored }).collect();
        along(&ranges, from, to, most).into_iter().map(|step| (step.from, step.to)).collect()
    }

    #[test]
    fn small_ranges_go_together_up_to_the_bound() {
        let ranges = [(10, 10), (20, 10), (30, 10), (35, 0), (45, 10)];
        assert_eq!(steps(&ranges, 0, 45, 20), [(0, 20), (20, 45)]);
        assert_eq!(steps(&ranges, 10, 35, 10), [(10, 20), (20, 35)]);
        assert_eq!(steps(&ranges, 0, 45, 1000), [(0, 45)]);
    }

    #[test]
    fn a_range_above_the_bound_goes_alone() {
        assert_eq!(steps(&[(10, 1), (60, 50), (70, 1), (80, 1)], 0, 80, 5), [(0, 10), (10, 60), (60, 80)]);
    }

    #[test]
    fn steps_cover_what_no_range_row_covers() {
        assert_eq!(steps(&[(50, 3), (60, 3)], 0, 70, 4), [(0, 50), (50, 70)]);
        assert_eq!(steps(&[], 5, 70, 4), [(5, 70)]);
        assert_eq!(steps(&[(50, 3)], 50, 50, 4), []);
    }
}
