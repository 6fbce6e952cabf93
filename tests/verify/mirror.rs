//! A small mirror with everything in it that can be broken from outside, and the tools to break it.

use bollard::{
    Docker,
    models::ContainerCreateBody,
    query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder},
};
use serde_json::Value;

use crate::cli::{Cli, docker};

const PROFILE: &str = r#"apiVersion: prodmirror/v1
name: NAME
platform: {swap: none}
flags: {FAST: true}
secrets: {db-password: {generate: "letters:24"}, cache-password: {generate: "letters:24"}, api-key: {generate: "hex:16"}}
services:
  web:
    image: local:prodmirror-built/python:3.11
    command: [python3, -u, -m, http.server, "8000"]
    env: {DATABASE_URL: "${store:db.url}", PLAIN: one, KEY: "${secret:api-key}"}
    flags: [FAST]
    files: {/etc/app.ini: {content: "a = 1\n", mode: "0640"}}
    volumes: {/var/spool/web: {empty: {medium: memory, size: 4Mi}}}
    replicas: 2
    resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 100m}}
    pids: 50
    user: "0:0"
    read_only: true
    tmpfs: {/tmp: {size: 8Mi}}
    capabilities: {drop: [ALL]}
    ulimits: {nofile: 2048}
    sysctls: {net.core.somaxconn: "300"}
    dns: {ndots: 3}
    ports: {http: 8000}
    probes: {readiness: {tcp: 8000, period: 1s}}
    restart: never
    stop_grace_period: 1s
    needs: [migrate, db, cache]
jobs:
  migrate: {image: "local:prodmirror-built/python:3.11", command: ["true"], needs: [db]}
stores:
  db:
    engine: postgres
    image: local:prodmirror-built/postgres:15
    database: notes
    user: app
    password: ${secret:db-password}
    seed: ./seed.sql
    settings: {max_connections: 20, work_mem: 4MB}
  cache:
    engine: redis
    image: local:prodmirror-built/redis:7
    password: ${secret:cache-password}
    settings: {maxmemory-policy: noeviction}
network: {egress: denied, expose: [{service: web, port: http}]}
"#;

pub struct Mirror {
    pub cli: Cli,
    pub name: String,
    engine: Docker,
    runtime: tokio::runtime::Runtime,
}

impl Mirror {
    pub fn up() -> Self {
        let cli = Cli::new();
        let name = cli.name("verify");
        cli.file("seed.sql", "create table note (id int);\ninsert into note values (1);\n");
        let file = cli.file("prodmirror.yaml", &PROFILE.replace("NAME", &name)).display().to_string();
        cli.run(&["up", "-f", &file]).ok();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { cli, name, engine: Docker::connect_with_defaults().unwrap(), runtime }
    }

    pub fn id(&self, key: &str) -> String {
        let mirror = format!("label=prodmirror.mirror={}", self.name);
        let service = format!("label=com.docker.compose.service={key}");
        docker(&["ps", "-aq", "--no-trunc", "--filter", &mirror, "--filter", &service])
    }

    pub fn inside(&self) -> String {
        format!("pm-{}_inside", self.name)
    }

    /// The ledger, which is told with 1 when something does not hold.
    #[track_caller]
    pub fn ledger(&self) -> Value {
        let done = self.cli.run(&["ledger", &self.name, "--format", "json"]);
        let ledger = done.json();
        assert_eq!(done.code, i32::from(ledger["summary"]["unmet"] != 0), "{done}");
        ledger
    }

    /// Entries that do not hold, in the order of their paths.
    #[track_caller]
    pub fn broken(&self) -> Vec<Value> {
        let ledger = self.ledger();
        let entries = ledger["entries"].as_array().unwrap().iter();
        let mut broken: Vec<Value> = entries.filter(|entry| entry["holds"] == false).cloned().collect();
        broken.sort_by_key(|entry| entry["path"].as_str().unwrap().to_owned());
        for entry in &broken {
            assert!(entry.get("live") != entry.get("wanted"), "it reads as if it held: {entry:#}");
        }
        broken
    }

    /// Sees that these entries and no others do not hold any more; answers them.
    #[track_caller]
    pub fn notices(&self, paths: &[&str]) -> Vec<Value> {
        let broken = self.broken();
        let found: Vec<&str> = broken.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
        assert_eq!(found, paths, "{broken:#?}");
        broken
    }

    /// Puts another container in the place of one: the same but for what is changed.
    pub fn recreate(&self, key: &str, change: impl FnOnce(&mut ContainerCreateBody)) {
        let id = self.id(key);
        self.runtime.block_on(async {
            let old = self.engine.inspect_container(&id, None).await.unwrap();
            let config = serde_json::to_value(old.config.unwrap()).unwrap();
            let mut body: ContainerCreateBody = serde_json::from_value(config).unwrap();
            // Who shares a network has no hostname of its own.
            body.hostname = None;
            body.host_config = old.host_config;
            change(&mut body);
            let force = RemoveContainerOptionsBuilder::new().force(true).build();
            self.engine.remove_container(&id, Some(force)).await.unwrap();
            let name = CreateContainerOptionsBuilder::new().name(&old.name.unwrap()[1..]).build();
            let new = self.engine.create_container(Some(name), body).await.unwrap();
            self.engine.start_container(&new.id, None).await.unwrap();
        });
    }

    /// A command in a container of its own, with all rights, on the network of another.
    pub fn beside(&self, key: &str, script: &str) {
        let network = format!("container:{}", self.id(key));
        let image = "prodmirror-built/python:3.11";
        docker(&["run", "--rm", "--privileged", "--network", &network, image, "sh", "-c", script]);
    }

    /// The containers on the mirror's network, by key, with the names that lead to each.
    pub fn members(&self) -> Vec<(String, Vec<String>)> {
        let label = format!("label=prodmirror.mirror={}", self.name);
        let ids = docker(&["ps", "-q", "--no-trunc", "--filter", &label]);
        let of = |id: &str| {
            let inspected: Value = serde_json::from_str(&docker(&["inspect", id])).unwrap();
            let aliases =
                inspected[0]["NetworkSettings"]["Networks"][self.inside()]["Aliases"].as_array()?.clone();
            let aliases = aliases.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
            let key = inspected[0]["Config"]["Labels"]["com.docker.compose.service"].as_str().unwrap();
            Some((key.to_owned(), aliases))
        };
        ids.lines().filter_map(of).collect()
    }

    pub fn leave(&self, key: &str) {
        docker(&["network", "disconnect", "-f", &self.inside(), &self.id(key)]);
    }

    pub fn join(&self, key: &str, aliases: &[String]) {
        let (network, id) = (self.inside(), self.id(key));
        let mut arguments = vec!["network", "connect"];
        aliases.iter().for_each(|alias| arguments.extend(["--alias", alias]));
        arguments.extend([network.as_str(), id.as_str()]);
        docker(&arguments);
    }
}
