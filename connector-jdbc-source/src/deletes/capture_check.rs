//! Whether the table of changes and the triggers of a table are there, and how to create them.
use crate::{
    config::SourceConfig,
    deletes::{DeletedKeys, Deletes},
    read_plan::ReadPlan,
};
use connect_api::{
    Kind, Records, Result, Schema, Value,
    config::{Faults, Setting as _},
};
use dialect_core::{CaptureDdl, Connection, DeleteCapture, Syntax, Table, TableType};

const KEY: &str = "deletes.mode";

/// What there is of a capture.
pub(crate) struct Found {
    /// The table of changes.
    pub(crate) changes: Option<Table>,
    pub(crate) keys: Option<DeletedKeys>,
    /// The statements that create it.
    ddl: Option<CaptureDdl>,
    /// The triggers are not there, or are not seen.
    no_triggers: bool,
    pub(crate) faults: Faults,
}

/// Looks for the table of changes and the triggers of a table.
///
/// # Errors Errors of the database.
pub(crate) async fn find(
    plan: &ReadPlan,
    connection: &mut dyn Connection,
    syntax: &dyn Syntax,
) -> Result<Found> {
    let mut found = Found {
        changes: None,
        keys: None,
        ddl: None,
        no_triggers: false,
        faults: Faults::default(),
    };
    let name = &plan.table.name;
    let key: Vec<usize> = plan.record_key().collect();
    let fault = match plan.table.table_type {
        TableType::Table | TableType::Partitioned if key.is_empty() => {
            Some("has no primary key, so a delete would have no key")
        }
        TableType::Table | TableType::Partitioned => None,
        TableType::View | TableType::MaterializedView | TableType::Foreign => {
            Some("is not a table whose deletes a trigger can capture")
        }
    };
    if let Some(fault) = fault {
        found.faults.at(KEY, format!("table {name} {fault}"));
        return Ok(found);
    }
    let capture = DeleteCapture::new(&plan.table, &key);
    let Some(ddl) = syntax.capture_deletes(&capture)? else {
        let message = "triggers are not available for this database; use delete.column.name";
        found.faults.at(KEY, message);
        return Ok(found);
    };
    found.keys = Some(DeletedKeys::of(plan, syntax)?);
    found.changes = connection.describe(&capture.changes).await?;
    match &found.changes {
        Some(changes) => {
            for fault in differences(&capture, changes) {
                found.faults.at(KEY, fault);
            }
        }
        None => found.faults.at(
            KEY,
            format!(
                "table {name}: there is no table {} that its deletes are captured in; `rocketmq-connect \
                 ddl` prints the statements that create it and its triggers",
                capture.changes
            ),
        ),
    }
    if let Some(list) = syntax.triggers(name)? {
        let schema = Schema::new("triggers", [Kind::Text.field("name", true)], &[])?;
        let mut cursor = connection.query(&list.statement, &schema).await?;
        let mut there = Vec::new();
        while let Some(batch) = cursor.next(1_000, usize::MAX).await? {
            let records = Records::new("triggers".into(), schema.clone(), batch)?;
            there.extend(records.rows().map(|row| row.get(0).to_value()));
        }
        let missing = |name: &&String| !there.contains(&Value::from(name.as_str()));
        let missing: Vec<_> = ddl.names.iter().filter(missing).cloned().collect();
        found.no_triggers = !missing.is_empty();
        let missing = missing.join(", ");
        if found.no_triggers && list.may_hide {
            found.faults.note(format!(
                "table {name}: the triggers {missing} that capture deletes are not there, or are hidden \
                 from this user; `rocketmq-connect ddl` prints the statements that create them"
            ));
        } else if found.no_triggers && found.changes.is_some() {
            found.faults.at(
                KEY,
                format!(
                    "table {name}: the triggers {missing} that capture deletes are not there, or not \
                     enabled; `rocketmq-connect ddl` prints the statements that create them"
                ),
            );
        }
    }
    found.ddl = Some(ddl);
    Ok(found)
}

/// Why a table does not hold the changes of this capture.
fn differences(capture: &DeleteCapture<'_>, changes: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: String| {
        faults.push(format!(
            "table {}: {what}; drop it and its triggers, and create them again with the statements that \
             `rocketmq-connect ddl` prints",
            capture.changes
        ));
    };
    let kind_of = |name: &str| {
        let column = changes.columns.iter().find(|column| column.name == name);
        column.map(|column| column.kind.clone())
    };
    if kind_of(DeleteCapture::ID) != Some(Some(Kind::Int64)) {
        fault(format!("it has no column {} of 64 bits", DeleteCapture::ID));
    }
    for column in capture.key.iter().map(|i| &capture.table.columns[*i]) {
        match kind_of(&column.name) {
            None => fault(format!("it has no column `{}`", column.name)),
            Some(kind) if kind != column.kind => fault(format!(
                "its column `{}` is of another type than that of the table",
                column.name
            )),
            Some(_) => {}
        }
    }
    faults
}

impl Found {
    /// What is to be run so that deletes of the table are captured, with remarks.
    pub(crate) fn script(&self, plan: &ReadPlan) -> Vec<String> {
        let Some(ddl) = &self.ddl else {
            return Vec::new();
        };
        let mut script = Vec::new();
        match (self.changes.is_some(), self.no_triggers) {
            (true, false) => script.push(format!("-- {}: is captured", plan.table.name)),
            (there, _) => {
                script.push(format!("-- {}: deletes are captured by", plan.table.name));
                let table = ddl.table.iter().filter(|_| !there);
                let statements = table.chain(&ddl.triggers);
                script.extend(statements.map(|statement| format!("{statement};")));
            }
        }
        script.push(format!(
            "-- the user of the connector needs SELECT on the table of changes; delete what was read \
             now and then: {};",
            ddl.purge
        ));
        script
    }
}

impl SourceConfig {
    /// Deletes of some tables are captured by triggers.
    pub(crate) fn captures_some_deletes(&self) -> bool {
        let trigger = Deletes::Trigger.show();
        self.captures_deletes() || self.table_settings.any(KEY, &trigger)
    }

    /// Deletes are captured by triggers.
    pub(crate) fn captures_deletes(&self) -> bool {
        match self.deletes() {
            Deletes::Trigger => true,
            Deletes::None | Deletes::Mark | Deletes::Diff => false,
        }
    }
}
