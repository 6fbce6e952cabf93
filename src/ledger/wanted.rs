//! Wanted: one entry for every leaf of a profile, with the grade that plan and host allow.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    Class, Grade, Wanted,
    leaves::{Leaf, leaves},
    table::{self, Column, Row, Rule},
};
use crate::{
    digest,
    formats::doors::Door,
    name::Name,
    path::Path,
    plan::{Capabilities, ContainerPlan, ImagePlan, Plan, Pod},
    profile::{
        Container, Piece, Process, Profile, Service, Store, StoreField, Text, Value as EnvValue, Workload,
    },
};

/// A back end's plan, as far as the ledger looks at it.
pub(crate) trait Shape: Sized + 'static {
    /// What is known of a replica.
    type Pod: 'static;
    type Container: 'static;

    /// What this back end does with a field.
    fn column(row: &'static Row) -> &'static Column<Self>;
    /// The first replica of every service, store and job that has one, in the plan's order.
    fn first(&self) -> impl Iterator<Item = (&Name, &Self::Pod)>;
    fn is_on_demand(pod: &Self::Pod) -> bool;
    fn main(pod: &Self::Pod) -> &Self::Container;
    /// In the order of the profile, as the sidecars.
    fn init(pod: &Self::Pod) -> &[Self::Container];
    fn sidecars(pod: &Self::Pod) -> &[Self::Container];
    fn image(container: &Self::Container) -> &ImagePlan;
    /// The ports that are published on this host.
    fn doors(&self) -> &[Door];
}

impl Shape for Plan {
    type Pod = Pod;
    type Container = ContainerPlan;

    fn column(row: &'static Row) -> &'static Column<Self> {
        &row.compose
    }

    fn first(&self) -> impl Iterator<Item = (&Name, &Pod)> {
        self.pods.iter().filter(|pod| pod.ordinal == 0).map(|pod| (&pod.service, pod))
    }

    fn is_on_demand(pod: &Pod) -> bool {
        pod.on_demand
    }

    fn main(pod: &Pod) -> &ContainerPlan {
        &pod.main
    }

    fn init(pod: &Pod) -> &[ContainerPlan] {
        &pod.init
    }

    fn sidecars(pod: &Pod) -> &[ContainerPlan] {
        &pod.sidecars
    }

    fn image(container: &ContainerPlan) -> &ImagePlan {
        &container.image
    }

    fn doors(&self) -> &[Door] {
        &self.gateway.doors
    }
}

/// What a grade may depend on.
pub(crate) struct Case<'a, P: Shape> {
    pub profile: &'a Profile,
    pub capabilities: &'a Capabilities,
    pub plan: &'a P,
    /// In the profile.
    pub path: &'a Path,
    /// As the long form writes it.
    pub value: &'a Value,
    pub row: &'a Row,
    pub owner: Option<Owner<'a, P>>,
}

impl<P: Shape> Case<'_, P> {
    /// The key at the end of the path.
    pub fn last_key(&self) -> &str {
        self.path.0.len().checked_sub(1).and_then(|at| self.path.key_at(at)).unwrap_or_default()
    }
}

/// The service, job or store that a path belongs to.
pub(crate) struct Owner<'a, P: Shape> {
    pub name: &'a Name,
    pub run: &'a Workload,
    /// The init container's or sidecar's, else the workload's own.
    pub process: &'a Process,
    /// The first replica's; absent when there is none.
    pub pod: Option<&'a P::Pod>,
    pub container: Option<&'a P::Container>,
    pub service: Option<&'a Service>,
    pub store: Option<&'a Store>,
}

// Not derived: that would ask it of the plan.
impl<P: Shape> Clone for Owner<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Shape> Copy for Owner<'_, P> {}

/// One entry for every leaf of the profile's long form, in its order, and those for behaviour without a field.
///
/// `tree` is `profile::tree(profile)`; `plan` holds all decisions but the ledger itself.
pub(crate) fn wanted<P: Shape>(
    tree: &Value,
    profile: &Profile,
    capabilities: &Capabilities,
    plan: &P,
) -> Vec<Wanted> {
    let first: HashMap<&Name, &P::Pod> = plan.first().collect();
    let entry = |path: &Path, value: &Value, row: Option<&'static Row>| {
        entry(profile, capabilities, plan, owner(profile, &first, path), path, value, row)
    };
    let mut all = Vec::new();
    for Leaf { path, value, row } in leaves(tree) {
        all.push(entry(&path, value, row));
        if profile.is_hole(&path) {
            continue;
        }
        let field = row.map(|row| row.field).unwrap_or_default();
        for (path, value) in behaviour(profile, field, &path, value) {
            all.push(entry(&path, &value, table::row(&path)));
        }
    }
    for (path, value) in without_a_leaf(profile, plan) {
        all.push(entry(&path, &value, table::row(&path)));
    }
    all
}

fn entry<P: Shape>(
    profile: &Profile,
    capabilities: &Capabilities,
    plan: &P,
    owner: Option<Owner<'_, P>>,
    path: &Path,
    value: &Value,
    row: Option<&'static Row>,
) -> Wanted {
    let service = owner.map(|owner| owner.name.clone());
    let dropped = |class: Class, why: String| {
        let (path, wanted) = (path.clone(), Some(value.clone()));
        Wanted { path, class, service: service.clone(), wanted, grade: Grade::Dropped, why: Some(why) }
    };
    if let Some(reason) = unread(profile, capabilities, path) {
        return dropped(Class::of(path), format!("it could not be read: {reason}"));
    }
    let Some(row) = row else {
        return dropped(Class::of(path), "the ledger has no row for it".to_owned());
    };
    let case = Case { profile, capabilities, plan, path, value, row, owner };
    let column = P::column(row);
    let (mut grade, mut why) = match column.grade {
        Rule::Always(Grade::Enforced) => (Grade::Enforced, None),
        Rule::Always(grade) => (grade, Some(column.how.to_owned())),
        Rule::By(rule) => rule(&case),
    };
    let on_demand = owner.and_then(|owner| owner.pod).is_some_and(P::is_on_demand);
    if on_demand && grade > Grade::Approximated {
        (grade, why) =
            (Grade::Approximated, Some("the job runs on demand, there is nothing to read".to_owned()));
    }
    let why = why.or_else(|| (grade < Grade::Enforced).then(|| column.how.to_owned()));
    // Null stands for what the profile does not say.
    let wanted = Some(shown(&case)).filter(|wanted| !wanted.is_null());
    Wanted { path: path.clone(), class: class(&case), service, wanted, grade, why }
}

/// Why the value at a path, or a part of it, could not be read; an image may be given by `--image`.
fn unread<'a>(profile: &'a Profile, capabilities: &Capabilities, path: &Path) -> Option<&'a str> {
    let (hole, reason) = profile.holes.iter().find(|(hole, _)| hole.starts_with(path))?;
    (!is_given(capabilities, hole)).then_some(reason)
}

/// Whether `--image` fills a hole.
pub(crate) fn is_given(capabilities: &Capabilities, hole: &Path) -> bool {
    let service = hole.key_at(1).filter(|_| hole.0.len() == 3 && hole.key_at(2) == Some("image"));
    service.is_some_and(|service| capabilities.options.images.contains_key(service))
}

/// A variable or a field of a store that is made from a secret is of that class.
fn class<P: Shape>(case: &Case<'_, P>) -> Class {
    let text = match (case.row.field, case.owner) {
        ("run.env.*", Some(owner)) => match owner.process.env.get(case.last_key()) {
            Some(EnvValue::Text(text)) => Some(text),
            Some(EnvValue::Field(_) | EnvValue::Hole) | None => None,
        },
        ("store.password", Some(owner)) => owner.store.and_then(|store| store.password.as_ref()),
        ("store.user", Some(owner)) => owner.store.and_then(|store| store.user.as_ref()),
        ("store.database", Some(owner)) => owner.store.and_then(|store| store.database.as_ref()),
        _ => None,
    };
    let is_secret = text.is_some_and(|text| holds_secret(case.profile, text, 8));
    if is_secret { Class::Secret } else { case.row.class }
}

/// Whether a text is made from a secret, through a store's address too; references do not go on for ever.
fn holds_secret(profile: &Profile, text: &Text, depth: u8) -> bool {
    let of = |text: &Option<Text>| text.as_ref().is_some_and(|text| holds_secret(profile, text, depth - 1));
    text.0.iter().any(|piece| match piece {
        Piece::Secret(_) => true,
        Piece::Store(name, field) if depth > 0 => profile.stores.get(name).is_some_and(|store| match field {
            StoreField::Url => of(&store.user) || of(&store.password) || of(&store.database),
            StoreField::User => of(&store.user),
            StoreField::Password => of(&store.password),
            StoreField::Database => of(&store.database),
            StoreField::Host | StoreField::Port => false,
        }),
        Piece::Store(..) | Piece::Literal(_) | Piece::Service(..) => false,
    })
}

/// The value as the ledger shows and compares it: a file by its hash, an image as `--image` wants it.
fn shown<P: Shape>(case: &Case<'_, P>) -> Value {
    let field = case.row.field;
    if field == "run.files.*" {
        return file(case.value);
    }
    let replaced = case
        .owner
        .and_then(|owner| owner.container)
        .and_then(|container| P::image(container).written.as_ref());
    match replaced {
        Some(image) if field == "run.image" => json!(image.to_string()),
        _ => case.value.clone(),
    }
}

/// A file as the ledger shows it: by the hash of its content.
pub(super) fn file(value: &Value) -> Value {
    let mut shown = serde_json::Map::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match (key.as_str(), value.as_str()) {
            ("content", Some(text)) => {
                shown.insert("sha256".to_owned(), digest::sha256(text.as_bytes()).into())
            }
            ("base64", Some(text)) => shown.insert("sha256".to_owned(), of_base64(text).into()),
            // Where the bytes came from is no part of what is mounted.
            ("from", _) => None,
            _ => shown.insert(key.clone(), value.clone()),
        };
    }
    Value::Object(shown)
}

fn of_base64(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    digest::sha256(&STANDARD.decode(text).unwrap_or_default())
}

/// Entries that qualify the leaf before them.
fn behaviour(profile: &Profile, field: &str, path: &Path, value: &Value) -> Vec<(Path, Value)> {
    match field {
        "run.resources.limits.memory" => {
            // Kubernetes sets it on cgroup v2; with version 1, and with Docker, one process dies.
            let v1 = profile.platform.cgroup == Some(crate::profile::CgroupVersion::V1);
            let docker = profile
                .captured
                .as_ref()
                .is_some_and(|from| matches!(from.from.as_str(), "docker" | "compose"));
            vec![(path.key("oom_group"), json!(!(v1 || docker)))]
        }
        "run.replicas" if value.as_u64().is_some_and(|count| count > 1) => {
            let stable = path.key_at(1).is_some_and(|name| {
                profile.services.get(name).is_none_or(|service| service.stateful == Some(true))
            });
            vec![(path.key("identity"), json!(if stable { "ordinal" } else { "random" }))]
        }
        _ => Vec::new(),
    }
}

/// Entries that no leaf leads to.
fn without_a_leaf<P: Shape>(profile: &Profile, plan: &P) -> Vec<(Path, Value)> {
    let mut more = Vec::new();
    if profile.captured.is_some() {
        let unseeded = profile.stores.iter().filter(|(_, store)| store.seed.is_none());
        let seeds = unseeded.map(|(name, _)| Path::of(["stores", name.as_str(), "seed"]));
        more.extend(seeds.filter(|seed| !profile.is_hole(seed)).map(|seed| (seed, Value::Null)));
    }
    more.extend(ends(profile, plan).into_iter().map(|path| (path, json!(0))));
    if !plan.doors().is_empty() {
        more.push((Path::of(["network", "expose", "source_address"]), json!("client")));
    }
    more
}

/// What a job and an init container run for is that they end well.
fn ends<P: Shape>(profile: &Profile, plan: &P) -> Vec<Path> {
    let mut ends = Vec::new();
    for (name, _) in plan.first().filter(|(_, pod)| !P::is_on_demand(pod)) {
        // Where two share a name, the plan keeps the first.
        let store = profile.stores.get(name).map(|store| ("stores", &store.run));
        let job = || profile.jobs.get(name).map(|job| ("jobs", &job.run));
        let service = || profile.services.get(name).map(|service| ("services", &service.run));
        let Some((section, run)) = store.or_else(job).or_else(service) else { continue };
        let at = Path::of([section, name.as_str()]);
        ends.extend(run.init.keys().map(|name| at.key("init").key(name.as_str()).key("exit_code")));
        if section == "jobs" {
            ends.push(at.key("exit_code"));
        }
    }
    ends
}

fn owner<'a, P: Shape>(
    profile: &'a Profile,
    first: &HashMap<&Name, &'a P::Pod>,
    path: &Path,
) -> Option<Owner<'a, P>> {
    let name = path.key_at(1)?;
    let (name, run, service, store) = match path.key_at(0)? {
        "services" => {
            let (name, service) = profile.services.get_key_value(name)?;
            (name, &service.run, Some(service), None)
        }
        "stores" => {
            let (name, store) = profile.stores.get_key_value(name)?;
            (name, &store.run, None, Some(store))
        }
        "jobs" => {
            let (name, job) = profile.jobs.get_key_value(name)?;
            (name, &job.run, None, None)
        }
        _ => return None,
    };
    let pod = first.get(name).copied();
    let side = |list: &'a indexmap::IndexMap<Name, Container>, plans: fn(&P::Pod) -> &[P::Container]| {
        let (at, _, container) = list.get_full(path.key_at(3)?)?;
        Some((&container.process, pod.and_then(|pod| plans(pod).get(at))))
    };
    let beside = match path.key_at(2) {
        Some("init") => side(&run.init, P::init),
        Some("sidecars") => side(&run.sidecars, P::sidecars),
        _ => None,
    };
    let (process, container) = beside.unwrap_or((&run.process, pod.map(P::main)));
    Some(Owner { name, run, process, pod, container, service, store })
}
