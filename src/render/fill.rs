//! One-shots that fill volumes, where `docker compose` alone is the launcher.

use indexmap::IndexMap;

use super::RenderError;
use crate::{
    digest,
    formats::fill::{FROM_DIR, FileFill, FillContent, FillPiece, Filling, TO_DIR},
    labels,
    plan::{ContainerPlan, FileBytes, Mount, Plan, Pod, Template, TemplatePiece, VolumePlan, VolumeRole},
    profile::Mode,
};

/// The one-shot `SERVICE.files`: fills every volume that this service is the first to mount.
#[derive(Clone, Debug, PartialEq)]
pub struct Filler<'a> {
    pub plan: &'a Plan,
    pub key: String,
    pub service: String,
    pub image: &'a str,
    pub volumes: Vec<&'a VolumePlan>,
    /// Variables of secret files.
    pub env: IndexMap<String, Template>,
    pub labels: IndexMap<String, String>,
    /// The service is one that a bare `docker compose up` leaves alone.
    pub on_demand: bool,
    /// Pauses that hold a volume in memory, which is empty again once nobody mounts it.
    pub after: Vec<String>,
}

impl Filler<'_> {
    /// The bundle's folder, and where the one-shot sees it.
    pub const SOURCE: (&'static str, &'static str) = ("./files", FROM_DIR);

    pub fn command(&self) -> Vec<String> {
        let volumes = self.volumes.iter().map(|volume| volume.name.clone());
        std::iter::once("fill".to_owned()).chain(volumes).collect()
    }

    pub fn target(&self, volume: &VolumePlan) -> String {
        format!("{TO_DIR}/{}", volume.name)
    }

    /// Whether a container must wait for this one-shot.
    pub fn comes_before(&self, container: &ContainerPlan) -> bool {
        !self.after.contains(&container.key)
            && self.volumes.iter().any(|volume| mounts(container, &volume.name))
    }
}

fn mounts(container: &ContainerPlan, name: &str) -> bool {
    container.mounts.iter().any(|mount| matches!(mount, Mount::Volume { volume, .. } if volume == name))
}

/// Whether a one-shot has something to do. The root of a volume in memory gets owner and mode as it is mounted.
fn is_filled(volume: &VolumePlan) -> bool {
    let root = volume.group.is_some() || volume.mode.is_some();
    !volume.files.is_empty() || root && volume.memory.is_none()
}

/// The variables that a file is made from.
pub fn variables(content: &FileBytes) -> Vec<&str> {
    match content {
        FileBytes::Inline(_) => Vec::new(),
        FileBytes::Secret(variable) => vec![variable],
        FileBytes::Quoted(template) => template
            .0
            .iter()
            .filter_map(|piece| match piece {
                TemplatePiece::Variable(variable) => Some(variable.as_str()),
                TemplatePiece::Literal(_) => None,
            })
            .collect(),
    }
}

/// The one-shots in the order of the plan's pods.
pub fn fillers(plan: &Plan) -> Vec<Filler<'_>> {
    let mut open: Vec<&VolumePlan> = plan.volumes.iter().filter(|volume| is_filled(volume)).collect();
    let mut services: IndexMap<&str, Vec<&Pod>> = IndexMap::new();
    for pod in &plan.pods {
        services.entry(pod.service.as_str()).or_default().push(pod);
    }
    // What is up anyway fills what it shares with a job on demand, which a bare `up` leaves out.
    services.sort_by(|_, a, _, b| is_on_demand(a).cmp(&is_on_demand(b)));
    let mut fillers = Vec::new();
    for (service, pods) in services {
        let is_mounted = |volume: &&VolumePlan| {
            pods.iter().flat_map(|pod| pod.containers()).any(|container| mounts(container, &volume.name))
        };
        let (volumes, rest) = open.into_iter().partition(is_mounted);
        open = rest;
        if !Vec::is_empty(&volumes) {
            fillers.push(filler(plan, service, &pods, volumes));
        }
    }
    fillers
}

fn is_on_demand(pods: &[&Pod]) -> bool {
    pods.iter().all(|pod| pod.on_demand)
}

fn filler<'a>(plan: &'a Plan, service: &str, pods: &[&Pod], volumes: Vec<&'a VolumePlan>) -> Filler<'a> {
    let files = volumes.iter().flat_map(|volume| &volume.files);
    let variable = |name: &str| (name.to_owned(), Template(vec![TemplatePiece::Variable(name.to_owned())]));
    let env = files.flat_map(|file| variables(&file.content)).map(variable).collect();
    let in_memory = |volume: &VolumePlan| volume.memory.is_some() || volume.role == VolumeRole::SecretFiles;
    let holds =
        |pod: &&&Pod| volumes.iter().any(|volume| in_memory(volume) && mounts(&pod.pause, &volume.name));
    let after = pods.iter().filter(holds).map(|pod| pod.pause.key.clone()).collect();
    let labels = IndexMap::from([
        (labels::MIRROR.to_owned(), plan.mirror.to_string()),
        (labels::OWNER.to_owned(), plan.owner.clone()),
        (labels::KIND.to_owned(), labels::Kind::Files.as_str().to_owned()),
        (labels::SERVICE.to_owned(), service.to_owned()),
        // Volumes serialize with the hashes of their files: other content makes another container.
        (labels::SPEC.to_owned(), digest::spec(&volumes)),
    ]);
    let image = plan.keeper.image.reference.as_str();
    let on_demand = is_on_demand(pods);
    let key = format!("{service}.files");
    Filler { plan, key, service: service.to_owned(), image, volumes, env, labels, on_demand, after }
}

/// The files beside `compose.yaml`: for each volume its content and a list with owners and modes.
pub fn files(plan: &Plan) -> Result<IndexMap<String, Vec<u8>>, RenderError> {
    let mut files = IndexMap::new();
    for volume in plan.volumes.iter().filter(|volume| is_filled(volume)) {
        let folder = format!("{}/{}", super::FILES_DIR, volume.name);
        let mut filling = Filling { files: Vec::new(), group: volume.group, mode: volume.mode.map(Mode) };
        for file in &volume.files {
            check_inside(&volume.name, &file.path)?;
            let content = match &file.content {
                FileBytes::Inline(bytes) => {
                    files.insert(format!("{folder}/{}", file.path), bytes.clone());
                    FillContent::Beside
                }
                FileBytes::Secret(variable) => FillContent::Variable(variable.clone()),
                FileBytes::Quoted(template) => FillContent::Quoted(template.0.iter().map(piece).collect()),
            };
            filling.files.push(FileFill {
                path: file.path.clone(),
                content,
                mode: Mode(file.mode),
                user: file.user,
                group: file.group,
            });
        }
        files.insert(format!("{folder}.json"), list(&filling));
    }
    Ok(files)
}

fn piece(piece: &TemplatePiece) -> FillPiece {
    match piece {
        TemplatePiece::Literal(text) => FillPiece::Literal(text.clone()),
        TemplatePiece::Variable(name) => FillPiece::Variable(name.clone()),
    }
}

fn list(filling: &Filling) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(filling).expect("a filling holds texts and numbers only");
    json.push(b'\n');
    json
}

fn check_inside(volume: &str, path: &str) -> Result<(), RenderError> {
    let is_step = |step: &str| !step.is_empty() && step != "." && step != ".." && !step.contains('\0');
    if path.split('/').all(is_step) {
        return Ok(());
    }
    Err(RenderError::Outside { volume: volume.to_owned(), path: path.to_owned() })
}
