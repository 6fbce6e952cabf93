//! The machine that every node of kind's is.

use serde::Deserialize;

use super::{Kind, Result};
use crate::{backend::BackendError, plan::Capabilities};

/// As the engine says it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Machine {
    #[serde(rename = "NCPU")]
    pub cores: u32,
    /// In bytes.
    #[serde(rename = "MemTotal")]
    pub memory: u64,
    /// As `uname` says it: `x86_64`.
    pub architecture: String,
    #[serde(rename = "KernelVersion")]
    pub kernel: String,
    /// `1` or `2`.
    #[serde(rename = "CgroupVersion")]
    pub cgroup: String,
}

impl Kind {
    /// Asks the engine, before there is a cluster; once, for it is slow to answer this.
    pub async fn machine(&self) -> Result<&Machine> {
        let ask = async || {
            let printed = self.docker(&[&"info", &"--format", &"{{json .}}"]).await?;
            serde_json::from_str(&printed).map_err(|error| BackendError::Engine {
                what: "what the engine says of its machine".to_owned(),
                why: error.to_string(),
            })
        };
        self.machine.get_or_try_init(ask).await
    }
}

impl Machine {
    /// As images are named by it: `amd64`.
    pub(super) fn arch(&self) -> String {
        match self.architecture.as_str() {
            "x86_64" => "amd64".to_owned(),
            "aarch64" => "arm64".to_owned(),
            other => other.to_owned(),
        }
    }

    /// Puts what the machine is in the place of what is not known.
    pub fn tell(&self, capabilities: &mut Capabilities) {
        let Self { cores, memory, architecture: _, kernel, cgroup } = self;
        let host = &mut capabilities.host;
        (host.cores, host.memory) = (*cores, *memory);
        host.kernel.clone_from(kernel);
        host.arch = self.arch();
        if let Ok(version) = cgroup.parse() {
            host.cgroup = version;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{name::Name, plan::BackendKind};

    #[test]
    fn what_an_engine_says_of_its_machine_is_told_to_the_plan() {
        let printed = r#"{"ID":"x","NCPU":4,"MemTotal":25276510208,"Architecture":"aarch64","KernelVersion":"6.1","CgroupVersion":"1"}"#;
        let machine: Machine = serde_json::from_str(printed).unwrap();
        let mut here =
            Capabilities::unknown(BackendKind::Kind, Name::new("shop").unwrap(), "me@here".to_owned());
        machine.tell(&mut here);
        let host = here.host;
        assert_eq!((host.cores, host.memory, host.cgroup), (4, 25_276_510_208, 1));
        assert_eq!((host.arch.as_str(), host.kernel.as_str()), ("arm64", "6.1"));
    }
}
