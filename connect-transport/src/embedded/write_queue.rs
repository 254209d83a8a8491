//! The queue of write requests before the writer.
use super::{
    EmbeddedOptions,
    store::Store,
    write_request::{Reply, WriteRequest},
    writer::Writer,
};
use connect_api::Result;
use std::sync::{
    Arc, Mutex, PoisonError,
    mpsc::{Sender, channel},
};
use tokio::sync::oneshot;

/// The way to the writer; it ends when the last one is dropped, or at `close`.
#[derive(Debug)]
pub(super) struct WriteQueue {
    store: Arc<Store>,
    work: Mutex<Option<Sender<(WriteRequest, Reply)>>>,
}

impl WriteQueue {
    /// Starts the writer. The receiver hears when it has ended.
    pub(super) fn open(
        store: Arc<Store>,
        options: EmbeddedOptions,
    ) -> std::io::Result<(Self, oneshot::Receiver<()>)> {
        let (work, inbox) = channel();
        let (ended, end) = oneshot::channel::<()>();
        let writer = Writer::new(store.clone(), options);
        let name = "embedded-writer".to_owned();
        std::thread::Builder::new().name(name).spawn(move || {
            writer.run(&inbox);
            drop(ended);
        })?;
        let work = Mutex::new(Some(work));
        Ok((Self { store, work }, end))
    }

    /// Has the work done; `Ok` means that it is on the disk (G1).
    pub(super) async fn submit(&self, work: WriteRequest) -> Result<i64> {
        let (answer, done) = oneshot::channel();
        let sent = {
            let writes = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            writes.as_ref().map(|d| d.send((work, answer)))
        };
        match sent {
            Some(Ok(())) => done.await.unwrap_or_else(|_| Err(self.store.ended())),
            Some(Err(_)) | None => Err(self.store.ended()),
        }
    }

    /// Takes no more work; the writer ends after what it has.
    pub(super) fn close(&self) {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        *work = None;
    }
}
