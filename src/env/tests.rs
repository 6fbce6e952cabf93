use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;

fn texts(text: &str, dialect: Dialect) -> Vec<(String, String)> {
    let read = read(text, dialect).unwrap_or_else(|error| panic!("{dialect:?}: {error}\n{text}"));
    read.into_iter().map(|(name, value)| (name, value.text().unwrap_or("(not known)").to_owned())).collect()
}

fn one(text: &str, dialect: Dialect) -> String {
    texts(text, dialect).pop().unwrap().1
}

fn variable(name: &str, value: Value) -> Variable {
    Variable { name: name.to_owned(), value, source: Source::Env, written: None }
}

const FORMATS: [(Format, Dialect); 4] = [
    (Format::Dotenv, Dialect::Compose),
    (Format::Docker, Dialect::Docker),
    (Format::Shell, Dialect::Shell),
    // Told by its content, whatever the dialect.
    (Format::Compose, Dialect::Docker),
];

#[test]
fn one_line_means_four_things() {
    for (line, wanted) in [
        ("A='x y' # c", ["x y", "'x y' # c", "x y", "x y"]),
        ("A=x#y", ["x#y", "x#y", "x", "x#y"]),
        (r#"A="a\tb\n""#, ["a\tb\n", r#""a\tb\n""#, "a\\tb\n", r"a\tb\n"]),
        (r"A='it\'s'", ["it's", r"'it\'s'", r"it\'s", "(error)"]),
        ("A=$B", ["(not known)", "$B", "$B", "(not known)"]),
        ("A=$$B", ["$B", "$$B", "$$B", "(error)"]),
        ("A= x ", ["x", " x ", "x", "(error)"]),
    ] {
        for (dialect, wanted) in Dialect::ALL.into_iter().zip(wanted) {
            let found = match read(line, dialect) {
                Ok(found) => found["A"].text().unwrap_or("(not known)").to_owned(),
                Err(_) => "(error)".to_owned(),
            };
            assert_eq!(found, wanted, "{line} {dialect:?}");
        }
    }
}

#[test]
fn compose_fills_in_what_stands_before_and_nothing_of_the_host() {
    let text = "A=1\nB=${A}_$A\nC=${X:-d}\nD=${X-${A}}\nE=${A:+y}\nF=${X:+y}\nG='$A'\nH=\"\\$A $$A\"\nI=${A:-x} and ${X:-y}\n";
    let wanted = ["1", "1_1", "d", "1", "y", "", "$A", "$A $A", "1 and y"];
    let found: Vec<String> = texts(text, Dialect::Compose).into_iter().map(|(_, value)| value).collect();
    assert_eq!(found, wanted);
    let holes = read("A=${HOME}\nB\nC=${X:?set it}\n", Dialect::Compose).unwrap();
    assert!(holes.values().all(|value| matches!(value, Value::Hole(_))), "{holes:?}");
    assert!(read("A=${", Dialect::Compose).is_err());
}

#[test]
fn the_last_of_several_wins_and_the_order_stays() {
    let found = texts("B=1\nA=2\nB=3\n", Dialect::Docker);
    assert_eq!(found, [("B".into(), "3".into()), ("A".into(), "2".into())]);
}

#[test]
fn a_shell_program_is_refused_by_line() {
    for text in
        ["A=1\nif true; then B=2; fi", "A=1\nB=$(date)", "A=1\nB=`date`", "A=1\nsource x", "A=1\nB=~/x"]
    {
        assert_eq!(read(text, Dialect::Shell).unwrap_err().line, 2, "{text}");
    }
    let text = "set=1; export A=\"x $set\" B='y'\\''z'\nexport A\ndeclare -x C=$'a\\nb'\n";
    let found: Vec<String> = texts(text, Dialect::Shell).into_iter().map(|(_, value)| value).collect();
    assert_eq!(found, ["1", "x 1", "y'z", "a\nb"]);
}

#[test]
fn errors_name_the_line_and_no_value() {
    let error = |text, dialect| read(text, dialect).unwrap_err();
    for dialect in [Dialect::Compose, Dialect::Shell] {
        let found = error("A=1\n\nB=\"hunter2", dialect);
        assert_eq!(found.line, 3, "{dialect:?}");
        assert!(!found.message.contains("hunter2"));
    }
    assert_eq!(error("# x\nA B=1", Dialect::Docker).line, 2);
    assert_eq!(error("A=1\nA B=1", Dialect::Compose).line, 2);
    assert_eq!(error("A=1\nwhat is this", Dialect::Dotenv).line, 2);
    assert_eq!(error("A=1\nB=x\0y", Dialect::Compose).line, 2);
    assert_eq!(error("{\"A\": null}", Dialect::Compose).line, 1);
}

#[test]
fn an_error_of_a_parser_is_in_the_text() {
    // The parser of YAML finds the end of the text on a line of its own.
    for (text, line) in [("environment:\n  A: x\n/ B\n", 3), ("environment:\n  A: \"x\n", 2), ("{\"A\": ", 1)]
    {
        assert_eq!(read(text, Dialect::Compose).unwrap_err().line, line, "{text:?}");
    }
}

#[test]
fn json_and_environment_are_told_by_their_content() {
    for text in [
        r#"{"A": "x", "B": 4}"#,
        r#"["A=x", "B=4"]"#,
        "# c\nenvironment:\n  A: x\n  B: 4\n",
        "environment:\n  - A=x\n  - B=4\n",
        r#"{"kind": "Environment", "variables": [{"name": "A", "value": "x", "source": "env"}, {"name": "B", "value": "4", "source": "env"}]}"#,
    ] {
        let found = texts(text, Dialect::Docker);
        assert_eq!(found, [("A".into(), "x".into()), ("B".into(), "4".into())], "{text}");
    }
}

#[test]
fn no_variables_read_back_as_none_in_every_format() {
    for (format, dialect) in FORMATS {
        let text = write(&[], format).unwrap().text;
        assert_eq!(read(&text, dialect), Ok(IndexMap::new()), "{format:?} {text}");
    }
}

#[test]
fn secrets_and_holes_read_back_in_every_format() {
    let key = HashKey::new(b"0123456789abcdef").unwrap();
    let values =
        [Value::Secret(Some(key.hash("x"))), Value::Secret(None), Value::Hole("no right to read it".into())];
    let variables: Vec<Variable> =
        values.iter().enumerate().map(|(at, value)| variable(&format!("V{at}"), value.clone())).collect();
    for (format, dialect) in FORMATS.into_iter().chain([(Format::Dotenv, Dialect::Dotenv)]) {
        let text = write(&variables, format).unwrap().text;
        let found: Vec<Value> = read(&text, dialect).unwrap().into_values().collect();
        assert_eq!(found, values, "{format:?}\n{text}");
    }
    let json = serde_json::to_string(&variables).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Variable>>(&json).unwrap(), variables);
    assert!(read("#secret A=x", Dialect::Compose).is_err());
    assert!(read("#secret thing\n# secret A=x\n", Dialect::Compose).unwrap().is_empty());
}

#[test]
fn what_a_format_cannot_hold_is_named_with_one_that_can() {
    let error = |name: &str, value: &str, format| {
        let error = write(&[variable(name, value.into())], format).unwrap_err();
        (error.to_string(), error.instead)
    };
    assert_eq!(
        error("KEY", "a\nb", Format::Docker),
        ("`KEY`: Docker's --env-file cannot hold a line break".to_owned(), "shell")
    );
    assert_eq!(error("a.b", "a\nb", Format::Docker).1, "json");
    assert_eq!(error("UID", "1", Format::Shell).0, "`UID`: bash keeps that name for itself");
    assert!(error("a b", "1", Format::Dotenv).0.contains("cannot hold such a name"));
    assert!(error("A", &"x".repeat(65_536), Format::Docker).0.contains("64 kB"));
    for name in ["A\u{6}", "A\u{fffe}", "A B"] {
        let error = write(&[variable(name, Value::Hole("not read".into()))], Format::Compose).unwrap_err();
        assert_eq!(error.why, "a comment cannot hold such a name", "{name:?}");
    }
    let odd = [variable("A", Value::Hole("not\u{fffe}\u{6}read".into()))];
    let text = write(&odd, Format::Compose).unwrap().text;
    assert_eq!(read(&text, Dialect::Compose).unwrap()["A"], Value::Hole("not  read".into()));
    for name in ["{A", "[A", "\u{feff}A"] {
        assert!(error(name, "1", Format::Docker).0.contains("taken for JSON"), "{name:?}");
    }
}

#[test]
fn what_libraries_read_otherwise_than_compose_is_told() {
    let all =
        [variable("A", "x y".into()), variable("B", "it's \\ \"$X\"".into()), variable("C", "a\nb".into())];
    let written = write(&all, Format::Dotenv).unwrap();
    assert_eq!(written.otherwise, ["B"], "{}", written.text);
    assert_eq!(texts(&written.text, Dialect::Dotenv)[0].1, "x y");
    assert_eq!(texts(&written.text, Dialect::Shell)[2].1, "a\nb");
}

#[test]
fn equal_secrets_have_equal_hashes_under_one_key_alone() {
    let (a, b) =
        (HashKey::new(b"0123456789abcdef\n").unwrap(), HashKey::new(b"another key of its own").unwrap());
    assert_eq!(a.hash("x"), HashKey::new(b"0123456789abcdef").unwrap().hash("x"));
    assert_ne!(a.hash("x"), a.hash("y"));
    assert_ne!(a.hash("x").key, b.hash("x").key);
    assert!(HashKey::new(b"short").is_none());
    let keyed = a.hash("x");
    assert_eq!(keyed.to_string().parse::<Keyed>(), Ok(keyed));
    assert!(!format!("{a:?}").contains("0123456789abcdef"));
}

#[test]
fn secrets_are_known_by_name_and_by_shape() {
    let secret = [
        ("DB_PASSWORD", "hunter2"),
        ("SESSION_KEY", "00ff"),
        ("DATABASE_URL", "postgres://app:hunter2@db/x"),
        ("X", "-----BEGIN RSA PRIVATE KEY-----\nx"),
        ("X", "AKIAIOSFODNN7EXAMPLE"),
        ("X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x"),
        ("spring.datasource.clientSecret", "hunter2"),
        ("X", "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"),
        ("OPTIONS", "--api-key abc-123"),
        ("BY_RULE", "shop"),
    ];
    let plain = [
        ("DB_PASSWORD_FILE", "/run/secrets/db"),
        ("USE_TOKEN", "true"),
        ("DATABASE_URL", "postgres://db/x"),
        ("PATH", "/usr/bin"),
        ("LOG_LEVEL", "info"),
        ("TLS_KEY", "/etc/tls/key.pem"),
        ("JWT_PUBLIC_KEY", "abc"),
        ("SORT_KEY", "price"),
    ];
    let key = HashKey::new(b"0123456789abcdef").unwrap();
    let rules = Rules { secret: vec!["BY_RULE".into()], open: vec!["SORT_KEY".into()] };
    let conceal = |all: &[(&str, &str)]| -> Vec<Value> {
        let concealing = Concealing::of(all.iter().copied(), Keeping { key: &key, rules: &rules });
        all.iter().map(|(name, value)| concealing.conceal(name, value)).collect()
    };
    let hashed: Vec<Value> = secret.iter().map(|(_, value)| Value::Secret(Some(key.hash(value)))).collect();
    assert_eq!(conceal(&secret), hashed);
    let open: Vec<Value> = plain.iter().map(|(_, value)| Value::from(*value)).collect();
    assert_eq!(conceal(&plain), open);
    // Compose fills in what stands before: the copy is as secret.
    let read =
        read("DB_PASSWORD=blue-horse-77\nCOPY=${DB_PASSWORD}\nLINE=\"db $DB_PASSWORD\"\n", Dialect::Compose);
    let read: Vec<(String, Value)> = read.unwrap().into_iter().collect();
    let texts: Vec<(&str, &str)> =
        read.iter().map(|(name, value)| (name.as_str(), value.text().unwrap())).collect();
    assert!(conceal(&texts).iter().all(|value| matches!(value, Value::Secret(Some(_)))), "{texts:?}");
}

#[test]
fn a_secret_whose_value_is_known_on_one_side_at_most_is_neither_equal_nor_different() {
    let key = HashKey::new(b"0123456789abcdef").unwrap();
    let of = |written: &str, hash: Option<Keyed>, unread: Option<&str>| {
        let written = Some(written.to_owned());
        let variable = Variable { written, ..variable("K", Value::Secret(hash)) };
        let unread = unread.map(str::to_owned);
        vec![Environment { variables: vec![variable], unread, ..Environment::default() }]
    };
    let told = |a: Vec<Environment>, b: Vec<Environment>| {
        let difference = compare(&a, &b, &Known::default(), Some(&key)).unwrap();
        (difference.changes.len(), difference.incomparable.into_iter().map(|one| one.why).next())
    };
    let read = |text: &str| Some(key.hash(text));
    let unread = Some("`--hash-secrets` reads it");
    let same = (0, None);
    assert_eq!(told(of("${A}", read("x"), unread), of("${B}", read("x"), unread)), same, "whatever its name");
    assert_eq!(told(of("${A}", read("x"), unread), of("${A}", read("y"), unread)), (1, None));
    // Two profiles mean by one name one secret; two places in production may not.
    assert_eq!(told(of("${A}", None, None), of("${A}", None, None)), same);
    let (changes, why) = told(of("${A}", None, unread), of("${A}", None, unread));
    assert_eq!(changes, 0);
    assert_eq!(why.as_deref(), Some("each is a secret that was not read: `--hash-secrets` reads it"));
    let (changes, why) = told(of("${A}", read("x"), unread), of("${B}", None, unread));
    assert_eq!(changes, 0);
    assert_eq!(why.as_deref(), Some("the second is a secret that was not read: `--hash-secrets` reads it"));
    let (changes, why) = told(of("${A}", None, None), of("${B}", None, None));
    assert_eq!((changes, why.as_deref()), (0, Some("each is a secret that has no value yet")));
    // No value makes one text of these.
    for (a, b) in [("x${A}", "y${B}"), ("${A}@db/x", "${B}@db/y"), ("x-${A}", "${B}@db")] {
        let differ = if a == "x-${A}" { 0 } else { 1 };
        assert_eq!(told(of(a, None, None), of(b, None, None)).0, differ, "{a} {b}");
    }
    let plain = vec![Environment { variables: vec![variable("K", "y".into())], ..Environment::default() }];
    assert_eq!(told(of("x${A}", None, unread), plain).0, 1, "a text that cannot be the secret's");
}

/// Values that trip over quotes, dollars, blanks, line ends and what is no ASCII.
fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a'\"\\\\$#{} \t\n\r=`:-]{0,12}",
        "[^\0]{0,10}",
        Just(String::new()),
        "[ \u{a0}\u{feff}😀é]{1,4}",
        "(\\\\|'|\\$|\\{|A|\\}){1,8}",
    ]
}

proptest! {
    #[test]
    fn every_format_reads_back_what_it_writes(values in proptest::collection::vec(nasty(), 1..6)) {
        let variables: Vec<Variable> =
            values.iter().enumerate().map(|(at, value)| variable(&format!("N{at}"), value.as_str().into())).collect();
        let wanted: IndexMap<String, Value> =
            variables.iter().map(|variable| (variable.name.clone(), variable.value.clone())).collect();
        for (format, dialect) in FORMATS {
            match write(&variables, format) {
                Ok(written) => prop_assert_eq!(read(&written.text, dialect).unwrap(), wanted.clone(), "{:?}\n{}", format, written.text),
                Err(error) => prop_assert_eq!(format, Format::Docker, "{}", error),
            }
        }
        let json = serde_json::to_string(&variables).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Variable>>(&json).unwrap(), variables);
    }

    #[test]
    fn what_is_not_told_apart_reads_alike_in_libraries(value in nasty()) {
        let written = write(&[variable("A", value.as_str().into())], Format::Dotenv).unwrap();
        if written.otherwise.is_empty() {
            prop_assert_eq!(one(&written.text, Dialect::Dotenv), value);
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "[A=$'\"{}:\\-?+\\\\#\n exprt]{0,40}|\\PC{0,40}") {
        for dialect in Dialect::ALL {
            let _ = read(&text, dialect);
        }
    }
}
