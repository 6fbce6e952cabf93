//! A live cluster as a SOURCE.

use prodmirror::{
    capture::{
        aligned::Teller,
        asked::Asked,
        draft::{From, Note},
        kubernetes::{self, Process},
        redact::{Rules, scrub},
    },
    engine::outside,
    path::Path,
    readers::kubernetes::{self as reader, Ask, Inside, Keep, ReadError, Target, spool::SpoolError},
    sources::Place,
};

use super::{
    captured::{Captured, unfit},
    reach::Reach,
};
use crate::cli::{failure::Failure, host::Host};

/// What was captured, and what of a profile could not be, as patterns of paths with the reason.
pub struct Read {
    pub captured: Captured,
    pub unread: Vec<(Path, String)>,
    /// Where the processes of its workloads run.
    pub processes: Vec<Process>,
}

/// Reads a namespace; `from` brings the time.
pub async fn read(
    ask: &Ask,
    keep: Keep<'_>,
    ask_stores: bool,
    from: From,
    rules: &Rules,
    reach: &Reach,
) -> Result<Read, Failure> {
    let answer = reader::read(ask, keep, &mut |call| reach.write(call)).await;
    reach.close()?;
    let answer = answer?;
    let told = [
        answer.begun.map(|at| format!("a part of it was read by a run that began at {at} and was cut off")),
        answer.unkept.map(|why| format!("a later run could not have gone on with it: {why}")),
    ];
    let from = From {
        from: "kubernetes",
        context: Some(ask.context.clone()),
        cluster: answer.cluster,
        namespace: Some(answer.namespace.clone()),
        ..from
    };
    let processes = kubernetes::processes(&answer.documents);
    let asked = match ask_stores {
        true => stores(&Inside::open(ask).await?, &processes, reach).await?,
        false => Vec::new(),
    };
    let mut draft = kubernetes::draft_with(answer.documents, &[], &asked, &from, rules).map_err(unfit)?;
    let source = format!("kubernetes:{}/{}", ask.context, answer.namespace);
    for (origin, hash) in answer.hashes {
        let message = format!("its value in production has the hash {hash}");
        let Some(name) = draft.values.give(&origin, hash) else { continue };
        let path = Path::of(["secrets", name.as_str()]);
        let beside = Some(path.clone());
        draft.notes.push(Note { path, source: source.clone(), message, left_out: false, beside });
    }
    for message in told.into_iter().flatten() {
        let (path, source) = (Path::root(), source.clone());
        draft.notes.push(Note { path, source, message, left_out: false, beside: None });
    }
    let mut unread = Vec::new();
    for missing in answer.missing {
        let why = scrub(&format!("`{}` was refused: {}", missing.what, missing.why));
        let tells = missing.list.map(|list| list.tells()).unwrap_or_default();
        let pattern = |path: &&str| path.parse().ok().map(|path: Path| (path, why.clone()));
        unread.extend(tells.iter().filter_map(pattern));
        let note =
            Note { path: Path::root(), source: source.clone(), message: why, left_out: true, beside: None };
        draft.notes.push(note);
    }
    Ok(Read { captured: Captured { draft, teller: Teller::Kubernetes }, unread, processes })
}

/// Asks stores of themselves, one after another.
async fn stores(inside: &Inside, processes: &[Process], reach: &Reach) -> Result<Vec<Asked>, Failure> {
    let mut asked = Vec::new();
    for Process { name, pod, container, engine, .. } in processes {
        let Some(engine) = *engine else { continue };
        let question = outside::question(engine);
        let said = inside.answer(pod, container, &question, &mut |call| reach.write(call)).await;
        let answer =
            said.map_err(|unanswered| unanswered.why).and_then(|said| outside::answer(engine, &said));
        asked.push(Asked { name: name.clone(), engine, answer });
    }
    reach.close()?;
    Ok(asked)
}

/// The namespace that a SOURCE names.
pub async fn from_place(host: &Host, place: &Place, rules: &Rules, reach: &Reach) -> Result<Read, Failure> {
    read(&asked(host, place, reach)?, Keep::Nothing, false, From::default(), rules, reach).await
}

/// What a SOURCE asks of a cluster.
pub fn asked(host: &Host, place: &Place, reach: &Reach) -> Result<Ask, Failure> {
    let Place::Kubernetes { context, namespace, object } = place else {
        return Err(Failure::usage("bad-source", format!("{place} is no cluster")));
    };
    Ok(Ask {
        kubeconfig: host.kubeconfig.clone(),
        context: context.clone(),
        namespace: Some(namespace.clone()),
        target: object.clone().map(|(kind, name)| Target { kind, name }),
        hash_key: reach.hash_key.clone(),
        ..Ask::default()
    })
}

impl std::convert::From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let message = scrub(&error.to_string());
        match error {
            ReadError::Kubeconfig(error) => error.into(),
            ReadError::Unreachable { .. } => Self::tool("cluster-unreachable", message),
            ReadError::Unknown { .. } => {
                Self::tool("cluster-unknown", message).hint("log in to the cluster again, as for `kubectl`")
            }
            ReadError::Nothing { .. } => Self::tool("no-rights", message)
                .hint("`prodmirror capture kubernetes --print-rbac` prints the rights that it needs"),
            ReadError::NoObject { .. } => {
                Self::usage("no-such-object", message).hint("`kubectl get all` lists a namespace")
            }
            ReadError::Failed { .. } => Self::tool("cluster", message),
            ReadError::Spool(error) => error.into(),
        }
    }
}

impl std::convert::From<SpoolError> for Failure {
    fn from(error: SpoolError) -> Self {
        let message = error.to_string();
        match error {
            SpoolError::Io { .. } => Self::tool("io", message),
            SpoolError::NoSuch => Self::usage("no-such-capture", message)
                .hint("it was finished, or removed by `gc` after a day; begin anew without --resume"),
            SpoolError::InUse => Self::usage("capture-in-use", message).hint("wait for its end"),
            SpoolError::Damaged { .. } => {
                Self::tool("capture-damaged", message).hint("begin anew without --resume")
            }
            SpoolError::Other { .. } => Self::usage("other-capture", message)
                .hint("repeat the command that was cut off, with --resume added"),
        }
    }
}
