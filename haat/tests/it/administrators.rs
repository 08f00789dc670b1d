//! The first administrator, by each way of giving the password.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::json;

use crate::binary::{Server, folder, haat};
use crate::outside::{Outside, Visitor};

const PASSWORD: &str = "correct horse battery";

fn create(folder: &Path, more: &[&str]) -> Command {
    haat(folder, &[&["admin", "create", "--email", "boss@haat.test"], more].concat())
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The administrator can sign in with the password, and is one.
fn assert_administrator(folder: &Path) {
    let server = Server::start(&mut haat(folder, &["serve", "--listen", "127.0.0.1:0"]));
    testing::run(async {
        let outside = Outside::of(&server.url);
        let body = json!({"email": "boss@haat.test", "password": PASSWORD});
        let signed_in = outside.send(&Visitor::default(), "POST", "/auth/login", Some(body), &[]).await.expect(200);
        let visitor = Visitor { access: signed_in.body["accessToken"].as_str().map(str::to_owned), cart: None };
        outside.send(&visitor, "GET", "/webhooks", None, &[]).await.expect(200);
    })
}

#[test]
fn the_password_comes_from_a_file_or_the_environment() {
    let by_file = folder();
    std::fs::write(by_file.path().join("password"), format!("{PASSWORD}\nand more\n")).unwrap();
    let output = create(by_file.path(), &["--password-file", "password"]).output().unwrap();
    assert!(output.status.success() && said(&output).contains("boss@haat.test is an administrator"), "{}", said(&output));
    assert_administrator(by_file.path());

    let by_variable = folder();
    let output = create(by_variable.path(), &[]).env("HAAT_ADMIN_PASSWORD", PASSWORD).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_administrator(by_variable.path());
}

#[test]
fn without_a_password_nobody_is_made() {
    let folder = folder();
    for (mut command, expected) in [
        (create(folder.path(), &[]), "--password-file or in HAAT_ADMIN_PASSWORD"),
        (create(folder.path(), &["--password-file", "missing"]), "cannot read missing"),
    ] {
        let output = command.output().unwrap();
        assert!(!output.status.success() && said(&output).contains(expected), "{}", said(&output));
    }
    let output = create(folder.path(), &[]).env("HAAT_ADMIN_PASSWORD", "").output().unwrap();
    assert!(!output.status.success() && said(&output).contains("the password is empty"), "{}", said(&output));
    let output = create(folder.path(), &[]).env("HAAT_ADMIN_PASSWORD", "hush").output().unwrap();
    assert!(!output.status.success() && said(&output).contains("password expected at least"), "{}", said(&output));
    assert!(!said(&output).contains("hush"), "{}", said(&output));
}

/// How a command ended at a terminal.
struct Ended {
    code: Option<i32>,
    /// What the command said, and what the terminal showed.
    heard: String,
    shown: String,
    /// Whether the terminal shows what is typed, and heeds ^C, as before.
    is_as_before: bool,
}

/// Runs a command at a terminal on which this is typed, each when it asks; `kill -TERM` is sent to it from elsewhere.
fn at_a_terminal(mut command: Command, typed: &[&str]) -> Ended {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let keyboard = std::fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
    let mut child = command.stdin(Stdio::from(OwnedFd::from(keyboard))).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(command);
    let hands = std::fs::File::from(terminal);
    let (mut asked, mut heard) = (child.stderr.take().unwrap(), String::new());
    let modes = || tcgetattr(&hands).unwrap().local_modes & (LocalModes::ECHO | LocalModes::ISIG | LocalModes::ICANON);
    let before = modes();
    for keys in typed {
        let (mut byte, before) = ([0], heard.len());
        while !heard[before..].ends_with(": ") && asked.read(&mut byte).unwrap() == 1 {
            heard.push(char::from(byte[0]));
        }
        match keys.strip_prefix("kill ") {
            Some(signal) => assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success()),
            None => (&hands).write_all(keys.as_bytes()).unwrap(),
        }
    }
    asked.read_to_string(&mut heard).unwrap();
    let output = child.wait_with_output().unwrap();
    heard.push_str(&String::from_utf8_lossy(&output.stdout));
    let (is_as_before, mut shown) = (modes() == before, Vec::new());
    // A terminal that nobody has open any more ends with an error.
    let _ = (&hands).read_to_end(&mut shown);
    Ended { code: output.status.code(), heard, shown: String::from_utf8_lossy(&shown).into_owned(), is_as_before }
}

#[test]
fn what_is_typed_is_not_shown() {
    let folder = folder();
    let password = format!("{PASSWORD}\n");
    let Ended { code, heard, shown, is_as_before } = at_a_terminal(create(folder.path(), &[]), &[&password, "something else\n"]);
    assert!(code == Some(1) && is_as_before && heard.contains("two different passwords"), "{heard}");
    assert!(!shown.contains(PASSWORD) && !heard.contains(PASSWORD), "{shown}");
    let Ended { code, heard, shown, is_as_before } = at_a_terminal(create(folder.path(), &[]), &[&password, &password]);
    assert!(code == Some(0) && is_as_before && heard.contains("boss@haat.test is an administrator"), "{heard}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert_administrator(folder.path());
}

#[test]
fn who_stops_at_the_prompt_leaves_everything_as_it_was() {
    const CONTROL_C: &str = "\x03";
    let (folder, password) = (folder(), format!("{PASSWORD}\n"));
    for typed in [&[CONTROL_C] as &[&str], &["half a pass\x03"], &[&password, CONTROL_C]] {
        let Ended { code, heard, is_as_before, .. } = at_a_terminal(create(folder.path(), &[]), typed);
        assert_eq!(code, Some(130), "{typed:?}: {heard}");
        assert!(is_as_before, "{typed:?}: the terminal does not show what is typed");
        assert!(!heard.contains("haat:"), "{typed:?}: {heard}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{typed:?}");
    }
    for (signal, status) in [("kill -TERM", 143), ("kill -HUP", 129)] {
        let Ended { code, heard, is_as_before, .. } = at_a_terminal(create(folder.path(), &[]), &[&password, signal]);
        assert!(code == Some(status) && is_as_before, "{signal}: {code:?}, {heard}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{signal}");
    }
    let Ended { code, heard, .. } = at_a_terminal(create(folder.path(), &[]), &["a long sentence\x1a\n"]);
    assert!(code == Some(1) && heard.contains("control character"), "{heard}");
}
