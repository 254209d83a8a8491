//! The application of the quickstart: a shop whose table `orders` changes all the time.
use super::compare::number;
use connect_api::Result;
use dialects::{Connection, OpenOptions};
use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// Rows of one statement of the first filling.
const CHUNK: u32 = 50_000;

/// What the shop has done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traffic {
    pub(super) inserted: u64,
    pub(super) updated: u64,
    pub(super) deleted: u64,
}

/// The shop.
pub(super) struct Shop {
    connection: Box<dyn Connection>,
    pub(super) traffic: Traffic,
    /// Rows created so far: ids go from 1 to this.
    last_id: u64,
    /// Microseconds since 1970-01-01 of the last change.
    last_change: u128,
    random: u64,
}

impl Shop {
    /// Opens the database, and creates the table if it does not exist.
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let url = format!("sqlite:{}?mode=rwc", path.display());
        let dialect = dialects::open(&url, &OpenOptions::default())?;
        let mut connection = dialect.connect().await?;
        connection
            .execute(
                "CREATE TABLE IF NOT EXISTS orders (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    customer TEXT NOT NULL,
                    quantity INTEGER NOT NULL,
                    price DECIMAL_TEXT(12,2) NOT NULL,
                    status TEXT NOT NULL,
                    note TEXT,
                    created_at TIMESTAMP NOT NULL,
                    updated_at TIMESTAMP NOT NULL,
                    deleted BOOLEAN NOT NULL DEFAULT 0
                )",
            )
            .await?;
        connection
            .execute("CREATE INDEX IF NOT EXISTS orders_by_update ON orders (updated_at, id)")
            .await?;
        Ok(Self {
            connection,
            traffic: Traffic::default(),
            last_id: 0,
            last_change: 0,
            random: 0x9E37_79B9_7F4A_7C15,
        })
    }

    /// Creates rows until there are `rows` at least.
    pub(super) async fn fill(&mut self, rows: u32) -> Result<()> {
        // Whole chunks of ids that are not there yet; those that are stay as they are.
        for first in (1..=rows).step_by(CHUNK as usize) {
            let (last, now) = (rows.min(first + CHUNK - 1), self.now());
            self.connection
                .execute(&insert(first.into(), last.into(), &now))
                .await?;
        }
        // An earlier run may have created more: continue after them.
        let sql = "SELECT max(id) FROM orders";
        let last = number(self.connection.as_mut(), sql).await?;
        self.last_id = last.max(rows.into());
        Ok(())
    }

    /// A moment of trade: some new orders, some changed, one deleted.
    pub(super) async fn trade(&mut self) -> Result<()> {
        let first = self.last_id + 1;
        self.last_id += 10;
        let new = insert(first, self.last_id, &self.now());
        self.traffic.inserted += self.connection.execute(&new).await?;
        let ids: Vec<_> = (0..5).map(|_| self.some_id().to_string()).collect();
        let update = format!(
            "UPDATE orders SET quantity = quantity + 1, status = 'paid', updated_at = {} \
             WHERE id IN ({}) AND NOT deleted",
            self.now(),
            ids.join(", ")
        );
        self.traffic.updated += self.connection.execute(&update).await?;
        let delete = format!(
            "UPDATE orders SET deleted = 1, updated_at = {} WHERE id = {} AND NOT deleted",
            self.now(),
            self.some_id()
        );
        self.traffic.deleted += self.connection.execute(&delete).await?;
        Ok(())
    }

    /// Takes out the rows that are marked as deleted.
    pub(super) async fn purge(&mut self) -> Result<()> {
        self.connection
            .execute("DELETE FROM orders WHERE deleted")
            .await?;
        Ok(())
    }

    /// The present time as SQL, in the form that the SQLite dialect writes times in, and later
    /// than that of any change before: a reader that has seen one change of a row must be able to
    /// distinguish the next from it, also when both fall into one tick of the clock.
    fn now(&mut self) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let clock = since.map_or(0, |since| since.as_micros());
        self.last_change = clock.max(self.last_change + 1);
        let (seconds, micros) = (self.last_change / 1_000_000, self.last_change % 1_000_000);
        format!("strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch') || '.{micros:06}'")
    }

    /// Marsaglia's xorshift: which rows change is of no account, only that it varies.
    fn some_id(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % self.last_id + 1
    }
}

/// Orders `first` to `last`; those that are there stay as they are.
fn insert(first: u64, last: u64, now: &str) -> String {
    format!(
        "INSERT OR IGNORE INTO orders \
         (id, customer, quantity, price, status, note, created_at, updated_at) \
         WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) \
         SELECT i, 'customer ' || (i % 997), 1 + i % 9, printf('%.2f', (i % 10000) / 4.0), 'new', \
         CASE WHEN i % 3 = 0 THEN NULL ELSE 'Order ' || i || ', \"handle\" with care' END, \
         {now}, {now} FROM n"
    )
}
