//! A registry for tests: reads one image that `docker save` wrote, on a port of loopback, which engines trust without
//! TLS. Written here and not installed: it takes any free port, goes with its test, and is as slow as a test wants.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;

pub struct Registry {
    pub address: String,
    image: Arc<Mutex<Option<PathBuf>>>,
    /// `user:password` in Base64.
    login: Arc<Mutex<Option<String>>>,
}

impl Registry {
    /// Answers until the process ends; it knows no image yet.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let image = Arc::new(Mutex::new(None));
        let login = Arc::new(Mutex::new(None));
        let (folder, wanted) = (image.clone(), login.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let folder: Option<PathBuf> = folder.lock().expect("no panic").clone();
                let wanted: Option<String> = wanted.lock().expect("no panic").clone();
                std::thread::spawn(move || folder.map(|folder| serve(stream, &folder, wanted.as_deref())));
            }
        });
        Self { address, image, login }
    }

    /// From now on it answers only those who log in, with `user:password` in Base64.
    pub fn wants(&self, login: &str) {
        *self.login.lock().expect("no panic") = Some(login.to_owned());
    }

    /// Serves the image of an OCI layout under every name.
    pub fn holds(&self, layout: &Path) {
        *self.image.lock().expect("no panic") = Some(layout.to_owned());
    }
}

/// One request a connection, as `Connection: close` says.
fn serve(stream: TcpStream, layout: &Path, wanted: Option<&str>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut first = Vec::new();
    lines.read_until(b'\n', &mut first)?;
    let first = String::from_utf8_lossy(&first).into_owned();
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !["GET", "HEAD"].contains(&method) {
        // The engine tries TLS first, and goes on without it after an answer in plain HTTP.
        return answer(stream, "400 Bad Request", &[], b"", true);
    }
    let mut given = None;
    for line in lines.lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        given = line.strip_prefix("Authorization: Basic ").map(str::to_owned).or(given);
    }
    let whole = method == "GET";
    if wanted.is_some() && given.as_deref() != wanted {
        let headers = [("WWW-Authenticate", "Basic realm=\"tests\"")];
        return answer(stream, "401 Unauthorized", &headers, b"{}", whole);
    }
    let parts: Vec<&str> = path.trim_start_matches("/v2/").rsplitn(3, '/').collect();
    match parts.as_slice() {
        [reference, "manifests", _] => {
            let Some(digest) = digest_of(layout, reference) else {
                return answer(stream, "404 Not Found", &[], b"{}", whole);
            };
            let content = std::fs::read(layout.join(blob(&digest)))?;
            let kind = serde_json::from_slice::<Value>(&content)?["mediaType"].as_str().map(str::to_owned);
            let kind = kind.unwrap_or_else(|| "application/vnd.oci.image.manifest.v1+json".to_owned());
            let headers = [("Content-Type", kind.as_str()), ("Docker-Content-Digest", &digest)];
            answer(stream, "200 OK", &headers, &content, whole)
        }
        [digest, "blobs", _] => match std::fs::read(layout.join(blob(digest))) {
            Ok(content) => {
                let headers =
                    [("Content-Type", "application/octet-stream"), ("Docker-Content-Digest", *digest)];
                answer(stream, "200 OK", &headers, &content, whole)
            }
            Err(_) => answer(stream, "404 Not Found", &[], b"{}", whole),
        },
        _ => answer(stream, "200 OK", &[("Docker-Distribution-Api-Version", "registry/2.0")], b"{}", whole),
    }
}

fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

/// A digest is itself; every tag is the layout's first image.
fn digest_of(layout: &Path, reference: &str) -> Option<String> {
    if reference.starts_with("sha256:") {
        return layout.join(blob(reference)).is_file().then(|| reference.to_owned());
    }
    let index: Value = serde_json::from_slice(&std::fs::read(layout.join("index.json")).ok()?).ok()?;
    index["manifests"][0]["digest"].as_str().map(str::to_owned)
}

fn answer(
    mut stream: TcpStream,
    status: &str,
    headers: &[(&str, &str)],
    content: &[u8],
    whole: bool,
) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", content.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if whole {
        // Slow where it is long, so that progress can be seen.
        for part in content.chunks(content.len() / 8 + 1) {
            stream.write_all(part)?;
            if content.len() > 100_000 {
                std::thread::sleep(Duration::from_millis(150));
            }
        }
    }
    Ok(())
}
