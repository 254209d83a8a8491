//! Writes decided in advance: the type each column is met with, the route, the SQL.
use crate::{
    encode::writer,
    syntax::{PostgresSyntax, value_type},
    target::Target,
};
use connect_api::{Error, ErrorKind, Kind, Result, arrow::array::new_empty_array};
use dialect_core::{
    Cells, Column, Route, Syntax as _, TableType, WriteOp, WritePlan, WriteRequest,
};
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

/// What a plan's route needs, beside what every plan has.
#[derive(Debug)]
pub(crate) struct Detail {
    /// How the columns are met, in the order of the plan's pairs.
    pub(crate) targets: Vec<Target>,
    /// `COPY` into the table.
    pub(crate) load: Arc<str>,
    /// The temporary table that rows are gathered in.
    pub(crate) stage: Stage,
    /// One statement for many rows, each column an array.
    pub(crate) values: Arc<str>,
    /// The pairs whose values are texts that the server casts to another type.
    pub(crate) cast: Vec<usize>,
    /// The route was asked for: it is taken however few rows there are.
    pub(crate) forced: bool,
}

/// Statements around a temporary table.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) create: Arc<str>,
    pub(crate) copy: Arc<str>,
    pub(crate) merge: Arc<str>,
    pub(crate) empty: Arc<str>,
}

pub(crate) fn plan(request: &WriteRequest<'_>) -> Result<WritePlan> {
    let (pairs, key) = request.pair()?;
    let columns: Vec<&Column> = pairs.iter().map(|p| &request.table.columns[p.to]).collect();
    let targets = request.encoders(&pairs, |kind, column| {
        Target::of(column).filter(|target| fits(kind, *target))
    })?;
    let route = route(request, &columns, &targets)?;
    let write = Write {
        op: request.op,
        table: PostgresSyntax.table(&request.table.name)?,
        names: columns
            .iter()
            .map(|c| PostgresSyntax.quote(&c.name))
            .collect::<Result<_>>()?,
        casts: columns
            .iter()
            .zip(&targets)
            .map(|(column, target)| cast(column, *target))
            .collect(),
        key,
        identity: columns.iter().any(|c| c.auto_increment),
    };
    let detail = Detail {
        load: copy(&write.table, &write.names),
        stage: write.stage(&columns, &targets),
        values: write.values(&targets),
        cast: (0..targets.len())
            .filter(|i| !matches!(write.casts[*i].as_str(), "" | "::bpchar"))
            .collect(),
        forced: request.route.is_some(),
        targets,
    };
    Ok(WritePlan {
        op: request.op,
        table: Arc::new(request.table.clone()),
        pairs,
        key,
        route,
        detail: Arc::new(detail),
    })
}

/// Cells of `kind` have a way into the target.
fn fits(kind: &Kind, target: Target) -> bool {
    let column = new_empty_array(&kind.data_type());
    Cells::new(kind, column.as_ref()).is_ok_and(|cells| writer(cells, target).is_some())
}

fn route(request: &WriteRequest<'_>, columns: &[&Column], targets: &[Target]) -> Result<Route> {
    // COPY takes no view, and the exact type of each column: of a domain over JSON it is not
    // known whether that is `json` or `jsonb`.
    let exact = |(c, t): (&&Column, &Target)| *t != Target::Json || c.vendor_type == "json";
    let loadable = request.op == WriteOp::Insert
        && request.table.table_type == TableType::Table
        && columns.iter().zip(targets).all(exact);
    let best = match request.op {
        WriteOp::Insert if loadable => Route::Load,
        WriteOp::Insert => Route::Values,
        WriteOp::InsertIgnore | WriteOp::Upsert | WriteOp::Update | WriteOp::Delete => Route::Stage,
    };
    match request.route.unwrap_or(best) {
        Route::Load if !loadable => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "table {}: COPY only inserts, into tables that are no views, and not into domains over JSON",
                request.table.name
            ),
        )),
        route => Ok(route),
    }
}

/// The cast of a gathered value to the column's type, where it is met with another.
fn cast(column: &Column, target: Target) -> String {
    let name = value_type(column);
    let same = match target {
        Target::Text(_) => matches!(name.as_str(), "text" | "character varying"),
        Target::Json | Target::Oid => name == target.names().0,
        _ => true,
    };
    if same {
        return String::new();
    }
    format!("::{name}")
}

fn copy(table: &str, names: &[String]) -> Arc<str> {
    format!(
        "COPY {table} ({}) FROM STDIN (FORMAT binary)",
        names.join(", ")
    )
    .into()
}

/// A write as text, but for where its rows come from.
struct Write {
    op: WriteOp,
    table: String,
    names: Vec<String>,
    casts: Vec<String>,
    key: usize,
    identity: bool,
}

impl Write {
    /// The statement that takes the rows of a relation, aliased as `r`, whose columns have the
    /// names of the table's.
    fn merge(&self, rows: &str) -> Arc<str> {
        let Self {
            table, names, key, ..
        } = self;
        let value = |i: usize| format!("r.{}{}", names[i], self.casts[i]);
        let matched: Vec<_> = (0..*key)
            .map(|i| format!("t.{} = {}", names[i], value(i)))
            .collect();
        let matched = matched.join(" AND ");
        let sql = match self.op {
            WriteOp::Insert | WriteOp::InsertIgnore | WriteOp::Upsert => {
                let values: Vec<_> = (0..names.len()).map(value).collect();
                let identity = match self.identity {
                    true => " OVERRIDING SYSTEM VALUE",
                    false => "",
                };
                format!(
                    "INSERT INTO {table} ({}){identity} SELECT {} FROM {rows}{}",
                    names.join(", "),
                    values.join(", "),
                    self.conflict(),
                )
            }
            WriteOp::Update => {
                let sets: Vec<_> = (*key..names.len())
                    .map(|i| format!("{} = {}", names[i], value(i)))
                    .collect();
                format!(
                    "UPDATE {table} AS t SET {} FROM {rows} WHERE {matched}",
                    sets.join(", ")
                )
            }
            WriteOp::Delete => format!("DELETE FROM {table} AS t USING {rows} WHERE {matched}"),
        };
        sql.into()
    }

    fn conflict(&self) -> String {
        match self.op {
            WriteOp::Insert => return String::new(),
            WriteOp::InsertIgnore => return " ON CONFLICT DO NOTHING".to_owned(),
            _ => {}
        }
        let keys = self.names[..self.key].join(", ");
        let sets: Vec<_> = self.names[self.key..]
            .iter()
            .map(|name| format!("{name} = EXCLUDED.{name}"))
            .collect();
        if sets.is_empty() {
            return format!(" ON CONFLICT ({keys}) DO NOTHING");
        }
        format!(" ON CONFLICT ({keys}) DO UPDATE SET {}", sets.join(", "))
    }

    fn values(&self, targets: &[Target]) -> Arc<str> {
        let arrays: Vec<_> = targets
            .iter()
            .enumerate()
            .map(|(i, target)| format!("${}::{}[]", i + 1, target.names().0))
            .collect();
        let (arrays, names) = (arrays.join(", "), self.names.join(", "));
        self.merge(&format!("UNNEST({arrays}) AS r({names})"))
    }

    fn stage(&self, columns: &[&Column], targets: &[Target]) -> Stage {
        let definitions: Vec<_> = columns
            .iter()
            .zip(targets)
            .zip(&self.names)
            .map(|((column, target), name)| match target {
                // As `json` a domain's text is certain to be taken; the merge casts it.
                Target::Json => format!("{name} json"),
                _ => format!("{name} {}", column.vendor_type),
            })
            .collect();
        let definitions = definitions.join(", ");
        // Plans over the same columns share a table, and a connection's tables stay few.
        let mut hasher = DefaultHasher::new();
        definitions.hash(&mut hasher);
        let name = format!("connect_stage_{:016x}", hasher.finish());
        Stage {
            create: format!("CREATE TEMPORARY TABLE {name} ({definitions}) ON COMMIT DELETE ROWS")
                .into(),
            copy: copy(&format!("pg_temp.{name}"), &self.names),
            merge: self.merge(&format!("pg_temp.{name} AS r")),
            empty: format!("TRUNCATE pg_temp.{name}").into(),
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::Schema;
    use dialect_core::{Table, TableName};

    fn table() -> Table {
        let column = |name: &str, kind, vendor_type: &str| Column {
            name: name.to_owned(),
            kind: Some(kind),
            vendor_type: vendor_type.to_owned(),
            length: None,
            nullable: true,
            has_default: false,
            auto_increment: name == "id",
            generated: false,
            ..Column::default()
        };
        Table {
            name: TableName::new("t"),
            table_type: TableType::Table,
            columns: vec![
                column("id", Kind::Int64, "bigint"),
                column("mood", Kind::Text, "shop.mood"),
                column("Price", Kind::BigDecimal, "numeric"),
            ],
            primary_key: vec!["id".to_owned()],
            unique_keys: Vec::new(),
            ..Table::default()
        }
    }

    fn planned(op: WriteOp) -> WritePlan {
        let fields = [
            Kind::Text.field("mood", true),
            Kind::BigDecimal.field("Price", true),
            Kind::Int32.field("id", true),
        ];
        plan(&WriteRequest {
            table: &table(),
            schema: &Schema::new("t", fields, &[]).unwrap(),
            op,
            key: &["id".to_owned()],
            columns: None,
            route: None,
        })
        .unwrap()
    }

    fn detail(plan: &WritePlan) -> &Detail {
        plan.detail.downcast_ref().unwrap()
    }

    #[test]
    fn an_insert_is_a_copy_of_the_columns_in_the_order_of_the_records() {
        let plan = planned(WriteOp::Insert);
        assert_eq!(plan.route, Route::Load);
        assert_eq!(
            &*detail(&plan).load,
            "COPY \"t\" (\"mood\", \"Price\", \"id\") FROM STDIN (FORMAT binary)"
        );
        assert_eq!(
            &*detail(&plan).values,
            "INSERT INTO \"t\" (\"mood\", \"Price\", \"id\") OVERRIDING SYSTEM VALUE \
             SELECT r.\"mood\"::shop.mood, r.\"Price\", r.\"id\" \
             FROM UNNEST($1::text[], $2::numeric[], $3::bigint[]) AS r(\"mood\", \"Price\", \"id\")"
        );
    }

    #[test]
    fn an_upsert_goes_by_a_temporary_table() {
        let plan = planned(WriteOp::Upsert);
        assert_eq!(plan.route, Route::Stage);
        let stage = &detail(&plan).stage;
        assert_eq!(
            &*stage.create,
            format!(
                "CREATE TEMPORARY TABLE {} (\"id\" bigint, \"mood\" shop.mood, \"Price\" numeric) \
                 ON COMMIT DELETE ROWS",
                stage.name
            )
        );
        assert_eq!(
            &*stage.merge,
            format!(
                "INSERT INTO \"t\" (\"id\", \"mood\", \"Price\") OVERRIDING SYSTEM VALUE \
                 SELECT r.\"id\", r.\"mood\"::shop.mood, r.\"Price\" FROM pg_temp.{} AS r \
                 ON CONFLICT (\"id\") DO UPDATE SET \"mood\" = EXCLUDED.\"mood\", \
                 \"Price\" = EXCLUDED.\"Price\"",
                stage.name
            )
        );
    }

    #[test]
    fn updates_and_deletes_match_by_the_key() {
        assert_eq!(
            &*detail(&planned(WriteOp::Update)).values,
            "UPDATE \"t\" AS t SET \"mood\" = r.\"mood\"::shop.mood, \"Price\" = r.\"Price\" \
             FROM UNNEST($1::bigint[], $2::text[], $3::numeric[]) AS r(\"id\", \"mood\", \"Price\") \
             WHERE t.\"id\" = r.\"id\""
        );
        assert_eq!(
            &*detail(&planned(WriteOp::Delete)).values,
            "DELETE FROM \"t\" AS t USING UNNEST($1::bigint[]) AS r(\"id\") WHERE t.\"id\" = r.\"id\""
        );
    }
}
