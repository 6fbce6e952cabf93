//! Probes against small servers in this process.

use std::{convert::Infallible, net::Ipv4Addr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{HeaderMap, Request, Response, body::Frame, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

fn duty(action: ProbeAct) -> ProbeDuty {
    ProbeDuty {
        action,
        initial_delay_millis: 0,
        period_millis: 1000,
        timeout_millis: 2000,
        success_threshold: 1,
        failure_threshold: 1,
    }
}

async fn ask(action: ProbeAct) -> Answer {
    probe(Subject { address: Some(Ipv4Addr::LOCALHOST.into()), inside: None }, &duty(action)).await
}

fn http(port: u16, path: &str) -> ProbeAct {
    ProbeAct::Http {
        https: false,
        port,
        path: path.to_owned(),
        headers: vec![("X-Who".into(), "probe".into())],
    }
}

/// A server that gives to each path its answer, written out by hand. Never ends a connection by itself.
async fn server(answers: &'static [(&'static str, &'static str)]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                assert!(head.contains("x-who: probe") && head.contains("host: 127.0.0.1:"), "{head}");
                let path = head.split(' ').nth(1).unwrap();
                let answer =
                    answers.iter().find(|(known, _)| *known == path).map_or("404 No\r\n\r\n", |(_, a)| a);
                client.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.unwrap();
                std::future::pending::<()>().await;
            });
        }
    });
    port
}

#[tokio::test]
async fn any_status_from_200_to_399_passes() {
    let port = server(&[
        ("/ok", "204 No Content\r\n\r\n"),
        ("/odd", "399 Odd\r\ncontent-length: 0\r\n\r\n"),
        ("/bad", "503 Busy\r\ncontent-length: 10\r\n\r\nno\n  rooms"),
        ("/moved", "302 Found\r\nlocation: ok\r\ncontent-length: 0\r\n\r\n"),
        ("/astray", "302 Found\r\nlocation: /bad\r\ncontent-length: 0\r\n\r\n"),
        ("/away", "302 Found\r\nlocation: http://example.com/\r\ncontent-length: 0\r\n\r\n"),
        ("/round", "302 Found\r\nlocation: /round\r\ncontent-length: 0\r\n\r\n"),
        ("/silent", ""),
    ])
    .await;
    for (path, passed, answer) in [
        ("/ok", true, "HTTP 204"),
        ("/odd", true, "HTTP 399"),
        ("/bad", false, "HTTP 503: no rooms"),
        ("/moved", true, "HTTP 204"),
        ("/astray", false, "HTTP 503: no rooms"),
        ("/away", true, "HTTP 302, to http://example.com/"),
        ("/round", false, "more than 10 redirects"),
        ("/silent", false, "no answer within 2000 ms"),
    ] {
        assert_eq!(ask(http(port, path)).await, (passed, answer.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_fails_with_its_address() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for action in [ProbeAct::Tcp { port }, http(port, "/"), ProbeAct::Grpc { port, service: None }] {
        let (passed, answer) = ask(action).await;
        assert!(!passed && answer.contains(&format!("cannot connect to 127.0.0.1:{port}")), "{answer}");
    }
}

#[tokio::test]
async fn an_accepted_connection_is_enough_for_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert!(ask(ProbeAct::Tcp { port: listener.local_addr().unwrap().port() }).await.0);
}

/// A gRPC server that serves `good`, knows `bad`, and knows no other.
async fn health(
    request: Request<Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible> {
    assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
    assert_eq!(request.headers()["te"], "trailers");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let service = body.get(7..).unwrap_or_default();
    let (message, status): (&[u8], _) = match service {
        b"" | b"good" => (&[0, 0, 0, 0, 2, 8, 1], "0"),
        b"bad" => (&[0, 0, 0, 0, 2, 8, 2], "0"),
        _ => (&[], "5"),
    };
    let trailers = HeaderMap::from_iter([
        (hyper::header::HeaderName::from_static("grpc-status"), status.parse().unwrap()),
        (hyper::header::HeaderName::from_static("grpc-message"), "unknown service".parse().unwrap()),
    ]);
    let frames = [Ok(Frame::data(Bytes::copy_from_slice(message))), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(futures_util::stream::iter(frames));
    Ok(Response::builder().header("content-type", "application/grpc").body(body).unwrap())
}

#[tokio::test]
async fn grpc_health_is_the_servers_word_about_the_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(client), service_fn(health)));
        }
    });
    for (service, wanted) in [
        (None, (true, "SERVING")),
        (Some("good"), (true, "SERVING")),
        (Some("bad"), (false, "NOT_SERVING")),
        (Some("other"), (false, "gRPC status 5: unknown service")),
    ] {
        let (passed, answer) = ask(ProbeAct::Grpc { port, service: service.map(str::to_owned) }).await;
        assert_eq!((passed, answer.as_str()), wanted, "{service:?}");
    }
}

#[tokio::test]
async fn a_grpc_probe_of_a_plain_http_server_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let service = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(client), service),
            );
        }
    });
    let (passed, answer) = ask(ProbeAct::Grpc { port, service: None }).await;
    assert!(!passed && answer.contains("no gRPC answer"), "{answer}");
}

/// A TLS server with a certificate of its own making, for another name. Its key guards nothing.
async fn tls_server() -> u16 {
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{
            ServerConfig,
            crypto::ring,
            pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        },
    };
    let pem = include_bytes!("tests/self-signed.pem");
    let (certificate, key) =
        (CertificateDer::from_pem_slice(pem).unwrap(), PrivateKeyDer::from_pem_slice(pem).unwrap());
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(client) = acceptor.accept(client).await else { continue };
            let service = service_fn(async |request: Request<Incoming>| {
                let status = if request.uri().path() == "/ok" { 200 } else { 500 };
                let mut answer = Response::new(Full::<Bytes>::from("by TLS"));
                *answer.status_mut() = status.try_into().unwrap();
                Ok::<_, Infallible>(answer)
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(client), service),
            );
        }
    });
    port
}

fn https(port: u16, path: &str) -> ProbeAct {
    ProbeAct::Http { https: true, port, path: path.to_owned(), headers: Vec::new() }
}

#[tokio::test]
async fn an_https_probe_asks_whoever_answers_under_tls() {
    let port = tls_server().await;
    assert_eq!(ask(https(port, "/ok")).await, (true, "HTTP 200".to_owned()));
    assert_eq!(ask(https(port, "/bad")).await, (false, "HTTP 500: by TLS".to_owned()));
    // Neither passes for the other.
    assert!(!ask(http(port, "/ok")).await.0);
    let plain = server(&[("/ok", "204 No Content\r\n\r\n")]).await;
    let (passed, answer) = ask(https(plain, "/ok")).await;
    assert!(!passed, "{answer}");
}

#[test]
fn an_answer_is_one_short_line() {
    assert_eq!(clip(" a\n\tb  c "), "a b c");
    assert_eq!(clip(&"ä".repeat(300)).chars().count(), CLIP + 1);
}
