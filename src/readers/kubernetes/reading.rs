//! What was read so far: an answer that grows list by list, and what was refused.

use serde_json::Value as Json;

use super::{
    Answer, Ask, ReadError,
    calls::{Answered, Calls, Keeping, Which},
    lists::{List, Missing},
};
use crate::capture::kubernetes::{Document, answers::hide};

pub(super) struct Reading<'a> {
    ask: &'a Ask,
    calls: Calls<'a>,
    answer: Answer,
}

const NOT_SERVED: u16 = 404;

impl<'a> Reading<'a> {
    pub fn new(ask: &'a Ask, calls: Calls<'a>, namespace: String) -> Self {
        Self { ask, calls, answer: Answer { namespace, ..Answer::default() } }
    }

    pub fn namespace(&self) -> &str {
        &self.answer.namespace
    }

    pub fn reads_secrets(&self) -> bool {
        self.ask.hash_key.is_some()
    }

    pub fn reads_nodes(&self) -> bool {
        self.ask.nodes
    }

    /// Reads a list; answers its items, or nothing where it was refused.
    pub async fn list(&mut self, list: &List, which: &Which) -> Result<Option<Vec<Json>>, ReadError> {
        self.kept(list, which, &|_| true).await
    }

    /// Keeps some items of a list, for what no query can ask for.
    pub async fn list_if(
        &mut self,
        list: &List,
        which: &Which,
        is_kept: &dyn Fn(&Json) -> bool,
    ) -> Result<Vec<Json>, ReadError> {
        Ok(self.kept(list, which, is_kept).await?.unwrap_or_default())
    }

    async fn kept(
        &mut self,
        list: &List,
        which: &Which,
        is_kept: &dyn Fn(&Json) -> bool,
    ) -> Result<Option<Vec<Json>>, ReadError> {
        let Some(mut value) = self.look(list, which).await? else { return Ok(None) };
        let mut kept = items(&mut value);
        kept.retain(is_kept);
        value["items"] = kept.clone().into();
        self.add(list, value);
        Ok(Some(kept))
    }

    /// Reads a list of which nothing is a part of the answer yet; nothing where it was refused.
    pub async fn look(&mut self, list: &List, which: &Which) -> Result<Option<Json>, ReadError> {
        let what = match which {
            Which::Called(name) => format!("list {} {name}", list.title()),
            Which::All | Which::Labelled(_) => format!("list {}", list.title()),
        };
        let keeping = if list.is_secrets() { Keeping::Never } else { Keeping::Yes };
        match self.calls.list(&what, &list.path(&self.answer.namespace), which, keeping).await? {
            Answered::Yes(mut value) => {
                if let Some(key) = self.ask.hash_key.as_ref().filter(|_| list.is_secrets()) {
                    self.answer.hashes.extend(hide(&mut value, key));
                }
                Ok(Some(value))
            }
            Answered::No { status, why } => {
                let is_served = status != NOT_SERVED;
                let why = told(status, why);
                self.answer.missing.push(Missing { list: Some(*list), what, why, is_served });
                Ok(None)
            }
        }
    }

    /// Takes a list, or what of it is kept, into the answer.
    pub fn add(&mut self, list: &List, value: Json) {
        let name = format!("kubernetes:{}/{}/{}", self.ask.context, self.answer.namespace, list.resource);
        match self.answer.documents.iter_mut().find(|known| known.name == name) {
            Some(known) => known.values.push(value),
            None => self.answer.documents.push(Document { name, values: vec![value] }),
        }
    }

    /// Which cluster it is: the identity of a namespace that each has.
    pub async fn identity(&mut self) -> Result<(), ReadError> {
        let what = "get namespaces/kube-system".to_owned();
        match self.calls.get(&what, "/api/v1/namespaces/kube-system").await? {
            Answered::Yes(value) => {
                self.answer.cluster = value["metadata"]["uid"].as_str().map(str::to_owned);
            }
            Answered::No { status, why } => {
                let why = told(status, why);
                self.answer.missing.push(Missing { list: None, what, why, is_served: true });
            }
        }
        Ok(())
    }

    /// How many lists were refused that the cluster serves.
    pub fn refused(&self) -> usize {
        self.answer.missing.iter().filter(|one| one.is_served).count()
    }

    /// Of what was asked for, nothing may be read.
    pub fn nothing(&self) -> ReadError {
        let missing = self.answer.missing.iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
        ReadError::Nothing { namespace: self.answer.namespace.clone(), missing }
    }

    /// All that was read; nothing is left of it elsewhere.
    pub fn finish(self) -> Result<Answer, ReadError> {
        let Self { ask: _, calls, mut answer } = self;
        let (spool, unkept) = calls.into_spool();
        answer.unkept = unkept.map(|error| error.to_string());
        if let Some(spool) = spool {
            answer.begun = spool.begun().map(str::to_owned);
            spool.finish()?;
        }
        Ok(answer)
    }

    /// The capture ends here; what was read stays where it was kept, if that is anything.
    pub fn cut_off(self) {
        if let (Some(spool), _) = self.calls.into_spool() {
            let _token = spool.cut_off();
        }
    }
}

/// Takes the items out of a list.
pub(super) fn items(list: &mut Json) -> Vec<Json> {
    match list.get_mut("items") {
        Some(Json::Array(items)) => std::mem::take(items),
        _ => Vec::new(),
    }
}

fn told(status: u16, why: String) -> String {
    if status == NOT_SERVED { "this cluster does not serve it".to_owned() } else { why }
}
