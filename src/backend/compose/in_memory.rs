//! Paths of a container that lie in memory: only its own processes see them, so its own `tar` packs and unpacks there.

use bollard::{exec::CreateExecOptions, models::ContainerInspectResponse};
use tokio::io::{AsyncReadExt as _, AsyncWrite, duplex};
use tokio_util::io::ReaderStream;

use super::{
    super::{BackendError, PathKind, Result, TarReader, TarStream},
    Compose,
    exec::{Ends, Terminal},
};

/// What is kept of a complaint.
const COMPLAINT: u64 = 1 << 16;
const PIPE: usize = 1 << 18;
const ROOT: &str = "0:0";
const KIND: &str = r#"if [ -d "$1" ]; then echo folder; elif [ -e "$1" ]; then echo file; fi"#;

impl Compose {
    /// Whether the archive API would miss what lies at a path.
    ///
    /// # Errors
    /// When the container does not run: then there is no memory to look into.
    pub(super) async fn lies_in_memory(&self, id: &str, path: &str) -> Result<bool> {
        let there = self.inspect(id).await?.unwrap_or_default();
        let Some(mount) = memory_above(&there, path) else { return Ok(false) };
        let runs = there.state.and_then(|state| state.running).unwrap_or_default();
        if runs {
            return Ok(true);
        }
        let why = format!("{mount} is in memory, and the container does not run");
        Err(BackendError::Engine { what: path.to_owned(), why })
    }

    pub(super) async fn kind_inside(&self, id: &str, path: &str) -> Result<Option<PathKind>> {
        let argv = ["sh", "-c", KIND, "sh", path].map(str::to_owned).to_vec();
        let (stdout, mut printed) = duplex(PIPE);
        let mut answer = String::new();
        let (ended, read) =
            tokio::join!(self.inside(id, argv, None, Box::pin(stdout)), printed.read_to_string(&mut answer));
        ended.and(read.map_err(super::trouble::io(path)))?;
        Ok(match answer.trim() {
            "folder" => Some(PathKind::Folder),
            "file" => Some(PathKind::File),
            _ => None,
        })
    }

    /// As the archive API packs: every entry begins with the last name of the path.
    pub(super) fn pack_inside(&self, id: String, path: &str) -> TarStream {
        let (folder, name) = match path.trim_end_matches('/').rsplit_once('/') {
            Some(("", name)) => ("/", name),
            Some(halves) => halves,
            None => ("/", path),
        };
        let argv = ["tar", "-c", "-f", "-", "-C", folder, "--", name].map(str::to_owned).to_vec();
        let (compose, (stdout, printed)) = (self.clone(), duplex(PIPE));
        let ended = async move { compose.inside(&id, argv, None, Box::pin(stdout)).await };
        let ended = tokio::spawn(ended);
        let end = async move {
            match ended.await.map_err(std::io::Error::other)? {
                Ok(()) => Ok(bytes::Bytes::new()),
                Err(error) => Err(std::io::Error::other(error.to_string())),
            }
        };
        use futures_util::StreamExt as _;
        Box::pin(ReaderStream::new(printed).chain(futures_util::stream::once(end)))
    }

    pub(super) async fn unpack_inside(&self, id: &str, folder: &str, tar: TarReader) -> Result<()> {
        let argv = ["tar", "-x", "-f", "-", "-C", folder].map(str::to_owned).to_vec();
        self.inside(id, argv, Some(tar), Box::pin(tokio::io::sink())).await
    }

    /// Runs a command in the container as root, as the archive API works as root.
    async fn inside(
        &self,
        id: &str,
        argv: Vec<String>,
        stdin: Option<TarReader>,
        stdout: std::pin::Pin<Box<dyn AsyncWrite + Send>>,
    ) -> Result<()> {
        let program = argv.first().cloned().unwrap_or_default();
        let (stderr, complaint) = duplex(PIPE);
        let options = CreateExecOptions {
            attach_stdin: Some(stdin.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(argv),
            user: Some(ROOT.to_owned()),
            ..Default::default()
        };
        let ends = Ends { stdin, stdout, stderr: Box::pin(stderr) };
        let mut why = Vec::new();
        let mut complaint = complaint.take(COMPLAINT);
        let (code, read) = tokio::join!(
            self.exec_in(id, options, Terminal::default(), ends),
            complaint.read_to_end(&mut why)
        );
        read.map_err(super::trouble::io(program.as_str()))?;
        let why = match code? {
            0 => return Ok(()),
            127 => "the path is in memory, where only the container's own `tar` reaches, and it has none"
                .to_owned(),
            code if why.is_empty() => format!("ended with {code}"),
            _ => String::from_utf8_lossy(&why).trim().to_owned(),
        };
        Err(BackendError::Engine { what: format!("{program} in the container"), why })
    }
}

/// The tmpfs that a path lies on.
fn memory_above(there: &ContainerInspectResponse, path: &str) -> Option<String> {
    let host = there.host_config.as_ref();
    let tmpfs =
        host.and_then(|host| host.tmpfs.as_ref()).into_iter().flatten().map(|(at, _)| (at.as_str(), true));
    let mounts = there
        .mounts
        .iter()
        .flatten()
        .filter_map(|mount| Some((mount.destination.as_deref()?, mount.typ.as_deref() == Some("tmpfs"))));
    let all = tmpfs.chain(mounts).chain([("/dev/shm", true)]);
    let above = all.filter(|(at, _)| is_below(path, at));
    above.max_by_key(|(at, _)| at.len()).filter(|(_, memory)| *memory).map(|(at, _)| at.to_owned())
}

fn is_below(path: &str, at: &str) -> bool {
    let at = at.trim_end_matches('/');
    path.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard::models::{HostConfig, MountPoint};

    use super::*;

    #[test]
    fn the_innermost_mount_decides_whether_a_path_is_in_memory() {
        let host = HostConfig {
            tmpfs: Some(HashMap::from([("/tmp".to_owned(), String::new())])),
            ..Default::default()
        };
        let mount = |at: &str, typ: &str| MountPoint {
            destination: Some(at.to_owned()),
            typ: Some(str::to_owned(typ)),
            ..Default::default()
        };
        let mounts = vec![mount("/tmp/kept", "volume"), mount("/mem", "tmpfs")];
        let there =
            ContainerInspectResponse { host_config: Some(host), mounts: Some(mounts), ..Default::default() };
        for (path, memory) in [
            ("/tmp", true),
            ("/tmp/a/b", true),
            ("/tmpfile", false),
            ("/tmp/kept/a", false),
            ("/mem/x", true),
            ("/dev/shm/x", true),
            ("/etc/hosts", false),
        ] {
            assert_eq!(memory_above(&there, path).is_some(), memory, "{path}");
        }
    }
}
