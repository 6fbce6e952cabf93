//! An API server that is away for a moment, as in every rolling restart: requests wait until it is back.

use std::{
    error::Error,
    io::ErrorKind,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::BodyExt as _;
use hyper::{Method, Request, Response, StatusCode, body::Bytes, header::UPGRADE};
use hyper_util::client::legacy;
use kube::{Client, client::Body};
use tokio::time::Instant;

use super::{
    Result,
    error::{self, LONGEST},
};

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

/// The client, whose requests ride out an outage; the API server has said its version.
///
/// What was never sent is sent again, whatever it is. What may have been heard is asked again where that does no harm:
/// a change of ours names the version that it changes or says all there is to say, but what is made with a name of the
/// API server's choice would be made twice, and a command would run twice.
///
/// # Errors
/// Where nobody answers, or not within [`BEGINS`] what everybody may ask.
pub(super) async fn riding(client: Client) -> Result<Client> {
    let (namespace, away) = (client.default_namespace().to_owned(), Away::default());
    let begun = Instant::now();
    loop {
        let what = "version of the API server";
        match error::answer(what, client.apiserver_version()).await? {
            Ok(_) => break,
            Err(no) if error::status(&no) == Some(403) && begun.elapsed() < BEGINS => away.now(),
            Err(no) => return Err(error::refused(what, &no)),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(rides(client, namespace, away))
}

fn rides(client: Client, namespace: String, away: Away) -> Client {
    let service = tower::service_fn(move |request| ride(client.clone(), away.clone(), request));
    Client::new(service, namespace)
}

async fn ride(client: Client, away: Away, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
    let (is_stream, is_question) = (is_stream(&request), is_question(&request));
    let (mut given_up, mut was_refused) = (None, false);
    let changes = request.method() == Method::POST && !is_question;
    loop {
        // What cannot be copied is a stream of the caller's, which there is once.
        let Some(copy) = copy(&request) else { return client.send(request).await };
        let mut is_no = false;
        let answer = match is_stream {
            true => client.send(copy).await,
            false => whole(&client, copy).await.map(|(answer, body)| {
                is_no = is_question && may_not(&body);
                answer
            }),
        };
        let (is_refused, broke) = match &answer {
            Ok(answer) => (is_no || answer.status() == StatusCode::FORBIDDEN, None),
            Err(error) => (false, gone(error)),
        };
        let is_again = if let Some(gone) = broke {
            away.now();
            gone == Gone::Unsent || !changes && !is_stream
        } else if !is_refused || away.lately() {
            is_refused
        } else if was_refused {
            false
        } else if refuses_all(&client).await {
            // It began anew, and nobody asked it anything meanwhile.
            away.now();
            true
        } else {
            // It may have read the rights since.
            was_refused = true;
            continue;
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

/// Whether the API server refuses what everybody may ask, or is away again.
async fn refuses_all(client: &Client) -> bool {
    let Ok(version) = Request::get("/version").body(Body::empty()) else { return false };
    match whole(client, version).await {
        Ok((answer, _)) => answer.status() == StatusCode::FORBIDDEN,
        Err(error) => gone(&error).is_some(),
    }
}

/// The answer with all of its body: one that breaks off in the middle is none.
async fn whole(client: &Client, request: Request<Body>) -> Result<(Response<Body>, Bytes), kube::Error> {
    let answer = async {
        let (head, body) = client.send(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok((Response::from_parts(head, Body::from(body.clone())), body))
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

/// Whether nothing is made, though it is asked as if: what the caller may do.
fn is_question(request: &Request<Body>) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with("/selfsubjectaccessreviews")
}

fn may_not(answer: &[u8]) -> bool {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    answer["status"]["allowed"] == false
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

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use k8s_openapi::api::{authorization::v1::SelfSubjectAccessReview, core::v1::ConfigMap};
    use kube::{Api, api::PostParams};
    use serde_json::json;

    use super::*;

    type Answer = Result<(u16, serde_json::Value), ErrorKind>;

    /// An API server that answers one after another, and how many answers are left.
    fn server(answers: Vec<Answer>) -> (Client, Arc<Mutex<std::vec::IntoIter<Answer>>>) {
        let answers = Arc::new(Mutex::new(answers.into_iter()));
        let left = answers.clone();
        let serve = tower::service_fn(move |_: Request<Body>| {
            let answer = answers.lock().unwrap().next().unwrap();
            async move {
                let (status, body) = answer?;
                let body = Full::new(Bytes::from(body.to_string()));
                Ok::<_, std::io::Error>(Response::builder().status(status).body(body).unwrap())
            }
        });
        (Client::new(serve, "default"), left)
    }

    fn may(allowed: bool) -> Answer {
        Ok((201, json!({"spec": {}, "status": {"allowed": allowed}})))
    }

    fn forbidden() -> Answer {
        Ok((403, json!({"kind": "Status", "status": "Failure", "message": "no rights yet", "code": 403})))
    }

    fn version() -> Answer {
        let fields = ["major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion"];
        let told = fields.iter().chain(&["compiler", "platform"]).map(|field| (*field, "1"));
        Ok((200, told.collect::<std::collections::BTreeMap<_, _>>().into_iter().collect()))
    }

    async fn asked(client: Client) -> bool {
        let reviews: Api<SelfSubjectAccessReview> = Api::all(client);
        let asked = reviews.create(&PostParams::default(), &SelfSubjectAccessReview::default()).await;
        asked.unwrap().status.unwrap().allowed
    }

    #[tokio::test]
    async fn who_may_what_is_asked_again_and_what_is_made_is_not_made_twice() {
        let (client, left) = server(vec![version(), Err(ErrorKind::ConnectionReset), may(true)]);
        assert!(asked(riding(client).await.unwrap()).await);
        assert_eq!(left.lock().unwrap().len(), 0);

        let (client, left) = server(vec![version(), Err(ErrorKind::ConnectionReset), may(true)]);
        let maps: Api<ConfigMap> = Api::default_namespaced(riding(client).await.unwrap());
        maps.create(&PostParams::default(), &ConfigMap::default()).await.unwrap_err();
        assert_eq!(left.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_server_that_just_began_and_has_not_read_the_rights_is_not_believed() {
        let lost = || Err(ErrorKind::ConnectionReset);
        let (client, _) = server(vec![version(), lost(), may(false), may(false), may(true)]);
        assert!(asked(riding(client).await.unwrap()).await, "it began anew between two questions");
        let (client, _) = server(vec![forbidden(), version(), may(false), may(true)]);
        assert!(asked(riding(client).await.unwrap()).await, "it began just before the first");
        for no in [may(false), forbidden()] {
            let (client, _) = server(vec![version(), no, forbidden(), may(false), may(true)]);
            assert!(asked(riding(client).await.unwrap()).await, "it began anew and nobody noticed");
        }
        let (client, _) = server(vec![version(), may(false), version(), may(true)]);
        assert!(asked(riding(client).await.unwrap()).await, "it read the rights between two questions");
        let (client, left) = server(vec![version(), may(false), version(), may(false), may(true)]);
        assert!(!asked(riding(client).await.unwrap()).await, "one that stood is believed");
        assert_eq!(left.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn one_that_says_no_to_all_is_told_in_the_end() {
        let (client, _) = server(std::iter::repeat_with(forbidden).take(100).collect());
        let no = riding(client).await.map(drop).unwrap_err();
        assert!(no.to_string().contains("no rights yet"), "{no}");
    }
}
