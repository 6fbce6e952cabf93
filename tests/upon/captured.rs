//! `capture` and `drift` of a namespace that is a mirror's own.

use crate::ground::{User, ground, space};

const WEB: &str = r#"env: {DATABASE_URL: "${store:db.url}", TOKEN: "x-${secret:token}"}
replicas: 2
disruption: {min_available: 50%}
labels: {team: checkout}"#;

#[test]
fn the_namespace_of_a_mirror_gives_its_profile_back() {
    let it = User::new("captured", |profile| {
        profile
            .with("secrets: {db-password: {}, token: {}}")
            .web(WEB)
            .db("settings: {max_connections: 20}\ndisruption: {max_unavailable: 0}")
    });
    it.up(&[]).ok();
    let namespace = space(&it.name);
    let capture = ["capture", "kubernetes", "--namespace", &namespace];
    let saved = it.cli.home.path().join("saved.yaml").display().to_string();
    let said = it.cli.run(&[&capture[..], &["-o", &saved]].concat()).ok();
    assert!(said.stderr.contains(&format!("is the mirror `{}`", it.name)), "{said}");
    let source = format!("kubernetes:{}/{namespace}", ground().context);
    for words in [
        ["diff", &it.file, &saved].to_vec(),
        ["diff", &saved, &format!("mirror:{}", it.name)].to_vec(),
        ["diff", &saved, &source].to_vec(),
        ["drift", &source, "--against", &it.file].to_vec(),
    ] {
        let done = it.cli.run(&[&words[..], &["--format", "json"]].concat());
        assert_eq!(done.json()["changes"], serde_json::json!([]), "{words:?}: {done}");
    }
    let variables = [format!("{}#web", it.file), format!("{source}#web")];
    let done = it.cli.run(&["env-diff", &variables[0], &variables[1], "--format", "json"]).ok();
    assert_eq!(done.json()["changes"], serde_json::json!([]), "{done}");

    // Who says how objects are read gets them, and of the mirror's own marks nothing.
    let journal = it.cli.home.path().join("calls.jsonl").display().to_string();
    let objects = it.cli.run(&[&capture[..], &["--journal", &journal, "--format", "json"]].concat()).ok();
    let web = &objects.json()["profile"]["services"]["web"];
    assert_eq!(web["labels"], serde_json::json!({"team": "checkout"}), "{objects}");
    assert_eq!(web["enable_service_links"], false);

    it.kubectl(&["scale", "deployment/web", "--replicas", "1"]);
    crate::ground::until("one replica is left", || it.pods("web").len() == 1);
    let drift = it.cli.run(&["drift", &source, "--against", &it.file, "--format", "json"]).code(1).json();
    assert_eq!(drift["changes"][0]["path"], "services.web.replicas", "{drift}");
    it.run("down", &[]).ok();
}
