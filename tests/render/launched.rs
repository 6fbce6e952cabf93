//! What arrives in containers that Compose makes from a bundle.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use indexmap::IndexMap;
use prodmirror::{
    plan::{NetworkMode, Plan, SecretPlan, Template, TemplatePiece},
    profile::Shape,
    render::{self, Bundle, Form, Templates},
};
use serde_json::Value;

use crate::hand::{self, name};

pub fn write(bundle: &Bundle, folder: &Path) {
    for (path, content) in &bundle.files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn docker(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("docker").args(arguments).output().expect("docker is installed");
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn lines(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output).lines().map(str::to_owned).collect()
}

/// The id of a small image with a shell that `make setup` builds.
fn image() -> String {
    let found =
        docker(&["image", "ls", "--quiet", "--no-trunc", "--filter", "reference=prodmirror-built/debian"]);
    lines(&found).into_iter().next().expect("`prodmirror-built/debian` is not here: run `make setup`")
}

/// A bundle that Compose launched; gone with everything it made when it goes out of scope.
struct Launched {
    folder: tempfile::TempDir,
    project: String,
    variables: Vec<(String, String)>,
    /// Networks and volumes that the test made beforehand.
    external: Vec<[String; 2]>,
}

impl Launched {
    fn new(plan: &Plan, form: Form, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&render::bundle(plan, form, &Templates::embedded()).unwrap(), folder.path());
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { folder, project: plan.project.clone(), variables, external: Vec::new() }
    }

    fn compose(&self, arguments: &[&str]) -> (bool, String) {
        let mut compose = Command::new("docker");
        compose.arg("compose").args(arguments).current_dir(self.folder.path());
        compose.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = compose.output().expect("docker is installed");
        let said = [output.stderr, output.stdout].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn up(&self) {
        let (worked, said) = self.compose(&["up", "--detach"]);
        assert!(worked, "{said}{}", if worked { String::new() } else { self.compose(&["logs"]).1 });
    }

    fn containers(&self) -> Vec<String> {
        let project = format!("label=com.docker.compose.project={}", self.project);
        let mut ids = lines(&docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &project]));
        ids.sort_unstable();
        ids
    }

    fn inspect(&self, key: &str) -> Value {
        let service = format!("label=com.docker.compose.service={key}");
        let project = format!("label=com.docker.compose.project={}", self.project);
        let id = lines(&docker(&["ps", "--all", "--quiet", "--filter", &project, "--filter", &service]));
        let all: Value = serde_json::from_slice(&docker(&["inspect", &id[0]])).unwrap();
        all[0].clone()
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        self.compose(&["down", "--volumes", "--timeout", "0"]);
        for [kind, name] in &self.external {
            let _ = Command::new("docker").args([kind, "rm", name]).output();
        }
    }
}

/// The smallest mirror that stays up, under names and subnets of this process alone.
fn small(test: u8) -> Plan {
    let image = image();
    let mut plan = hand::plan(vec![hand::pod("api", 0, &image, &image)], Vec::new(), &image);
    let process = std::process::id();
    plan.mirror = name(&format!("render-{test}-{process}"));
    plan.project = format!("pm-{}", plan.mirror);
    let third = process % 250;
    let second = 232 + test;
    plan.networks.inside.name = format!("{}_inside", plan.project);
    plan.networks.door.name = format!("{}_door", plan.project);
    plan.networks.inside.subnet = format!("10.{second}.{third}.0/25").parse().unwrap();
    plan.networks.inside.range = format!("10.{second}.{third}.64/26").parse().unwrap();
    plan.networks.door.subnet = format!("10.{second}.{third}.128/28").parse().unwrap();
    plan.networks.door.range = plan.networks.door.subnet;
    if let NetworkMode::Own(own) = &mut plan.gateway.container.network {
        own.address = plan.networks.inside.subnet.at(2);
    }
    let pod = &mut plan.pods[0];
    for container in [&mut plan.keeper, &mut plan.gateway.container, &mut pod.pause, &mut pod.main] {
        container.entrypoint = Some(vec!["sleep".to_owned()]);
        container.command = Some(vec!["1000".to_owned()]);
    }
    plan
}

/// Values that are hard to carry.
pub fn hard() -> IndexMap<String, String> {
    let long: String = "0123456789abcdef$# ".chars().cycle().take(64 * 1024).collect();
    let values = [
        ("DOLLAR", "a$b ${HOME} $${HOME} $$ $"),
        ("QUOTES", "'single' \"double\" `tick` \\ back \\n"),
        ("LINES", "one\ntwo\r\nthree\r\n\n"),
        ("COMMENT", "a # b"),
        ("MAPPING", "a: b"),
        ("BANG", "!tag !!str"),
        ("EMOJI", "naïve 🦀 日本"),
        ("SEPARATORS", "\u{2028}\u{2029}\u{85}\u{feff}\u{7f}\u{fffe}"),
        ("CONTROL", "\u{1}\u{8}\u{c}\u{1b}[31m"),
        ("SPACES", "  lead and trail  "),
        ("TABS", "\ta\tb\t"),
        ("EMPTY", ""),
        ("NO", "no"),
        ("OCTAL", "0777"),
        ("NULL", "null"),
        ("FLOW", "[a, {b: c}]"),
        ("TEMPLATE", "{{ a }} {% b %} {# c #}"),
        ("EQUALS", "=a=b="),
        ("KUBERNETES", "$(OTHER) $(("),
        ("x-extension", "1"),
        ("dotted.name", "2"),
        ("<<", "3"),
        ("LONG", &long),
    ];
    values.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect()
}

#[test]
fn variables_arrive_byte_for_byte() {
    let mut plan = small(1);
    let secret = "p$a ${x} 'q' \"r\" \n #s\u{2028}";
    let main = &mut plan.pods[0].main;
    main.env = hard().into_iter().map(|(name, value)| (name, Template::literal(value))).collect();
    let inside = vec![
        TemplatePiece::Literal("$before:".to_owned()),
        TemplatePiece::Variable("API_KEY".to_owned()),
        TemplatePiece::Literal("$$after".to_owned()),
    ];
    main.env.insert("SECRET".to_owned(), Template(inside));
    plan.secrets = vec![SecretPlan {
        secret: name("api-key"),
        variable: "API_KEY".to_owned(),
        url_variable: None,
        shape: Shape::Uuid,
    }];
    let launched = Launched::new(&plan, Form::Standalone, &[("API_KEY", secret)]);
    launched.up();

    let mut wanted: BTreeMap<String, String> = hard().into_iter().collect();
    wanted.insert("SECRET".to_owned(), format!("$before:{secret}$$after"));

    let inspected = launched.inspect("api.0.main");
    let of_image: Value = serde_json::from_slice(&docker(&["image", "inspect", &image()])).unwrap();
    let of_image = of_image[0]["Config"]["Env"].as_array().cloned().unwrap_or_default();
    let config =
        inspected["Config"]["Env"].as_array().unwrap().iter().filter(|line| !of_image.contains(line));
    let split =
        |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    let found: BTreeMap<String, String> = config.map(|line| split(line.as_str().unwrap())).collect();
    assert_eq!(found, wanted);

    let environ = docker(&["exec", inspected["Id"].as_str().unwrap(), "cat", "/proc/1/environ"]);
    let environ = String::from_utf8(environ).unwrap();
    let environ: BTreeMap<String, String> = environ.split_terminator('\0').map(split).collect();
    for (name, value) in &wanted {
        assert_eq!(environ.get(name), Some(value), "{name}");
    }
}

#[test]
fn a_second_up_recreates_nothing_and_no_default_network_appears() {
    let mut plan = small(2);
    // A job that ended is started again by Compose, but it is the same container.
    plan.pods.push(hand::pod("once", 0, &image(), &image()));
    let once = &mut plan.pods[1];
    once.pause.entrypoint = Some(vec!["sleep".to_owned(), "1000".to_owned()]);
    once.pause.command = None;
    once.main.command = Some(vec!["true".to_owned()]);
    plan.volumes =
        vec![hand::volume(&format!("{}_api.0.data", plan.project), prodmirror::plan::VolumeRole::Replica)];
    plan.pods[0].main.mounts = vec![hand::mount(&plan.volumes[0].name.clone(), "/data", false, None)];

    let mut launched = Launched::new(&plan, Form::Launch, &[]);
    for network in [&plan.networks.inside, &plan.networks.door] {
        let subnet = format!("--subnet={}", network.subnet);
        let range = format!("--ip-range={}", network.range);
        let internal = if network.internal { "--internal" } else { "--attachable" };
        docker(&["network", "create", internal, &subnet, &range, &network.name]);
        launched.external.push(["network".to_owned(), network.name.clone()]);
    }
    docker(&["volume", "create", &plan.volumes[0].name]);
    launched.external.push(["volume".to_owned(), plan.volumes[0].name.clone()]);

    launched.up();
    let first = launched.containers();
    assert_eq!(first.len(), 6);
    launched.up();
    assert_eq!(launched.containers(), first);

    let project = format!("name={}", plan.project);
    let mut networks = lines(&docker(&["network", "ls", "--filter", &project, "--format", "{{.Name}}"]));
    networks.sort_unstable();
    assert_eq!(networks, [plan.networks.door.name.clone(), plan.networks.inside.name.clone()]);

    plan.pods[0].main.labels.insert("prodmirror.spec".to_owned(), "ffffffffffffffff".to_owned());
    write(&render::bundle(&plan, Form::Launch, &Templates::embedded()).unwrap(), launched.folder.path());
    launched.up();
    let second = launched.containers();
    let kept = second.iter().filter(|id| first.contains(id)).count();
    assert_eq!((kept, second.len()), (5, 6), "only the container whose spec changed is made again");
}

#[test]
fn walls_and_limits_arrive_as_planned() {
    let mut plan = small(3);
    let rich = hand::rich(&image(), &image());
    let wanted = &rich.pods[0].main;
    let main = &mut plan.pods[0].main;
    main.limits = wanted.limits.clone();
    main.tmpfs = wanted.tmpfs.clone();
    main.ulimits = wanted.ulimits.clone();
    main.cap_add = wanted.cap_add.clone();
    main.cap_drop = wanted.cap_drop.clone();
    main.security_opt = wanted.security_opt.clone();
    main.read_only = true;
    main.user = wanted.user.clone();
    main.group_add = wanted.group_add.clone();
    main.working_dir = wanted.working_dir.clone();
    main.stop_signal = wanted.stop_signal.clone();
    let launched = Launched::new(&plan, Form::Standalone, &[]);
    launched.up();

    let found = launched.inspect("api.0.main");
    let host = &found["HostConfig"];
    for (field, wanted) in [
        ("CpuQuota", Value::from(6500)),
        ("CpuPeriod", Value::from(100_000)),
        ("CpuShares", Value::from(256)),
        ("CpusetCpus", Value::from("0")),
        ("Memory", Value::from(128 << 20)),
        ("MemorySwap", Value::from(128 << 20)),
        ("MemoryReservation", Value::from(64 << 20)),
        ("PidsLimit", Value::from(100)),
        ("ShmSize", Value::from(32 << 20)),
        ("ReadonlyRootfs", Value::from(true)),
        ("Init", Value::from(false)),
        ("Tmpfs", serde_json::json!({"/tmp": "size=1048576,mode=1777", "/run": ""})),
        ("CapDrop", serde_json::json!(["ALL"])),
        ("SecurityOpt", serde_json::json!(["no-new-privileges:true"])),
        ("GroupAdd", serde_json::json!(["3000"])),
    ] {
        assert_eq!(host[field], wanted, "{field}");
    }
    assert_eq!(host["RestartPolicy"]["Name"], "no");
    assert_eq!(launched.inspect("api.0")["HostConfig"]["RestartPolicy"]["Name"], "always");
    assert_eq!(found["Config"]["User"], "1000:2000");
    assert_eq!(found["Config"]["StopSignal"], "SIGINT");
    assert_eq!(found["Config"]["Healthcheck"]["Test"], serde_json::json!(["NONE"]));
    let door = launched.inspect("pm.gateway");
    let published = &door["NetworkSettings"]["Ports"]["20001/tcp"];
    assert_eq!(published.as_array().map(Vec::len), Some(1));
    assert_eq!(published[0]["HostIp"], "127.0.0.1");
    assert_ne!(published[0]["HostPort"], "");
}

/// What `prodmirror render -o` writes, launched with nothing but Docker; gone when it goes out of scope.
/// The helper image stays: other tests use the same one, and `make clean` removes it.
struct Bare(tempfile::TempDir);

impl Drop for Bare {
    fn drop(&mut self) {
        compose_in(self.0.path(), &["down", "--volumes", "--timeout", "0"]);
    }
}

fn compose_in(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut compose = Command::new("docker");
    compose.arg("compose").args(arguments).current_dir(folder).env("KEY", "p$a\n'x'").env("KEY_URL", "p%24a");
    let output = compose.output().expect("docker is installed");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_written_bundle_comes_up_with_its_files_and_docker_alone() {
    let bare = Bare(tempfile::tempdir().unwrap());
    let (folder, profile) = (bare.0.path().to_owned(), bare.0.path().join("profile.yaml"));
    let text = format!(
        r#"
apiVersion: prodmirror/v1
name: render-5-{}
secrets: {{key: {{generate: "hex:8"}}}}
services:
  api:
    image: local:prodmirror-built/debian:bookworm
    command: [sleep, "1000"]
    user: "1000:2000"
    fs_group: 2000
    env: {{URL: "x://u:${{secret:key}}@h/$a"}}
    files:
      /etc/app/app.ini: {{content: "a = $b\n", mode: "0440", user: 0, group: 2000}}
      /run/keys/key: {{secret: key, mode: "0400", user: 1000, group: 1000}}
    volumes: {{/data: {{empty: {{}}}}, /fast: {{empty: {{medium: memory, size: 1Mi}}}}}}
"#,
        std::process::id()
    );
    fs::write(&profile, text).unwrap();
    let mut render = Command::new(env!("CARGO_BIN_EXE_prodmirror"));
    let output = render.arg("render").arg(&profile).arg("-o").arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let head = fs::read_to_string(folder.join("compose.yaml")).unwrap();
    assert!(head.contains("#   docker load -i helper.tar\n"), "{head}");
    docker(&["load", "--input", folder.join("helper.tar").to_str().unwrap()]);

    let (worked, said) = compose_in(&folder, &["up", "--detach"]);
    assert!(worked, "{said}");
    let look = "cat /etc/app/app.ini; stat -c '%a %u %g' -L /etc/app/app.ini /run/keys/key /data /fast; cat /run/keys/key";
    let (worked, seen) = compose_in(&folder, &["exec", "-T", "api.0.main", "sh", "-c", look]);
    assert!(worked, "{seen}");
    assert_eq!(seen, "a = $b\n440 0 2000\n400 1000 1000\n2777 0 2000\n2777 0 2000\np$a\n'x'");
    let (_, url) = compose_in(&folder, &["exec", "-T", "api.0.main", "printenv", "URL"]);
    assert_eq!(url, "x://u:p%24a@h/$a\n");
}
