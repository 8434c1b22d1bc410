//! Registries that are reached by what the file alone says.

use super::{Authority, Registry, beside, configure};
use crate::harness::{CREATED, Place, Run};

/// Says what the file says of a registry.
fn say(place: &Place, registry: &Registry, lines: &str) {
    configure(
        place,
        &format!("[registry.\"{}\"]\n{lines}\n", registry.host),
    );
}

fn resolve(place: &Place, registry: &Registry, flags: &[&str]) -> Run {
    let reference = registry.at("my-avs:v1");
    place.run(&[&["resolve", &reference], flags].concat())
}

#[test]
fn every_command_finds_the_authority() {
    let authority = Authority::new();
    let registry = Registry::over_tls(&authority);
    let place = Place::with_artifact();
    let v1 = registry.at("my-avs:v1");
    // Without it, plain http is spoken to loopback.
    place.run(&["tags", &registry.at("my-avs")]).failed_with(6);
    beside(&place, "ca.pem", &authority.pem());
    say(&place, &registry, "ca-file = \"ca.pem\"");
    let commands: [&[&str]; 12] = [
        &["push", "spec.yaml", &v1, CREATED, "--check-public"],
        &["pull", &v1, "-o", "pulled.yaml"],
        &["inspect", &v1],
        &["manifest", &v1],
        &["config", &v1],
        &["resolve", &v1],
        &["tags", &registry.at("my-avs")],
        &["tag", &v1, "v2"],
        &["copy", "my-avs:v1", &registry.at("other:v1")],
        &["copy", &registry.at("other:v1"), &registry.at("third:v1")],
        &["copy", &registry.at("third:v1"), "oci:layout"],
        &["validate", "pulled.yaml"],
    ];
    for args in commands {
        place.run(args).succeeded();
    }
    let (code, explained) = place.json(&["auth", "explain", &registry.host]);
    assert_eq!((code, &explained["unreachable"]), (0, &().into()));
    let login = [
        "login",
        &registry.host,
        "--username=ann",
        "--password-stdin",
    ];
    place.run_with_input(&login, b"secret").succeeded();
}

#[test]
fn paths_begin_at_the_files_folder_or_at_home() {
    let authority = Authority::new();
    let registry = Registry::over_tls(&authority);
    let place = Place::new();
    beside(&place, "ca.pem", &authority.pem());
    place.write("ca.pem", "not this one");
    let absolute = place.file("../home/.config/eigenpack/ca.pem");
    for path in [
        "ca.pem",
        "../eigenpack/ca.pem",
        "~/.config/eigenpack/ca.pem",
        &absolute.display().to_string(),
    ] {
        say(&place, &registry, &format!("ca-file = \"{path}\""));
        resolve(&place, &registry, &[]).failed_with(4);
    }
    place.write("ca.pem", authority.pem());
    let content = format!("[registry.\"{}\"]\nca-file = \"ca.pem\"", registry.host);
    place.write("my.toml", content);
    resolve(&place, &registry, &["--config=my.toml"]).failed_with(4);
}

#[test]
fn flags_count_before_the_file() {
    let (authority, unknown) = (Authority::new(), Authority::new());
    let (registry, plain) = (Registry::over_tls(&authority), Registry::plain());
    let place = Place::new();
    place.write("right.pem", authority.pem());
    place.write("wrong.pem", unknown.pem());
    beside(&place, "wrong.pem", &unknown.pem());
    let (right, wrong) = ("--ca-file=right.pem", "--ca-file=wrong.pem");
    // 4 is the registry's answer, 6 that there is none.
    for (lines, flags, code) in [
        ("ca-file = \"wrong.pem\"", &[][..], 6),
        ("ca-file = \"wrong.pem\"", &[right], 4),
        ("ca-file = \"none.pem\"", &[], 3),
        ("ca-file = \"none.pem\"", &[right], 4),
        ("insecure = true", &[], 4),
        ("insecure = true", &[wrong], 6),
        ("plain-http = true", &[], 6),
        ("plain-http = true", &[right], 4),
        ("plain-http = true", &["--insecure"], 4),
    ] {
        say(&place, &registry, lines);
        resolve(&place, &registry, flags).failed_with(code);
    }
    for (lines, flags, code) in [
        ("insecure = true", &[][..], 6),
        ("insecure = true", &["--plain-http"], 4),
        (
            "ca-file = \"wrong.pem\"",
            &[&*format!("--plain-http={}", plain.host)],
            4,
        ),
        ("plain-http = true", &[], 4),
        ("plain-http = true", &[right], 6),
    ] {
        say(&place, &plain, lines);
        resolve(&place, &plain, flags).failed_with(code);
    }
}

#[test]
fn verbosely_it_is_said_what_counts() {
    let authority = Authority::new();
    let registry = Registry::over_tls(&authority);
    let place = Place::new();
    place.write("ca.pem", authority.pem());
    beside(&place, "ca.pem", &authority.pem());
    let host = &registry.host;
    let file = "DIR/home/.config/eigenpack/config.toml";
    let said = |flags: &[&str]| {
        let run = resolve(&place, &registry, flags).failed_with(4).to_string();
        let lines = run.lines().filter(|line| line.contains("config.toml"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    configure(
        &place,
        &format!(
            "[registry.\"{host}\"]\nca-file = \"ca.pem\"\nproxy = \"none\"\n\
             [registry.\"other.example\"]\nca-file = \"none.pem\"\n"
        ),
    );
    let other = format!("not used: {file}:5:11: cannot read DIR/home/.config/eigenpack/none.pem");
    assert_eq!(said(&[]), [""; 0]);
    assert_eq!(
        said(&["-v"]),
        [format!("{host} from {file}: proxy, ca-file"), other.clone()]
    );
    assert_eq!(
        said(&["-v", "--ca-file=ca.pem"]),
        [
            format!("{host} from {file}: proxy (flags outrank ca-file)"),
            other
        ]
    );
}
