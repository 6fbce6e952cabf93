//! A mirror on Docker Compose, by the program itself.

use std::{net::IpAddr, sync::OnceLock};

use serde_json::Value;

use crate::{
    cli::{Cli, docker},
    ground::{Ground, profile, undertake},
};

pub struct Compose {
    cli: Cli,
    name: String,
}

pub fn ground() -> &'static dyn Ground {
    static GROUND: OnceLock<Compose> = OnceLock::new();
    GROUND.get_or_init(|| {
        let cli = Cli::new();
        let name = cli.name("behaviour");
        let file = cli.file("prodmirror.yaml", &profile(&name)).display().to_string();
        let home = cli.home.path().as_os_str().to_owned();
        undertake(
            r#""$0" down --all; rm -rf "$HOME""#,
            &[env!("CARGO_BIN_EXE_prodmirror").as_ref()],
            &[("HOME", &home), ("PRODMIRROR_OWNER", cli.owner.as_ref())],
        );
        cli.run(&["up", "-f", &file]).ok();
        Compose { cli, name }
    })
}

impl Compose {
    fn status(&self, service: &str, ordinal: usize) -> Value {
        let status = self.cli.run(&["status", &self.name, "--format", "json"]).ok().json();
        let all = status["mirrors"][0]["services"].as_array().cloned().unwrap_or_default();
        let is_it = |found: &Value| found["name"] == service && found["ordinal"] == ordinal;
        all.into_iter().find(is_it).unwrap_or_else(|| panic!("no {service}/{ordinal}: {status:#}"))
    }
}

impl Ground for Compose {
    fn exec(&self, service: &str, ordinal: usize, command: &[&str]) -> (i32, String) {
        let replica = format!("{service}/{ordinal}");
        let done = self.cli.run(&[&["exec", "-T", &self.name, &replica, "--"][..], command].concat());
        (done.code, if done.code == 0 { done.stdout } else { done.to_string() })
    }

    fn restarts(&self, service: &str, ordinal: usize) -> u64 {
        self.status(service, ordinal)["restarts"].as_u64().unwrap_or_default()
    }

    fn last_exit(&self, service: &str, ordinal: usize) -> Option<(i64, bool)> {
        let status = self.status(service, ordinal);
        Some((status["last_exit"]["code"].as_i64()?, status["last_exit"]["oom_killed"] == true))
    }

    fn job(&self, name: &str) -> (String, i64) {
        let log = self.cli.run(&["logs", &self.name, name, "--format", "json"]).ok().stdout;
        let line = |line: &str| {
            serde_json::from_str::<Value>(line).unwrap()["line"].as_str().map(|text| format!("{text}\n"))
        };
        let log = log.lines().filter_map(line).collect();
        let code = self.status(name, 0)["last_exit"]["code"].as_i64().unwrap_or(-1);
        (log, code)
    }

    fn outside(&self) -> IpAddr {
        let network = ["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"];
        docker(&network).parse().unwrap()
    }

    fn domain(&self) -> String {
        "default.svc.cluster.local".to_owned()
    }
}
