//! Conditions on rows, and their SQL.

use super::column::Table;
use super::spec::Dimension;
use super::statement::{Statement, Value};

/// How a dimension is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Is one of the values.
    Is,
    /// Is none of them.
    IsNot,
    /// Contains one of them, case-sensitively.
    Contains,
}

/// A condition on a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    Compare(Test, Dimension, Vec<String>),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("`time` is filtered by date_range")]
    Time,
    #[error(
        "service and category cannot be put under one `or` or `not` with other dimensions: they choose pairs, the others events"
    )]
    Mixed,
}

impl Filter {
    /// Splits conditions that must all hold into those on events and those on pairs.
    ///
    /// # Errors
    /// A condition that speaks of both and cannot be split, or of time.
    pub fn split(filters: Vec<Self>) -> Result<(Vec<Self>, Vec<Self>), FilterError> {
        let (mut events, mut pairs) = (Vec::new(), Vec::new());
        let mut waiting: Vec<Self> = filters.into_iter().rev().collect();
        while let Some(filter) = waiting.pop() {
            let mut dimensions = Vec::new();
            filter.collect(&mut dimensions);
            if dimensions.contains(&Dimension::Time) {
                return Err(FilterError::Time);
            }
            let of_pairs = dimensions.iter().filter(|d| d.is_grain()).count();
            match filter {
                Self::And(parts) => waiting.extend(parts.into_iter().rev()),
                filter if of_pairs == 0 => events.push(filter),
                filter if of_pairs == dimensions.len() => pairs.push(filter),
                _ => return Err(FilterError::Mixed),
            }
        }
        Ok((events, pairs))
    }

    /// Every dimension that the condition speaks of.
    pub fn collect(&self, into: &mut Vec<Dimension>) {
        match self {
            Self::Compare(_, dimension, _) => into.push(*dimension),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.collect(into)),
            Self::Not(part) => part.collect(into),
        }
    }

    /// The condition as SQL over a table, its values bound.
    pub(super) fn sql(&self, table: Table, statement: &mut Statement) -> String {
        self.sql_over(&|dimension| table.column(dimension), statement)
    }

    /// The same where the caller says what stands for a dimension.
    pub(super) fn sql_over(&self, column: &dyn Fn(Dimension) -> &'static str, statement: &mut Statement) -> String {
        match self {
            Self::Compare(test, dimension, values) => {
                let column = column(*dimension);
                let values = statement.bind_next(Value::Texts(values.clone()));
                match test {
                    Test::Is => format!("{column} IN {values}"),
                    Test::IsNot => format!("{column} NOT IN {values}"),
                    Test::Contains => format!("arrayExists(part -> position({column}, part) > 0, {values})"),
                }
            }
            Self::And(parts) => joined(parts, " AND ", "1", column, statement),
            Self::Or(parts) => joined(parts, " OR ", "0", column, statement),
            Self::Not(part) => format!("NOT ({})", part.sql_over(column, statement)),
        }
    }
}

fn joined(
    parts: &[Filter],
    between: &str,
    none: &str,
    column: &dyn Fn(Dimension) -> &'static str,
    statement: &mut Statement,
) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("({})", part.sql_over(column, statement))).collect();
    if parts.is_empty() { none.to_owned() } else { parts.join(between) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(dimension: Dimension, value: &str) -> Filter {
        Filter::Compare(Test::Is, dimension, vec![value.to_owned()])
    }

    #[test]
    fn conditions_on_pairs_and_on_events_part() {
        let both = Filter::And(vec![is(Dimension::Country, "FR"), is(Dimension::Category, "marketing")]);
        let (events, pairs) = Filter::split(vec![both, is(Dimension::Bot, "no")]).unwrap();
        assert_eq!(events, [is(Dimension::Country, "FR"), is(Dimension::Bot, "no")]);
        assert_eq!(pairs, [is(Dimension::Category, "marketing")]);
    }

    #[test]
    fn what_cannot_part_is_refused() {
        let mixed = Filter::Or(vec![is(Dimension::Country, "FR"), is(Dimension::Service, "chaport")]);
        assert_eq!(Filter::split(vec![mixed.clone()]), Err(FilterError::Mixed));
        assert_eq!(Filter::split(vec![Filter::Not(Box::new(mixed))]), Err(FilterError::Mixed));
        assert_eq!(Filter::split(vec![is(Dimension::Time, "x")]), Err(FilterError::Time));
    }
}
