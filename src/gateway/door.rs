//! One door: accepts, chooses a replica, hands the two ends to the relay.

use std::{cell::RefCell, io, rc::Rc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use super::{ready::Backends, relay::relay};
use crate::{formats::doors::Door, log};

/// A replica that is ready answers at once; one that is gone must not hold its client.
const CONNECT: Duration = Duration::from_secs(5);

pub async fn keep(listener: TcpListener, door: Door, backends: Rc<RefCell<Backends>>) {
    let door = Rc::new(door);
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::task::spawn_local(pass(client, Rc::clone(&door), Rc::clone(&backends)));
            }
            Err(error) => {
                // Out of files or memory: wait for connections to end.
                log::warn("cannot accept", &[("door", &door), ("why", &error)]);
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn pass(mut client: TcpStream, door: Rc<Door>, backends: Rc<RefCell<Backends>>) {
    let Some(mut server) = connect(&door, &backends).await else {
        reset(&client);
        return;
    };
    for end in [&client, &server] {
        // Best effort: a socket that refuses is one that has just ended.
        let _ = end.set_nodelay(true);
    }
    // What one end did by force the other shall see as force.
    if relay(&mut client, &mut server).await.is_err() {
        reset(&client);
        reset(&server);
    }
}

/// As kube-proxy does it: one choice for each connection, and no second try.
async fn connect(door: &Door, backends: &RefCell<Backends>) -> Option<TcpStream> {
    let dice = dice().ok()?;
    let address = backends.borrow().choose(door.service.as_str(), dice)?;
    match timeout(CONNECT, TcpStream::connect((address, door.target))).await {
        Ok(Ok(server)) => Some(server),
        Ok(Err(error)) => {
            log::warn("cannot connect", &[("door", door), ("address", &address), ("why", &error)]);
            None
        }
        Err(_) => {
            log::warn("cannot connect in time", &[("door", door), ("address", &address)]);
            None
        }
    }
}

fn dice() -> io::Result<u64> {
    getrandom::u64().map_err(|error| io::Error::other(error.to_string()))
}

/// Ends a connection with a reset when it is dropped.
fn reset(stream: &TcpStream) {
    // If it fails the stream ends in the ordinary way, which is the second best.
    let _ = stream.set_zero_linger();
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        task::LocalSet,
    };

    /// A door in front of `target` on loopback; `ready` or not.
    async fn open(target: u16, ready: bool) -> (TcpStream, Rc<RefCell<Backends>>) {
        let set = format!(
            r#"{{"generation":1,"services":{{"api":[{{"ordinal":0,"address":"127.0.0.1","ready":{ready}}}]}}}}"#
        );
        let backends = Rc::new(RefCell::new(Backends::parse(set.as_bytes()).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = format!("{}=api/http:{target}", address.port()).parse().unwrap();
        tokio::task::spawn_local(keep(listener, door, Rc::clone(&backends)));
        (TcpStream::connect(address).await.unwrap(), backends)
    }

    fn on_one_thread(test: impl Future<Output = ()> + 'static) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async { timeout(Duration::from_secs(20), test).await.unwrap() });
    }

    #[test]
    fn a_client_that_ends_its_half_still_gets_the_answer() {
        on_one_thread(async {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (mut client, _backends) = open(server.local_addr().unwrap().port(), true).await;
            // More than any buffer on the way holds, so that the rest of a write is kept and sent.
            let question = vec![7_u8; 8 << 20];
            let sent = question.clone();
            tokio::task::spawn_local(async move {
                let (mut server, _) = server.accept().await.unwrap();
                let mut heard = Vec::new();
                server.read_to_end(&mut heard).await.unwrap();
                server.write_all(format!("{} bytes", heard.len()).as_bytes()).await.unwrap();
            });
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, format!("{} bytes", question.len()));
        });
    }

    #[test]
    fn with_no_ready_replica_a_connection_is_reset() {
        on_one_thread(async {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (mut client, _backends) = open(server.local_addr().unwrap().port(), false).await;
            let error = client.read_u8().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        });
    }

    #[test]
    fn a_reset_of_the_server_is_a_reset_for_the_client() {
        on_one_thread(async {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (mut client, _backends) = open(server.local_addr().unwrap().port(), true).await;
            let (end, _) = server.accept().await.unwrap();
            end.set_zero_linger().unwrap();
            drop(end);
            let error = client.read_u8().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        });
    }
}
