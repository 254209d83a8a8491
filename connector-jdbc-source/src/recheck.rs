//! Checks open rows, and finds late ones among them (G5).
use crate::{
    config::SourceConfig,
    late_rows::{Check, CompleteBy, LateRows, Report},
    read_plan::ReadPlan,
    row_ids::{EqualRows, RowIds},
    scalar::query_row,
    table::{TableState, select},
};
use connect_api::{Error, ErrorKind, Result, Value};
use dialect_core::{Connection, Dialect, Page, Visibility};
use std::{hash::RandomState, num::NonZeroU32, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Tables that are polled within this time share a report.
const SHARED: Duration = Duration::from_millis(20);

/// The last report of the database's transactions, shared by the tables of a task.
#[derive(Default)]
pub(crate) struct Reports(Option<Report>);

impl Reports {
    /// A report from after this time; `None` if the database gives none.
    async fn since(
        &mut self,
        connection: &mut dyn Connection,
        time: Instant,
    ) -> Result<Option<&Report>> {
        let old = |report: &Report| report.at <= time || report.at.elapsed() > SHARED;
        if self.0.as_ref().is_none_or(old) {
            let asked = Instant::now();
            let visibility = connection.visibility().await?;
            self.0 = visibility.map(|visibility| Report {
                at: match &visibility {
                    Visibility::Transactions(running) => Instant::from_std(running.asked),
                    Visibility::RowVersion(_) => asked,
                },
                visibility: Arc::new(visibility),
            });
        }
        Ok(self.0.as_ref())
    }
}

impl ReadPlan {
    /// How late rows are found, and what is not seen of them, for the status of the table; `None` where it
    /// is read without a position.
    pub(crate) fn method(&self, by: Option<CompleteBy>, notes: &[String]) -> Option<Arc<str>> {
        if self.bulk {
            return None;
        }
        let by = match by {
            Some(CompleteBy::RowVersion) if !self.is_by_row_version() => Some(CompleteBy::Age),
            by => by,
        };
        let window_ms = by.map_or(0, |by| self.config.window_of(by).as_millis());
        let mut method = match by {
            None => "late rows are not looked for".to_owned(),
            Some(CompleteBy::Transactions) => {
                "late rows are found by running transactions".to_owned()
            }
            Some(CompleteBy::RowVersion) => {
                "late rows are found by the minimum active row version".to_owned()
            }
            Some(CompleteBy::Age) => format!("late rows are found for {window_ms} ms"),
        };
        for note in notes {
            method.push_str("; ");
            method.push_str(note);
        }
        Some(method.into())
    }

    /// The key starts with a row version of SQL Server.
    pub(crate) fn is_by_row_version(&self) -> bool {
        let first = self.key.first().map_or(&[][..], |part| &part.columns);
        let is_version = |column: &usize| {
            let declared = &self.table.columns[*column].vendor_type;
            let names = ["rowversion", "timestamp"];
            names.iter().any(|name| declared.eq_ignore_ascii_case(name))
        };
        !first.is_empty() && first.iter().all(is_version)
    }
}

impl SourceConfig {
    /// The minimum age of complete rows.
    pub(crate) fn window_of(&self, by: CompleteBy) -> Duration {
        match by {
            CompleteBy::Age => self.gap_window(),
            CompleteBy::Transactions | CompleteBy::RowVersion => {
                self.gap_window.map_or(Duration::ZERO, |window| window.0)
            }
        }
    }
}

impl TableState {
    /// Looks for late rows from now on.
    ///
    /// # Errors `Unsupported`: a column of a type that is not read.
    pub(crate) fn look_for_late_rows(&mut self, by: CompleteBy) -> Result<()> {
        if self.plan.key.is_empty() {
            return Ok(());
        }
        let by = match by {
            CompleteBy::RowVersion if !self.plan.is_by_row_version() => CompleteBy::Age,
            by => by,
        };
        let hashers = [RandomState::new(), RandomState::new()];
        let ids = RowIds::of(&self.plan, hashers)?;
        let window = self.plan.config.window_of(by);
        self.late = Some(LateRows::new(ids, by, window, self.after.clone()));
        Ok(())
    }

    /// Checks open rows. If there are late ones, the next pages are those that they are in.
    ///
    /// # Errors Errors of the database.
    pub(crate) async fn check_open_rows(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        reports: &mut Reports,
    ) -> Result<()> {
        let Some(late) = self.late.as_mut().filter(|late| late.bound.is_none()) else {
            return Ok(());
        };
        if late.needs_aim() {
            let last = self.last_key_of_table(connection, dialect).await?;
            if let (Some(late), Some(last)) = (&mut self.late, last) {
                late.aim_at(last);
            }
        }
        let Some(late) = self.late.as_mut().filter(|late| late.has_open_rows()) else {
            return Ok(());
        };
        let report = match late.report_after() {
            Some(time) => {
                let report = reports.since(connection, time).await?;
                if report.is_none() {
                    tracing::warn!(
                        table = %self.plan.name(),
                        "the database no longer reports running transactions to this user: late rows are looked \
                         for by age"
                    );
                    late.by_age(self.plan.config.gap_window());
                }
                report
            }
            None => None,
        };
        let (closed, ahead) = late.settle(report, Instant::now());
        // Rows that lie before a complete range are complete with it.
        let first = late.first_checks(if ahead { usize::MAX } else { closed });
        if !self.find_late_rows(&first, connection, dialect).await? {
            return Ok(());
        }
        let Some(late) = &mut self.late else {
            return Ok(());
        };
        late.complete(closed);
        if ahead {
            late.read_ahead();
            return Ok(());
        }
        late.log_if_held_back(self.plan.name());
        let youngest = late.youngest_checks(self.plan.config.poll_interval.0);
        self.find_late_rows(&youngest, connection, dialect).await?;
        Ok(())
    }

    /// Checks these ranges; `false` if there are late rows in one, which are read next.
    async fn find_late_rows(
        &mut self,
        checks: &[Check],
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<bool> {
        for check in checks {
            let found = self.late_rows_in(check, connection, dialect).await;
            let found = match found {
                Err(e) if e.kind() == ErrorKind::Data && self.compares_all_columns() => {
                    self.compare_by_key(&e)?;
                    return Ok(false);
                }
                found => found?,
            };
            if let (Some(after), Some(late)) = (found, &mut self.late) {
                late.read_again(check);
                (self.after, self.bisect) = (after, None);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// If there are late rows in the range: the key after which they are read.
    async fn late_rows_in(
        &mut self,
        check: &Check,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Option<Option<Vec<Value>>>> {
        let Some(late) = &self.late else {
            return Ok(None);
        };
        let page = Page {
            columns: &late.ids.columns,
            ..self.plan.ties_page(check.after.as_deref(), &check.until)
        };
        let statement = select(dialect, &page, &self.plan.config)?;
        let mut cursor = connection.query(&statement, &late.ids.schema).await?;
        let rows = usize::try_from(self.plan.config.max_rows.get()).unwrap_or(usize::MAX);
        let mut equal = EqualRows::default();
        let mut before = check.after.clone();
        let mut sum = (0_u64, 0_u128);
        let mut found = None;
        // All rows are read: a result that is left costs some databases the connection.
        while let Some(batch) = cursor.next(rows, self.plan.config.max_bytes.get()).await? {
            if batch.num_rows() == 0 || found.is_some() {
                continue;
            }
            let records = self.rows_of(&late.ids.schema, batch)?;
            let ids = late.ids.of_identities(&records, &mut equal);
            if check.sum.is_some() {
                sum.0 += ids.len() as u64;
                sum.1 = ids.iter().fold(sum.1, |sum, id| sum.wrapping_add(*id));
                continue;
            }
            let key_of = |row: usize| {
                let row = records.row(row);
                self.plan.page_key(&late.ids.columns, &row)
            };
            match ids.iter().position(|id| !late.is_sent(*id)) {
                // Rows with the key of the late one are read again too.
                Some(_) if !self.plan.unique_key => found = Some(check.after.clone()),
                Some(0) => found = Some(before.clone()),
                Some(row) => found = Some(key_of(row - 1).or_else(|| check.after.clone())),
                None => before = key_of(records.len() - 1).or(before),
            }
        }
        if check.sum.is_some_and(|expected| expected != sum) {
            found = Some(check.after.clone());
        }
        Ok(found)
    }

    /// The greatest key of the rows after the last that was read.
    pub(crate) async fn last_key_of_table(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
    ) -> Result<Option<Vec<Value>>> {
        let columns: Vec<usize> = self.plan.key_columns().collect();
        let schema = self.plan.table.schema(&columns, &[])?;
        let statement = self.page_statement(dialect, &columns, NonZeroU32::MIN, true)?;
        let row = query_row(connection, &statement, &schema).await?;
        Ok(row.and_then(|row| self.plan.page_key(&columns, &row.row(0))))
    }

    fn compares_all_columns(&self) -> bool {
        let late = self.late.as_ref();
        late.is_some_and(|late| !late.ids.by_key)
    }

    /// A row cannot be read, and rows are compared in all columns: they are compared by key from now
    /// on, and open ones are sent again.
    fn compare_by_key(&mut self, error: &Error) -> Result<()> {
        let Some(late) = &mut self.late else {
            return Ok(());
        };
        tracing::warn!(
            table = %self.plan.name(), error = error.report(),
            "late rows are looked for by key alone, because a row cannot be read, and the table has \
             no primary key or its timestamps are coarser than a microsecond: a row that replaces \
             another with an equal key is missed; rows that may not be complete are sent again"
        );
        late.ids = RowIds::by_key(&self.plan, late.ids.hashers())?;
        late.restart_at(late.complete.clone());
        (self.after, self.bisect) = (late.complete.clone(), None);
        Ok(())
    }
}
