//! `--image-archive DIR`: images from files instead of a registry.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use super::{
    super::{BackendError, Progress, Report, Result},
    Compose,
    images::Missing,
    layout::{Found, layouts_in},
    trouble::{self, Doing as _},
};
use crate::profile::ImageRef;

const CHUNK: usize = 1 << 20;
const REDRAW: Duration = Duration::from_millis(200);

impl Compose {
    /// Loads the image with the digest of `wanted`, if the folder holds it; answers whether it did.
    pub(super) async fn load_from_archive(
        &self,
        folder: &Path,
        wanted: &ImageRef,
        report: &dyn Report,
    ) -> Result<bool, Missing> {
        let Some(digest) = wanted.digest.clone() else {
            return Err(Missing::Refused(
                "an image without a digest cannot be taken from an archive".to_owned(),
            ));
        };
        let layouts = layouts_in(folder).map_err(trouble::io(folder.display().to_string()))?;
        let Some(found) = layouts.into_iter().find_map(|layout| layout.find(digest.as_str())) else {
            return Ok(false);
        };
        let tag =
            wanted.tag.clone().unwrap_or_else(|| digest.as_str().replace("sha256:", "")[..12].to_owned());
        self.load_found(found, format!("{}:{tag}", wanted.canonical_name()), report).await?;
        match self.docker.inspect_image(&wanted.to_pull()).await.if_there(wanted.to_pull())? {
            Some(_) => Ok(true),
            None => Err(Missing::Refused(
                "it was loaded, but the engine's old image store cannot name it by digest; turn on `containerd-snapshotter`"
                    .to_owned(),
            )),
        }
    }

    async fn load_found(&self, found: Found, name: String, report: &dyn Report) -> Result<()> {
        let arch = self.docker.version().await.doing("docker version")?.arch.unwrap_or_default();
        let (total, sent) = (found.bytes, Arc::new(AtomicU64::new(0)));
        let (writer, tar) = pipe(sent.clone());
        let target = name.clone();
        let written = tokio::task::spawn_blocking(move || found.write_to(&target, &arch, writer));
        let mut load = std::pin::pin!(self.load(tar, &name));
        let loaded = loop {
            tokio::select! {
                loaded = &mut load => break loaded,
                () = tokio::time::sleep(REDRAW) => {
                    let done = sent.load(Ordering::Relaxed).min(total);
                    report.event(Progress::Bytes { step: "images".to_owned(), done, total: Some(total) });
                }
            }
        };
        match written.await {
            // The reader hung up: what it says is the reason.
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => loaded,
            Ok(Err(error)) => Err(trouble::io(name.clone())(error)),
            Ok(Ok(())) => loaded,
            Err(error) => Err(BackendError::Engine { what: name.clone(), why: error.to_string() }),
        }
    }
}

/// A writer for a blocking thread whose bytes come out as a stream, a few chunks ahead.
fn pipe(sent: Arc<AtomicU64>) -> (impl Write, impl Stream<Item = io::Result<Bytes>> + Send + 'static) {
    let (sender, receiver) = mpsc::channel::<Bytes>(4);
    let chunks = stream::unfold(receiver, move |mut receiver| {
        let sent = sent.clone();
        async move {
            let chunk = receiver.recv().await?;
            sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Some((Ok(chunk), receiver))
        }
    });
    (io::BufWriter::with_capacity(CHUNK, Sender(sender)), chunks)
}

struct Sender(mpsc::Sender<Bytes>);

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(chunk).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
