//! Containers of anybody's: read, never touched.

use std::collections::{BTreeSet, HashMap};

use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::try_join_all;

use super::{
    super::{EngineSource, Foreign, Later, Result, TarStream, compose_labels},
    Compose, facts, seen,
    trouble::Doing as _,
};
use crate::capture::docker::Dump;

impl EngineSource for Compose {
    fn address(&self) -> &str {
        &self.address
    }

    fn foreign_container<'a>(&'a self, name: &'a str) -> Later<'a, Option<Foreign>> {
        Box::pin(self.read_foreign(name))
    }

    fn foreign_project<'a>(&'a self, project: &'a str) -> Later<'a, Vec<Foreign>> {
        Box::pin(self.read_project(project))
    }

    fn foreign_dump<'a>(&'a self, labels: &'a [String], named: &'a [String]) -> Later<'a, Dump> {
        Box::pin(self.read_dump(labels, named))
    }

    fn answer<'a>(&'a self, id: &'a str, argv: &'a [&'a str]) -> Later<'a, Option<Vec<u8>>> {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        Box::pin(async move { Ok(self.answer_of(id, argv).await) })
    }

    fn image_archive<'a>(&'a self, image: &'a str) -> Later<'a, TarStream> {
        Box::pin(self.save_image(image))
    }
}

impl Compose {
    /// The values of a label on all containers, the stopped ones too, whoever made them.
    pub async fn values_of_label(&self, label: &str) -> Result<BTreeSet<String>> {
        let listed = self.containers_labelled(&[label.to_owned()]).await?;
        Ok(listed.into_iter().filter_map(|container| container.labels?.remove(label)).collect())
    }

    async fn read_foreign(&self, name: &str) -> Result<Option<Foreign>> {
        let Some(there) = self.inspect(name).await? else { return Ok(None) };
        let container = seen::container(there);
        let image = self.docker.inspect_image(&container.image_id).await;
        let image = image.if_there(format!("image {}", container.image_id))?.map(facts::facts_of);
        Ok(Some(Foreign { container, image }))
    }

    async fn read_project(&self, project: &str) -> Result<Vec<Foreign>> {
        let filters = HashMap::from([("label", vec![format!("{}={project}", compose_labels::PROJECT)])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await.doing("list of containers")?;
        let ids: Vec<String> = listed.into_iter().filter_map(|container| container.id).collect();
        let found = try_join_all(ids.iter().map(|id| self.read_foreign(id))).await?;
        let label = |one: &Foreign, name: &str| one.container.labels.get(name).cloned().unwrap_or_default();
        let mut found: Vec<Foreign> =
            found.into_iter().flatten().filter(|one| label(one, compose_labels::ONE_OFF) != "True").collect();
        found.sort_by_key(|one| {
            let number = label(one, compose_labels::NUMBER).parse::<u32>().unwrap_or(u32::MAX);
            (label(one, compose_labels::SERVICE), number)
        });
        Ok(found)
    }

    /// The documents of all containers with these labels, or of those that are named, and of their images.
    async fn read_dump(&self, labels: &[String], named: &[String]) -> Result<Dump> {
        let ids: Vec<String> = match named {
            [] => self.containers_labelled(labels).await?.into_iter().filter_map(|one| one.id).collect(),
            named => named.to_vec(),
        };
        let is_named = !named.is_empty();
        let mut dump = Dump { stopped_too: is_named, mirrors_too: is_named, ..Dump::default() };
        for there in try_join_all(ids.iter().map(|id| self.inspect(id))).await?.into_iter().flatten() {
            let name = there.name.clone().unwrap_or_default().trim_start_matches('/').to_owned();
            if let Some(id) = there.image.clone().filter(|id| !dump.images.contains_key(id)) {
                // It may be gone.
                let image = self.docker.inspect_image(&id).await.if_there(format!("image {id}"))?;
                dump.images.extend(image.map(|image| (id, facts::facts_of(image))));
            }
            dump.containers.push((name, seen::document(there)));
        }
        Ok(dump)
    }
}
