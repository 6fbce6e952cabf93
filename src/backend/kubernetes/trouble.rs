//! Why something is not ready, told so that a person need not look for more.

use std::fmt;

use super::ObjectName;
use crate::name::Name;

/// What went wrong, stable and in kebab-case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No image, or none that may be had.
    Image,
    /// A container cannot be made: a ConfigMap, Secret or key that is not there, a command that is not.
    Container,
    CrashLoop,
    /// No node takes the pod.
    Unschedulable,
    /// A quota or an admission rule keeps a controller from making its pods.
    Refused,
    JobFailed,
    Timeout,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Container => "container",
            Self::CrashLoop => "crash-loop",
            Self::Unschedulable => "unschedulable",
            Self::Refused => "refused",
            Self::JobFailed => "job-failed",
            Self::Timeout => "timeout",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub code: Code,
    /// The pod, or the workload where there is no pod.
    pub object: ObjectName,
    /// What was waited for: a deployment, a stateful set, a job or the pod itself.
    pub workload: ObjectName,
    /// The mirror's service, job or store that it is of, where whoever waited knows.
    pub service: Option<Name>,
    pub container: Option<String>,
    /// The cluster's word: `ImagePullBackOff`, `Unschedulable`, `FailedCreate`.
    pub reason: String,
    /// The cluster's sentence.
    pub message: String,
    /// The last events of the object, oldest first: `REASON: message`.
    pub events: Vec<String>,
    /// What the container printed last; of its last run where it exits again and again.
    pub log_tail: Vec<String>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code: _,
            object,
            workload: _,
            service: _,
            container,
            reason,
            message,
            events: _,
            log_tail: _,
        } = self;
        write!(f, "{object}")?;
        if let Some(container) = container {
            write!(f, ", container `{container}`")?;
        }
        write!(f, ": {reason}")?;
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}
