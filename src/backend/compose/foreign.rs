//! Containers of anybody's: read, never touched.

use std::collections::HashMap;

use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::try_join_all;

use super::{
    super::{EngineSource, Foreign, Later, Result, TarStream, compose_labels},
    Compose, facts, seen,
    trouble::Doing as _,
};

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

    fn environ<'a>(&'a self, id: &'a str) -> Later<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            Ok(self.answer_of(id, ["cat", "/proc/1/environ"].map(str::to_owned).to_vec()).await)
        })
    }

    fn image_archive<'a>(&'a self, image: &'a str) -> Later<'a, TarStream> {
        Box::pin(self.save_image(image))
    }
}

impl Compose {
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
}
