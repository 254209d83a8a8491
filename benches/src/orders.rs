//! The workload `orders`: a row of ten columns, made from its id.
use crate::noise::{scatter, small};
use connect_api::{
    ColumnBuilder, Kind, LENGTH, NOT_NULL, Result, Schema, SchemaRef, arrow::schema::Field,
};
use std::fmt::Write as _;

/// One row in so many has NULL as its quantity.
const NULL_EVERY: i64 = 97;
/// 2024-01-01 00:00:00, microseconds since 1970-01-01: when the first order was made.
const FIRST_CREATED: i64 = 1_704_067_200_000_000;
const STATUS: [&str; 5] = ["new", "paid", "packed", "shipped", "delivered"];
const WORDS: [&str; 16] = [
    "leave", "at", "the", "door", "call", "before", "noon", "gift", "wrap", "fragile", "second",
    "floor", "no", "stairs", "thank", "you",
];
/// Notes end with the first word that reaches this length.
const NOTE_LENGTH: usize = 56;

/// The columns, with `id` as the key.
///
/// # Errors
/// None in truth: the schema is a constant.
pub(crate) fn schema() -> Result<SchemaRef> {
    let plain = |kind: Kind, name: &str| kind.field(name, true);
    let with = |field: Field, key: &str, value: &str| {
        let mut metadata = field.metadata().clone();
        metadata.insert(key.to_owned(), value.to_owned());
        field.with_metadata(metadata)
    };
    let text = |name: &str, length: &str| with(plain(Kind::Text, name), LENGTH, length);
    let time = |name: &str| plain(Kind::Timestamp { utc: false }, name);
    let amount = Kind::Decimal {
        precision: 12,
        scale: 2,
    };
    let given = |field: Field| with(field, NOT_NULL, "true");
    Schema::new(
        "orders",
        [
            Kind::Int64.field("id", false),
            given(plain(Kind::Int32, "customer_id")),
            plain(Kind::Int32, "quantity"),
            given(plain(Kind::Float64, "price")),
            given(plain(amount, "amount")),
            given(text("status", "16")),
            text("note", "120"),
            given(plain(Kind::Bool, "active")),
            given(time("created_at")),
            given(time("updated_at")),
        ],
        &["id"],
    )
}

/// Appends the cells of one order.
pub(crate) fn append(columns: &mut [ColumnBuilder], id: i64, revision: i64, note: &mut String) {
    let noise = scatter(id);
    let quantity = small(noise, 20) + 1;
    let price = f64::from(small(noise >> 8, 100_000)) / 128.0;
    write_note(note, id, noise);
    let created = FIRST_CREATED + id * 1_000_001;
    for (i, column) in columns.iter_mut().enumerate() {
        match (i, column) {
            (0, ColumnBuilder::Int64(b)) => b.append_value(id),
            (1, ColumnBuilder::Int32(b)) => b.append_value(small(noise >> 16, 50_000)),
            (2, ColumnBuilder::Int32(b)) if id % NULL_EVERY == 0 => b.append_null(),
            (2, ColumnBuilder::Int32(b)) => {
                b.append_value(quantity + small(revision.unsigned_abs(), 1_000));
            }
            (3, ColumnBuilder::Float64(b)) => b.append_value(price),
            (4, ColumnBuilder::Decimal(b)) => {
                b.append_value(i128::from(small(noise >> 24, 100_000_000)));
            }
            (5, ColumnBuilder::Text(b)) => {
                let turn = scatter(id ^ revision) >> 32;
                b.append_value(STATUS[(turn % STATUS.len() as u64) as usize]);
            }
            (6, ColumnBuilder::Text(b)) => b.append_value(&*note),
            (7, ColumnBuilder::Bool(b)) => b.append_value(noise & 7 != 0),
            (8, ColumnBuilder::Timestamp(b)) => b.append_value(created),
            (9, ColumnBuilder::Timestamp(b)) => {
                b.append_value(created + 3_600_000_000 * (revision + 1) + id % 1_000);
            }
            (_, other) => other.append_null(),
        }
    }
}

fn write_note(note: &mut String, id: i64, noise: u64) {
    note.clear();
    // Writing to a string cannot fail.
    let _infallible = write!(note, "order {id}:");
    let mut turn = noise;
    while note.len() < NOTE_LENGTH {
        note.push(' ');
        note.push_str(WORDS[(turn & 15) as usize]);
        turn = turn.rotate_right(4);
    }
}

#[cfg(test)]
mod tests {
    use crate::Workload;
    use connect_api::arrow::array::{Array as _, cast::AsArray as _};

    #[test]
    fn a_million_orders_have_the_nulls_and_lengths_of_the_workload() {
        let rows = Workload::Orders.records("orders", 1..=100_000, 0).unwrap();
        assert_eq!(rows.batch().column(2).null_count(), 100_000 / 97);
        let notes = rows.batch().column(6).as_string::<i32>();
        assert_eq!(notes.null_count(), 0);
        let mean = notes.value_data().len() / notes.len();
        assert!((56..64).contains(&mean), "{mean}");
        assert!(notes.iter().flatten().all(|note| note.len() <= 120));
    }
}
