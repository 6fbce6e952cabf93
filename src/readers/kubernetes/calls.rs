//! One request after another: at a pace, to the end of every list, and again where the server asks for patience.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::{Request, StatusCode, header::RETRY_AFTER};
use kube::{Client, client::Body};
use serde::Serialize;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::super::kubeconfig::chain;
use super::{
    ReadError,
    spool::{Kept, Spool, SpoolError},
};
use crate::{
    capture::kubernetes::answers::{Pages, without_managed_fields},
    plan::url_encode,
};

/// 20 requests a second.
const PACE: Duration = Duration::from_millis(50);
/// Objects of one page: what the API server's own clients ask for.
const PAGE: usize = 500;
/// Of one answer.
const MOST_BYTES: usize = 256 << 20;
/// A request that is not answered, and one that is answered too slowly.
const LONGEST: Duration = Duration::from_secs(60);
const MOST_TRIES: u32 = 6;
/// The longest wait that a server may ask for.
const MOST_PATIENCE: Duration = Duration::from_secs(30);
/// A list that changes so fast that its pages expire before they are read is begun anew this often.
const MOST_STARTS: u32 = 3;

/// One call, for the journal.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// RFC 3339, UTC, when it was sent.
    pub at: String,
    pub method: &'static str,
    /// With its query; a place in a list is shown as `continue=…`.
    pub path: String,
    /// Absent: nothing was answered.
    pub status: Option<u16>,
    pub millis: u64,
    pub bytes: usize,
    /// How many objects were in the answer.
    pub objects: usize,
}

/// What the server said: an object, or no.
pub(super) type Answered = Kept;

/// Which objects of a list are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    /// A selector of labels, as `kubectl` takes it.
    Labelled(String),
    /// One by its name: a list of one, for which the right to list is enough.
    Called(String),
}

impl Which {
    pub fn called(name: &str) -> Self {
        Self::Called(name.to_owned())
    }
}

pub(super) struct Calls<'a> {
    client: Client,
    context: &'a str,
    journal: &'a mut (dyn FnMut(&Call) + Send),
    next: Instant,
    /// Whether the server ever said anything.
    was_answered: bool,
    /// Where answers are kept for a later run.
    spool: Option<Spool>,
    /// Why they are no longer.
    unkept: Option<SpoolError>,
}

/// Whether an answer may be kept for a later run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    Yes,
    /// It holds values of Secrets.
    Never,
}

/// One answer before it is judged.
struct Reply {
    status: StatusCode,
    patience: Option<Duration>,
    body: Json,
}

impl<'a> Calls<'a> {
    pub fn new(
        client: Client,
        context: &'a str,
        spool: Option<Spool>,
        journal: &'a mut (dyn FnMut(&Call) + Send),
    ) -> Self {
        Self { client, context, journal, next: Instant::now(), was_answered: false, spool, unkept: None }
    }

    /// What answers were kept in, and why they are no longer.
    pub fn into_spool(self) -> (Option<Spool>, Option<SpoolError>) {
        (self.spool, self.unkept)
    }

    pub async fn get(&mut self, what: &str, path: &str) -> Result<Answered, ReadError> {
        if let Some(known) = self.spool.as_mut().and_then(|spool| spool.got(path)) {
            return Ok(known);
        }
        let reply = self.patiently(what, path, path).await?;
        let answered = self.judged(what, reply)?;
        self.keep(Keeping::Yes, |spool| spool.answer(path, answered.clone()));
        Ok(answered)
    }

    /// Every page of a list as one; those that an earlier run read are not asked for.
    pub async fn list(
        &mut self,
        what: &str,
        path: &str,
        which: &Which,
        keeping: Keeping,
    ) -> Result<Answered, ReadError> {
        let selector = match which {
            Which::All => String::new(),
            Which::Labelled(labels) => format!("&labelSelector={}", url_encode(labels)),
            Which::Called(name) => format!("&fieldSelector={}", url_encode(&format!("metadata.name={name}"))),
        };
        let base = format!("{path}?limit={PAGE}{selector}");
        let mut known = Vec::new();
        if let Some(spool) = &mut self.spool {
            if let Some(no) = spool.got(&base) {
                return Ok(no);
            }
            known = spool.pages(&base);
        }
        for _ in 0..MOST_STARTS {
            let mut pages = Pages::default();
            let mut place = String::new();
            for mut page in std::mem::take(&mut known) {
                match pages.add(&mut page) {
                    Some(next) => place = next,
                    None => return Ok(Answered::Yes(pages.close(&page))),
                }
            }
            loop {
                let (full, shown) = match place.as_str() {
                    "" => (base.clone(), base.clone()),
                    place => (format!("{base}&continue={}", url_encode(place)), format!("{base}&continue=…")),
                };
                let reply = self.patiently(what, &full, &shown).await?;
                if reply.status == StatusCode::GONE {
                    self.keep(keeping, |spool| spool.anew(&base));
                    break;
                }
                let mut page = match self.judged(what, reply)? {
                    Answered::Yes(page) => page,
                    no @ Answered::No { .. } => {
                        self.keep(keeping, |spool| spool.answer(&base, no.clone()));
                        return Ok(no);
                    }
                };
                without_managed_fields(&mut page);
                self.keep(keeping, |spool| spool.page(&base, &page));
                match pages.add(&mut page) {
                    Some(next) => place = next,
                    None => return Ok(Answered::Yes(pages.close(&page))),
                }
            }
        }
        let why = format!("its pages expired {MOST_STARTS} times before they could be read");
        Err(ReadError::Failed { what: what.to_owned(), why })
    }

    /// Keeps an answer for a later run; a fault of that is none of the capture.
    fn keep(&mut self, keeping: Keeping, add: impl FnOnce(&mut Spool) -> Result<(), SpoolError>) {
        let Some(spool) = self.spool.as_mut().filter(|_| keeping == Keeping::Yes) else { return };
        if let Err(error) = add(spool) {
            self.unkept = Some(error);
            if let Some(spool) = self.spool.take() {
                // It goes on without: what was kept is of no use if the rest is not.
                let _ = spool.finish();
            }
        }
    }

    fn judged(&self, what: &str, reply: Reply) -> Result<Answered, ReadError> {
        let said = || reply.body["message"].as_str().map_or_else(|| reply.status.to_string(), str::to_owned);
        match reply.status {
            status if status.is_success() => Ok(Answered::Yes(reply.body)),
            StatusCode::UNAUTHORIZED => {
                Err(ReadError::Unknown { context: self.context.to_owned(), why: said() })
            }
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Ok(Answered::No { status: reply.status.as_u16(), why: said() })
            }
            _ => Err(ReadError::Failed { what: what.to_owned(), why: said() }),
        }
    }

    /// Again after a break, a refusal for now and a fault of the server; each time from the same place.
    async fn patiently(&mut self, what: &str, path: &str, shown: &str) -> Result<Reply, ReadError> {
        let mut backoff = Duration::from_millis(250);
        let mut last = String::new();
        for _ in 0..MOST_TRIES {
            let reply = match self.once(path, shown).await {
                Ok(reply) => reply,
                Err(why) => {
                    last = why;
                    tokio::time::sleep(backoff).await;
                    backoff *= 2;
                    continue;
                }
            };
            if reply.status != StatusCode::TOO_MANY_REQUESTS && !reply.status.is_server_error() {
                return Ok(reply);
            }
            last = reply.status.to_string();
            tokio::time::sleep(reply.patience.unwrap_or(backoff).min(MOST_PATIENCE)).await;
            backoff *= 2;
        }
        match self.was_answered {
            true => {
                Err(ReadError::Failed { what: what.to_owned(), why: format!("{last}, {MOST_TRIES} times") })
            }
            false => Err(ReadError::Unreachable { context: self.context.to_owned(), why: last }),
        }
    }

    async fn once(&mut self, path: &str, shown: &str) -> Result<Reply, String> {
        tokio::time::sleep_until(self.next).await;
        let sent = Instant::now();
        self.next = sent + PACE;
        let mut call = Call {
            at: jiff::Timestamp::now().to_string(),
            method: "GET",
            path: shown.to_owned(),
            status: None,
            millis: 0,
            bytes: 0,
            objects: 0,
        };
        let asked = tokio::time::timeout(LONGEST, self.ask(path, &mut call)).await;
        let reply = asked.unwrap_or_else(|_| Err(format!("no answer in {} s", LONGEST.as_secs())));
        call.millis = u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.was_answered |= call.status.is_some();
        (self.journal)(&call);
        reply
    }

    async fn ask(&self, path: &str, call: &mut Call) -> Result<Reply, String> {
        let request = Request::get(path).header("Accept", "application/json").body(Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let answer = self.client.send(request).await.map_err(|error| chain(&error))?;
        let status = answer.status();
        call.status = Some(status.as_u16());
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let bytes = body.map_err(|error| error.to_string())?.to_bytes();
        call.bytes = bytes.len();
        let body: Json = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(error) if status.is_success() => return Err(format!("the answer is no JSON: {error}")),
            Err(_) => Json::Null,
        };
        call.objects = body["items"].as_array().map_or(usize::from(status.is_success()), Vec::len);
        Ok(Reply { status, patience: seconds.map(Duration::from_secs), body })
    }
}
