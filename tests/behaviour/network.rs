//! What a client sees of a service, and a service of its client.

use std::collections::{BTreeMap, BTreeSet};

use crate::ground::{Ground, greeter, until, within};

pub fn a_name_leads_to_a_service_and_it_sees_its_client(ground: &Ground) {
    let said = ground.call("gate").unwrap();
    let client = said.split_whitespace().nth(1).unwrap();
    assert_eq!(client, ground.sh("asker", 0, "hostname -i"), "{said}");
}

pub fn connections_are_spread_over_the_replicas(ground: &Ground) {
    let program = "import socket\nfor _ in range(60): print(socket.create_connection(('plain', 8000), 5).makefile().readline().split()[0])";
    let said = ground.python("asker", 0, program);
    let replicas: BTreeSet<&str> = said.lines().collect();
    let names: Vec<String> = (0..2).map(|ordinal| ground.sh("plain", ordinal, "hostname")).collect();
    assert_eq!(replicas, names.iter().map(String::as_str).collect());
}

pub fn a_name_of_a_headless_service_leads_to_every_replica(ground: &Ground) {
    let mut own: Vec<String> = (0..2).map(|ordinal| ground.sh("ordered", ordinal, "hostname -i")).collect();
    own.sort();
    assert_eq!(ground.addresses("ordered"), own);
}

pub fn a_replica_with_an_identity_has_a_name_of_its_own(ground: &Ground) {
    for ordinal in 0..2 {
        let name = format!("ordered-{ordinal}");
        assert_eq!(ground.sh("ordered", ordinal, "hostname"), name);
        assert_eq!(
            ground.addresses(&format!("{name}.ordered")),
            [ground.sh("ordered", ordinal, "hostname -i")]
        );
    }
}

pub fn a_service_has_one_address_that_is_no_replicas(ground: &Ground) {
    let found = ground.addresses("plain");
    let own: Vec<String> = (0..2).map(|ordinal| ground.sh("plain", ordinal, "hostname -i")).collect();
    assert!(found.len() == 1 && !own.contains(&found[0]), "{found:?} {own:?}");
}

pub fn long_names_lead_to_a_service_too(ground: &Ground) {
    let domain = ground.domain();
    let namespace = domain.split('.').next().unwrap_or_default();
    for name in [format!("plain.{namespace}"), format!("plain.{namespace}.svc"), format!("plain.{domain}")] {
        assert_eq!(ground.addresses(&name), ground.addresses("plain"), "{name}");
    }
}

pub fn names_are_looked_for_in_the_domains_of_a_cluster(ground: &Ground) {
    let conf = ground.sh("asker", 0, "cat /etc/resolv.conf");
    let (search, options) = (format!("search {} svc.cluster.local", ground.domain()), "options ndots:5");
    assert!(conf.contains(&search) && conf.contains(options), "{conf}");
}

pub fn what_is_not_ready_gets_no_new_connections(ground: &Ground) {
    ground.sh("gate", 0, "rm /tmp/open");
    within(30, "it is called in vain", || ground.call("gate").is_err().then_some(()));
    ground.sh("gate", 0, "touch /tmp/open");
    until("it is called and answers", || ground.call("gate").ok());
}

pub fn nothing_gets_out(ground: &Ground) {
    let (address, port) = (ground.outside(), greeter());
    let program = format!(
        "import socket\ntry:\n  print(socket.create_connection(('{address}', {port}), 3).makefile().readline())\nexcept OSError as e:\n  print('refused')"
    );
    assert_eq!(ground.python("asker", 0, &program), "refused");
    // Else it would say nothing: somebody answers there.
    let mut said = String::new();
    let mut stream = std::net::TcpStream::connect((address, port)).unwrap();
    std::io::Read::read_to_string(&mut stream, &mut said).unwrap();
    assert_eq!(said, "outside\n");
}

/// The variables of a service that a container has, by what comes after its name.
fn links(ground: &Ground, service: &str, to: &str) -> BTreeMap<String, String> {
    let variables = ground.sh(service, 0, "env");
    let pairs = variables.lines().filter_map(|line| line.split_once('='));
    let own = pairs.filter_map(|(name, value)| Some((name.strip_prefix(to)?.to_owned(), value.to_owned())));
    own.collect()
}

pub fn variables_lead_to_the_services_that_have_an_address(ground: &Ground) {
    let found = links(ground, "last", "PLAIN_");
    let host = found["SERVICE_HOST"].clone();
    let wanted = [
        ("SERVICE_HOST", host.clone()),
        ("SERVICE_PORT", "8000".to_owned()),
        ("SERVICE_PORT_TCP", "8000".to_owned()),
        ("PORT", format!("tcp://{host}:8000")),
        ("PORT_8000_TCP", format!("tcp://{host}:8000")),
        ("PORT_8000_TCP_PROTO", "tcp".to_owned()),
        ("PORT_8000_TCP_PORT", "8000".to_owned()),
        ("PORT_8000_TCP_ADDR", host.clone()),
    ];
    assert_eq!(found, wanted.map(|(name, value)| (name.to_owned(), value)).into());
    let program =
        format!("import socket; print(socket.create_connection(('{host}', 8000), 5).makefile().read())");
    assert!(!ground.python("last", 0, &program).is_empty(), "nobody greets there");
    assert_eq!(links(ground, "last", "ORDERED_"), BTreeMap::new(), "a headless service has no address");
}

pub fn variables_have_the_addresses_of_services(ground: &Ground) {
    assert_eq!([links(ground, "last", "PLAIN_")["SERVICE_HOST"].clone()], ground.addresses("plain")[..]);
}

pub fn who_does_not_ask_for_such_variables_has_none(ground: &Ground) {
    assert_eq!(links(ground, "asker", "PLAIN_"), BTreeMap::new());
}
