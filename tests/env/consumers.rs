//! What is written arrives; what Compose reads is what we read.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use prodmirror::env::{Dialect, Format, Source, Value, Variable, read, write};

use crate::corpora;

type Variables = BTreeMap<String, String>;

/// A small image with `env`, which `make setup` builds.
const IMAGE: &str = "prodmirror-built/debian:bookworm";

fn nasty() -> Variables {
    let values = [
        "",
        " ",
        "x",
        "a b",
        " lead",
        "trail ",
        "\ttab\t",
        "a\nb",
        "\n",
        "trail\n",
        "a\r\nb",
        "\r",
        "'",
        "\"",
        "'\"'",
        "it's",
        "say \"hi\"",
        "\\",
        "\\\\",
        "a\\",
        "\\n",
        "\\'",
        "\\\"",
        "a\\'b\"c",
        "$",
        "$$",
        "$A",
        "${A}",
        "${A:-x}",
        "\\$A",
        "$'x'",
        "$(date)",
        "`date`",
        "#",
        " #",
        "a #b",
        "a#b",
        "!",
        "!!",
        "*",
        "~",
        "~/x",
        "a=b",
        "=",
        "{",
        "}",
        "${",
        "%s",
        "😀",
        "é\u{a0}ü",
        "\u{feff}x",
        "\u{85}x",
        "\u{2028}",
        "\u{7f}",
        "\u{1b}[2J",
        "yes",
        "null",
        "0777",
        "1e3",
        "-",
        "- a",
        "a: b",
        "@x",
        "|",
        ">",
        "#secret A=b",
        "export A=b",
        "x\n#secret A=b:c\ny",
        "`",
        "`'\"",
        "\\`",
        "a;b",
        "a&b",
        "<x>",
        "\\0101",
        "\\x41",
        "{{ x }}",
    ];
    let mut variables: Variables =
        values.iter().enumerate().map(|(at, value)| (format!("N{at}"), (*value).to_owned())).collect();
    variables.insert("LONG".to_owned(), "x$'\"\\ ".repeat(10_000));
    variables
}

fn listed(variables: &Variables) -> Vec<Variable> {
    let one = |(name, value): (&String, &String)| Variable {
        name: name.clone(),
        value: Value::Text(value.clone()),
        source: Source::Env,
        written: None,
    };
    variables.iter().map(one).collect()
}

/// What a process got, by `env -0`.
fn arrived(output: &[u8]) -> Variables {
    let text = String::from_utf8(output.to_vec()).unwrap();
    text.split('\0')
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[track_caller]
fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("the program is here");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[track_caller]
fn same(found: &Variables, wanted: &Variables) {
    for (name, value) in wanted {
        assert_eq!(found.get(name), Some(value), "{name}");
    }
}

/// Services by name, as Compose has them in the end; no variable of the host is there.
fn composed(folder: &Path, document: &str) -> BTreeMap<String, Variables> {
    fs::write(folder.join("compose.yaml"), document).unwrap();
    let mut compose = Command::new("docker");
    compose
        .args(["compose", "--project-name", "env-test", "config", "--format", "json"])
        .current_dir(folder)
        .env_clear();
    compose.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    // Plug-ins of a user stay known.
    let home = std::env::var("DOCKER_CONFIG")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.docker")));
    compose.env("DOCKER_CONFIG", home.unwrap_or_default());
    let json: serde_json::Value = serde_json::from_slice(&output(&mut compose)).unwrap();
    let environment = |service: &serde_json::Value| -> Variables {
        let map = service["environment"].as_object().cloned().unwrap_or_default();
        let text = |value: serde_json::Value| value.as_str().unwrap_or("(null)").replace("$$", "$");
        map.into_iter().map(|(name, value)| (name, text(value))).collect()
    };
    json["services"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, service)| (name.clone(), environment(service)))
        .collect()
}

#[test]
fn bash_gets_what_was_written_for_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let variables = nasty();
    fs::write(folder.path().join("f"), write(&listed(&variables), Format::Shell).unwrap().text).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", ". ./f; env -0"]).current_dir(folder.path()).env_clear();
    bash.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    same(&arrived(&output(&mut bash)), &variables);
}

#[test]
fn bash_reads_what_we_read_of_its_quoting() {
    let folder = tempfile::tempdir().unwrap();
    let text = "A='x y'\"z\"\\ q\nB=\"$A ${A} \\$A \\\"q\\\" \\x\"\nC=$'a\\tb\\'c'\nexport D=1 E=a\\\nb\nF=a#b # c\nG='multi\nline'\nH=\"a\\\nb\"\nexport A\nI=$,$\nJ=\"$\"\n";
    fs::write(folder.path().join("f"), text).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", "set -a; . ./f; env -0"]).current_dir(folder.path()).env_clear();
    bash.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let ours: Variables = read(text, Dialect::Shell)
        .unwrap()
        .into_iter()
        .map(|(name, value)| {
            (name.clone(), value.text().unwrap_or_else(|| panic!("{name}: {value:?}")).to_owned())
        })
        .collect();
    assert_eq!(ours.len(), 10);
    same(&arrived(&output(&mut bash)), &ours);
}

#[test]
fn a_container_gets_what_was_written_for_docker() {
    let folder = tempfile::tempdir().unwrap();
    let mut variables = nasty();
    variables.insert("LONGEST".to_owned(), "x".repeat(65_526 - "LONGEST=".len()));
    let held = |(name, value): (&String, &String)| {
        let one = BTreeMap::from([(name.clone(), value.clone())]);
        write(&listed(&one), Format::Docker).is_ok().then(|| (name.clone(), value.clone()))
    };
    let held: Variables = variables.iter().filter_map(held).collect();
    assert!(
        variables
            .iter()
            .all(|(name, value)| held.contains_key(name) || value.contains('\n') || value.ends_with('\r'))
    );
    let file = folder.path().join("f");
    fs::write(&file, write(&listed(&held), Format::Docker).unwrap().text).unwrap();
    let mut docker = Command::new("docker");
    docker.args(["run", "--rm", "--network", "none", "--env-file"]).arg(&file).args([IMAGE, "env", "-0"]);
    same(&arrived(&output(&mut docker)), &held);
}

#[test]
fn compose_gets_what_was_written_for_env_file_and_for_environment() {
    let folder = tempfile::tempdir().unwrap();
    let variables = nasty();
    fs::write(folder.path().join("f.env"), write(&listed(&variables), Format::Dotenv).unwrap().text).unwrap();
    let mapping = write(&listed(&variables), Format::Compose).unwrap().text.replace('\n', "\n    ");
    let document = format!(
        "services:\n  file:\n    image: x\n    env_file: f.env\n  map:\n    image: x\n    {mapping}\n"
    );
    let found = composed(folder.path(), &document);
    same(&found["file"], &variables);
    same(&found["map"], &variables);
}

/// Lines out of what makes readers differ; the same every time.
fn lines(count: usize) -> Vec<String> {
    let pieces = [
        "A", "=", "$", "{", "}", ":-", "x", "'", "\"", "\\", " ", "#", "\t", "n", "é", "$A", "${A}", "${A:-",
        "${Q-d}", "\\n", "\\0101", "\\$", " #",
    ];
    let mut state: u64 = 88_172_645_463_325_252;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    (0..count)
        .map(|_| {
            let length = 1 + next(8);
            let value: String = (0..length).map(|_| pieces[next(pieces.len())]).collect();
            format!("A=a b\nB={value}\nC=end\n")
        })
        .collect()
}

#[test]
fn compose_reads_env_files_as_we_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = lines(600);
    if let Some(fixtures) = corpora::folder("compose-go/dotenv/fixtures") {
        let mut files: Vec<_> = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        texts.extend(files.iter().map(|file| fs::read_to_string(file).unwrap()));
    }
    let mut document = "services:\n".to_owned();
    let mut ours = BTreeMap::new();
    for (at, text) in texts.iter().enumerate() {
        let Ok(read) = read(text, Dialect::Compose) else { continue };
        fs::write(folder.path().join(format!("{at}.env")), text).unwrap();
        document.push_str(&format!("  s{at}:\n    image: x\n    env_file: {at}.env\n"));
        ours.insert(format!("s{at}"), (text, read));
    }
    assert!(ours.len() > 200, "{}", ours.len());
    let found = composed(folder.path(), &document);
    for (service, (text, read)) in ours {
        for (name, value) in read {
            if let Value::Text(value) = value {
                assert_eq!(found[&service].get(&name), Some(&value), "{name} of {text}");
            }
        }
    }
}

#[test]
fn compose_refuses_the_files_that_we_refuse() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["A=\"x\n", "A='x\n", "A B=1\n", "A/B=1\n", "A=${\n", "A=${x y}\n"] {
        assert!(read(text, Dialect::Compose).is_err(), "{text}");
        fs::write(folder.path().join("f.env"), text).unwrap();
        fs::write(folder.path().join("compose.yaml"), "services:\n  a:\n    image: x\n    env_file: f.env\n")
            .unwrap();
        let done =
            Command::new("docker").args(["compose", "config"]).current_dir(folder.path()).output().unwrap();
        assert!(!done.status.success(), "Compose takes {text}");
    }
}
