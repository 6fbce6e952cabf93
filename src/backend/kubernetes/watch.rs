//! What is in a namespace, as it changes.

use std::{fmt::Debug, time::Duration};

use futures_util::StreamExt as _;
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Event};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{ListParams, WatchEvent, WatchParams},
};
use serde::de::DeserializeOwned;
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    Result, error,
    pages::{self, Listed, without_account},
};

/// A watch that broke begins anew after this.
const PAUSE: Duration = Duration::from_millis(500);

/// What became of the objects of one kind.
#[derive(Debug)]
pub(super) enum Change<K> {
    /// All that there are: at first, and whenever a watch had to begin anew.
    All(Vec<K>),
    Put(K),
    Gone(K),
}

impl<K> Change<K> {
    pub(super) fn map<T>(self, of: impl Fn(K) -> T) -> Change<T> {
        match self {
            Self::All(objects) => Change::All(objects.into_iter().map(of).collect()),
            Self::Put(object) => Change::Put(of(object)),
            Self::Gone(object) => Change::Gone(of(object)),
        }
    }
}

/// Watches over several kinds, which all end when this is dropped.
pub(super) struct Watches<T> {
    client: Client,
    namespace: String,
    tasks: JoinSet<()>,
    sender: mpsc::Sender<Result<T>>,
    receiver: mpsc::Receiver<Result<T>>,
}

impl<T: Send + 'static> Watches<T> {
    pub(super) fn new(client: &Client, namespace: &str) -> Self {
        // A watch waits until what it saw is read: nothing piles up.
        let (sender, receiver) = mpsc::channel(64);
        let (client, namespace) = (client.clone(), namespace.to_owned());
        Self { client, namespace, tasks: JoinSet::new(), sender, receiver }
    }

    /// Adds a kind, and says how its changes are told from the others'.
    pub(super) fn over<K>(&mut self, wrap: fn(Change<K>) -> T)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Watched,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &self.namespace);
        let sender = self.sender.clone();
        self.tasks.spawn(async move {
            loop {
                if let Err(error) = rounds(&api, &sender, wrap).await
                    && sender.send(Err(error)).await.is_err()
                {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }

    /// The next change of any kind.
    ///
    /// # Errors
    /// When a list cannot be read. The watch goes on, and comes back with all there is when it can.
    pub(super) async fn next(&mut self) -> Result<T> {
        match self.receiver.recv().await {
            Some(change) => change,
            // We hold a sender ourselves, so the channel never closes.
            None => std::future::pending().await,
        }
    }

    /// A change that is there already.
    ///
    /// # Errors
    /// As of [`Watches::next`].
    pub(super) fn next_there(&mut self) -> Option<Result<T>> {
        self.receiver.try_recv().ok()
    }
}

/// What the API sends of a kind.
pub(super) trait Watched: Clone + Debug + DeserializeOwned + Send + Sync + 'static {}
impl<K: Clone + Debug + DeserializeOwned + Send + Sync + 'static> Watched for K {}

/// One list, then its changes until the watch ends, as each does after some minutes.
async fn rounds<K, T>(api: &Api<K>, sender: &mpsc::Sender<Result<T>>, wrap: fn(Change<K>) -> T) -> Result<()>
where
    K: Resource<DynamicType = ()> + Watched,
    T: Send + 'static,
{
    let what = format!("list of {}", K::plural(&()));
    let Listed { items, mut version } =
        pages::all(&what, api, &ListParams::default(), |object| object).await?;
    if sender.send(Ok(wrap(Change::All(items)))).await.is_err() {
        return Ok(());
    }
    loop {
        let stream = error::ask(&what, api.watch(&WatchParams::default(), &version)).await?;
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            let change = match event {
                Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    Change::Put(without_account(object))
                }
                Ok(WatchEvent::Deleted(object)) => Change::Gone(object),
                Ok(WatchEvent::Bookmark(mark)) => {
                    version = mark.metadata.resource_version;
                    continue;
                }
                // Too old by now, or broken on its way: from the beginning.
                Ok(WatchEvent::Error(_)) | Err(_) => return Ok(()),
            };
            if let Change::Put(object) | Change::Gone(object) = &change {
                version = object.resource_version().unwrap_or(version);
            }
            if sender.send(Ok(wrap(change))).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// When an event happened last.
pub(super) fn time_of(event: &Event) -> Option<jiff::Timestamp> {
    let series =
        event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let first = event.event_time.as_ref().map(|time| time.0);
    series.or(last).or(first).or(event.metadata.creation_timestamp.as_ref().map(|time| time.0))
}
