//! Pure code on large profiles: `cargo bench --bench pure`.
//!
//! The aims: plan and render of 200 services in 50 ms, render of 1,000 in 500 ms for either back end, the difference of
//! two profiles of 500 in 200 ms.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use prodmirror::{
    diff::{apply, compare, diff},
    plan::{BackendKind, Capabilities, Plan, cluster, plan},
    profile::{Layers, Loaded, Source, load, tree},
    render::{self, Form, Templates, bundle},
};

#[allow(dead_code, reason = "the tests of plans use the rest of it")]
#[path = "../tests/plan/support.rs"]
mod support;

const SERVICES: u32 = 200;
/// 34 lines each.
const OF_20_000_LINES: u32 = 590;

/// A profile as a production has it: each service with variables, limits, probes and a file.
fn text(services: u32, level: &str) -> String {
    let mut text = String::from(
        "apiVersion: prodmirror/v1\nname: large\nflags: {ENABLE_CACHE: true}\nsecrets: [db-password, session-key]\n\
         stores:\n  db: {engine: postgres, image: \"local:api:dev\", database: d, user: u, password: \"${secret:db-password}\"}\n\
         services:\n",
    );
    for number in 0..services {
        text.push_str(&format!(
            "  service-{number}:\n    image: local:api:dev\n    command: [serve, --port, \"8000\"]\n    \
             env:\n      DATABASE_URL: ${{store:db.url}}\n      SESSION_KEY: ${{secret:session-key}}\n      LEVEL: {level}\n"
        ));
        for variable in 0..20 {
            text.push_str(&format!(
                "      VARIABLE_{variable}: \"the value of $number {variable}: a # b\"\n"
            ));
        }
        text.push_str(
            "    flags: [ENABLE_CACHE]\n    files: {/etc/app/app.ini: \"[a]\\nb = 1\\n\"}\n    \
             resources: {limits: {cpu: 500m, memory: 512Mi}, requests: {cpu: 250m, memory: 256Mi}}\n    \
             ports: {http: 8000}\n    probes: {readiness: {http: /healthz}, liveness: {tcp: {}}}\n    needs: [db]\n    \
             labels: {team: checkout, tier: web}\n",
        );
    }
    text
}

fn loaded(text: &str) -> Loaded {
    let documents = [Source::new("large.yaml", text)];
    let read_file = |_: &str, path: &str| Err(format!("{path} is not read here"));
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    load(&layers).unwrap_or_else(|problems| panic!("{problems}"))
}

fn planned(loaded: &Loaded, host: &Capabilities) -> Plan {
    plan(&loaded.profile, host, &loaded.origins)
}

fn pure(criterion: &mut Criterion) {
    let (host, templates) = (support::host(), Templates::embedded());
    let (text_a, text_b) = (text(SERVICES, "info"), text(SERVICES, "debug"));
    let profile = loaded(&text_a);
    let made = planned(&profile, &host);
    let (a, b) = (tree(&profile.profile), tree(&loaded(&text_b).profile));
    let changes = diff(&a, &b);
    assert_eq!(changes.len(), SERVICES as usize);

    criterion.bench_function("load 200 services", |bench| bench.iter(|| loaded(black_box(&text_a))));
    criterion.bench_function("plan 200 services", |bench| bench.iter(|| planned(black_box(&profile), &host)));
    criterion.bench_function("render 200 services", |bench| {
        bench.iter(|| bundle(black_box(&made), Form::Launch, &templates));
    });
    criterion.bench_function("plan and render 200 services", |bench| {
        bench.iter(|| bundle(&planned(black_box(&profile), &host), Form::Launch, &templates));
    });
    criterion
        .bench_function("compare 200 services", |bench| bench.iter(|| compare(black_box(&a), black_box(&b))));
    criterion.bench_function("apply 200 changes", |bench| {
        bench.iter(|| apply(black_box(&a), black_box(&changes)))
    });
}

fn large(criterion: &mut Criterion) {
    let (host, templates) = (support::host(), Templates::embedded());
    let long = text(OF_20_000_LINES, "info");
    assert!((20_000..21_000).contains(&long.lines().count()), "{} lines", long.lines().count());
    let (a, b) = (loaded(&text(500, "info")), loaded(&text(500, "debug")));
    let (a, b) = (tree(&a.profile), tree(&b.profile));
    let thousand = loaded(&text(1_000, "info"));
    let made = planned(&thousand, &host);
    let on_kind = support::cluster_host(BackendKind::Kind);
    let made_for_kind = cluster(&thousand.profile, &on_kind, &thousand.origins);

    let mut group = criterion.benchmark_group("large");
    group.sample_size(20);
    group.bench_function("load 20,000 lines", |bench| bench.iter(|| loaded(black_box(&long))));
    group
        .bench_function("compare 500 services", |bench| bench.iter(|| compare(black_box(&a), black_box(&b))));
    group.bench_function("render 1,000 services", |bench| {
        bench.iter(|| bundle(black_box(&made), Form::Launch, &templates));
    });
    group.bench_function("plan 1,000 services for Kubernetes", |bench| {
        bench.iter(|| cluster(black_box(&thousand.profile), &on_kind, &thousand.origins));
    });
    group.bench_function("render 1,000 services for Kubernetes", |bench| {
        bench.iter(|| render::cluster(black_box(&made_for_kind), &templates));
    });
    group.finish();
}

criterion_group!(benches, pure, large);
criterion_main!(benches);
