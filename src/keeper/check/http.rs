//! HTTP/1.1 as the kubelet asks, with TLS or without: any status from 200 to 399 passes.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, Uri,
    body::Incoming,
    client::conn::http1::handshake,
    header::{ACCEPT, CONNECTION, HOST, LOCATION, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// As many as the kubelet's.
const REDIRECTS: usize = 10;
/// The kubelet's own name: applications know probes by it, and leave them out of logs and logins.
const AGENT: &str = "kube-probe/1.34";
/// Bytes of a body that an answer may need.
const BODY: usize = 1024;

/// Where a question goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub https: bool,
    pub at: SocketAddr,
    pub path: String,
}

impl Target {
    async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        Ok(if self.https {
            Box::new(super::tls::connect(self.at).await?)
        } else {
            Box::new(super::connect(self.at).await?)
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Redirects are followed on the same host; one that leads elsewhere has answered well enough.
pub async fn get(mut target: Target, headers: &[(String, String)]) -> Result<String, String> {
    if !target.path.starts_with('/') {
        target.path.insert(0, '/');
    }
    for _ in 0..=REDIRECTS {
        let answer = ask(&target, headers).await?;
        let status = answer.status();
        let Some(location) = location(&answer) else { return judge(answer).await };
        match follow(&target, &location)? {
            Next::Here(next) => target = next,
            Next::Elsewhere => return Ok(format!("HTTP {}, to {location}", status.as_u16())),
        }
    }
    Err(format!("more than {REDIRECTS} redirects"))
}

async fn ask(target: &Target, headers: &[(String, String)]) -> Result<Response<Incoming>, String> {
    let (at, stream) = (target.at, target.connect().await?);
    let (mut sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let asked = sender.send_request(request(at, &target.path, headers)?);
    // The connection lives as long as the question: nothing is left running behind a time-out.
    tokio::pin!(asked);
    let mut connection = Box::pin(connection);
    let answer = tokio::select! {
        biased;
        answer = &mut asked => answer,
        ended = &mut connection => match ended {
            Ok(()) => asked.await,
            Err(error) => Err(error),
        },
    };
    tokio::spawn(async move {
        // Its body is still to be read.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(60), connection).await;
    });
    answer.map_err(|error| format!("no HTTP answer from {at}: {error}"))
}

fn request(
    at: SocketAddr,
    path: &str,
    headers: &[(String, String)],
) -> Result<Request<Empty<Bytes>>, String> {
    let given = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    let mut request = Request::get(path).header(CONNECTION, "close");
    if !given("host") {
        request = request.header(HOST, at.to_string());
    }
    if !given("user-agent") {
        request = request.header(USER_AGENT, AGENT);
    }
    if !given("accept") {
        request = request.header(ACCEPT, "*/*");
    }
    for (key, value) in headers {
        request = request.header(key, value);
    }
    request.body(Empty::new()).map_err(|error| format!("`{path}` cannot be asked for: {error}"))
}

fn location(answer: &Response<Incoming>) -> Option<String> {
    let redirects = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers().get(LOCATION).filter(|_| redirects)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Here(Target),
    Elsewhere,
}

fn follow(from: &Target, location: &str) -> Result<Next, String> {
    let (path, at) = (&from.path, from.at);
    if !location.contains("://") && !location.starts_with("//") {
        let folder = &path[..=path.rfind('/').unwrap_or(0)];
        let next =
            if location.starts_with('/') { location.to_owned() } else { format!("{folder}{location}") };
        return Ok(Next::Here(Target { path: next, ..from.clone() }));
    }
    // `//host/path` keeps the scheme.
    let location = if location.starts_with("//") {
        format!("{}:{location}", scheme(from.https))
    } else {
        location.to_owned()
    };
    let uri: Uri = location.parse().map_err(|error| format!("redirect to `{location}`: {error}"))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    if host != at.ip().to_string() {
        return Ok(Next::Elsewhere);
    }
    let https = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok(Next::Here(Target { https, at: SocketAddr::new(at.ip(), port), path }))
}

fn scheme(https: bool) -> &'static str {
    if https { "https" } else { "http" }
}

async fn judge(answer: Response<Incoming>) -> Result<String, String> {
    let status = answer.status().as_u16();
    if (200..400).contains(&status) {
        return Ok(format!("HTTP {status}"));
    }
    let mut text = Vec::new();
    let mut body = answer.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        text.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
        if text.len() >= BODY {
            break;
        }
    }
    text.truncate(BODY);
    Err(format!("HTTP {status}: {}", String::from_utf8_lossy(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_the_host() {
        let at: SocketAddr = "10.0.0.1:8080".parse().unwrap();
        let from = Target { https: false, at, path: "/health/live".to_owned() };
        let to = |https, port, path: &str| {
            Ok(Next::Here(Target { https, at: SocketAddr::new(at.ip(), port), path: path.to_owned() }))
        };
        let here = |port, path: &str| to(false, port, path);
        for (location, wanted) in [
            ("/login", here(8080, "/login")),
            ("ready?x=1", here(8080, "/health/ready?x=1")),
            ("http://10.0.0.1:9000/b?c=d", here(9000, "/b?c=d")),
            ("http://10.0.0.1", here(80, "/")),
            ("//10.0.0.1:9000/b", here(9000, "/b")),
            ("https://10.0.0.1/", to(true, 443, "/")),
            ("https://10.0.0.1:8443/c", to(true, 8443, "/c")),
            ("http://example.com/", Ok(Next::Elsewhere)),
            ("https://example.com/", Ok(Next::Elsewhere)),
        ] {
            assert_eq!(follow(&from, location), wanted, "{location}");
        }
    }
}
