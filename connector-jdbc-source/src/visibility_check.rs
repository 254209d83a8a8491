//! How it is known which rows are complete (G5), and what is not seen of late ones: asked once of the
//! server, and once of all tables together.
use crate::{config::SourceConfig, index_check, late_rows::CompleteBy, read_plan::ReadPlan};
use connect_api::Result;
use dialect_core::{Connection, Dialect, Replica, Syntax, Table, VisibleBy};
use std::sync::Arc;

/// Tables that are asked about together.
const TOGETHER: usize = 1_000;

/// Of how tables are read without reports.
const NO_REPORTS: &str = "running transactions cannot be seen (MySQL shows them to users with the \
    privilege PROCESS; replicas do not show those of the server that they follow): rows of transactions \
    that are open for longer than gap.window.ms are missed";

/// Rows of so many bytes are noted: the longest are perhaps sixteen times as long.
const LONG_ROW: u64 = 256 << 10;
/// An average over fewer rows says nothing: the pages of a table are counted whole.
const FEW_ROWS: u64 = 10;

const ADVICE: &str = "late rows can be missed; set gap.window.ms to the longest time between taking a \
                      value and its commit";

/// What the server says of its transactions.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerVisibility {
    /// How it is known which rows are complete; `None` where no late rows are looked for.
    pub(crate) by: Option<CompleteBy>,
    replica: Option<Replica>,
}

impl ServerVisibility {
    /// Asks the server.
    ///
    /// # Errors Errors of the database.
    pub(crate) async fn ask(
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        plans: &[ReadPlan],
    ) -> Result<Self> {
        let capabilities = dialect.capabilities();
        let replica = connection.replica().await?;
        if !looks(plans, dialect) {
            return Ok(Self { by: None, replica });
        }
        let by = match capabilities.visibility {
            VisibleBy::Transactions if connection.visibility().await?.is_some() => {
                CompleteBy::Transactions
            }
            VisibleBy::RowVersion => CompleteBy::RowVersion,
            VisibleBy::Transactions | VisibleBy::Nothing => CompleteBy::Age,
        };
        Ok(Self {
            by: Some(by),
            replica,
        })
    }

    /// It says what is needed to read these tables.
    pub(crate) fn suffices(&self, plans: &[ReadPlan], dialect: &dyn Dialect) -> bool {
        self.by.is_some() || !looks(plans, dialect)
    }

    /// Logs how late rows are looked for.
    pub(crate) fn log(&self, config: &SourceConfig) {
        let Some(by) = self.by else {
            return;
        };
        let window_ms = config.window_of(by).as_millis();
        match by {
            CompleteBy::Transactions => tracing::info!(
                window_ms,
                "late rows are looked for until all transactions have ended that were running when \
                 their neighbours were read"
            ),
            CompleteBy::RowVersion => tracing::info!(
                window_ms = config.gap_window().as_millis(),
                "late rows are looked for below the minimum active row version; by other columns than \
                 a rowversion, for gap.window.ms"
            ),
            CompleteBy::Age => tracing::warn!(window_ms, "{NO_REPORTS}"),
        }
        for note in self.notes(config) {
            tracing::warn!("{note}");
        }
    }

    /// What is worth knowing of a server that follows another.
    fn notes(&self, config: &SourceConfig) -> Vec<String> {
        let Some(replica) = &self.replica else {
            return Vec::new();
        };
        let lag = match replica.lag {
            Some(lag) => format!("it is {} s behind", lag.as_secs()),
            None => "how far it is behind is not shown to this user".to_owned(),
        };
        let mut notes = vec![format!(
            "the database is a replica: rows are read once it has them, and {lag}"
        )];
        notes.extend(self.limit(config));
        notes
    }

    /// What a server that is written to and follows another does not show of late rows.
    fn limit(&self, config: &SourceConfig) -> Option<String> {
        self.replica.as_ref()?;
        let unset = self.by == Some(CompleteBy::Transactions) && config.gap_window.is_none();
        let why = "the server follows another, whose transactions it does not show";
        unset.then(|| format!("{why}: {ADVICE}"))
    }

    /// The notes of `check`.
    pub(crate) fn check_notes(&self, config: &SourceConfig) -> Vec<String> {
        let mut notes = self.notes(config);
        if self.by == Some(CompleteBy::Age) && config.gap_window.is_none() {
            notes.push(NO_REPORTS.to_owned());
        }
        notes
    }

    /// How late rows of a table are found, for its status; `notes` are those of the table.
    pub(crate) fn method(&self, plan: &ReadPlan, notes: &[String]) -> Option<Arc<str>> {
        let looks = plan.looks_for_late_rows();
        let limit = self.limit(&plan.config).filter(|_| looks);
        let notes: Vec<String> = notes.iter().cloned().chain(limit).collect();
        plan.method(self.by.filter(|_| looks), &notes)
    }

    /// What is worth knowing of how each table is read: an index that is missing, and what is not seen
    /// of its late rows. For the log of a task, and for `check`.
    ///
    /// # Errors Errors of the database.
    pub(crate) async fn table_notes(
        &self,
        connection: &mut dyn Connection,
        syntax: &dyn Syntax,
        plans: &[ReadPlan],
    ) -> Result<Vec<Vec<String>>> {
        let mut notes = Vec::with_capacity(plans.len());
        for plan in plans {
            let missing = index_check::missing_index(syntax, plan)?;
            notes.push(missing.into_iter().chain(long_rows(plan)).collect());
        }
        let Some(by) = self.by else {
            return Ok(notes);
        };
        let mut asked: Vec<(usize, (&Table, usize))> = Vec::new();
        for (i, plan) in plans.iter().enumerate() {
            let config = &plan.config;
            let known = config.gap_window.is_some() || plan.query.is_some();
            let column = plan.key_columns().next();
            let column = column.filter(|_| plan.looks_for_late_rows() && !known);
            asked.extend(column.map(|column| (i, (&plan.table, column))));
        }
        for asked in asked.chunks(TOGETHER) {
            let columns: Vec<_> = asked.iter().map(|(_, column)| *column).collect();
            let limits = connection.visibility_limits(&columns).await?;
            for ((i, (_, column)), mut limits) in asked.iter().zip(limits) {
                let plan = &plans[*i];
                limits.extend(own_limits(plan, *column, by));
                let name = plan.name();
                let limits = limits
                    .iter()
                    .map(|limit| format!("{name}: {limit}: {ADVICE}"));
                notes[*i].extend(limits);
            }
        }
        Ok(notes)
    }
}

/// Rows that are long on average, so that some may be too long for a message.
fn long_rows(plan: &ReadPlan) -> Option<String> {
    let bytes = plan.table.row_bytes.filter(|bytes| *bytes >= LONG_ROW)?;
    let few = plan.table.row_estimate.is_none_or(|rows| rows < FEW_ROWS);
    let config = &plan.config;
    let chosen = !(config.columns.is_empty() && config.excluded_columns.is_empty());
    let narrowed = chosen || plan.projection.is_some();
    (!few && !narrowed && plan.query.is_none()).then(|| {
        format!(
            "rows of table {} have about {bytes} bytes on average, and RocketMQ takes messages of up to \
             4 MiB by default: a longer row is an error; raise maxMessageSize of the brokers, leave such \
             columns out (column.exclude.list) or cut them (column.mask.truncate), or keep such rows in \
             the dead letter queue (errors.tolerance=all)",
            plan.table.name
        )
    })
}

/// Late rows of some of the tables, or of their captured deletes, are looked for.
fn looks(plans: &[ReadPlan], dialect: &dyn Dialect) -> bool {
    let captures = |plan: &ReadPlan| plan.config.captures_deletes() && plan.config.gap_safe;
    let looks = |plan: &ReadPlan| plan.looks_for_late_rows() || captures(plan);
    dialect.capabilities().concurrent_writers && plans.iter().any(looks)
}

/// What is not seen of late rows because of the column that they are ordered by.
fn own_limits(plan: &ReadPlan, column: usize, by: CompleteBy) -> Vec<String> {
    let column = &plan.table.columns[column];
    let mut limits = Vec::new();
    if by == CompleteBy::RowVersion && !plan.is_by_row_version() {
        limits.push(format!(
            "running transactions are seen for a rowversion column only, and not for `{}`",
            column.name
        ));
    }
    if !(plan.config.uses_timestamps() || column.auto_increment) {
        limits.push(format!(
            "the values of `{}` are assigned by the application, perhaps before the \
             transaction that writes them begins",
            column.name
        ));
    }
    limits
}
