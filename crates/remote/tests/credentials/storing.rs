//! Credentials that are stored and removed.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use eigenpack_oci::Secret;
use eigenpack_oci::distribution::Credential;
use eigenpack_remote::credentials::{
    CredentialProvider as _, DockerCredentials, Erased, FileProblem, Places, StoreError, Stored,
};

use super::home::{Home, basic, host, identity, mode};

async fn find(home: &Home, name: &str) -> Credential {
    let found = home.credentials().find(&host(name), None).await;
    found.unwrap().credential
}

fn file(home: &Home) -> Stored {
    Stored::File {
        path: home.config_path(),
    }
}

fn helper(home: &Home, name: &str) -> Stored {
    Stored::Helper {
        name: name.to_owned(),
        config: home.config_path(),
    }
}

#[tokio::test]
async fn the_first_credential_makes_a_private_file() {
    let home = Home::new();
    let credentials = home.credentials();
    let stored = credentials
        .store(&host("a.example"), &basic("u", "p:q"))
        .await;
    assert_eq!(stored.unwrap(), file(&home));
    assert_eq!(
        home.read("docker/config.json"),
        "{\n\t\"auths\": {\n\t\t\"a.example\": {\n\t\t\t\"auth\": \"dTpwOnE=\"\n\t\t}\n\t}\n}"
    );
    assert_eq!(mode(&home.config_path()), 0o600);
    assert_eq!(mode(&home.path("docker")), 0o700);
    assert_eq!(fs::read_dir(home.path("docker")).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_not_understood_stays_in_its_order_and_spelling() {
    let home = Home::new();
    home.config(concat!(
        r#"{"zeta":1.50,"auths":{"z.example":{"auth":"eg=="},"#,
        r#""a.example":{"note":{"k":[1e2,null]},"username":"x","Auth":"eDp5","email":"m"}},"#,
        r#""HttpHeaders":{"A":"\u0041"},"psFormat":"<&>"}"#,
        "\n"
    ));
    fs::set_permissions(home.config_path(), fs::Permissions::from_mode(0o644)).unwrap();
    let credentials = home.credentials();
    credentials
        .store(&host("a.example"), &identity("t"))
        .await
        .unwrap();
    let tabs = |text: &str| text.replace("    ", "\t");
    assert_eq!(
        home.read("docker/config.json"),
        tabs(
            r#"{
    "zeta": 1.50,
    "auths": {
        "z.example": {
            "auth": "eg=="
        },
        "a.example": {
            "note": {
                "k": [
                    1e2,
                    null
                ]
            },
            "email": "m",
            "identitytoken": "t"
        }
    },
    "HttpHeaders": {
        "A": "\u0041"
    },
    "psFormat": "<&>"
}
"#
        )
    );
    assert_eq!(mode(&home.config_path()), 0o600);
}

#[tokio::test]
async fn each_kind_of_credential_is_found_again() {
    for credential in [
        basic("u", "p"),
        basic("u", ""),
        identity("t"),
        Credential::RegistryToken(Secret::new("r".to_owned())),
    ] {
        for config in ["{}", r#"{"credsStore":"keep"}"#] {
            for name in ["a.example", "localhost:5000", "docker.io"] {
                let home = Home::new();
                home.keeping_helper("keep");
                home.config(config);
                let credentials = home.credentials();
                credentials
                    .store(&host(name), &basic("old", "old"))
                    .await
                    .unwrap();
                credentials.store(&host(name), &credential).await.unwrap();
                assert_eq!(find(&home, name).await, credential, "{name} {config}");
            }
        }
    }
    let home = Home::new();
    let nothing = home
        .credentials()
        .store(&host("a.example"), &Credential::Anonymous)
        .await;
    assert!(matches!(nothing, Err(StoreError::Nothing)));
    assert!(!home.config_path().exists());
}

#[tokio::test]
async fn docker_hub_has_dockers_key() {
    for name in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
        let home = Home::new();
        let credentials = home.credentials();
        credentials
            .store(&host(name), &basic("u", "p"))
            .await
            .unwrap();
        let config = home.read("docker/config.json");
        assert!(
            config.contains(r#""https://index.docker.io/v1/": {"#),
            "{config}"
        );
        let erased = credentials.erase(&host("docker.io")).await.unwrap();
        let path = home.config_path();
        let key = "https://index.docker.io/v1/".to_owned();
        assert_eq!(erased, [Erased::File { path, key }]);
    }
}

#[tokio::test]
async fn a_helper_that_is_named_keeps_it() {
    let home = Home::new();
    home.keeping_helper("all");
    home.keeping_helper("one");
    home.config(
        r#"{"credHelpers":{"a.example":"one"},"credsStore":"all","auths":{"b.example":{"auth":"eDp5"}}}"#,
    );
    let credentials = home.credentials();
    for (name, by) in [("a.example", "one"), ("b.example", "all")] {
        let stored = credentials.store(&host(name), &basic("u", "p")).await;
        assert_eq!(stored.unwrap(), helper(&home, by));
        let kept: serde_json::Value =
            serde_json::from_str(&home.read(&format!("kept-{by}"))).unwrap();
        assert_eq!(
            kept,
            serde_json::json!({"ServerURL": name, "Username": "u", "Secret": "p"})
        );
        assert_eq!(find(&home, name).await, basic("u", "p"));
    }
    // The secret that was in the clear is gone, and the entries say that there is something.
    let config: serde_json::Value = serde_json::from_str(&home.read("docker/config.json")).unwrap();
    assert_eq!(
        config["auths"],
        serde_json::json!({"a.example": {}, "b.example": {}})
    );

    let erased = credentials.erase(&host("a.example")).await.unwrap();
    let (name, config) = ("one".to_owned(), home.config_path());
    assert_eq!(erased, [Erased::Helper { name, config }]);
    assert_eq!(home.read("kept-one.server"), "a.example");
    assert!(
        !home
            .read("docker/config.json")
            .contains("\"a.example\": {}")
    );
    assert_eq!(credentials.erase(&host("a.example")).await.unwrap(), []);
}

#[tokio::test]
async fn an_identity_token_is_kept_under_its_user_name() {
    let home = Home::new();
    home.keeping_helper("keep");
    home.config(r#"{"credsStore":"keep"}"#);
    let credentials = home.credentials();
    credentials
        .store(&host("docker.io"), &identity("t"))
        .await
        .unwrap();
    let kept: serde_json::Value = serde_json::from_str(&home.read("kept-keep")).unwrap();
    let expected = serde_json::json!({
        "ServerURL": "https://index.docker.io/v1/", "Username": "<token>", "Secret": "t"
    });
    assert_eq!(kept, expected);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_platforms_helper_is_chosen_for_a_new_configuration_only() {
    for (config, programs, by) in [
        ("{}", ["secretservice"].as_slice(), Some("secretservice")),
        ("", &["secretservice"], Some("secretservice")),
        (r#"{"auths":{}}"#, &["secretservice"], Some("secretservice")),
        (r#"{"auths":{"x":{}}}"#, &["secretservice"], None),
        (r#"{"credHelpers":{"x":"y"}}"#, &["secretservice"], None),
        ("{}", &["osxkeychain"], None),
        ("{}", &["pass"], None),
        ("{}", &["pass", "../pass"], Some("pass")),
    ] {
        let home = Home::new();
        home.config(config);
        for program in programs {
            match program.strip_prefix("../") {
                Some(program) => {
                    super::home::write_program(&home.path("bin").join(program), "exit 1");
                }
                None => home.keeping_helper(program),
            }
        }
        let credentials = home.credentials();
        let stored = credentials
            .store(&host("a.example"), &basic("u", "p"))
            .await;
        let expected = by.map_or(file(&home), |name| helper(&home, name));
        assert_eq!(stored.unwrap(), expected, "{config} {programs:?}");
        // It is found with the file alone.
        assert_eq!(find(&home, "a.example").await, basic("u", "p"));
    }
}

#[tokio::test]
async fn a_helper_that_fails_leaves_the_file_alone() {
    let home = Home::new();
    home.helper("it", "cat; exit 1");
    let config = r#"{"credsStore":"it","auths":{"a.example":{"auth":"eDp5"}}}"#;
    home.config(config);
    let credentials = home.credentials();
    let error = credentials
        .store(&host("a.example"), &basic("u", "hunter2"))
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::Helper(_)), "{error:?}");
    assert!(
        !format!("{error} {error:?}").contains("hunter2"),
        "{error:?}"
    );
    assert_eq!(home.read("docker/config.json"), config);
}

#[tokio::test]
async fn a_file_that_is_not_understood_is_left_alone() {
    for content in ["{", "[]", r#"{"auths":[]}"#, r#"{"credsStore":"../x"}"#] {
        let home = Home::new();
        home.config(content);
        let credentials = home.credentials();
        let error = credentials
            .store(&host("a.example"), &basic("u", "p"))
            .await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains("config.json"), "{error}");
        credentials.erase(&host("a.example")).await.unwrap_err();
        assert_eq!(home.read("docker/config.json"), content);
    }
    let home = Home::new();
    fs::create_dir_all(home.config_path()).unwrap();
    let error = home
        .credentials()
        .erase(&host("a.example"))
        .await
        .unwrap_err();
    let problem = FileProblem::NotAFile;
    assert!(matches!(error, StoreError::Config { problem: p, .. } if p == problem));
    let nowhere = DockerCredentials::new(Places::default());
    let error = nowhere.store(&host("a.example"), &basic("u", "p")).await;
    assert!(matches!(error, Err(StoreError::NoPlace)));
}

#[tokio::test]
async fn a_symbolic_link_stays_one() {
    let home = Home::new();
    home.write("dotfiles/docker.json", "{}");
    fs::create_dir(home.path("docker")).unwrap();
    fs::create_dir(home.path("links")).unwrap();
    symlink("../dotfiles/docker.json", home.path("links/middle")).unwrap();
    symlink("../links/middle", home.config_path()).unwrap();
    let credentials = home.credentials();
    credentials
        .store(&host("a.example"), &basic("u", "p"))
        .await
        .unwrap();
    assert!(
        fs::symlink_metadata(home.config_path())
            .unwrap()
            .is_symlink()
    );
    assert!(home.read("dotfiles/docker.json").contains("a.example"));
    assert_eq!(mode(&home.path("dotfiles/docker.json")), 0o600);

    // One that leads nowhere yet is where the file is made.
    fs::remove_file(home.path("dotfiles/docker.json")).unwrap();
    credentials
        .store(&host("b.example"), &basic("u", "p"))
        .await
        .unwrap();
    assert!(home.read("dotfiles/docker.json").contains("b.example"));
}

#[tokio::test]
async fn erasing_says_what_it_removed() {
    let home = Home::new();
    let config = concat!(
        r#"{"auths":{"a.example":{"auth":"dTpw"},"https://a.example/v1/":{"auth":"dTpw"},"#,
        r#""a.example/org":{"auth":"dTpw"},"b.example":{}}}"#
    );
    home.config(config);
    let credentials = home.credentials();
    assert_eq!(credentials.erase(&host("c.example")).await.unwrap(), []);
    assert_eq!(home.read("docker/config.json"), config);
    let gone = |key: &str| Erased::File {
        path: home.config_path(),
        key: key.to_owned(),
    };
    let erased = credentials.erase(&host("a.example")).await.unwrap();
    assert_eq!(erased, [gone("a.example"), gone("https://a.example/v1/")]);
    let left: serde_json::Value = serde_json::from_str(&home.read("docker/config.json")).unwrap();
    let expected = serde_json::json!({"a.example/org": {"auth": "dTpw"}, "b.example": {}});
    assert_eq!(left["auths"], expected);
}

#[tokio::test]
async fn logins_at_once_lose_nothing() {
    let home = Home::new();
    let logins: Vec<_> = (0..24)
        .map(|number| {
            let credentials = home.credentials();
            tokio::spawn(async move {
                let host = host(&format!("r{number}.example"));
                credentials
                    .store(&host, &basic("u", &number.to_string()))
                    .await
            })
        })
        .collect();
    for login in logins {
        login.await.unwrap().unwrap();
    }
    for number in 0..24 {
        let name = format!("r{number}.example");
        assert_eq!(find(&home, &name).await, basic("u", &number.to_string()));
    }
}
