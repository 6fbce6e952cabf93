//! Long lists, a page at a time: beside what is kept of a list, one page of it is in memory.

use std::fmt::Debug;

use kube::{Api, Resource, api::ListParams};
use serde::de::DeserializeOwned;

use super::{Result, error};

/// How many objects one answer holds at most.
const PAGE: u32 = 100;
/// How a server answers that it has forgotten a place in a list.
const GONE: u16 = 410;

/// A whole list.
pub(super) struct Listed<T> {
    pub items: Vec<T>,
    /// Where a watch goes on from.
    pub version: String,
}

/// What `keep` keeps of every object.
///
/// # Errors
/// Where the list cannot be read.
pub(super) async fn all<K, T>(
    what: &str,
    api: &Api<K>,
    params: &ListParams,
    keep: impl Fn(K) -> T,
) -> Result<Listed<T>>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    answered(what, api, params, keep).await?.map_err(|no| error::refused(what, &no))
}

/// The same, where a no is looked at.
pub(super) async fn answered<K, T>(
    what: &str,
    api: &Api<K>,
    params: &ListParams,
    keep: impl Fn(K) -> T,
) -> Result<Result<Listed<T>, kube::Error>>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let first = params.clone().limit(PAGE);
    let (mut params, mut items) = (first.clone(), Vec::new());
    loop {
        let page = match error::answer(what, api.list(&params)).await? {
            Ok(page) => page,
            // What was listed is of a time that the server no longer knows: again from the beginning.
            Err(no) if error::status(&no) == Some(GONE) && params.continue_token.is_some() => {
                (params, items) = (first.clone(), Vec::new());
                continue;
            }
            Err(no) => return Ok(Err(no)),
        };
        items.extend(page.items.into_iter().map(|object| keep(without_account(object))));
        match page.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => params = first.clone().continue_token(&next),
            None => {
                let version = page.metadata.resource_version.unwrap_or_default();
                return Ok(Ok(Listed { items, version }));
            }
        }
    }
}

/// An object without the long account of who wrote which field, of which nothing is asked.
pub(super) fn without_account<K: Resource>(mut object: K) -> K {
    object.meta_mut().managed_fields = None;
    object
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http_body_util::Full;
    use hyper::{Request, Response, body::Bytes};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{Client, ResourceExt as _, client::Body};
    use serde_json::{Value as Json, json};

    use super::*;

    /// An API server that answers one after another, and the queries that it was asked.
    fn server(answers: Vec<(u16, Json)>) -> (Api<ConfigMap>, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, heard) = (Mutex::new(answers.into_iter()), asked.clone());
        let serve = tower::service_fn(move |request: Request<Body>| {
            heard.lock().unwrap().push(request.uri().query().unwrap_or_default().to_owned());
            let (status, body) = answers.lock().unwrap().next().unwrap();
            let answer = Response::builder().status(status).body(Full::new(Bytes::from(body.to_string())));
            async move { answer }
        });
        (Api::namespaced(Client::new(serve, "default"), "mirror"), asked)
    }

    fn page(names: &[&str], next: &str) -> (u16, Json) {
        let object = |name: &&str| json!({"metadata": {"name": name, "managedFields": [{"manager": "me"}]}});
        let items: Vec<Json> = names.iter().map(object).collect();
        let metadata = json!({"continue": next, "resourceVersion": "7"});
        (200, json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": metadata, "items": items}))
    }

    fn no(code: u16) -> (u16, Json) {
        (
            code,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": code}),
        )
    }

    fn name(map: ConfigMap) -> String {
        assert!(map.managed_fields().is_empty());
        map.name_any()
    }

    #[tokio::test]
    async fn a_list_is_read_page_by_page_to_its_end() {
        let (api, asked) = server(vec![page(&["a", "b"], "here"), page(&["c"], "")]);
        let listed = all("list", &api, &ListParams::default().labels("of=us"), name).await.unwrap();
        assert_eq!((listed.items, listed.version.as_str()), (["a", "b", "c"].map(str::to_owned).into(), "7"));
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 2);
        assert!(asked.iter().all(|query| query.contains("limit=100") && query.contains("labelSelector")));
        assert!(!asked[0].contains("continue") && asked[1].contains("continue=here"), "{asked:?}");
    }

    #[tokio::test]
    async fn a_list_whose_place_is_forgotten_begins_again_and_has_nothing_twice() {
        let (api, _) = server(vec![page(&["a", "b"], "old"), no(410), page(&["b"], "new"), page(&["c"], "")]);
        let listed = all("list", &api, &ListParams::default(), name).await.unwrap();
        assert_eq!(listed.items, ["b", "c"]);
    }

    #[tokio::test]
    async fn a_no_is_an_answer_and_one_at_the_beginning_is_not_asked_again() {
        for code in [403, 410] {
            let (api, asked) = server(vec![no(code)]);
            let answer = answered("list", &api, &ListParams::default(), name).await.unwrap();
            assert_eq!(answer.err().and_then(|no| error::status(&no)), Some(code));
            assert_eq!(asked.lock().unwrap().len(), 1);
        }
    }
}
