//! Credential helpers that misbehave.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eigenpack_remote::credentials::{
    CredentialError, CredentialProvider as _, CredentialSource, DockerCredentials, Found,
};

use super::home::{Home, basic, host, identity, write_program};

/// Long enough for any machine; what hangs is ended much sooner in these tests.
const PLENTY: Duration = Duration::from_mins(1);

fn with_helper(script: &str) -> Home {
    let home = Home::new();
    home.config(r#"{"credsStore":"it"}"#);
    home.helper("it", script);
    home
}

async fn ask(home: &Home, limit: Duration) -> Result<Found, CredentialError> {
    let credentials = home.credentials().helper_timeout(limit);
    let host = host("a.example");
    tokio::time::timeout(PLENTY, credentials.find(&host, None))
        .await
        .expect("a helper is not waited for beyond its limit")
}

/// Waits until a process is gone, or only waits to be reaped.
async fn is_gone(process: &str) -> bool {
    let status = format!("/proc/{}/stat", process.trim());
    for _ in 0..500 {
        match fs::read_to_string(&status) {
            Ok(text) if !text.contains(") Z ") => {}
            _ => return true,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
async fn one_that_hangs_is_ended() {
    let home = with_helper("echo $$ > $0.pid; exec sleep 1000");
    let error = ask(&home, Duration::from_millis(500)).await.unwrap_err();
    let limit = Duration::from_millis(500);
    assert!(
        matches!(&error, CredentialError::HelperTimedOut { name, limit: l, .. } if name == "it" && *l == limit),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("docker-credential-it"),
        "{error}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn all_that_a_hanging_one_started_is_ended() {
    let home = with_helper("sleep 1000 & echo $! > $0.child; echo $$ > $0.leader; wait");
    // Given time to start, on a machine that is busy.
    let error = ask(&home, Duration::from_secs(3)).await.unwrap_err();
    assert!(
        matches!(error, CredentialError::HelperTimedOut { .. }),
        "{error:?}"
    );
    assert!(is_gone(&home.read("bin/docker-credential-it.child")).await);
    assert!(is_gone(&home.read("bin/docker-credential-it.leader")).await);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_is_left_when_the_question_is_dropped() {
    let home = with_helper("sleep 1000 & echo $! > $0.child.tmp; mv $0.child.tmp $0.child; wait");
    let credentials = home.credentials();
    let host = host("a.example");
    let question = credentials.find(&host, None);
    let started = async {
        while !home.path("bin/docker-credential-it.child").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        answer = question => panic!("{answer:?}"),
        () = started => {}
    }
    assert!(is_gone(&home.read("bin/docker-credential-it.child")).await);
}

#[tokio::test]
async fn one_that_leaves_somebody_with_its_pipes_is_not_waited_for() {
    // The child holds the output open, and outlives the helper, as the daemons do that some helpers start.
    let home =
        with_helper(r#"sleep 300 & echo $! > $0.child; echo '{"Username":"u","Secret":"p"}'"#);
    let found = ask(&home, PLENTY / 2).await.unwrap();
    assert_eq!(found.credential, basic("u", "p"));
    let child = home.read("bin/docker-credential-it.child");
    std::process::Command::new("/bin/sh")
        .args(["-c", &format!("kill {child}")])
        .status()
        .unwrap();
}

#[tokio::test]
async fn one_that_floods_is_ended() {
    for stream in ["", ">&2"] {
        let home = with_helper(&format!(
            "while :; do echo {} {stream}; done",
            "x".repeat(4000)
        ));
        let error = ask(&home, PLENTY / 2).await.unwrap_err();
        assert!(
            matches!(&error, CredentialError::HelperNonsense { problem, .. } if problem.contains("bytes")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn one_that_fails_is_quoted() {
    for (script, quoted) in [
        (
            "echo 'the keychain is locked'; exit 1",
            "the keychain is locked",
        ),
        ("echo 'no display' >&2; exit 2", "no display"),
        ("printf 'a\\033[31mb\\nc'; exit 1", "a[31mb c"),
        ("exit 3", "exit status: 3"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let error = ask(&with_helper(script), PLENTY / 2).await.unwrap_err();
        assert!(
            matches!(&error, CredentialError::HelperFailed { said, .. } if said.starts_with(quoted)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn one_that_prints_junk_is_named() {
    for script in ["echo hello", "exit 0", "echo '{}'", "echo '{\"Username\":'"] {
        let error = ask(&with_helper(script), PLENTY / 2).await.unwrap_err();
        assert!(
            matches!(error, CredentialError::HelperNonsense { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn one_that_does_not_read_its_input_may_answer() {
    let home = with_helper(r#"exec <&-; echo '{"Username":"u","Secret":"p"}'"#);
    let found = ask(&home, PLENTY / 2).await.unwrap();
    assert_eq!(found.credential, basic("u", "p"));
}

#[tokio::test]
async fn the_registry_is_its_whole_input_and_get_its_only_argument() {
    let home = with_helper(r#"printf '{"Username":"%s","Secret":"%s %s"}' "$(cat)" "$#" "$1""#);
    let found = ask(&home, PLENTY / 2).await.unwrap();
    assert_eq!(found.credential, basic("a.example", "1 get"));
}

#[tokio::test]
async fn a_token_is_an_identity_token() {
    let home = with_helper(r#"echo '{"ServerURL":"a.example","Username":"<token>","Secret":"t"}'"#);
    let found = ask(&home, PLENTY / 2).await.unwrap();
    assert_eq!(found.credential, identity("t"));
    let config = home.config_path();
    let name = "it".to_owned();
    assert_eq!(found.source, CredentialSource::Helper { name, config });
}

#[tokio::test]
async fn another_server_in_the_answer_changes_nothing() {
    let home =
        with_helper(r#"echo '{"ServerURL":"https://evil.example","Username":"u","Secret":"p"}'"#);
    let credentials = home.credentials();
    let found = credentials.find(&host("a.example"), None).await.unwrap();
    assert_eq!(found.credential, basic("u", "p"));
    assert!(!format!("{found:?}").contains("evil"));
}

#[tokio::test]
async fn one_that_is_missing_or_cannot_be_run_is_named() {
    let home = Home::new();
    home.config(r#"{"credsStore":"it"}"#);
    let missing = ask(&home, PLENTY / 2).await.unwrap_err();
    assert!(
        matches!(missing, CredentialError::HelperMissing { .. }),
        "{missing:?}"
    );
    assert!(missing.to_string().contains("config.json"), "{missing}");

    // A file that is no program is passed over, as a shell does.
    let program = home.path("bin/docker-credential-it");
    home.helper("it", "exit 1");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    let error = ask(&home, PLENTY / 2).await.unwrap_err();
    assert!(
        matches!(error, CredentialError::HelperMissing { .. }),
        "{error:?}"
    );

    fs::write(&program, "#!/nowhere/interpreter\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let error = ask(&home, PLENTY / 2).await.unwrap_err();
    assert!(
        matches!(error, CredentialError::HelperUnusable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn none_is_run_from_the_current_folder_or_one_beside_it() {
    let home = Home::new();
    home.config(r#"{"credsStore":"it"}"#);
    let here = tempfile::tempdir_in(".").unwrap();
    let program = here.path().join("docker-credential-it");
    write_program(&program, r#"echo '{"Username":"evil","Secret":"p"}'"#);
    let relative = here.path().strip_prefix(std::env::current_dir().unwrap());
    let relative = relative.unwrap_or(here.path()).to_owned();
    for folder in ["".into(), ".".into(), relative] {
        let mut places = home.places();
        places.helper_folders = vec![folder];
        let credentials = DockerCredentials::new(places);
        let error = credentials
            .find(&host("a.example"), None)
            .await
            .unwrap_err();
        assert!(
            matches!(error, CredentialError::HelperMissing { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn it_is_told_that_one_is_waited_for() {
    let home = with_helper(
        r#"while [ ! -e $0.told ]; do sleep 0.05; done; echo '{"Username":"u","Secret":"p"}'"#,
    );
    let told = Arc::new(Mutex::new(Vec::new()));
    let credentials = {
        let told = Arc::clone(&told);
        let sign = home.path("bin/docker-credential-it.told");
        home.credentials().on_helper_wait(move |name| {
            told.lock().unwrap().push(name.to_owned());
            fs::write(&sign, "").unwrap();
        })
    };
    let found = credentials.find(&host("a.example"), None).await.unwrap();
    assert_eq!(found.credential, basic("u", "p"));
    assert_eq!(*told.lock().unwrap(), ["it"]);
}
