//! Secrets of forty shapes in files of variables: none is in what `env-dump` and `env-diff` print.

use serde_json::{Map, Value as Json};

use crate::{
    cli::{Cli, Done},
    planted::{Chance, Shows, shapes},
};

/// Names and texts in which a secret may stand, and whether they say that it is one.
const PLACES: [(&str, &str, bool); 8] = [
    ("API_TOKEN", "", true),
    ("DB_PASSWORD", "", true),
    ("spring.mail.password", "", true),
    ("LINE", "run --api-key=", true),
    ("URL", "https://api.example.com/?token=", true),
    ("BLOB", "", false),
    ("TEXT", "before ", false),
    ("ENDPOINT_URL", "", false),
];

/// A file of variables, and what nobody may see of it.
fn planted(chance: &mut Chance) -> (String, Vec<(String, String)>) {
    let (mut variables, mut secrets) = (Map::new(), Vec::new());
    for (place, before, telling) in PLACES {
        // Each place has its own: what one gives away does not help to find another.
        for (at, (shape, text, secret, shows)) in shapes(chance).into_iter().enumerate() {
            if shows == Shows::Nothing && !telling {
                continue;
            }
            variables.insert(format!("V{at}_{place}"), Json::from(format!("{before}{text}")));
            secrets.push((format!("{shape} in {place}"), secret));
        }
    }
    (Json::from(variables).to_string(), secrets)
}

fn leaks(done: &Done, secrets: &[(String, String)], of: &str) -> Vec<String> {
    let shown = |secret: &str| {
        let printed = [&done.stdout, &done.stderr];
        printed.iter().any(|text| text.contains(secret) || text.contains(&secret[..secret.len().min(12)]))
    };
    secrets.iter().filter(|(_, secret)| shown(secret)).map(|(at, _)| format!("{of}: {at}")).collect()
}

#[test]
fn no_planted_secret_is_in_any_output() {
    let cli = Cli::new();
    let mut chance = Chance(11);
    let ((first, mut secrets), (second, others)) = (planted(&mut chance), planted(&mut chance));
    secrets.extend(others);
    assert!(secrets.len() >= 600, "{}", secrets.len());
    let file = |name: &str, text: &str| cli.file(name, text).display().to_string();
    let (a, b) = (file("a.json", &first), file("b.json", &second));
    let none = file("none.env", "ONE=1\n");
    let mut found = Vec::new();
    for format in ["dotenv", "json", "compose", "shell", "docker"] {
        // A shell has no names with dots.
        let text = first.replace("spring.mail.password", "springMailPassword");
        let source = if format == "shell" { file("shell.json", &text) } else { a.clone() };
        let done = cli.run(&["env-dump", "--from", &source, "--format", format]);
        found.extend(leaks(&done, &secrets, format));
        found.extend((done.code != 0).then(|| format!("{format} ends with exit {}", done.code)));
    }
    for (one, other) in [(&a, &b), (&a, &none), (&none, &b)] {
        for format in ["text", "json"] {
            let done = cli.run(&["env-diff", one, other, "--noise", "--format", format]).code(1);
            found.extend(leaks(&done, &secrets, &format!("env-diff --format {format}")));
        }
    }
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

#[test]
fn secrets_in_lines_of_every_dialect_are_kept() {
    let cli = Cli::new();
    let mut chance = Chance(12);
    let flat = |(_, text, _, _): &(_, String, _, _)| !text.contains(['\n', '$', '\'']);
    let all: Vec<_> = shapes(&mut chance).into_iter().filter(flat).collect();
    let line = |(at, (_, text, ..)): (usize, &(&str, String, String, Shows))| format!("V{at}_TOKEN={text}\n");
    let quoted =
        |(at, (_, text, ..)): (usize, &(&str, String, String, Shows))| format!("V{at}_TOKEN='{text}'\n");
    let secrets: Vec<(String, String)> =
        all.iter().map(|(shape, _, secret, _)| ((*shape).to_owned(), secret.clone())).collect();
    for dialect in ["compose", "docker", "dotenv", "shell"] {
        let text: String = match dialect {
            "docker" => all.iter().enumerate().map(line).collect(),
            _ => all.iter().enumerate().map(quoted).collect(),
        };
        let file = cli.file("lines.env", &text).display().to_string();
        let done = cli.run(&["env-dump", "--from", &file, "--dialect", dialect]).ok();
        assert_eq!(leaks(&done, &secrets, dialect), [""; 0]);
        assert_eq!(done.stdout.lines().count(), all.len(), "{done}");
    }
}

/// What Compose fills in, and what stands on the other side of a difference, is as secret as where it comes from.
#[test]
fn a_secret_is_kept_wherever_it_goes_and_as_a_person_says() {
    let cli = Cli::new();
    let file = |name: &str, text: &str| cli.file(name, text).display().to_string();
    let a = file(
        "a.env",
        "DB_PASSWORD=blue-horse-77\nCOPY=${DB_PASSWORD}\nLINE=\"db $DB_PASSWORD\"\nSORT_KEY=price\nLICENCE=abc\nBLOB=x\n",
    );
    let b = file("b.env", "COPY=plain-word\nLICENCE=def\nBLOB=ghp_abcdefghijklmnopqrstuvwxyz0123456789\n");
    let dump = cli.run(&["env-dump", "--from", &a]).ok();
    assert!(!dump.to_string().contains("blue-horse"), "{dump}");
    assert!(dump.stdout.contains("#secret SORT_KEY=") && dump.stdout.contains("\nLICENCE=abc\n"), "{dump}");
    let said = ["env-dump", "--from", &a, "--is-secret", "LICENCE", "--is-plain", "SORT_KEY"];
    let dump = cli.run(&said).ok();
    assert!(dump.stdout.contains("\nSORT_KEY=price\n") && !dump.to_string().contains("abc"), "{dump}");
    for format in ["text", "json"] {
        let done = cli.run(&["env-diff", &a, &b, "--is-secret", "LICENCE", "--format", format]).code(1);
        for secret in ["blue-horse", "plain-word", "abc\"", "def\"", "ghp_", "\"x\""] {
            assert!(!done.stdout.contains(secret), "{secret} in {done}");
        }
    }
}
