use std::fs;

use crate::{errors, has_compose, init};

const STACK: &str = r#"
name: my_Shop
services:
  web_app:
    build: .
    image: shop/web:2
    command: gunicorn --bind 0.0.0.0:8000 "shop:make('x')"
    ports: ["8080:8000"]
    environment:
      DATABASE_URL: postgres://shop:hunter2-hunter2@db:5432/shop
      SESSION_SECRET: s3ss10n-key-of-old
      LOG_LEVEL: ${LOG_LEVEL:-debug}
      REGION: ${REGION}
      PRICE: costs $$5 and $${x}
      PASSED:
      WORKERS: 4
    env_file: [web.env]
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
    deploy:
      replicas: 3
      resources: {limits: {cpus: "0.5", memory: 512M}, reservations: {memory: 64m}}
      update_config: {parallelism: 1}
    user: "1000:1000"
    read_only: true
    cap_drop: [CAP_ALL]
    ulimits: {nofile: {soft: 1024, hard: 2048}, core: 0}
    sysctls: [net.core.somaxconn=512]
    stop_grace_period: 1m10s
    labels: [team=checkout, prodmirror.x=y]
    tmpfs: /run:size=16m,mode=1777
    volumes: ["uploads:/srv/uploads", "./conf:/etc/shop", "/var/cache"]
    hostname: no_host_name
    restart: on-failure:3
    healthcheck: {test: curl -f http://localhost:8000/healthz, interval: 5s, retries: 2, start_period: 10s}
    gpus: all
  migrate:
    image: shop/web:2
    command: [python, -m, shop.migrate]
    environment: [DB_PASSWORD=hunter2-hunter2]
    depends_on: [db]
  db:
    image: postgres:16
    command: postgres -c max_connections=50
    environment: [POSTGRES_DB=shop, POSTGRES_USER=shop, POSTGRES_PASSWORD=hunter2-hunter2, TZ=UTC]
    volumes: ["db:/var/lib/postgresql/data", "./seed.sql:/docker-entrypoint-initdb.d/seed.sql"]
    ports: ["5432:5432"]
    healthcheck: {test: [CMD-SHELL, "PGPASSWORD=hunter2-hunter2 psql -U shop"]}
  cache:
    image: redis:7
    command: redis-server --requirepass another-long-one --maxmemory-policy noeviction
volumes: {uploads: {}, db: {driver_opts: {type: none}}}
networks: {back: {internal: true}}
"#;

const VARIABLES: &str = "# of the application\nAPI_TOKEN='t0ken of the file'\nFEATURE=on\n";

fn small(with_docker: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("compose.yaml"), STACK).unwrap();
    fs::write(folder.path().join("web.env"), VARIABLES).unwrap();
    fs::write(folder.path().join(".env"), "REGION=eu-1\n").unwrap();
    let text = init(&folder.path().join("compose.yaml"), with_docker).unwrap();
    assert!(errors(&text).is_empty(), "{:?}\n{text}", errors(&text));
    text.replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn a_stack_is_taken_field_by_field() {
    if !has_compose() {
        println!("skipped: no docker compose on PATH");
        return;
    }
    insta::assert_snapshot!(small(true));
}

#[test]
fn without_docker_only_what_compose_resolves_is_missing() {
    let text = small(false);
    assert!(text.contains("hole: \"the Compose file takes ${REGION} from the host\""), "{text}");
    assert!(text.contains("not taken: services.web_app.env_file"), "{text}");
    assert!(text.contains("replicas: 3"), "{text}");
}

#[test]
fn no_password_of_the_file_is_in_the_profile() {
    for with_docker in [true, false] {
        if with_docker && !has_compose() {
            println!("skipped with docker: no docker compose on PATH");
            continue;
        }
        let text = small(with_docker);
        for value in ["hunter2", "s3ss10n", "t0ken", "another-long-one"] {
            assert!(!text.contains(value), "{value} in\n{text}");
        }
    }
}

#[test]
fn the_hosts_environment_is_no_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    // HOME is set wherever this runs.
    fs::write(
        &file,
        "services: {a: {image: a, environment: {A: \"${HOME}\", B: \"${HOME:-none}\", HOME: }}}\n",
    )
    .unwrap();
    for with_docker in [true, false] {
        let text = init(&file, with_docker).unwrap();
        let home = std::env::var("HOME").unwrap();
        assert!(!text.contains(&home), "{text}");
        assert_eq!(text.matches("{hole: ").count(), 2, "{text}");
    }
}

#[test]
fn what_is_no_compose_file_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    fs::write(&file, "a: [").unwrap();
    for with_docker in [true, false] {
        let said = init(&file, with_docker).unwrap_err();
        assert!(said.contains("compose.yaml"), "{said}");
    }
    assert!(init(&folder.path().join("absent.yaml"), true).unwrap_err().contains("absent.yaml"));
}
