//! Where work for the writer is handed in.
use super::{EmbeddedOptions, directory::QueueEntry, store::Store, writer::Writer};
use crate::Batch;
use connect_api::Result;
use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Sender, channel},
    },
};
use tokio::sync::oneshot;

/// What is to be written.
#[derive(Debug)]
pub(super) enum Work {
    /// Appends a batch; the answer is the offset of its first message.
    Append(Arc<QueueEntry>, Batch),
    /// Sets offsets of a group; the answer is 0.
    Commit(Arc<str>, Vec<(Arc<QueueEntry>, i64)>),
    /// Makes a topic; the answer is 0.
    Create(Arc<str>, NonZeroU32),
}

pub(super) type Answer = oneshot::Sender<Result<i64>>;

/// The way to the writer; it ends when the last one is dropped, or at `close`.
#[derive(Debug)]
pub(super) struct Desk {
    store: Arc<Store>,
    work: Mutex<Option<Sender<(Work, Answer)>>>,
}

impl Desk {
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
    pub(super) async fn have(&self, work: Work) -> Result<i64> {
        let (answer, done) = oneshot::channel();
        let sent = {
            let desk = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            desk.as_ref().map(|d| d.send((work, answer)))
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
