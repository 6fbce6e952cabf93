//! An API server that is away for a moment, as in every rolling restart: requests wait until it is back.

use std::{
    error::Error,
    io::ErrorKind,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::BodyExt as _;
use hyper::{Method, Request, Response, StatusCode, header::UPGRADE};
use hyper_util::client::legacy;
use kube::{Client, client::Body};
use tokio::time::Instant;

use super::error::LONGEST;

/// How long a request waits for an API server that does not answer any more. A rolling restart takes 5 to 30 s.
pub(super) const RIDES_OUT: Duration = Duration::from_secs(60);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);
/// An API server that just began has not read the rights yet, and says no to everyone.
const BEGINS: Duration = Duration::from_secs(10);

/// When the API server was last found to be away, by any request.
#[derive(Clone, Default)]
struct Away(Arc<Mutex<Option<Instant>>>);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    /// It never heard of the request.
    Unsent,
    /// It may have done what was asked.
    Unanswered,
}

/// The client, whose requests ride out an outage.
///
/// What was never sent is sent again, whatever it is. What may have been heard is asked again where that does no harm:
/// a change of ours names the version that it changes or says all there is to say, but what is made with a name of the
/// API server's choice would be made twice, and a command would run twice.
pub(super) fn riding(client: Client) -> Client {
    let (namespace, away) = (client.default_namespace().to_owned(), Away::default());
    let service = tower::service_fn(move |request| ride(client.clone(), away.clone(), request));
    Client::new(service, namespace)
}

async fn ride(client: Client, away: Away, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
    let (mut given_up, is_stream) = (None, is_stream(&request));
    loop {
        // What cannot be copied is a stream of the caller's, which there is once.
        let Some(copy) = copy(&request) else { return client.send(request).await };
        let answer = match is_stream {
            true => client.send(copy).await,
            false => whole(&client, copy).await,
        };
        let is_again = match &answer {
            Ok(answer) => answer.status() == StatusCode::FORBIDDEN && away.lately(),
            Err(error) => match gone(error) {
                Some(gone) => {
                    away.now();
                    gone == Gone::Unsent || request.method() != Method::POST && !is_stream
                }
                None => false,
            },
        };
        if !is_again || Instant::now() > *given_up.get_or_insert_with(|| Instant::now() + RIDES_OUT) {
            return answer;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Away {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn lately(&self) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < BEGINS)
    }
}

/// The answer with all of its body: one that breaks off in the middle is none.
async fn whole(client: &Client, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
    let answer = async {
        let (head, body) = client.send(request).await?.into_parts();
        Ok(Response::from_parts(head, Body::from(body.collect().await?.to_bytes())))
    };
    let late = |_| kube::Error::Service("no answer in time".into());
    tokio::time::timeout(LONGEST, answer).await.map_err(late)?
}

/// Whether the answer comes bit by bit: a watch, lines of a log as they are written, a command.
fn is_stream(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.headers().contains_key(UPGRADE)
        || query.split('&').any(|word| word == "watch=true" || word == "follow=true")
}

fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}

/// Whether it is the way to the API server that failed, anywhere in the chain of causes.
fn gone(error: &kube::Error) -> Option<Gone> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut found = None;
    while let Some(error) = cause {
        if error.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect) {
            return Some(Gone::Unsent);
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_canceled() {
                return Some(Gone::Unsent);
            }
            if error.is_incomplete_message() || error.is_closed() {
                found = Some(Gone::Unanswered);
            }
        }
        let broke = |kind| {
            use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        };
        if error.downcast_ref::<std::io::Error>().is_some_and(|error| broke(error.kind())) {
            found = Some(Gone::Unanswered);
        }
        cause = error.source();
    }
    found
}
