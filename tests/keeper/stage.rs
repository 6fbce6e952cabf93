//! A mirror launched by hand: networks, volumes, pauses, containers.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use prodmirror::{
    formats::duties::{ContainerDuty, Duties, PodKind},
    name::Name,
};

use crate::engine::{Helper, PYTHON, command, docker, until};

pub struct Stage {
    pub mirror: String,
    helper: Arc<Helper>,
    /// Labels and name of each container when it was made.
    made: Mutex<Vec<(String, String)>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = command(&["logs", "--tail", "60", &self.name("pm.keeper")]);
            eprintln!("keeper of {}:\n{}", self.mirror, String::from_utf8_lossy(&logs.stderr));
        }
        command(&["rm", "-f", &format!("pm-{}.sweep", self.mirror)]);
        self.each(&["ps", "-aq", "--no-trunc"], &["rm", "-f", "-v"]);
        self.each(&["network", "ls", "-q"], &["network", "rm"]);
        self.each(&["volume", "ls", "-q"], &["volume", "rm"]);
    }
}

impl Stage {
    pub fn new(name: &str) -> Self {
        let helper = Helper::get();
        let stage =
            Self { mirror: format!("pmtest-{name}-{}", std::process::id()), helper, made: Mutex::default() };
        let label = stage.label();
        docker(&["network", "create", "--internal", "--label", &label, &stage.name("inside")]);
        for volume in ["control", "journal"] {
            stage.volume(volume);
        }
        stage
    }

    fn label(&self) -> String {
        format!("prodmirror.mirror={}", self.mirror)
    }

    pub fn name(&self, key: &str) -> String {
        format!("{}-{key}", self.mirror)
    }

    pub fn all(&self, list: &[&str]) -> Vec<String> {
        let filter = format!("label={}", self.label());
        let ids = docker(&[list, &["--filter", &filter]].concat());
        ids.split_whitespace().map(str::to_owned).collect()
    }

    fn each(&self, list: &[&str], remove: &[&str]) {
        let ids = self.all(list);
        if !ids.is_empty() {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            command(&[remove, &ids].concat());
        }
    }

    pub fn volume(&self, name: &str) -> String {
        docker(&["volume", "create", "--label", &self.label(), &self.name(name)])
    }

    /// The pause of a replica, with its duties.
    pub fn replica(&self, service: &str, ordinal: u32, kind: PodKind, containers: Vec<ContainerDuty>) {
        let service_name = Name::new(service).expect("a name");
        let duties = Duties {
            service: service_name,
            ordinal,
            kind,
            needs: Vec::new(),
            containers,
            ports: Vec::new(),
            retries: 6,
            files: Vec::new(),
        };
        let duties = format!("prodmirror.duties={}", serde_json::to_string(&duties).expect("JSON"));
        let host = format!("{service}-{ordinal}");
        let key = format!("{service}.{ordinal}");
        let words = [
            "--network",
            &self.name("inside"),
            "--hostname",
            &host,
            "--restart",
            "always",
            "--label",
            &duties,
        ];
        self.run(&key, &[&words[..], &["--label", "prodmirror.kind=pause"]].concat(), &["pause"]);
    }

    fn run(&self, key: &str, options: &[&str], words: &[&str]) -> String {
        self.run_image(key, &self.helper.0, options, words)
    }

    fn run_image(&self, key: &str, image: &str, options: &[&str], words: &[&str]) -> String {
        let mut parts = key.split('.');
        let service = format!("prodmirror.service={}", parts.next().unwrap_or_default());
        let ordinal = format!("prodmirror.ordinal={}", parts.next().unwrap_or_default());
        let compose = format!("com.docker.compose.service={key}");
        let (label, name) = (self.label(), self.name(key));
        let mut all = vec!["run", "-d", "--name", &name];
        for label in [&label, &service, &ordinal, &compose] {
            all.extend(["--label", label]);
        }
        all.extend(options);
        all.push(image);
        all.extend(words);
        let id = docker(&all);
        let made = docker(&["inspect", "--format", "{{json .Config.Labels}} {{.Name}}", &id]);
        self.made.lock().expect("one thread").push((id.clone(), made));
        id
    }

    /// Labels and name of a container that may be gone.
    pub fn before(&self, id: &str) -> String {
        let made = self.made.lock().expect("one thread");
        made.iter().find(|(known, _)| known == id).map(|(_, made)| made.clone()).expect("it was made here")
    }

    /// A container in the namespace of its replica's pause.
    pub fn run_container(&self, key: &str, image: &str, words: &[&str], options: &[&str]) -> String {
        let pause: Vec<&str> = key.splitn(3, '.').take(2).collect();
        let network = format!("container:{}", self.id(&pause.join(".")));
        let fixed =
            ["--network", &network, "--label", "prodmirror.kind=service", "--label", "prodmirror.spec=s1"];
        self.run_image(key, image, &[&fixed[..], options].concat(), words)
    }

    /// Another container in place of one, as a launch with a changed command makes it.
    pub fn replace_process(&self, key: &str, program: &str, options: &[&str]) {
        let next = format!("{}.old", self.name(key));
        docker(&["rename", &self.name(key), &next]);
        docker(&["rm", "-f", &next]);
        self.run_container(key, PYTHON, &["python3", "-c", program], options);
    }

    pub fn keeper(&self) {
        let (control, journal) =
            (format!("{}:/control", self.name("control")), format!("{}:/journal", self.name("journal")));
        let options = [
            "--network",
            &self.name("inside"),
            "--restart",
            "always",
            "--read-only",
            "--label",
            "prodmirror.kind=keeper",
            "-v",
            &control,
            "-v",
            &journal,
            "-v",
            "/var/run/docker.sock:/var/run/docker.sock",
        ];
        self.run("pm.keeper", &options, &["keeper", "--mirror", &self.mirror]);
        until("the keeper writes its view", || {
            command(&["cp", &self.in_keeper("/control/status.json"), "-"]).status.success()
        });
    }

    /// The gateway's own address and the host's port of its door; it stands on the inside network and on an ordinary
    /// one.
    pub fn gateway(&self, door: &str) -> (IpAddr, u16) {
        docker(&["network", "create", "--label", &self.label(), &self.name("door")]);
        let control = format!("{}:/control:ro", self.name("control"));
        let network = self.name("door");
        let options = ["--network", &network, "-p", "127.0.0.1::20001", "--read-only", "-v", &control];
        let kind = ["--label", "prodmirror.kind=gateway"];
        self.run("pm.gateway", &[&options[..], &kind].concat(), &["gateway", "--door", door]);
        docker(&["network", "connect", &self.name("inside"), &self.name("pm.gateway")]);
        let address = docker(&["port", &self.name("pm.gateway"), "20001/tcp"]);
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let form = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        let own = docker(&["inspect", "--format", &form, &self.name("pm.gateway")]);
        (own.parse().expect("an address"), port)
    }
}
