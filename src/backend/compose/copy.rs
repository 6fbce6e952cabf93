//! Files in and out of containers, as tar streams.

use std::{io, pin::Pin};

use bollard::{
    body_try_stream,
    query_parameters::{
        ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
        UploadToContainerOptionsBuilder,
    },
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use super::{
    super::{Result, Target},
    Compose,
    trouble::{self, Doing as _},
};

/// What lies at a path of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    File,
    Folder,
    Link,
}

/// The bytes of a tar archive.
pub type TarStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

const CHUNK: usize = 1 << 18;

impl Compose {
    /// What lies at a path; `None` where there is nothing. Works on stopped containers too.
    ///
    /// # Errors
    /// When there is no such container.
    pub async fn path_kind(&self, target: &Target, path: &str) -> Result<Option<PathKind>> {
        const GO_DIR: u32 = 1 << 31;
        const GO_SYMLINK: u32 = 1 << 27;
        let id = self.find(target).await?;
        let options = ContainerArchiveInfoOptionsBuilder::new().path(path).build();
        let stat = self.docker.get_container_archive_info(&id, Some(options)).await.if_there(path)?;
        Ok(stat.map(|stat| match stat.file_mode {
            mode if mode & GO_DIR != 0 => PathKind::Folder,
            mode if mode & GO_SYMLINK != 0 => PathKind::Link,
            _ => PathKind::File,
        }))
    }

    /// A file or folder as a tar whose entries begin with its last name. An error of the engine is the first item.
    ///
    /// # Errors
    /// When there is no such container.
    pub async fn copy_from(&self, target: &Target, path: &str) -> Result<TarStream> {
        let id = self.find(target).await?;
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let parts = self.docker.download_from_container(&id, Some(options));
        Ok(Box::pin(parts.map(|part| part.map_err(|error| io::Error::other(trouble::words(&error))))))
    }

    /// Unpacks a tar into a folder of the container, owner and mode as they stand in it.
    ///
    /// # Errors
    /// When there is no such container or folder, or it is read-only.
    pub async fn copy_to(
        &self,
        target: &Target,
        folder: &str,
        tar: Pin<Box<dyn AsyncRead + Send>>,
    ) -> Result<()> {
        let id = self.find(target).await?;
        self.upload(&id, folder, tar).await
    }

    pub(super) async fn upload(
        &self,
        id: &str,
        folder: &str,
        tar: Pin<Box<dyn AsyncRead + Send>>,
    ) -> Result<()> {
        let options = UploadToContainerOptionsBuilder::new().path(folder).build();
        let body = body_try_stream(ReaderStream::with_capacity(tar, CHUNK));
        self.docker.upload_to_container(id, Some(options), body).await.doing(format!("copying into {folder}"))
    }
}
