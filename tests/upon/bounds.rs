//! What a mirror may take of a cluster, and its end that needs nobody.

use prodmirror::backend::Unheard;

use crate::{
    cli::docker,
    ground::{User, ground, release, space, until},
    stage,
};

/// kubectl as an image, on the node, as a registry would have it.
fn kubectl_image() -> String {
    let name = "prodmirror-built/kubectl:tests".to_owned();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(release().join("kubectl"), folder.path().join("kubectl")).unwrap();
    let text = "FROM scratch\nCOPY kubectl /bin/kubectl\nENTRYPOINT [\"/bin/kubectl\"]\nLABEL prodmirror.image=built\n";
    std::fs::write(folder.path().join("Dockerfile"), text).unwrap();
    docker(&["build", "--quiet", "--tag", &name, folder.path().to_str().unwrap()]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let stage = stage::stage().await;
        stage.kind.bring(&stage.name, &[&name], &Unheard).await.unwrap();
    });
    docker(&["image", "rm", "--force", &name]);
    name
}

#[test]
fn past_its_time_a_mirror_goes_without_anybody() {
    let image = kubectl_image();
    let it = User::new("alone", |profile| profile.web(""));
    let up = |more: &[&str]| {
        let mut command = it.cli.command(&[&["up", "-f", &it.file], more].concat());
        let done = command.env("PRODMIRROR_EXPIRY_IMAGE", &image).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    up(&["--ttl", "1h"]);
    it.run("ledger", &[]).ok();
    let account = format!("system:serviceaccount:{}:mirror.expiry", space(&it.name));
    let may = |what: &str, namespace: &str| {
        let asked = ["auth", "can-i", "delete", what, "--namespace", namespace, "--as", &account];
        ground().kubectl_says(&asked)
    };
    assert_eq!(may(&format!("namespaces/{}", space(&it.name)), &space(&it.name)), "yes");
    assert_eq!(may("namespaces/kube-system", "kube-system"), "no");
    assert_eq!(may("pods", &space(&it.name)), "no");

    // A failed mirror is kept for a while, a good one for ever.
    let ends = || !it.kubectl(&["get", "cronjob", "mirror.expiry", "--ignore-not-found"]).is_empty();
    assert!(ends());
    it.run("down", &[]).ok();
    up(&[]);
    assert!(!ends());

    up(&["--ttl", "1s"]);
    let leaving = || {
        let deleted = "jsonpath={.metadata.deletionTimestamp}";
        let asked = ["get", "namespace", &space(&it.name), "--ignore-not-found", "--output", deleted];
        !ground().has(&it.name) || !ground().kubectl(&asked).is_empty()
    };
    until("the cluster removes it", leaving);
    until("it is gone", || !ground().has(&it.name));
}

#[test]
fn a_mirror_has_room_to_change_and_opens_no_way_in() {
    let it = User::new("quota", |profile| {
        profile.web("").shell("aside", "sleep 600", "volumes: {/d: {claim: data}}")
    });
    it.up(&[]).ok();
    let refused = ground().try_kubectl(&[
        "--namespace",
        &space(&it.name),
        "create",
        "service",
        "nodeport",
        "in",
        "--tcp=80",
    ]);
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && why.contains("exceeded quota: mirror.quota"), "{why}");

    it.up(&["--set", "services.web.replicas=9"]).ok();
    let hard = |what: &str| it.kubectl(&["get", "resourcequota", "mirror.quota", "--output", what]);
    let pods = hard("jsonpath={.spec.hard.pods}");
    // What it was given once it keeps: what it has may still stand there.
    it.up(&["--unset", "services.aside"]).ok();
    assert_eq!(hard("jsonpath={.spec.hard.pods}"), pods);
    assert_eq!(hard("jsonpath={.spec.hard.persistentvolumeclaims}"), "2");
}
