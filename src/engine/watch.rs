//! A stream that remembers why it ended, for a caller who hands it away.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::{EngineError, Reader};

/// Whether the stream that was handed away failed, and with what words.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Option<String>>>);

impl Watch {
    /// The same stream, watched.
    pub fn over(stream: Reader) -> (Reader, Watch) {
        let watch = Watch::default();
        (Box::pin(Watched { stream, watch: watch.clone() }), watch)
    }

    /// The first failure of the stream as the failure of the seed's file: it explains whatever the program said.
    pub fn check(&self, file: &str) -> Result<(), EngineError> {
        let why = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        why.map_or(Ok(()), |why| Err(EngineError::Read { file: file.to_owned(), why }))
    }
}

struct Watched {
    stream: Reader,
    watch: Watch,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = ready!(self.stream.as_mut().poll_read(cx, buf));
        if let Err(error) = &read {
            let mut first = self.watch.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            first.get_or_insert_with(|| error.to_string());
        }
        Poll::Ready(read)
    }
}
