//! What a mirror's namespace remembers of it: one ConfigMap, which goes with it.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use k8s_openapi::{ByteString, api::core::v1::ConfigMap};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::{Cluster, ClusterError, MANAGED_BY, MANAGER, MIRROR, Result, error};
use crate::{
    formats::{
        course::Course,
        doors::Door,
        journal::{Event, Line},
    },
    name::Name,
    plan::kubernetes::namespace,
};

/// No name of a profile holds a dot.
pub(super) const RECORD: &str = "mirror.record";
const COURSE: &str = "course.json";
const DOORS: &str = "doors.json";
/// Compressed: a ConfigMap holds a mebibyte at most.
const DOCUMENT: &str = "profile.json.gz";
/// How often a change is made anew because another came between. Only the holder of the lease writes often.
const TRIES: u32 = 10;

impl Cluster {
    /// What became of a mirror; `None` where no `up` of it ever began.
    pub(super) async fn course(&self, mirror: &Name) -> Result<Option<Course>> {
        let Some(record) = self.record(mirror).await? else { return Ok(None) };
        course_of(&record).map(Some)
    }

    /// Adds an event. The first makes the record: it is that of an `up` that begins.
    ///
    /// # Errors
    /// [`ClusterError::NoRecord`] for another event of a mirror without a record.
    pub(super) async fn add(&self, mirror: &Name, event: &Event) -> Result<()> {
        let line = Line { at: jiff::Timestamp::now().to_string(), event: event.clone() };
        for _ in 0..TRIES {
            let found = self.record(mirror).await?;
            let mut course = match &found {
                Some(record) => course_of(record)?,
                None if matches!(event, Event::UpBegun { .. }) => Course::default(),
                None => return Err(ClusterError::NoRecord { mirror: mirror.to_string() }),
            };
            course.apply(&line);
            let text = serde_json::to_string(&course).unwrap_or_default();
            let data = json!({ "data": { COURSE: text } });
            if self.write_record(mirror, found.as_ref(), data).await? {
                return Ok(());
            }
        }
        Err(self.contended(mirror))
    }

    /// Keeps a document in place of the one before.
    pub(super) async fn keep_document(&self, mirror: &Name, document: &[u8]) -> Result<()> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        let written = packed.write_all(document).and_then(|()| packed.finish());
        let packed = written.map_err(|error| unreadable(mirror, &error))?;
        for _ in 0..TRIES {
            let Some(found) = self.record(mirror).await? else {
                return Err(ClusterError::NoRecord { mirror: mirror.to_string() });
            };
            let data = json!({ "binaryData": { DOCUMENT: ByteString(packed.clone()) } });
            if self.write_record(mirror, Some(&found), data).await? {
                return Ok(());
            }
        }
        Err(self.contended(mirror))
    }

    pub(super) async fn document(&self, mirror: &Name) -> Result<Option<Vec<u8>>> {
        let Some(record) = self.record(mirror).await? else { return Ok(None) };
        let Some(packed) = record.binary_data.and_then(|mut data| data.remove(DOCUMENT)) else {
            return Ok(None);
        };
        let mut document = Vec::new();
        let read = GzDecoder::new(packed.0.as_slice()).read_to_end(&mut document);
        read.map_err(|error| unreadable(mirror, &error))?;
        Ok(Some(document))
    }

    /// Remembers which ports of the mirror are open on whichever host asks for them.
    pub(super) async fn keep_doors(&self, mirror: &Name, doors: &[Door]) -> Result<()> {
        let text = serde_json::to_string(doors).unwrap_or_default();
        for _ in 0..TRIES {
            let Some(found) = self.record(mirror).await? else {
                return Err(ClusterError::NoRecord { mirror: mirror.to_string() });
            };
            if self.write_record(mirror, Some(&found), json!({ "data": { DOORS: text } })).await? {
                return Ok(());
            }
        }
        Err(self.contended(mirror))
    }

    pub(super) async fn doors_of(&self, mirror: &Name) -> Result<Vec<Door>> {
        let record = self.record(mirror).await?;
        let text = record.and_then(|record| record.data?.remove(DOORS));
        match text {
            None => Ok(Vec::new()),
            Some(text) => serde_json::from_str(&text).map_err(|error| not_ours(&error)),
        }
    }

    async fn record(&self, mirror: &Name) -> Result<Option<ConfigMap>> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &namespace(mirror));
        error::ask(format!("record of mirror `{mirror}`"), maps.get_opt(RECORD)).await
    }

    /// Writes over what was found and nothing else; answers whether nobody came between.
    async fn write_record(
        &self,
        mirror: &Name,
        found: Option<&ConfigMap>,
        mut data: serde_json::Value,
    ) -> Result<bool> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &namespace(mirror));
        let what = format!("record of mirror `{mirror}`");
        let written = match found {
            Some(found) => {
                data["metadata"] = json!({ "resourceVersion": found.metadata.resource_version });
                let how = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
                error::answer(&what, maps.patch(RECORD, &how, &Patch::Merge(data))).await?
            }
            None => {
                let labels = BTreeMap::from([(MANAGED_BY, MANAGER), (MIRROR, mirror.as_str())]);
                data["metadata"] = json!({ "name": RECORD, "labels": labels });
                let made: ConfigMap =
                    serde_json::from_value(data).map_err(|error| unreadable(mirror, &error))?;
                let how = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
                error::answer(&what, maps.create(&how, &made)).await?
            }
        };
        match written {
            Ok(_) => Ok(true),
            Err(error) if error::status(&error) == Some(409) => Ok(false),
            Err(error) => Err(error::refused(what, &error)),
        }
    }

    fn contended(&self, mirror: &Name) -> ClusterError {
        let what = format!("record of mirror `{mirror}`");
        ClusterError::Api { what, why: "others change it all the time".to_owned() }
    }
}

fn course_of(record: &ConfigMap) -> Result<Course> {
    let text = record.data.as_ref().and_then(|data| data.get(COURSE));
    let Some(text) = text else { return Ok(Course::default()) };
    serde_json::from_str(text).map_err(|error| not_ours(&error))
}

fn not_ours(error: &serde_json::Error) -> ClusterError {
    ClusterError::Api {
        what: format!("configmap/{RECORD}"),
        why: format!("it is not as prodmirror left it: {error}"),
    }
}

fn unreadable(mirror: &Name, error: &dyn std::fmt::Display) -> ClusterError {
    ClusterError::Api { what: format!("record of mirror `{mirror}`"), why: error.to_string() }
}
