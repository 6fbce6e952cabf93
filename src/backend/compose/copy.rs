//! Files in and out of containers, as tar streams.
//!
//! The engine's archive API sees a container's layers and volumes, and nothing that lies in memory: what is copied
//! below a tmpfs would be gone without a word. Such paths are reached from inside, see `in_memory`.

use std::io;

use bollard::{
    body_try_stream,
    query_parameters::{
        ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
        UploadToContainerOptionsBuilder,
    },
};
use futures_util::StreamExt as _;
use tokio_util::io::ReaderStream;

use super::{
    super::{Files, Later, PathKind, Result, TarReader, TarStream, Target},
    Compose,
    trouble::{self, Doing as _},
};

const CHUNK: usize = 1 << 18;

/// By the engine's archives: it works on stopped containers too, and without any program in the image.
impl Files for Compose {
    fn path_kind<'a>(&'a self, target: &'a Target, path: &'a str) -> Later<'a, Option<PathKind>> {
        Box::pin(self.read_path_kind(target, path))
    }

    fn copy_from<'a>(&'a self, target: &'a Target, path: &'a str) -> Later<'a, TarStream> {
        Box::pin(self.download(target, path))
    }

    fn copy_to<'a>(&'a self, target: &'a Target, folder: &'a str, tar: TarReader) -> Later<'a, ()> {
        Box::pin(self.unpack(target, folder, tar))
    }
}

impl Compose {
    async fn read_path_kind(&self, target: &Target, path: &str) -> Result<Option<PathKind>> {
        const GO_DIR: u32 = 1 << 31;
        const GO_SYMLINK: u32 = 1 << 27;
        let id = self.find(target).await?;
        if self.lies_in_memory(&id, path).await? {
            return self.kind_inside(&id, path).await;
        }
        let options = ContainerArchiveInfoOptionsBuilder::new().path(path).build();
        let stat = self.docker.get_container_archive_info(&id, Some(options)).await.if_there(path)?;
        Ok(stat.map(|stat| match stat.file_mode {
            mode if mode & GO_DIR != 0 => PathKind::Folder,
            mode if mode & GO_SYMLINK != 0 => PathKind::Link(stat.link_target),
            _ => PathKind::File,
        }))
    }

    async fn download(&self, target: &Target, path: &str) -> Result<TarStream> {
        let id = self.find(target).await?;
        if self.lies_in_memory(&id, path).await? {
            return Ok(self.pack_inside(id, path));
        }
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let parts = self.docker.download_from_container(&id, Some(options));
        Ok(Box::pin(parts.map(|part| part.map_err(|error| io::Error::other(trouble::words(&error))))))
    }

    async fn unpack(&self, target: &Target, folder: &str, tar: TarReader) -> Result<()> {
        let id = self.find(target).await?;
        if self.lies_in_memory(&id, folder).await? {
            return self.unpack_inside(&id, folder, tar).await;
        }
        self.upload(&id, folder, tar).await
    }

    pub(super) async fn upload(&self, id: &str, folder: &str, tar: TarReader) -> Result<()> {
        let options = UploadToContainerOptionsBuilder::new().path(folder).build();
        let body = body_try_stream(ReaderStream::with_capacity(tar, CHUNK));
        self.docker.upload_to_container(id, Some(options), body).await.doing(format!("copying into {folder}"))
    }
}
