//! An image as the engine exports it, streamed.

use std::io;

use futures_util::StreamExt as _;

use super::{
    super::{BackendError, Result, TarStream},
    Compose,
    trouble::{self, Doing as _},
};

impl Compose {
    /// Nothing is pulled.
    pub(super) async fn save_image(&self, reference: &str) -> Result<TarStream> {
        let missing = |why: &str| BackendError::Image { image: reference.to_owned(), why: why.to_owned() };
        // It becomes part of an address.
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
        if reference.is_empty() || !reference.bytes().all(is_word) || reference.contains("..") {
            return Err(missing("it is no image's name"));
        }
        let image = self.docker.inspect_image(reference).await.if_there(reference)?;
        let id = image.and_then(|image| image.id).ok_or_else(|| missing("it is not on this engine"))?;
        let docker = self.docker.clone();
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        // The client's stream borrows its name, so it runs in a task of its own and ends when nobody reads.
        tokio::spawn(async move {
            let mut chunks = std::pin::pin!(docker.export_image(&id));
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|error| io::Error::other(trouble::words(&error)));
                if sender.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        Ok(Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async move {
            Some((receiver.recv().await?, receiver))
        })))
    }
}
