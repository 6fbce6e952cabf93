//! The process that keeps the doors of one mirror open.

use std::{collections::BTreeMap, fs, net::SocketAddr, pin::pin, time::Duration};

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, WatchEvent, WatchParams},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::mpsc,
    time::Instant,
};

use super::{
    super::{Forward, error},
    Answer, Cluster, ClusterError, Kept, Open, Order, Result,
};

/// A cluster that does not answer for so long is taken for gone. Whoever asks for the doors then has them opened anew.
const GIVES_UP: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(1);
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// Opens the doors of an order, tells the addresses, and keeps them open until the mirror is gone or it is told to end.
///
/// `tell` is called once, when the doors are open or cannot be.
pub(in crate::backend) async fn keep(order: Order, tell: impl FnOnce(&Answer)) {
    match Keeping::begin(&order).await {
        Ok(keeping) => {
            tell(&Answer::Opened(keeping.kept.clone()));
            tokio::select! {
                () = keeping.until_gone(&order) => {}
                () = keeping.until_told() => {}
            }
            // It is ours for as long as the lock is held, and that is longer.
            let _ = fs::remove_file(order.place.socket());
        }
        Err(error) => tell(&Answer::Failed(error.to_string())),
    }
}

struct Keeping {
    cluster: Cluster,
    kept: Kept,
    socket: UnixListener,
    _open: Vec<Forward>,
    /// The kernel takes it back when we are killed.
    _held: fs::File,
}

impl Keeping {
    async fn begin(order: &Order) -> Result<Self> {
        let io =
            |error: std::io::Error| ClusterError::Api { what: "forward".to_owned(), why: error.to_string() };
        let held = order.place.hold().map_err(io)?.ok_or_else(|| ClusterError::Api {
            what: "forward".to_owned(),
            why: "another process keeps the mirror's ports".to_owned(),
        })?;
        let cluster = Cluster::connect(&order.way, &order.context).await?;
        let (mut open, mut forwards) = (Vec::new(), Vec::new());
        let wishes = wishes(order);
        for door in &order.doors {
            let wish = wishes.get(&door.to_string()).copied();
            let service = door.service.as_str();
            let forward = cluster.forward_on(&order.namespace, service, door.target, wish).await?;
            open.push(Open { door: door.clone(), address: forward.address() });
            forwards.push(forward);
        }
        let kept = Kept { uid: order.uid.clone(), open };
        note(order, &kept);
        // One of a process that was killed: nobody else has the lock.
        let _ = fs::remove_file(order.place.socket());
        let socket = UnixListener::bind(order.place.socket()).map_err(io)?;
        Ok(Self { cluster, kept, socket, _open: forwards, _held: held })
    }

    /// Watches the namespace. One that is made anew under the name is another mirror's.
    async fn until_gone(&self, order: &Order) {
        let spaces: Api<Namespace> = Api::all(self.cluster.client.clone());
        let one = format!("metadata.name={}", order.namespace);
        let mut answered = Instant::now();
        loop {
            let listed = error::ask("the namespace", spaces.list(&ListParams::default().fields(&one))).await;
            if let Ok(listed) = listed {
                answered = Instant::now();
                if !listed.items.iter().any(|space| space.uid().as_deref() == Some(&order.uid)) {
                    return;
                }
                let version = listed.metadata.resource_version.unwrap_or_default();
                let how = WatchParams::default().fields(&one);
                if let Ok(watch) = error::ask("the namespace", spaces.watch(&how, &version)).await {
                    let mut watch = pin!(watch);
                    while let Some(Ok(event)) = watch.next().await {
                        if let WatchEvent::Deleted(_) = event {
                            return;
                        }
                    }
                }
            } else if answered.elapsed() > GIVES_UP {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Says to everyone who asks what is kept, until one says that it is enough.
    async fn until_told(&self) {
        let said = serde_json::to_string(&self.kept).unwrap_or_default() + "\n";
        let (enough, mut told) = mpsc::channel::<()>(1);
        loop {
            tokio::select! {
                asked = self.socket.accept() => {
                    let Ok((stream, _)) = asked else {
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    };
                    let (said, enough) = (said.clone(), enough.clone());
                    tokio::spawn(async move {
                        if tokio::time::timeout(TOLD_WITHIN, answer(stream, &said)).await == Ok(true) {
                            let _ = enough.send(()).await;
                        }
                    });
                }
                _ = told.recv() => return,
            }
        }
    }
}

/// Whether the one who asked wants an end.
async fn answer(mut stream: UnixStream, said: &str) -> bool {
    let mut heard = Vec::new();
    stream.write_all(said.as_bytes()).await.is_ok()
        && stream.take(4).read_to_end(&mut heard).await.is_ok()
        && heard == b"end\n"
}

/// The ports that a process before had, so that an address that is written somewhere stays true.
fn wishes(order: &Order) -> BTreeMap<String, u16> {
    let text = fs::read(order.place.wishes()).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn note(order: &Order, kept: &Kept) {
    let port = |open: &Open| (open.door.to_string(), SocketAddr::port(&open.address));
    let ports: BTreeMap<String, u16> = kept.open.iter().map(port).collect();
    // Without it the next ports are others.
    let _ = serde_json::to_vec(&ports).map(|text| fs::write(order.place.wishes(), text));
}
