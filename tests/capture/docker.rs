//! Containers of an engine, and saved answers of `docker inspect`.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use prodmirror::capture::{
    docker::{self, Dump},
    draft::{Draft, From},
    redact::Rules,
};
use serde_json::{Value as Json, json};

use crate::corpora::{faults, root};

fn draft(dump: Dump) -> Draft {
    let from = From { from: "files", at: Some("2026-11-20T08:15:00Z".to_owned()), ..From::default() };
    docker::draft(dump, "captured", &from, &Rules::default()).unwrap()
}

fn of(documents: &[Json]) -> Draft {
    let mut dump = Dump::default();
    dump.add("dump.json", documents.into()).unwrap();
    draft(dump)
}

fn gather(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        match path.is_dir() {
            true => gather(&path, found),
            false => {
                found.extend(Some(path).filter(|path| path.extension().is_some_and(|end| end == "json")))
            }
        }
    }
}

/// Answers of the API 1.21 to 1.24, and documents of the API that are no container.
#[test]
fn every_leaf_of_saved_answers_is_accounted_for() {
    let folder = root().join("docker-inspect");
    let mut files = Vec::new();
    gather(&folder, &mut files);
    files.sort();
    if files.is_empty() {
        println!("skipped: no {}; PRODMIRROR_CORPORA names the folder above", folder.display());
        return;
    }
    let mut table = format!("{:<86} leaves   used  noted  holes\n", "answer of docker inspect");
    for path in files {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let mut dump = Dump { stopped_too: true, ..Dump::default() };
        match dump.add(&name, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()) {
            Ok(()) => {
                let draft = draft(dump);
                assert_eq!(faults(&draft), [""; 0], "{name}");
                let unknown =
                    draft.notes.iter().filter(|note| note.message == "a profile has no field for it");
                assert_eq!(unknown.map(|note| note.path.to_string()).collect::<Vec<_>>(), [""; 0], "{name}");
                let account = draft.account;
                table += &format!(
                    "{name:<86} {:>6} {:>6} {:>6} {:>6}\n",
                    account.leaves, account.used, account.noted, account.holes
                );
            }
            Err(why) => table += &format!("{name:<86} {why}\n"),
        }
    }
    insta::assert_snapshot!("answers", table);
}

fn container(name: &str, config: Json, host: Json) -> Json {
    let mut document = json!({
        "Id": format!("{name}000000000000"),
        "Name": format!("/{name}"),
        "Image": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
        "State": {"Status": "running", "Running": true},
        "Config": {"Image": "web:1", "Labels": {}, "Env": ["PATH=/bin"]},
        "HostConfig": {"NetworkMode": "default", "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [],
    });
    for (part, values) in [("Config", config), ("HostConfig", host)] {
        for (key, value) in values.as_object().unwrap() {
            document[part][key] = value.clone();
        }
    }
    document
}

fn project(service: &str, number: usize, rest: Json) -> Json {
    let mut labels = BTreeMap::from([
        ("com.docker.compose.project", "shop".to_owned()),
        ("com.docker.compose.service", service.to_owned()),
        ("com.docker.compose.container-number", number.to_string()),
    ]);
    if service == "web" {
        labels.insert(
            "com.docker.compose.depends_on",
            "db:service_healthy:false,migrate:service_completed_successfully:false".to_owned(),
        );
    }
    let mut config = json!({"Labels": labels});
    for (key, value) in rest.as_object().unwrap() {
        config[key] = value.clone();
    }
    container(&format!("shop-{service}-{number}"), config, json!({}))
}

fn image() -> Json {
    json!({
        "Id": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
        "RepoTags": ["web:1"],
        "RepoDigests": ["web@sha256:2222222222222222222222222222222222222222222222222222222222222222"],
        "Architecture": "amd64",
        "RootFS": {},
        "Config": {"Env": ["PATH=/bin"], "Cmd": ["serve"], "WorkingDir": "/srv", "Labels": {"maker": "them"}},
    })
}

#[test]
fn a_compose_project_is_one_service_for_its_replicas_with_needs_jobs_and_stores() {
    let web = |number, mode: &str| {
        let env = json!({"Env": ["PATH=/bin", format!("MODE={mode}"), "API_TOKEN=letmein-77"], "Cmd": ["serve"],
            "WorkingDir": "/srv", "ExposedPorts": {"8000/tcp": {}}});
        project("web", number, env)
    };
    let mut migrate = project("migrate", 1, json!({"Cmd": ["migrate"]}));
    migrate["State"] = json!({"Status": "exited", "ExitCode": 0});
    let mut old = project("old", 1, json!({}));
    old["State"] = json!({"Status": "exited", "ExitCode": 1});
    let db = project(
        "db",
        1,
        json!({"Image": "postgres:16", "Cmd": ["postgres", "-c", "max_connections=50"],
            "Env": ["POSTGRES_USER=shop", "POSTGRES_PASSWORD=letmein-77", "POSTGRES_DB=shop"]}),
    );
    let draft = of(&[web(1, "a"), web(2, "a"), web(3, "b"), migrate, old, db, image()]);
    assert_eq!(faults(&draft), [""; 0]);
    insta::assert_snapshot!("a_project", draft.text());
}

#[test]
fn containers_without_labels_are_folded_by_likeness_alone() {
    let one = |name: &str, mode: &str| container(name, json!({"Env": [format!("MODE={mode}")]}), json!({}));
    let draft = of(&[one("web-10", "a"), one("web-9", "a"), one("web-11", "b")]);
    assert_eq!(faults(&draft), [""; 0]);
    let services = draft.profile["services"].as_object().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["web", "web-11"]);
    assert_eq!(services["web"]["replicas"], 2);
    assert_eq!(services["web-11"].get("replicas"), None);
}

#[test]
fn no_secret_of_a_container_is_in_any_output() {
    let secret = "letmein-77";
    let config = json!({
        "Env": [format!("DB_PASSWORD={secret}"), format!("URL=amqp://u:{secret}@mq/x"), "COLOUR=mauve"],
        "Cmd": ["run", "--password", secret],
        "Entrypoint": ["sh", "-c", format!("DB_PASSWORD={secret} run")],
        "Labels": {"note": format!("the word is {secret}")},
        "Healthcheck": {"Test": ["CMD", "ask", "-u", format!("root:{secret}")]},
        "Hostname": secret,
        "Domainname": secret,
    });
    let host = json!({
        "Binds": [format!("/srv/{secret}:/x")],
        "LogConfig": {"Type": "x", "Config": {"token": secret}},
        "Sysctls": {"kernel.domainname": secret},
        "ExtraHosts": [format!("{secret}:192.0.2.1")],
        "SecurityOpt": [format!("label=user:{secret}")],
    });
    let mut document = container("web", config, host);
    document["Mounts"] =
        json!([{"Type": "bind", "Source": format!("/srv/{secret}"), "Destination": "/x", "RW": true}]);
    document["Args"] = json!([secret]);
    let draft = of(&[document]);
    assert_eq!(faults(&draft), [""; 0]);
    let printed = [draft.text(), serde_json::to_string(&draft).unwrap()];
    assert!(printed.iter().all(|text| !text.contains(secret)), "{}", printed[0]);
    assert!(printed[0].contains("COLOUR: mauve"));
}

#[test]
fn files_are_told_apart_by_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let container = serde_json::to_string(&[container("web", json!({}), json!({}))]).unwrap();
    let cases = [
        ("dump.json", container, 0, "web"),
        ("compose.yaml", "services:\n  web: {image: web}\n".to_owned(), 3, "capture compose"),
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n"
                .to_owned(),
            0,
            "image: a",
        ),
        ("half.json", "{\"Id\": ".to_owned(), 3, "half.json"),
    ];
    for (name, text, code, said) in cases {
        fs::write(folder.path().join(name), text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
            .args(["capture", "files", name])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let all = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}: {all}");
        assert!(all.contains(said), "{name}: {all}");
    }
}

#[test]
fn an_image_that_is_named_by_its_id_has_the_name_that_the_engine_knows_or_is_a_hole() {
    let id = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    let one = container("web", json!({"Image": id}), json!({}));
    let known = of(&[one.clone(), image()]);
    let digest = "web@sha256:2222222222222222222222222222222222222222222222222222222222222222";
    assert_eq!(known.profile["services"]["web"]["image"], digest);
    let unknown = of(&[one]);
    assert_eq!(faults(&unknown), [""; 0]);
    assert!(unknown.profile["services"]["web"]["image"]["hole"].is_string(), "{}", unknown.text());
}

#[test]
fn containers_of_mirrors_are_left_out_unless_they_are_named() {
    let mirrored = container("api", json!({"Labels": {"prodmirror.mirror": "shop"}}), json!({}));
    let dump = |mirrors_too| {
        let mut dump = Dump { mirrors_too, ..Dump::default() };
        dump.add("dump.json", json!([mirrored, container("web", json!({}), json!({}))])).unwrap();
        let draft = draft(dump);
        assert_eq!(faults(&draft), [""; 0]);
        draft.profile["services"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(dump(false), ["web"]);
    assert_eq!(dump(true), ["api", "web"]);
}
