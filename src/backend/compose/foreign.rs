//! Containers of anybody's: read, never touched.

use std::collections::HashMap;

use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::try_join_all;

use super::{super::Result, Compose, facts, seen, trouble::Doing as _};
use crate::{observed::Container, plan::capabilities::ImageFacts};

/// What Compose labels its containers with.
pub mod compose_labels {
    pub const PROJECT: &str = "com.docker.compose.project";
    pub const SERVICE: &str = "com.docker.compose.service";
    pub const NUMBER: &str = "com.docker.compose.container-number";
    pub const ONE_OFF: &str = "com.docker.compose.oneoff";
}

/// A container and what is known of its image, which may be gone.
pub struct Foreign {
    pub container: Container,
    pub image: Option<ImageFacts>,
}

impl Compose {
    /// A container by its name or id; `None` where there is none.
    pub async fn foreign_container(&self, name: &str) -> Result<Option<Foreign>> {
        let Some(there) = self.inspect(name).await? else { return Ok(None) };
        let container = seen::container(there);
        let image = self.docker.inspect_image(&container.image_id).await;
        let image = image.if_there(format!("image {}", container.image_id))?.map(facts::facts_of);
        Ok(Some(Foreign { container, image }))
    }

    /// The containers of a Compose project's services, by service and number; those of `compose run` are left out.
    pub async fn foreign_project(&self, project: &str) -> Result<Vec<Foreign>> {
        let filters = HashMap::from([("label", vec![format!("{}={project}", compose_labels::PROJECT)])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await.doing("list of containers")?;
        let ids: Vec<String> = listed.into_iter().filter_map(|container| container.id).collect();
        let found = try_join_all(ids.iter().map(|id| self.foreign_container(id))).await?;
        let label = |one: &Foreign, name: &str| one.container.labels.get(name).cloned().unwrap_or_default();
        let mut found: Vec<Foreign> =
            found.into_iter().flatten().filter(|one| label(one, compose_labels::ONE_OFF) != "True").collect();
        found.sort_by_key(|one| {
            let number = label(one, compose_labels::NUMBER).parse::<u32>().unwrap_or(u32::MAX);
            (label(one, compose_labels::SERVICE), number)
        });
        Ok(found)
    }

    /// `/proc/1/environ` of a container that runs, by a `cat` in it; `None` where it has none or does not run.
    pub async fn environ(&self, id: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.answer_of(id, ["cat", "/proc/1/environ"].map(str::to_owned).to_vec()).await)
    }
}
