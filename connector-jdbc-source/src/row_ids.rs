//! Identities of rows, to recognise those that were sent.
use crate::read_plan::ReadPlan;
use connect_api::{Records, Result, Row, SchemaRef, Value};
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, Hash, Hasher, RandomState},
};

/// The columns that identify a row, and how they are hashed.
pub(crate) struct RowIds {
    /// By index in the table.
    pub(crate) columns: Vec<usize>,
    /// The schema of these columns, as they are read alone.
    pub(crate) schema: SchemaRef,
    /// Two rows can be equal in all columns: the identity has the number of equal rows before it.
    /// They have equal keys, so they are read in one page or as ties.
    counted: bool,
    /// Rows with equal keys are not told apart.
    pub(crate) by_key: bool,
    hashers: [RandomState; 2],
}

impl RowIds {
    /// By the page key and the primary key; by all columns where these are not unique, or where a row
    /// can be changed twice within one step of its timestamp.
    ///
    /// # Errors
    /// `Unsupported`: a column of a type that is not read.
    pub(crate) fn of(plan: &ReadPlan, hashers: [RandomState; 2]) -> Result<Self> {
        let table = &plan.table;
        let has_primary_key = !table.primary_key.is_empty() && !table.inherited;
        let counted = !(plan.unique_key || has_primary_key);
        let mut columns: Vec<usize> = Vec::new();
        let coarse = plan.before_now.is_some() && !plan.resolution.is_zero();
        if counted || coarse {
            columns.clone_from(&plan.columns);
        } else {
            let primary = table
                .primary_key
                .iter()
                .filter_map(|name| table.index_of(name));
            for column in plan.key_columns().chain(primary) {
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        Ok(Self {
            schema: table.schema(&columns, &[])?,
            columns,
            counted,
            by_key: false,
            hashers,
        })
    }

    /// By the page key alone, and the number of rows with equal keys: for rows that cannot be read.
    ///
    /// # Errors
    /// `Unsupported`: a column of a type that is not read.
    pub(crate) fn by_key(plan: &ReadPlan, hashers: [RandomState; 2]) -> Result<Self> {
        let columns: Vec<usize> = plan.key_columns().collect();
        Ok(Self {
            schema: plan.table.schema(&columns, &[])?,
            columns,
            counted: true,
            by_key: true,
            hashers,
        })
    }

    /// For each row, whether it or one with an equal key is among `rows`, which are in order.
    pub(crate) fn with_equal_keys(&self, records: &Records, rows: &[u32]) -> Vec<u32> {
        let keys: Vec<u128> = records
            .rows()
            .map(|row| self.row(&row, &self.columns))
            .collect();
        let key_of = |row: &u32| keys.get(usize::try_from(*row).ok()?).copied();
        let wanted: HashSet<u128> = rows.iter().filter_map(key_of).collect();
        let all = (0_u32..).zip(&keys);
        all.filter(|(_, key)| wanted.contains(key))
            .map(|(row, _)| row)
            .collect()
    }

    /// The same columns under the same names: identities that were computed before are of use.
    pub(crate) fn same_columns(
        &self,
        plan: &ReadPlan,
        other: &Self,
        other_plan: &ReadPlan,
    ) -> bool {
        let names = |ids: &Self, plan: &ReadPlan| {
            let columns = ids.columns.iter();
            let names = columns.map(|i| plan.table.columns[*i].name.clone());
            names.collect::<Vec<_>>()
        };
        self.counted == other.counted
            && self.by_key == other.by_key
            && names(self, plan) == names(other, other_plan)
    }

    pub(crate) fn hashers(&self) -> [RandomState; 2] {
        self.hashers.clone()
    }

    /// Identities of rows of all columns of the table.
    pub(crate) fn of_rows(&self, records: &Records, equal: &mut EqualRows) -> Vec<u128> {
        self.hash(records, &self.columns, equal)
    }

    /// Identities of rows of these columns alone.
    pub(crate) fn of_identities(&self, records: &Records, equal: &mut EqualRows) -> Vec<u128> {
        let columns: Vec<usize> = (0..self.columns.len()).collect();
        self.hash(records, &columns, equal)
    }

    fn hash(&self, records: &Records, columns: &[usize], equal: &mut EqualRows) -> Vec<u128> {
        let ids = records.rows().map(|row| self.row(&row, columns));
        if !self.counted {
            return ids.collect();
        }
        ids.map(|id| {
            let before = equal.0.entry(id).or_insert(0);
            *before += 1;
            id.wrapping_add(u128::from(*before - 1))
        })
        .collect()
    }

    fn row(&self, row: &Row<'_>, columns: &[usize]) -> u128 {
        let [mut high, mut low] = [0, 1].map(|i: usize| self.hashers[i].build_hasher());
        for column in columns {
            let value = row.get(*column).to_value();
            hash_value(&value, &mut high);
            hash_value(&value, &mut low);
        }
        u128::from(high.finish()) << 64 | u128::from(low.finish())
    }

    /// Identities of rows of some columns of the table; `None` where one is missing.
    pub(crate) fn of_some(&self, records: &Records, columns: &[usize]) -> Option<Vec<u128>> {
        let at = |column: &usize| columns.iter().position(|c| c == column);
        let columns: Option<Vec<usize>> = self.columns.iter().map(at).collect();
        Some(self.hash(records, &columns?, &mut EqualRows::default()))
    }
}

/// How many rows of each identity there were so far.
#[derive(Default)]
pub(crate) struct EqualRows(HashMap<u128, u64>);

pub(crate) fn hash_value(value: &Value, hasher: &mut impl Hasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Null => {}
        Value::Bool(v) => v.hash(hasher),
        Value::Int(v) | Value::Time(v) | Value::Timestamp(v) => v.hash(hasher),
        Value::UInt(v) => v.hash(hasher),
        Value::Float(v) => v.to_bits().hash(hasher),
        Value::Decimal(v, scale) => (v, scale).hash(hasher),
        Value::Text(v) => v.hash(hasher),
        Value::Bytes(v) => v.hash(hasher),
        Value::Date(v) => v.hash(hasher),
        Value::OffsetTimestamp(v, offset) => (v, offset).hash(hasher),
        Value::Interval(months, days, nanos) => (months, days, nanos).hash(hasher),
        Value::List(values) | Value::Struct(values) => {
            values.len().hash(hasher);
            values.iter().for_each(|v| hash_value(v, hasher));
        }
        Value::Map(entries) => {
            entries.len().hash(hasher);
            for (key, value) in entries {
                key.hash(hasher);
                hash_value(value, hasher);
            }
        }
    }
}
