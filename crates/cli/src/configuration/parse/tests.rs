use eigenpack::ProxyUrlError;

use super::*;

fn entries(text: &str) -> BTreeMap<RegistryHost, Entry> {
    parse(text.as_bytes()).unwrap()
}

/// Returns where the first fault of a text is, and what it is.
#[track_caller]
fn fault(text: &str) -> (usize, usize, Problem) {
    let Fault { position, problem } = parse(text.as_bytes()).unwrap_err();
    (position.line, position.column, problem)
}

#[test]
fn every_setting_is_read() {
    let text = r#"
# The lab.
[registry."Registry.example.com:5000"]
ca-file = "ca.pem"
cert-file = "me.pem"
key-file = "/keys/me.key"
insecure = true
proxy = "http://user:hunter2@proxy.example.com:3128"

[registry."10.0.0.1"]
plain-http = true
insecure = false
proxy = "none"
"#;
    let entries = entries(text);
    let host = |name: &str| &entries[&name.parse::<RegistryHost>().unwrap()];
    let lab = host("registry.example.com:5000");
    let file = |file: &Option<Placed<PathBuf>>| {
        let Placed { value, position } = file.as_ref().unwrap();
        (value.to_str().unwrap().to_owned(), position.to_string())
    };
    assert_eq!(lab.host.as_str(), "Registry.example.com:5000");
    assert_eq!(lab.position.to_string(), "3:11");
    assert_eq!(file(&lab.ca_file), ("ca.pem".into(), "4:11".into()));
    assert_eq!(file(&lab.cert_file), ("me.pem".into(), "5:13".into()));
    assert_eq!(file(&lab.key_file), ("/keys/me.key".into(), "6:12".into()));
    assert!(lab.insecure && !lab.plain_http);
    let proxy = "http://user:hunter2@proxy.example.com:3128".parse();
    assert_eq!(lab.proxy, Some(Route::Through(proxy.unwrap())));
    assert!(!format!("{entries:?}").contains("hunter2"));
    let plain = host("10.0.0.1");
    assert!(plain.plain_http && !plain.insecure);
    assert_eq!(plain.proxy, Some(Route::Direct));
}

#[test]
fn nothing_need_be_said() {
    for text in ["", "\u{feff}", "# nothing\n", "[registry]\n"] {
        assert!(entries(text).is_empty(), "{text:?}");
    }
    let entry = entries("registry.\"ghcr.io\" = {}");
    assert_eq!(entry.len(), 1);
}

#[test]
fn docker_hub_has_one_table_by_whichever_name() {
    let hub = "registry-1.docker.io".parse().unwrap();
    for name in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
        assert!(entries(&format!("[registry.'{name}']")).contains_key(&hub));
    }
    let twice = "[registry.'index.docker.io']\n[registry.'docker.io']";
    let (line, column, problem) = fault(twice);
    let Problem::SameHost { name, first } = problem else {
        panic!("{problem:?}")
    };
    assert_eq!((line, column, first.to_string()), (2, 11, "1:11".into()));
    assert_eq!(name, "docker.io");
}

#[test]
fn what_is_not_known_is_refused() {
    let unknown = |key: &str, known| Problem::UnknownKey {
        key: key.to_owned(),
        known,
    };
    let registry: &[&str] = &["registry"];
    assert_eq!(fault("a = 1\n"), (1, 1, unknown("a", registry)));
    assert_eq!(
        fault("\u{feff}[registries.'a.b']"),
        (1, 2, unknown("registries", registry))
    );
    let text = "[registry.'a.b']\n\n  é = 1\n  ca_file = 'x'\n";
    assert_eq!(
        fault(&text.replace("é = 1", "")),
        (4, 3, unknown("ca_file", SETTINGS))
    );
    // The first in the file is told, not the first by name.
    let text = "[registry.'a.b']\nzzz = 1\naaa = 1\n[other]";
    assert_eq!(fault(text), (2, 1, unknown("zzz", SETTINGS)));
}

#[test]
fn a_host_without_quotes_is_told_from_a_setting() {
    for (text, place, host) in [
        ("[registry.ghcr.io]\ninsecure = true", 16, "ghcr.io"),
        ("[registry.a.b.c]\nplain-http = true", 13, "a.b.c"),
        ("[registry.a.b.c]", 13, "a.b.c"),
    ] {
        let problem = Problem::UnquotedHost(host.to_owned());
        assert_eq!(fault(text), (1, place, problem));
    }
    // A port is no key at all.
    let (line, column, problem) = fault("\n[registry.localhost:5000]");
    assert!(matches!(problem, Problem::Syntax(_)), "{problem:?}");
    assert_eq!((line, column), (2, 20));
}

#[test]
fn values_are_of_one_kind() {
    let kind = |key, expected| Problem::Kind { key, expected };
    let table = "a table";
    assert_eq!(fault("registry = 1"), (1, 1, kind("registry", table)));
    assert_eq!(fault("[[registry]]"), (1, 3, kind("registry", table)));
    let (_, column, problem) = fault("registry.'a.b' = true");
    assert_eq!(column, 10);
    assert!(matches!(problem, Problem::Kind { .. }), "{problem:?}");
    for (setting, key, expected) in [
        ("ca-file = 1", "ca-file", "a text"),
        ("cert-file = ['a']", "cert-file", "a text"),
        ("key-file = true", "key-file", "a text"),
        ("proxy = false", "proxy", "a text"),
        (
            "insecure = 'http://user:hunter2@x'",
            "insecure",
            "true or false",
        ),
        ("plain-http = 1979-05-27", "plain-http", "true or false"),
    ] {
        let (line, column, problem) = fault(&format!("[registry.'a.b']\n{setting}\n"));
        // At the value, unless something goes before it in the file.
        let at = setting.find(" = ").unwrap() + 4;
        match problem {
            Problem::Alone { .. } => assert_eq!((line, column), (2, 1)),
            problem => {
                assert_eq!((line, column, problem), (2, at, kind(key, expected)));
            }
        }
    }
}

#[test]
fn some_settings_need_others_or_forbid_them() {
    let fault = |settings: &str| fault(&format!("[registry.'a.b']\n{settings}"));
    let alone = |key, partner| Problem::Alone { key, partner };
    assert_eq!(
        fault("cert-file = 'a'"),
        (2, 1, alone("cert-file", "key-file"))
    );
    assert_eq!(
        fault("key-file = 'a'"),
        (2, 1, alone("key-file", "cert-file"))
    );
    for (setting, key) in [
        ("ca-file = 'a'", "ca-file"),
        ("cert-file = 'a'\nkey-file = 'b'", "cert-file"),
        ("insecure = true", "insecure"),
    ] {
        let text = format!("plain-http = true\n{setting}");
        assert_eq!(fault(&text), (3, 1, Problem::PlainHttp(key)));
    }
    let fine = "plain-http = false\ninsecure = true\nca-file = 'a'";
    assert_eq!(entries(&format!("[registry.'a.b']\n{fine}")).len(), 1);
    assert_eq!(
        fault("ca-file = ''"),
        (2, 11, Problem::EmptyPath("ca-file"))
    );
}

#[test]
fn names_are_those_of_hosts() {
    for (name, shown) in [
        ("https://ghcr.io", "https://ghcr.io"),
        ("ghcr.io/org", "ghcr.io/org"),
        ("user:hunter2@ghcr.io", "ghcr.io"),
        ("ghcr.io:99999", "ghcr.io:99999"),
        ("", ""),
    ] {
        let problem = Problem::Host(shown.to_owned());
        assert_eq!(fault(&format!("[registry.'{name}']")), (1, 11, problem));
    }
}

#[test]
fn proxies_speak_http() {
    let fault = |proxy: &str| fault(&format!("[registry.'a.b']\nproxy = '{proxy}'"));
    let scheme = Problem::Proxy(ProxyUrlError::Scheme);
    assert_eq!(fault("socks5://user:hunter2@proxy:1080"), (2, 9, scheme));
    for proxy in ["", "http://", "direct please", "http://user:hunter2@:80"] {
        assert_eq!(fault(proxy), (2, 9, Problem::Proxy(ProxyUrlError::NotUrl)));
    }
}

#[test]
fn what_is_not_toml_is_placed() {
    let (line, column, problem) = fault("[registry.'a.b']\nproxy = http://user:hunter2@proxy\n");
    assert_eq!((line, column), (2, 9));
    assert!(!format!("{problem} {}", problem.hint()).contains("hunter2"));
    let (line, _, problem) = fault("[registry.'a.b']\ninsecure = true\ninsecure = true\n");
    assert_eq!(line, 3);
    assert!(matches!(problem, Problem::Syntax(_)));
    let Fault { position, problem } = parse(b"# \xc3\xa9\n# \xc3\xa9 \xff").unwrap_err();
    assert_eq!(
        (position.to_string(), problem),
        ("2:5".into(), Problem::NotText)
    );
    // Depth is bounded, and so is everything else by the size of the file.
    let deep = format!("registry = {}", "[".repeat(100_000));
    assert!(matches!(fault(&deep), (1, _, Problem::Syntax(_))));
}

#[test]
fn the_documented_file_is_one() {
    let page = include_str!("../../../../../docs/configuration.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    assert_eq!(entries(example).len(), 4);
    for setting in SETTINGS {
        assert!(page.contains(&format!("`{setting}`")), "{setting}");
    }
}
