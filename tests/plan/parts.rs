//! Single decisions: values, images, limits, volumes, files, doors.

use prodmirror::plan::{ImageSource, Mount, NetworkMode, VolumeRole, plan};
use prodmirror::profile::Origins;

use crate::support::{DIGEST, ID, containers, env_of, host, main_of, planned, pod, profile, service};

const STORES: &str = r#"
secrets: {pw: {}}
stores:
  db: {engine: postgres, image: "postgres:16", database: "sho/p", user: app, password: "${secret:pw}"}
  plain: {engine: postgres, image: "postgres:16"}
  cache: {engine: redis, image: "redis:7", password: "a-${secret:pw}"}
  open: {engine: redis, image: "redis:7"}
"#;

fn with_stores(env: &str) -> prodmirror::plan::Plan {
    planned(&profile(&format!(
        "{STORES}services: {{api: {{image: \"local:api:dev\", ports: {{http: 8000}}, env: {env}}}, grpc: {{image: \"local:api:dev\", ports: {{grpc: 9000}}}}, none: {{image: \"local:api:dev\"}}}}"
    )))
}

#[test]
fn references_become_addresses_and_secrets_variables() {
    let plan = with_stores(
        r#"{A: "${store:db.url}", B: "${store:plain.url}", C: "${store:cache.url}", D: "${store:open.url}?x=1",
            E: "${service:api.url}", F: "${service:grpc.url}", H: "${service:api.port}",
            I: "${secret:pw}", J: "postgres://u:${secret:pw}@${store:db.host}:${store:db.port}/${store:db.database}",
            K: "password=${store:db.password} $(X) $ $${Y}"}"#,
    );
    let wanted = [
        ("A", "postgres://app:${PW_URL}@db:5432/sho%2Fp"),
        ("B", "postgres://postgres@plain:5432/postgres"),
        ("C", "redis://:a-${PW_URL}@cache:6379/0"),
        ("D", "redis://open:6379/0?x=1"),
        ("E", "http://api:8000"),
        ("F", "grpc:9000"),
        ("H", "8000"),
        ("I", "${PW}"),
        ("J", "postgres://u:${PW_URL}@db:5432/sho%2Fp"),
        ("K", "password=${PW} $(X) $ ${Y}"),
    ];
    for (name, value) in wanted {
        assert_eq!(env_of(&plan, "api", name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn the_keeper_keeps_every_secret_for_the_next_launch_to_read() {
    let plan = with_stores("{A: x}");
    assert_eq!(plan.keeper.env["PRODMIRROR_SECRET_PW"].to_string(), "${PW}");
    assert_eq!(plan.secrets[0].url_variable, None, "no value holds it inside a URL");
}

#[test]
fn a_password_stands_in_no_argument() {
    let plan = with_stores("{A: \"${store:cache.url}\"}");
    assert_eq!(env_of(&plan, "db", "POSTGRES_PASSWORD").as_deref(), Some("${PW}"));
    assert_eq!(env_of(&plan, "plain", "POSTGRES_HOST_AUTH_METHOD").as_deref(), Some("trust"));
    let cache = main_of(&plan, "cache").command.as_ref().unwrap();
    assert_eq!(cache, &["redis-server", "--include", "/etc/prodmirror/redis.conf"]);
    assert_eq!(main_of(&plan, "open").command, None);
    let volume = plan.volumes.iter().find(|volume| volume.name == "pm-shop_cache.files").unwrap();
    let bytes = volume.files[0].content.fill(|_| Some("q\"\\\n".to_owned())).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "requirepass \"a-q\\\"\\\\\\x0a\"\n");
}

#[test]
fn settings_are_arguments_of_the_engine() {
    let plan = planned(&profile(
        "stores: {db: {engine: postgres, image: \"postgres:16\", settings: {work_mem: 4MB}}, cache: {engine: redis, image: \"redis:7\", settings: {save: \"900 1\", notify-keyspace-events: \"\"}}}",
    ));
    assert_eq!(main_of(&plan, "db").command.as_ref().unwrap(), &["postgres", "-c", "work_mem=4MB"]);
    let cache = main_of(&plan, "cache").command.as_ref().unwrap();
    assert_eq!(cache, &["redis-server", "--save", "900", "1", "--notify-keyspace-events", ""]);
}

#[test]
fn the_downward_api_follows_the_rules_of_kubernetes() {
    let plan = planned(&service(
        "replicas: 2, hostname: fixed, env: {N: {field: pod.name}, A: {field: pod.address}, C: {field: limits.cpu}, M: {field: limits.memory}, R: {field: requests.cpu}}, resources: {limits: {cpu: 1500m}}",
    ));
    assert_eq!(env_of(&plan, "api", "N").as_deref(), Some("api-0"));
    assert_eq!(env_of(&plan, "api", "C").as_deref(), Some("2"));
    assert_eq!(env_of(&plan, "api", "M").as_deref(), Some("17179869184"), "no limit is the node's");
    assert_eq!(env_of(&plan, "api", "R").as_deref(), Some("2"), "no request is the limit");
    for ordinal in 0..2 {
        let NetworkMode::Own(own) = &pod(&plan, "api", ordinal).pause.network else { panic!() };
        let written = pod(&plan, "api", ordinal).main.env["A"].to_string();
        assert_eq!(own.address.map(|address| address.to_string()), Some(written));
        assert_eq!(own.hostname.as_deref(), Some("fixed"));
    }
}

#[test]
fn flags_zone_and_links_are_added_and_never_put_over_what_is_written() {
    let plan = planned(&profile(
        "flags: {A: yes, B: 0777}\nservices: {api: {image: \"local:api:dev\", ports: {http: 80}, env: {TZ: mine, API_PORT: mine}, flags: [A, B], timezone: Europe/Zurich, enable_service_links: true}}",
    ));
    let wanted =
        [("A", "yes"), ("B", "0777"), ("TZ", "mine"), ("API_PORT", "mine"), ("API_SERVICE_PORT", "80")];
    for (name, value) in wanted {
        assert_eq!(env_of(&plan, "api", name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn an_image_is_taken_by_digest_by_id_by_role_or_said_to_be_loose() {
    let text = format!(
        "services: {{here: {{image: \"local:api:dev\"}}, pinned: {{image: \"x/y@{DIGEST}\"}}, loose: {{image: \"x/y:1\"}}}}\nstores: {{db: {{engine: postgres, image: \"postgres:16@{DIGEST}\"}}}}"
    );
    let profile = profile(&text);
    let mut capabilities = host();
    let of = |capabilities: &_, service: &str| {
        let plan = plan(&profile, capabilities, &Origins::default());
        let image = &main_of(&plan, service).image;
        (image.source, image.reference.clone())
    };
    assert_eq!(of(&capabilities, "here"), (ImageSource::Local, ID.to_owned()));
    assert_eq!(of(&capabilities, "pinned"), (ImageSource::Digest, format!("x/y@{DIGEST}")));
    assert_eq!(of(&capabilities, "loose"), (ImageSource::Tag, "x/y:1".to_owned()));
    assert_eq!(of(&capabilities, "db"), (ImageSource::Role, "prodmirror-built/postgres:15".to_owned()));
    let plan_text = plan(&profile, &capabilities, &Origins::default());
    assert!(plan_text.notes.iter().any(|note| note.contains("stands in")), "{:?}", plan_text.notes);
    assert!(plan_text.notes.iter().any(|note| note.contains("has no digest")));
    capabilities.images.insert(format!("postgres@{DIGEST}"), Default::default());
    assert_eq!(of(&capabilities, "db").0, ImageSource::Digest);
    capabilities.options.images.insert("pinned".into(), "local:worker:dev".parse().unwrap());
    assert_eq!(of(&capabilities, "pinned"), (ImageSource::Local, ID.to_owned()));
}

#[test]
fn limits_become_what_the_engine_takes_and_cuts_are_said() {
    let plan = planned(&service(
        "resources: {limits: {cpu: 64, memory: 512Mi}, requests: {cpu: 1m, memory: 1Mi}}, ulimits: {nofile: {soft: 1024, hard: -1}, core: 0}",
    ));
    let main = main_of(&plan, "api");
    assert_eq!(main.limits.cpu_millis, Some(4000), "the host has four cores");
    assert_eq!(main.limits.cpu_shares, Some(2));
    assert_eq!(main.limits.memory, Some(512 << 20));
    assert_eq!(main.limits.memory_reservation, Some(6 << 20));
    assert_eq!(main.ulimits["nofile"], (1024, 1_048_576));
    assert_eq!(main.ulimits["core"], (0, 0));
    assert_eq!(plan.notes.len(), 2, "{:?}", plan.notes);
}

#[test]
fn a_process_sees_as_many_cores_as_in_production_where_the_host_has_more() {
    let cpuset = |cores: u32| {
        let plan = planned(&profile(&format!(
            "platform: {{cores: {cores}}}\nservices: {{api: {{image: \"local:api:dev\"}}}}"
        )));
        main_of(&plan, "api").limits.cpuset.clone()
    };
    assert_eq!(cpuset(2).as_deref(), Some("0-1"));
    assert_eq!(cpuset(4), None);
    assert_eq!(cpuset(8), None);
}

#[test]
fn kernel_settings_of_the_network_are_the_pauses() {
    let plan = planned(&service(
        "sysctls: {net.core.somaxconn: \"512\", kernel.shmmax: \"1\"}, dns: {ndots: 2}, extra_hosts: {a: 192.0.2.1}",
    ));
    let pod = pod(&plan, "api", 0);
    assert_eq!(pod.pause.sysctls.keys().collect::<Vec<_>>(), ["net.core.somaxconn"]);
    assert_eq!(pod.main.sysctls.keys().collect::<Vec<_>>(), ["kernel.shmmax"]);
    assert_eq!(pod.main.network, NetworkMode::Of("api.0".to_owned()));
    let NetworkMode::Own(own) = &pod.pause.network else { panic!() };
    assert_eq!(own.dns_options, ["ndots:2"]);
    assert_eq!(own.extra_hosts["a"], "192.0.2.1");
    assert_eq!(
        (pod.pause.cap_add.as_slice(), pod.pause.cap_drop.as_slice()),
        (&["NET_ADMIN".to_owned()][..], &["ALL".to_owned()][..])
    );
}

#[test]
fn volumes_are_per_replica_per_ordinal_or_for_all_who_name_them() {
    let text = |stateful: bool| {
        format!(
            "services: {{api: {{image: \"local:api:dev\", replicas: 2, stateful: {stateful}, fs_group: 7, volumes: {{/e: empty, /m: {{empty: {{medium: memory, size: 1Mi}}}}, /c: {{claim: data}}, /s: {{shared: all}}, /h: {{host: /srv}}}}}}}}\nallow: [host-path]"
        )
    };
    let names = |stateful| {
        let plan = planned(&profile(&text(stateful)));
        plan.volumes.iter().map(|volume| volume.name.clone()).collect::<Vec<_>>()
    };
    assert!(names(false).contains(&"pm-shop_pm.claim.data".to_owned()));
    assert!(names(true).contains(&"pm-shop_api.1.claim-data".to_owned()));
    let mut unlawful = profile(&text(false));
    unlawful.allow.clear();
    let plan = planned(&unlawful);
    let of = |name: &str| plan.volumes.iter().find(|volume| volume.name == name).unwrap();
    assert_eq!((of("pm-shop_api.1.e").group, of("pm-shop_api.1.e").mode), (Some(7), Some(0o777)));
    assert_eq!(of("pm-shop_api.0.m").memory, Some(Some(1 << 20)));
    assert_eq!(
        (of("pm-shop_pm.shared.all").role.clone(), of("pm-shop_pm.shared.all").group),
        (VolumeRole::Shared, None)
    );
    let main = main_of(&plan, "api");
    assert!(
        main.mounts.iter().all(|mount| mount.target() != "/h"),
        "a host path is not mounted unless allowed"
    );
    assert_eq!(main.group_add, ["7"]);
    assert_eq!(plan.refusals.iter().map(|r| r.code.as_str()).collect::<Vec<_>>(), ["not-allowed"]);
    let held: Vec<&str> = pod(&plan, "api", 0).pause.mounts.iter().map(Mount::target).collect();
    assert_eq!(held, ["/held/0"], "the pause keeps the tmpfs while containers come and go");
}

#[test]
fn every_volume_of_an_image_is_covered_by_one_of_ours() {
    let mut capabilities = host();
    let facts = capabilities.images.get_mut("api:dev").unwrap();
    facts.volumes = ["/data", "/log/", "/tmp/x", "/own"].map(str::to_owned).to_vec();
    let profile = service("volumes: {/data: empty}, tmpfs: {/tmp/x: {}}, sidecars: {side: {command: [x]}}");
    let plan = plan(&profile, &capabilities, &Origins::default());
    let pod = pod(&plan, "api", 0);
    let of = |container: &prodmirror::plan::ContainerPlan| -> Vec<String> {
        container
            .mounts
            .iter()
            .map(|mount| match mount {
                Mount::Volume { volume, target, .. } => format!("{target} {volume}"),
                Mount::Bind { .. } => String::new(),
            })
            .collect()
    };
    assert_eq!(
        of(&pod.main),
        ["/data pm-shop_api.0.data", "/log/ pm-shop_api.0.main.log", "/own pm-shop_api.0.main.own"]
    );
    assert_eq!(
        of(&pod.sidecars[0])[3],
        "/tmp/x pm-shop_api.0.side.tmp-x",
        "its own process has no tmpfs there"
    );
}

#[test]
fn the_data_of_a_store_lies_where_its_image_keeps_it() {
    let target = |volumes: &[&str]| {
        let mut capabilities = host();
        let facts = capabilities.images.get_mut("prodmirror-built/postgres:15").unwrap();
        facts.volumes = volumes.iter().map(|volume| (*volume).to_owned()).collect();
        let plan = plan(&profile(STORES), &capabilities, &Origins::default());
        main_of(&plan, "db").mounts[0].target().to_owned()
    };
    assert_eq!(target(&["/var/lib/postgresql/data"]), "/var/lib/postgresql/data");
    assert_eq!(target(&["/var/lib/postgresql"]), "/var/lib/postgresql", "from version 18 on");
    assert_eq!(target(&[]), "/var/lib/postgresql/data");
}

#[test]
fn files_are_mounted_alone_or_as_a_whole_folder_behind_the_data_link() {
    let plan = planned(&profile(
        "secrets: {k: {}}\nservices: {api: {image: \"local:api:dev\", files: {/etc/one: a, /conf.d/: {x: b, y: c}, /mixed/: {p: d, q: {secret: k}}, /run/key: {secret: k, mode: \"0400\"}}}}",
    ));
    let mounts: Vec<String> = main_of(&plan, "api")
        .mounts
        .iter()
        .map(|mount| match mount {
            Mount::Volume { volume, target, subpath, read_only: true, .. } => {
                format!("{target} {volume} {}", subpath.as_deref().unwrap())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(mounts[0], "/etc/one pm-shop_api.files files/..data/etc/one");
    assert!(mounts[1].starts_with("/conf.d pm-shop_api.files at-conf-d-"), "{}", mounts[1]);
    assert_eq!(mounts[2], "/mixed pm-shop_api.secrets at-mixed");
    assert_eq!(mounts[3], "/run/key pm-shop_api.secrets files/..data/run/key");
    assert_eq!(mounts.len(), 4);
    let pod = pod(&plan, "api", 0);
    assert_eq!(pod.pause.mounts[0].target(), "/secrets");
    assert_eq!(pod.duties.files.len(), 3, "the keeper can put them all back");
    assert_eq!(pod.duties.files[0].path, "/secrets/at-mixed/p");
}

#[test]
fn doors_are_the_exposed_ports_and_udp_has_none() {
    let doors = |network: &str| -> Vec<String> {
        let plan = planned(&profile(&format!(
            "{STORES}services: {{api: {{image: \"local:api:dev\", ports: {{http: 80, admin: 81, dns: {{port: 53, protocol: udp}}}}}}}}\n{network}"
        )));
        assert_eq!(plan.gateway.container.publish.len(), plan.gateway.doors.len());
        plan.gateway.doors.iter().map(ToString::to_string).collect()
    };
    let all = [
        "20001=db/postgres:5432",
        "20002=plain/postgres:5432",
        "20003=cache/redis:6379",
        "20004=open/redis:6379",
        "20005=api/http:80",
        "20006=api/admin:81",
    ];
    assert_eq!(doors(""), all);
    assert_eq!(doors("network: {expose: [{service: api, port: admin}]}"), ["20001=api/admin:81"]);
    assert_eq!(doors("network: {expose: []}"), [""; 0]);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_made() {
    let codes = |blocks: &str| -> Vec<String> {
        let plan = planned(&profile(blocks));
        plan.refusals.into_iter().map(|refusal| format!("{} {}", refusal.code, refusal.path)).collect()
    };
    assert_eq!(
        codes(&format!("stores: {{db: {{engine: redis, image: \"redis@{DIGEST}\", seed: \"snapshot:x\"}}}}")),
        ["snapshot-seed stores.db.seed"]
    );
    assert_eq!(codes("services: {api: {image: \"local:api:gone\"}}"), ["image-missing services.api.image"]);
    assert_eq!(codes("services: {api: {image: \"local:api:dev\"}}"), [""; 0]);
    let mut capabilities = host();
    capabilities.host.helper = None;
    let refused = plan(&service("replicas: 1"), &capabilities, &Origins::default()).refusals;
    assert_eq!(refused[0].code, "helper-missing");
}

#[test]
fn helpers_hold_nothing_that_they_do_not_need() {
    let plan = planned(&service("ports: {http: 80}"));
    let gateway = &plan.gateway.container;
    assert!(
        gateway.mounts.iter().all(|mount| matches!(mount, Mount::Volume { read_only: true, .. })),
        "no socket"
    );
    assert_eq!(gateway.sysctls["net.ipv4.ip_forward"], "0");
    assert!(plan.keeper.publish.is_empty());
    for helper in containers(&plan).iter().filter(|container| container.image.source == ImageSource::Helper) {
        assert!(helper.read_only && helper.cap_drop == ["ALL"], "{}", helper.key);
    }
    let mut capabilities = host();
    capabilities.host.socket = None;
    let without = plan_of(&capabilities);
    assert!(without.keeper.mounts.iter().all(|mount| matches!(mount, Mount::Volume { .. })));
}

fn plan_of(capabilities: &prodmirror::plan::Capabilities) -> prodmirror::plan::Plan {
    plan(&service("replicas: 1"), capabilities, &Origins::default())
}

#[test]
fn more_replicas_than_any_host_holds_are_refused_and_not_planned() {
    let mut unlawful = service("replicas: 1");
    unlawful.services.values_mut().for_each(|service| service.replicas = Some(4_000_000_000));
    let plan = planned(&unlawful);
    assert_eq!(plan.refusals[0].code, "too-many-replicas");
    assert_eq!(plan.pods.len(), 1000);
    let subnet = plan.networks.inside.subnet;
    assert!(subnet.bits <= 21, "the engine's half holds them all: {subnet}");
}
