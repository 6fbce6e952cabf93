//! The gRPC health protocol, `grpc.health.v1.Health/Check`, over HTTP/2 without TLS.
//!
//! Two messages of one field each: they are written and read by hand.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, client::conn::http2::handshake, header::CONTENT_TYPE};
use hyper_util::rt::{TokioExecutor, TokioIo};

/// A message of the protocol is a handful of bytes.
const ANSWER: usize = 4096;

pub async fn check(at: SocketAddr, service: &str) -> Result<String, String> {
    let stream = super::connect(at).await?;
    let said = |error: hyper::Error| format!("no gRPC answer from {at}: {error}");
    let (mut sender, connection) =
        handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(said)?;
    let connection = tokio::spawn(connection);
    let asked = async {
        let request = Request::post(format!("http://{at}/grpc.health.v1.Health/Check"))
            .header(CONTENT_TYPE, "application/grpc")
            .header("te", "trailers")
            .body(Full::new(question(service)))
            .map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(said)?;
        let headers = answer.headers().clone();
        if answer.status() != 200 {
            return Err(format!("HTTP {} instead of gRPC", answer.status().as_u16()));
        }
        let body = http_body_util::Limited::new(answer.into_body(), ANSWER);
        let body = body.collect().await.map_err(|error| format!("no gRPC answer from {at}: {error}"))?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        judge(&headers, &trailers, &body.to_bytes())
    };
    // Drops the connection with the question, also when a time-out drops both.
    let _end = AbortOnDrop(connection.abort_handle());
    asked.await
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// `HealthCheckRequest {string service = 1}`, framed: not compressed, length in four bytes.
fn question(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        write_varint(&mut message, service.len() as u64);
        message.extend_from_slice(service.as_bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0][..], &length.to_be_bytes(), &message].concat().into()
}

fn write_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn judge(headers: &HeaderMap, trailers: &HeaderMap, body: &[u8]) -> Result<String, String> {
    let of =
        |name: &str| trailers.get(name).or_else(|| headers.get(name)).and_then(|value| value.to_str().ok());
    match of("grpc-status") {
        Some("0") => {}
        Some("12") => return Err("the server does not implement the health protocol".to_owned()),
        Some(code) => return Err(format!("gRPC status {code}: {}", of("grpc-message").unwrap_or_default())),
        None => return Err("no gRPC status in the answer".to_owned()),
    }
    match serving(body.get(5..).unwrap_or_default()) {
        Some(1) => Ok("SERVING".to_owned()),
        Some(0) => Err("UNKNOWN".to_owned()),
        Some(2) => Err("NOT_SERVING".to_owned()),
        Some(3) => Err("SERVICE_UNKNOWN".to_owned()),
        Some(other) => Err(format!("health status {other}")),
        None => Err("the answer cannot be read".to_owned()),
    }
}

/// `HealthCheckResponse {ServingStatus status = 1}`; an absent field is 0, unknown fields are passed over.
fn serving(message: &[u8]) -> Option<u64> {
    let mut rest = message;
    let mut status = 0;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        match key & 7 {
            0 => {
                let value = varint(&mut rest)?;
                if key >> 3 == 1 {
                    status = value;
                }
            }
            1 => rest = rest.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                rest = rest.get(length..)?;
            }
            5 => rest = rest.get(4..)?,
            _ => return None,
        }
    }
    Some(status)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_framed_protobuf() {
        assert_eq!(&question("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(&question("db")[..], [0, 0, 0, 0, 4, 0x0a, 2, b'd', b'b']);
        let long = question(&"x".repeat(200));
        assert_eq!(&long[..8], [0, 0, 0, 0, 203, 0x0a, 0xc8, 0x01]);
    }

    #[test]
    fn the_status_is_read_past_fields_of_other_versions() {
        for (message, wanted) in [
            (&[8, 1][..], Some(1)),
            (&[], Some(0)),
            (&[8, 2], Some(2)),
            (&[0x12, 2, 9, 9, 8, 1], Some(1)),
            (&[0x10, 0x96, 0x01, 8, 1], Some(1)),
            (&[8], None),
            (&[0x12, 9, 1], None),
            (&[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], None),
        ] {
            assert_eq!(serving(message), wanted, "{message:?}");
        }
    }
}
