//! Ports of services on this host's loopback.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{Cluster, ClusterError, PodOf, Result, error};

/// A port that is open until this is dropped, its connections with it.
#[derive(Debug)]
pub struct Forward {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Forward {
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Cluster {
    /// Opens a free port of 127.0.0.1 for a TCP port of a service. Each connection goes to one of the pods that are
    /// ready at that moment, in turn; where none is, or nothing listens there, it is closed at once.
    ///
    /// Needs the right to create `pods/portforward`.
    ///
    /// # Errors
    /// Where no port can be opened here.
    pub async fn forward(&self, namespace: &str, service: &str, port: u16) -> Result<Forward> {
        self.forward_on(namespace, service, port, None).await
    }

    /// The same on a port of this host's that is wished for; on another where it is taken.
    pub(super) async fn forward_on(
        &self,
        namespace: &str,
        service: &str,
        port: u16,
        wish: Option<u16>,
    ) -> Result<Forward> {
        let what = format!("port for {service}:{port}");
        let io = |error: std::io::Error| ClusterError::Api { what: what.clone(), why: error.to_string() };
        let wished = TcpListener::bind((Ipv4Addr::LOCALHOST, wish.unwrap_or_default())).await;
        let listener = match wished {
            Err(_) if wish.is_some() => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
            other => other,
        }
        .map_err(io)?;
        let address = listener.local_addr().map_err(io)?;
        let door = Door {
            cluster: self.clone(),
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            port,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(door.serve(listener));
        Ok(Forward { address, _tasks: tasks })
    }
}

struct Door {
    cluster: Cluster,
    namespace: String,
    service: String,
    port: u16,
}

impl Door {
    async fn serve(self, listener: TcpListener) {
        let (door, turn) = (std::sync::Arc::new(self), AtomicUsize::new(0));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((client, _)) => {
                        let (door, turn) = (door.clone(), turn.fetch_add(1, Ordering::Relaxed));
                        connections.spawn(async move { door.carry(client, turn).await });
                    }
                    // Out of files for a moment: those that wait are taken when some are free again.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// What breaks a connection closes it: its client sees what it would see of a server that went.
    async fn carry(&self, mut client: TcpStream, turn: usize) {
        let Ok(pods) = self.cluster.pods(&self.namespace).await else { return };
        let ready: Vec<&PodOf> = pods.iter().filter(|pod| pod.ready && pod.service == self.service).collect();
        let Some(pod) = ready.get(turn % ready.len().max(1)) else { return };
        let api: Api<Pod> = Api::namespaced(self.cluster.client.clone(), &self.namespace);
        let ports = [self.port];
        let Ok(mut way) = error::ask("port forward", api.portforward(&pod.pod, &ports)).await else { return };
        let (Some(mut server), Some(broken)) = (way.take_stream(self.port), way.take_error(self.port)) else {
            return;
        };
        let refused = async {
            match broken.await {
                Some(_) => {}
                // No word means that all was well.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => {}
            () = refused => {}
        }
    }
}
