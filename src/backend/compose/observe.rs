//! Reading everything of a scope once.

use std::collections::{BTreeMap, HashMap};

use bollard::{
    exec::CreateExecOptions,
    models::{ContainerInspectResponse, ContainerSummary, ContainerSummaryStateEnum},
    query_parameters::{ListNetworksOptionsBuilder, ListVolumesOptionsBuilder},
};
use futures_util::future::{join_all, try_join_all};
use tokio::io::{AsyncReadExt as _, duplex};

use super::{
    super::{Result, Scope, questions::Questions},
    Compose, HELPER_PATH,
    exec::{Ends, Terminal},
    facts,
    launch::id_of,
    seen,
    target::label,
    trouble::Doing as _,
};
use crate::{
    formats::journal::KeeperStatus,
    labels::{self, Kind},
    observed::{Container, EgressTry, Inside, Observed},
    pause::attempt::Attempt,
    plan::capabilities::ImageFacts,
};

/// Of a range kept for documentation (RFC 5737): no host has it, so the try asks nobody.
const OUTSIDE: &str = "198.51.100.5:80";
/// What an answer of a helper may be at most.
const LONGEST: u64 = 8 << 20;

impl Compose {
    pub(super) async fn read_everything(&self, scope: &Scope, inside: bool) -> Result<Observed> {
        let wanted = scope_labels(scope);
        let filters = HashMap::from([("label", wanted.clone())]);
        let (listed, networks, volumes) = tokio::join!(
            self.containers_labelled(&wanted),
            self.docker.list_networks(Some(ListNetworksOptionsBuilder::new().filters(&filters).build())),
            self.docker.list_volumes(Some(ListVolumesOptionsBuilder::new().filters(&filters).build())),
        );
        let listed = listed?;
        let (inspected, images, keeper, egress) = tokio::join!(
            self.inspect_all(&listed, inside),
            self.images_of(&listed),
            self.keeper_status(&listed),
            async { if inside { self.try_egress(&listed).await } else { None } },
        );
        let mut observed = Observed {
            containers: inspected?,
            networks: networks.doing("list of networks")?.into_iter().map(seen::network).collect(),
            volumes: volumes
                .doing("list of volumes")?
                .volumes
                .into_iter()
                .flatten()
                .map(seen::volume)
                .collect(),
            images: images?,
            keeper,
            stores: BTreeMap::new(),
            egress,
        };
        observed.containers.sort_by(|a, b| a.name.cmp(&b.name));
        observed.networks.sort_by(|a, b| a.name.cmp(&b.name));
        observed.volumes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(observed)
    }

    /// Each container is asked inside as soon as it was inspected, all at once.
    async fn inspect_all(&self, listed: &[ContainerSummary], inside: bool) -> Result<Vec<Container>> {
        // Sysctls of the network stand on the pause whose network a container shares.
        let all = try_join_all(listed.iter().map(|container| self.inspect(id_of(container)))).await?;
        let all: Vec<ContainerInspectResponse> = all.into_iter().flatten().collect();
        let sysctls: HashMap<_, _> =
            all.iter().map(|there| (there.id.clone().unwrap_or_default(), seen::sysctls(there))).collect();
        let containers = all.into_iter().map(|there| {
            let sysctls = &sysctls;
            async move {
                let mut container = seen::container(there);
                if inside && is_asked(&container) {
                    container.inside = self.ask_inside(&container, sysctls).await;
                }
                container
            }
        });
        Ok(join_all(containers).await)
    }

    async fn ask_inside(
        &self,
        container: &Container,
        sysctls: &HashMap<String, BTreeMap<String, String>>,
    ) -> Option<Inside> {
        let pause = container.host.network_mode.strip_prefix("container:").and_then(|id| sysctls.get(id));
        let names = container.host.sysctls.keys().chain(pause.into_iter().flat_map(BTreeMap::keys));
        let targets =
            container.mounts.iter().filter(|mount| mount.kind == "volume").map(|mount| mount.target.as_str());
        let questions = Questions::new(names.map(String::as_str), targets);
        let argv = ["sh", "-c", &questions.script()].map(str::to_owned).to_vec();
        let answer = self.answer_of(&container.id, argv).await?;
        questions.read(&answer)
    }

    /// What a short command prints, if it runs and ends with 0.
    pub(super) async fn answer_of(&self, id: &str, argv: Vec<String>) -> Option<Vec<u8>> {
        let (stdout, printed) = duplex(1 << 16);
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(argv),
            ..Default::default()
        };
        let ends = Ends { stdin: None, stdout: Box::pin(stdout), stderr: Box::pin(tokio::io::sink()) };
        let mut answer = Vec::new();
        let mut printed = printed.take(LONGEST);
        let (code, read) = tokio::join!(
            self.exec_in(id, options, Terminal::default(), ends),
            printed.read_to_end(&mut answer)
        );
        (code.ok()? == 0 && read.is_ok()).then_some(answer)
    }

    async fn images_of(&self, listed: &[ContainerSummary]) -> Result<BTreeMap<String, ImageFacts>> {
        let mut ids: Vec<_> = listed.iter().filter_map(|container| container.image_id.clone()).collect();
        ids.sort();
        ids.dedup();
        let one = async |id: &String| {
            let image = self.docker.inspect_image(id).await.if_there(format!("image {id}"))?;
            Ok::<_, super::super::BackendError>(image.map(|image| (id.clone(), facts::facts_of(image))))
        };
        Ok(try_join_all(ids.iter().map(one)).await?.into_iter().flatten().collect())
    }

    async fn keeper_status(&self, listed: &[ContainerSummary]) -> Option<KeeperStatus> {
        let Some(keeper) = running(listed, Kind::Keeper) else {
            let keeper =
                listed.iter().find(|there| label(there, labels::KIND) == Some(Kind::Keeper.as_str()))?;
            return self.keeper_left(id_of(keeper)).await.ok()?;
        };
        let argv = [HELPER_PATH, "keeper", "status"].map(str::to_owned).to_vec();
        let answer = self.answer_of(id_of(keeper), argv).await?;
        serde_json::from_slice(&answer).ok()
    }

    /// Tries to leave from inside of a replica's network, with the helper that owns it.
    async fn try_egress(&self, listed: &[ContainerSummary]) -> Option<EgressTry> {
        let pause = running(listed, Kind::Pause)?;
        let argv = [HELPER_PATH, "pause", "try", OUTSIDE].map(str::to_owned).to_vec();
        let answer = self.answer_of(id_of(pause), argv).await?;
        let attempt: Attempt = serde_json::from_slice(&answer).ok()?;
        Some(EgressTry { address: OUTSIDE.to_owned(), refused: attempt.refused, answer: attempt.answer })
    }
}

/// What an object of the scope carries.
pub(super) fn scope_labels(scope: &Scope) -> Vec<String> {
    let mut wanted = vec![labels::MIRROR.to_owned()];
    wanted.extend(scope.mirror.iter().map(|mirror| format!("{}={mirror}", labels::MIRROR)));
    wanted.extend(scope.owner.iter().map(|owner| format!("{}={owner}", labels::OWNER)));
    wanted
}

fn running(listed: &[ContainerSummary], kind: Kind) -> Option<&ContainerSummary> {
    listed.iter().find(|container| {
        label(container, labels::KIND) == Some(kind.as_str())
            && container.state == Some(ContainerSummaryStateEnum::RUNNING)
    })
}

/// The containers of the profile that run; the helpers have no shell and no field of a profile.
fn is_asked(container: &Container) -> bool {
    let kind = container.labels.get(labels::KIND).map(String::as_str);
    let own = [Kind::Service, Kind::Store, Kind::Job, Kind::Sidecar].map(|kind| Some(kind.as_str()));
    container.state.status == "running" && own.contains(&kind)
}
