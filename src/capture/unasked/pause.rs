//! What the pause of a replica has beside its plan: the network, and what the keeper is told.

use serde_json::json;

use super::{Found, Look};
use crate::{
    capture::{
        duty,
        scene::{Scene, texts},
        workload::{Part, Workload},
    },
    observed::Container,
    plan::{NetworkMode, Pod},
};

/// Names, resolvers and kernel settings of a replica's network.
pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, found: &mut Found<'_>) {
    let at = of.path();
    for pod in scene.pods(of) {
        let Some(pause) = scene.find(&pod.pause.key) else { continue };
        let mut look = Look { found: &mut *found, at: &at, key: &pod.pause.key };
        let host = "`HostConfig` of the pause";
        for (name, value) in &pause.host.sysctls {
            look.add_if(!pod.pause.sysctls.contains_key(name), ["sysctls", name], value.as_str(), host);
        }
        let NetworkMode::Own(own) = &pod.pause.network else { continue };
        if let Some(hostname) = &own.hostname {
            look.add_if(
                pause.hostname != *hostname,
                ["hostname"],
                pause.hostname.as_str(),
                "`Config` of the pause",
            );
        }
        for (name, address) in pause.host.extra_hosts.iter().filter_map(|line| line.split_once(':')) {
            look.add_if(!own.extra_hosts.contains_key(name), ["extra_hosts", name], address, host);
        }
        let servers = texts(&pause.host.dns);
        look.add_if(pause.host.dns != own.dns_servers, ["dns", "servers"], servers, host);
        look.add_if(
            pause.host.dns_search != own.dns_search,
            ["dns", "search"],
            texts(&pause.host.dns_search),
            host,
        );
        let written = scene.tree[of.section][of.name].get("ports").is_some();
        let nameless = own.aliases.iter().find(|name| !duty::answers_to(pause, name));
        if let Some(name) = nameless.filter(|_| !written) {
            let why = format!("{}: `{name}` does not lead to it", pod.pause.key);
            look.found.add(at.key("balancing"), "none".into(), duty::ALIASES, why);
        }
        duties(&mut look, pod, pause);
    }
}

/// What the keeper was told beside the plan, of the main container.
fn duties(look: &mut Look<'_, '_>, pod: &Pod, pause: &Container) {
    let from = "`prodmirror.duties` of the pause";
    let Some(told) = duty::duties(pause) else { return };
    let (Some(live), Some(planned)) = (duty::duty(&told, Part::Main), duty::duty(&pod.duties, Part::Main))
    else {
        return;
    };
    let probes = [
        ("startup", &live.startup, &planned.startup),
        ("readiness", &live.readiness, &planned.readiness),
        ("liveness", &live.liveness, &planned.liveness),
    ];
    for (which, live, planned) in probes {
        look.add_if(live != planned, ["probes", which], json!(live), from);
    }
    look.add_if(live.restart != planned.restart, ["restart"], duty::restart(live.restart), from);
    look.add_if(live.post_start != planned.post_start, ["post_start"], json!(live.post_start), from);
    look.add_if(live.pre_stop != planned.pre_stop, ["pre_stop"], json!(live.pre_stop), from);
    look.add_if(told.retries != pod.duties.retries, ["retries"], told.retries, from);
    let needs: Vec<String> = told.needs.iter().map(ToString::to_string).collect();
    look.add_if(told.needs != pod.duties.needs, ["needs"], texts(&needs), from);
}
