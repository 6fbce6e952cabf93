//! Through the command line: exit codes, documents, and images of a real engine.

use serde_json::json;

use super::{
    archives::{Packing, Tar, layout, saved, tar_of, write},
    cli::{Cli, docker},
};

fn layers(content: &[u8]) -> Vec<Vec<u8>> {
    vec![Tar::new().file("etc/os-release", b"PRETTY_NAME=\"Tiny 1\"\n").file("app/x", content).bytes()]
}

#[test]
fn the_exit_code_tells_same_different_and_inconclusive() {
    let cli = Cli::new();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = cli.home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let a = file("a.tar", tar_of(&layout(&layers(b"1"), Packing::Plain, json!({}))));
    let b = file("b.tar", saved(&layers(b"1"), json!({})));
    let c = file("c.tar", saved(&layers(b"2"), json!({})));
    let same = cli.run(&["inspect-image", &a, &b]).ok();
    assert!(same.stdout.contains("the images hold the same"), "{same}");
    let differ = cli.run(&["inspect-image", &a, &c, "--format", "json"]).code(1).json();
    assert_eq!(differ["kind"], "ImageDiff");
    assert_eq!(differ["files"][0]["path"], "app/x");
    // Only what could not be read is left: the tars differ in an entry that no engine knows.
    let odd = |kind: u8| {
        let mut layer = Tar::new().bytes();
        layer.truncate(0);
        let mut head = super::archives::header(tar::EntryType::new(kind), "odd", 0, 0o644);
        head.set_cksum();
        layer.extend_from_slice(head.as_bytes());
        layer.extend_from_slice(&[0; 1024]);
        saved(&[layer], json!({}))
    };
    let (d, e) = (file("d.tar", odd(b'Y')), file("e.tar", odd(b'Z')));
    let unsure = cli.run(&["inspect-image", &d, &e]).code(6);
    assert!(unsure.stdout.contains("not comparable"), "{unsure}");
    let bad = file("bad.tar", vec![b'x'; 5000]);
    let failed = cli.run(&["inspect-image", &a, &bad, "--format", "json"]).code(3).json();
    assert_eq!(failed["code"], "bad-image-archive");
    cli.run(&["inspect-image", &a, "./no/such.tar"]).code(3);
}

#[test]
fn one_image_of_several_is_named_behind_the_file() {
    let cli = Cli::new();
    let folder = cli.home.path().join("layout");
    let mut files = layout(&layers(b"1"), Packing::Zstd, json!({}));
    let mut index: serde_json::Value = serde_json::from_slice(&files.pop().unwrap().1).unwrap();
    let mut other = layout(&layers(b"2"), Packing::Gzip, json!({}));
    let mut second: serde_json::Value = serde_json::from_slice(&other.pop().unwrap().1).unwrap();
    second["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = "1.3".into();
    index["manifests"].as_array_mut().unwrap().push(second["manifests"][0].clone());
    files.extend(other);
    files.push(("index.json".to_owned(), index.to_string().into_bytes()));
    write(&folder, &files);
    let path = folder.display().to_string();
    let which = cli.run(&["inspect-image", &path, &path]).code(2);
    assert!(which.stderr.contains("1.2") && which.stderr.contains("1.3"), "{which}");
    cli.run(&["inspect-image", &format!("{path}#1.2"), &format!("{path}#1.3")]).code(1);
    cli.run(&["inspect-image", &format!("{path}#1.2"), &format!("{path}#1.2")]).ok();
    cli.run(&["inspect-image", &format!("{path}#9"), &path]).code(2);
}

/// Images of this test on the engine, removed with it.
struct Images(Vec<String>);

impl Drop for Images {
    fn drop(&mut self) {
        for name in &self.0 {
            let _ = std::process::Command::new("docker").args(["image", "rm", "-f", name]).output();
        }
    }
}

#[test]
fn images_that_an_engine_built_are_read_from_its_export() {
    let cli = Cli::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("status", "Package: tool\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n");
    // Of another size: an engine may take a file of the same size and second for the same.
    file("status2", "Package: tool\nStatus: install ok installed\nArchitecture: all\nVersion: 1.10\n");
    file("a", "FROM scratch\nCOPY status /var/lib/dpkg/status\nENV MODE=fast\n");
    file(
        "b",
        "FROM scratch\nCOPY status /var/lib/dpkg/status\nCOPY status2 /var/lib/dpkg/status\nENV MODE=slow\n",
    );
    let names = Images(["a", "b"].map(|which| format!("{}:{which}", cli.name("inspect"))).to_vec());
    for (which, name) in ["a", "b"].iter().zip(&names.0) {
        let file = folder.path().join(which).display().to_string();
        docker(&["build", "-q", "-f", &file, "-t", name, &folder.path().display().to_string()]);
    }
    let diff = cli.run(&["inspect-image", &names.0[0], &names.0[1], "--format", "json"]).code(1).json();
    let changes: Vec<String> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            format!("{} {} {} -> {}", change["section"], change["name"], change["from"], change["to"])
                .replace('"', "")
        })
        .collect();
    assert_eq!(changes, ["packages dpkg tool 1.0 -> 1.10", "configuration env MODE fast -> slow"]);
    assert_eq!(diff["files"][0]["path"], "var/lib/dpkg/status");
    assert_eq!(diff["files"][0]["image"], "b");
    let first = diff["layers"].as_array().unwrap().iter().filter(|layer| layer["shared"] == true).count();
    assert_eq!(first, 2, "the first layer is in both: {diff}");
    let id = docker(&["image", "inspect", "-f", "{{.Id}}", &names.0[0]]);
    let same = cli.run(&["inspect-image", &id, &names.0[0]]).ok();
    assert!(same.stdout.contains("the images hold the same"), "{same}");
    let absent = cli.run(&["inspect-image", "no-such-image:1", &names.0[0]]).code(2);
    assert!(absent.stderr.contains("docker pull"), "{absent}");
    assert_eq!(
        docker(&["ps", "-aq", "--filter", &format!("ancestor={}", names.0[0])]),
        "",
        "nothing of it ran"
    );
}
