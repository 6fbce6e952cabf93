//! An API server that answers what it was given, on loopback; it notes what it was asked.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value as Json, json};

/// A status, headers and a body.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Json,
}

/// Answers a path, a query and the number of times that this path was asked before.
pub type Rule = dyn Fn(&str, &str, usize) -> Option<Reply> + Send + Sync;

pub struct Api {
    pub address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

pub fn reply(status: u16, body: Json) -> Option<Reply> {
    Some(Reply { status, headers: Vec::new(), body })
}

pub fn refused(status: u16, message: &str) -> Option<Reply> {
    reply(status, json!({"kind": "Status", "status": "Failure", "message": message, "code": status}))
}

/// `deployments` of `/apis/apps/v1/namespaces/shop/deployments`.
pub fn resource(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether a query's selectors mean an object: those of one name, and labels with one value each.
fn is_selected(item: &Json, query: &str) -> bool {
    let plain = query.replace("%3D", "=").replace("%2C", ",").replace("%20", " ");
    plain.split('&').all(|part| match part.split_once('=') {
        Some(("fieldSelector", field)) => {
            field.strip_prefix("metadata.name=") == item["metadata"]["name"].as_str()
        }
        Some(("labelSelector", labels)) => labels.split(',').all(|label| {
            let (key, value) = label.split_once('=').expect("a label with one value");
            item["metadata"]["labels"][key] == value
        }),
        _ => true,
    })
}

impl Api {
    /// Serves these objects by their kinds; `first` may answer before.
    pub fn new(objects: &[Json], first: Box<Rule>) -> Self {
        let mut lists: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        for object in objects {
            let kind = object["kind"].as_str().unwrap().to_lowercase();
            let plural = if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") };
            let mut item = object.clone();
            // As the API has it: the items of a list say no kind.
            item.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
            lists
                .entry(plural.replace("policys", "policies").replace("ingresss", "ingresses"))
                .or_default()
                .push(item);
        }
        let kinds: BTreeMap<String, String> = objects
            .iter()
            .map(|object| object["kind"].as_str().unwrap())
            .map(|kind| (kind.to_lowercase() + "s", kind.to_owned()))
            .collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (log, first) = (asked.clone(), Arc::new(first));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, first, lists, kinds) = (log.clone(), first.clone(), lists.clone(), kinds.clone());
                thread::spawn(move || {
                    serve(stream, &log, &|path, query, before| {
                        first(path, query, before).or_else(|| {
                            if path.ends_with("/namespaces/kube-system") {
                                return reply(200, json!({"kind": "Namespace", "metadata": {"uid": "u-1"}}));
                            }
                            let of = resource(path);
                            let kind = kinds.get(of).map_or("List".to_owned(), |kind| format!("{kind}List"));
                            let items = lists.get(of).into_iter().flatten();
                            let items: Vec<Json> =
                                items.filter(|item| is_selected(item, query)).cloned().collect();
                            reply(
                                200,
                                json!({"kind": kind, "apiVersion": "v1", "metadata": {}, "items": items}),
                            )
                        })
                    })
                });
            }
        });
        Self { address, asked }
    }

    /// `GET /path?query`, in their order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A kubeconfig with the context `prod`.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: other\nclusters: [{{name: c, cluster: {{server: '{}'}}}}]\n\
             users: [{{name: u, user: {{token: letmein-token}}}}]\n\
             contexts: [{{name: prod, context: {{cluster: c, user: u, namespace: shop}}}}]\n",
            self.address
        )
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<String>>, answer: &Answer<'_>) {
    let Ok(mut out) = stream.try_clone() else { return };
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        while lines.next().is_some_and(|header| !header.is_empty()) {}
        let words: Vec<&str> = request.split(' ').collect();
        let [method, target, _] = words.as_slice() else { return };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let before = {
            let mut log = log.lock().unwrap();
            let before = log.iter().filter(|one| one.contains(path)).count();
            log.push(format!("{method} {target}"));
            before
        };
        let Some(reply) = answer(path, query, before) else { return };
        let body = reply.body.to_string();
        let headers: String =
            reply.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "HTTP/1.1 {} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n",
            reply.status,
            body.len()
        );
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

type Answer<'a> = dyn Fn(&str, &str, usize) -> Option<Reply> + 'a;
