//! Reads the rendered text back and holds it against the plan.
//!
//! A template may add to the file; it may not lose a service or a variable,
//! change an image or a command, or open what the plan keeps closed.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_yaml::{Mapping, Value};

use super::{
    COMPOSE_FILE, Form, RenderError,
    fill::Filler,
    interpolation,
    view::{containers, pairs, volume_key},
};
use crate::plan::{ContainerPlan, Mount, NetworkMode, Plan, Template, TemplatePiece};

/// Keys that Compose would take from outside the bundle, or that hide a change from us.
const REFUSED: [&str; 7] = ["build", "env_file", "extends", "configs", "secrets", "deploy", "container_name"];

pub fn check(text: &str, plan: &Plan, form: Form, fillers: &[Filler<'_>]) -> Result<(), RenderError> {
    let file: Value = serde_yaml::from_str(text)
        .map_err(|error| RenderError::NotYaml { file: COMPOSE_FILE.to_owned(), why: error.to_string() })?;
    let top = Found { path: String::new(), map: file.as_mapping() };
    top.text_is("name", &plan.project)?;
    for refused in ["version", "include", "configs", "secrets"] {
        top.is_absent(refused)?;
    }
    services(&top.map("services"), plan, fillers)?;
    let networks = [("inside", &plan.networks.inside), ("door", &plan.networks.door)];
    let named =
        |(key, network): (&'static str, &crate::plan::NetworkPlan)| (key.to_owned(), network.name.clone());
    outer(&top.map("networks"), networks.map(named).into_iter().collect(), form)?;
    let volumes = plan.volumes.iter().map(|volume| &volume.name);
    let volumes = volumes.map(|name| (volume_key(plan, name).to_owned(), name.clone())).collect();
    outer(&top.map("volumes"), volumes, form)?;
    for network in [&plan.networks.inside, &plan.networks.door].iter().filter(|_| form == Form::Standalone) {
        let key = if network.name == plan.networks.inside.name { "inside" } else { "door" };
        top.map("networks").map(key).flag_is("internal", network.internal)?;
    }
    Ok(())
}

fn services(found: &Found<'_>, plan: &Plan, fillers: &[Filler<'_>]) -> Result<(), RenderError> {
    let fills = fillers.iter().map(|filler| filler.key.clone());
    found.keys_are(containers(plan).map(|container| container.key.clone()).chain(fills).collect())?;
    containers(plan).try_for_each(|container| service(&found.map(&container.key), plan, container))?;
    fillers.iter().try_for_each(|filler| {
        let found = found.map(&filler.key);
        found.text_is("image", filler.image)?;
        found.texts_are("command", Some(&filler.command()))?;
        found.texts_are("labels", Some(&pairs(&filler.labels)))?;
        found.env_is(&filler.env)
    })
}

fn service(found: &Found<'_>, whole: &Plan, plan: &ContainerPlan) -> Result<(), RenderError> {
    for refused in REFUSED {
        found.is_absent(refused)?;
    }
    found.text_is("image", &plan.image.reference)?;
    found.texts_are("entrypoint", plan.entrypoint.as_deref())?;
    found.texts_are("command", plan.command.as_deref())?;
    found.env_is(&plan.env)?;
    found.texts_are("labels", Some(&pairs(&plan.labels)))?;
    found.texts_are("cap_add", Some(&plan.cap_add))?;
    found.texts_are("cap_drop", Some(&plan.cap_drop))?;
    found.texts_are("security_opt", Some(&plan.security_opt))?;
    found.flag_is("privileged", plan.privileged)?;
    found.flag_is("read_only", plan.read_only)?;
    found.optional_text_is("user", plan.user.as_deref())?;
    found.optional_text_is("pid", plan.host_pid.then_some("host"))?;
    mounts(found, whole, plan)?;
    network(found, plan)
}

/// Neither more of the host nor less of a volume than planned.
fn mounts(found: &Found<'_>, whole: &Plan, plan: &ContainerPlan) -> Result<(), RenderError> {
    let wanted = plan.mounts.iter().map(|mount| match mount {
        Mount::Volume { volume, target, read_only, .. } => {
            ("volume", volume_key(whole, volume).to_owned(), target.clone(), *read_only)
        }
        Mount::Bind { source, target, read_only } => ("bind", source.clone(), target.clone(), *read_only),
    });
    let wanted: Vec<String> = wanted.map(|mount| format!("{mount:?}")).collect();
    let read = |mount: &Value| {
        let text = |key| mount.get(key).and_then(literal);
        let read_only = mount.get("read_only").and_then(Value::as_bool).unwrap_or_default();
        Some(format!("{:?}", (text("type")?, text("source")?, text("target")?, read_only)))
    };
    let found_mounts = found.list("volumes").iter().map(|mount| read(mount).unwrap_or_else(|| shown(mount)));
    found.same("volumes", &wanted, &found_mounts.collect())
}

fn network(found: &Found<'_>, plan: &ContainerPlan) -> Result<(), RenderError> {
    let own: &[&str] = match &plan.network {
        NetworkMode::Own(own) if own.door => &["inside", "door"],
        NetworkMode::Own(_) => &["inside"],
        _ => &[],
    };
    found.map("networks").keys_are(own.iter().map(|key| (*key).to_owned()).collect())?;
    let mode = match &plan.network {
        NetworkMode::Own(_) => None,
        NetworkMode::Of(pause) => Some(format!("service:{pause}")),
        NetworkMode::Host => Some("host".to_owned()),
        NetworkMode::None => Some("none".to_owned()),
    };
    found.optional_text_is("network_mode", mode.as_deref())?;
    let ports = found.list("ports");
    let wanted: Vec<String> = plan.publish.iter().map(|port| format!("127.0.0.1 {port}")).collect();
    let published = |port: &Value| {
        let (address, target) = (port.get("host_ip")?.as_str()?, port.get("target")?.as_u64()?);
        port.get("published").is_none().then(|| format!("{address} {target}"))
    };
    let found_ports: Vec<String> =
        ports.iter().map(|port| published(port).unwrap_or_else(|| shown(port))).collect();
    found.same("ports", &wanted, &found_ports)
}

/// Networks or volumes: key to full name, and whether they are external.
fn outer(found: &Found<'_>, wanted: BTreeMap<String, String>, form: Form) -> Result<(), RenderError> {
    found.keys_are(wanted.keys().cloned().collect())?;
    wanted.iter().try_for_each(|(key, name)| {
        found.map(key).text_is("name", name)?;
        found.map(key).flag_is("external", form == Form::Launch)
    })
}

/// A mapping of the rendered file; one that is not there is empty.
struct Found<'a> {
    path: String,
    map: Option<&'a Mapping>,
}

impl<'a> Found<'a> {
    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.and_then(|map| map.get(key))
    }

    fn map(&self, key: &str) -> Found<'a> {
        Found { path: self.at(key), map: self.get(key).and_then(Value::as_mapping) }
    }

    fn list(&self, key: &str) -> &'a [Value] {
        self.get(key).and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default()
    }

    fn same<T: std::fmt::Debug + PartialEq + ?Sized>(
        &self,
        key: &str,
        wanted: &T,
        found: &T,
    ) -> Result<(), RenderError> {
        if wanted == found {
            Ok(())
        } else {
            Err(self.mismatch(key, format!("{wanted:?}"), format!("{found:?}")))
        }
    }

    fn mismatch(&self, key: &str, wanted: String, found: String) -> RenderError {
        RenderError::Mismatch { file: COMPOSE_FILE.to_owned(), path: self.at(key), wanted, found }
    }

    fn keys_are(&self, mut wanted: Vec<String>) -> Result<(), RenderError> {
        let keys = self.map.into_iter().flat_map(Mapping::keys);
        let mut found: Vec<String> =
            keys.map(|key| key.as_str().map_or_else(|| shown(key), str::to_owned)).collect();
        wanted.sort_unstable();
        found.sort_unstable();
        if wanted == found {
            return Ok(());
        }
        let only = |a: &[String], b: &[String]| {
            a.iter()
                .filter(|key| !b.contains(key))
                .map(|key| format!("`{key}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (lost, more) = (only(&wanted, &found), only(&found, &wanted));
        let path = self.path.clone();
        Err(RenderError::Mismatch {
            file: COMPOSE_FILE.to_owned(),
            path,
            wanted: format!("its own keys, {} of them", wanted.len()),
            found: format!("without {lost}; with {more} besides"),
        })
    }

    fn is_absent(&self, key: &str) -> Result<(), RenderError> {
        self.get(key).map_or(Ok(()), |value| Err(self.mismatch(key, "nothing".to_owned(), shown(value))))
    }

    fn text_is(&self, key: &str, wanted: &str) -> Result<(), RenderError> {
        self.optional_text_is(key, Some(wanted))
    }

    fn optional_text_is(&self, key: &str, wanted: Option<&str>) -> Result<(), RenderError> {
        let found = self.get(key);
        let text = wanted.map(interpolation::literal);
        if found.map(Value::as_str) == text.as_deref().map(Some) {
            return Ok(());
        }
        let found = found.map(|value| literal(value).unwrap_or_else(|| shown(value)));
        self.same(key, &wanted.map(str::to_owned), &found)
    }

    fn flag_is(&self, key: &str, wanted: bool) -> Result<(), RenderError> {
        let found = self.get(key).map_or(Some(false), Value::as_bool);
        self.same(key, &Some(wanted), &found)
    }

    /// `None`: the key must be absent. An empty list may be absent.
    fn texts_are(&self, key: &str, wanted: Option<&[String]>) -> Result<(), RenderError> {
        let Some(wanted) = wanted else { return self.is_absent(key) };
        let list = self.list(key);
        let is =
            |(found, wanted): (&Value, &String)| found.as_str() == Some(&*interpolation::literal(wanted));
        if list.len() == wanted.len() && list.iter().zip(wanted).all(is) {
            return Ok(());
        }
        let found: Vec<String> =
            self.list(key).iter().map(|value| literal(value).unwrap_or_else(|| shown(value))).collect();
        self.same(key, wanted, found.as_slice())
    }

    fn env_is(&self, wanted: &IndexMap<String, Template>) -> Result<(), RenderError> {
        let list = self.list("environment");
        // What is written as we write it means the same; else the meanings are compared.
        let is = |(found, (name, value)): (&Value, (&String, &Template))| {
            found.as_str() == Some(&interpolation::assigned(name, value))
        };
        if list.len() == wanted.len() && list.iter().zip(wanted).all(is) {
            return Ok(());
        }
        let assigned = |(name, value): (&String, &Template)| {
            let name = TemplatePiece::Literal(format!("{name}="));
            interpolation::joined(&Template(std::iter::once(name).chain(value.0.iter().cloned()).collect()))
        };
        let wanted: Vec<Option<Template>> = wanted.iter().map(|variable| Some(assigned(variable))).collect();
        let read = |value: &Value| value.as_str().and_then(interpolation::read);
        let found: Vec<Option<Template>> = list.iter().map(read).collect();
        let differs = wanted.iter().zip(&found).position(|(wanted, found)| wanted != found);
        let at = differs.unwrap_or(wanted.len().min(found.len()));
        match (wanted.get(at), found.get(at)) {
            (None, None) => Ok(()),
            (wanted, found) => self.same(&format!("environment[{at}]"), &wanted, &found),
        }
    }
}

/// A text as Compose will read it, if it holds no variable.
fn literal(value: &Value) -> Option<String> {
    match interpolation::read(value.as_str()?)?.0.as_slice() {
        [] => Some(String::new()),
        [TemplatePiece::Literal(text)] => Some(text.clone()),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "something else".to_owned())
}
