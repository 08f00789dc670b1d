//! The examples of the documents run as they stand, one document after the other, against a demo marketplace. What cannot
//! run here is at least a command line that haat takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use crate::binary::{MASTER_KEY, Server, haat};

/// Where examples say the demo listens.
const DEMO: &str = "http://127.0.0.1:8080";
/// A refusal fails an example, and so does every command of a pipe.
const PRELUDE: &str = concat!(
    "set -euo pipefail\ncurl() { command curl --fail-with-body \"$@\"; }\n",
    "haat() { command \"",
    env!("CARGO_BIN_EXE_haat"),
    "\" \"$@\"; }\n"
);

/// This one has a test of its own.
const BACKUP: &str = "docs/operations/backup.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every document that says how something is, by its path from the root. What was true once is in the change log.
fn documents() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found.sort();
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    found.into_iter().map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn examples_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut haat(folder.path(), &["demo", "--days", "0", "--listen", "127.0.0.1:0"]));
    let mut ran = 0;
    for (name, document) in documents().into_iter().filter(|(name, _)| name != BACKUP) {
        let examples = blocks(&document, "sh");
        if examples.is_empty() {
            continue;
        }
        let script = format!("{PRELUDE}{}", examples.replace(DEMO, &server.url));
        let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{name}:\n{said}");
        ran += 1;
    }
    assert!(ran >= 7, "{ran} documents had examples");
}

#[test]
fn a_backup_is_made_and_restored_as_it_is_written() {
    let document = std::fs::read_to_string(root().join(BACKUP)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(&mut haat(folder.path(), &["demo", "--days", "0", "--listen", "127.0.0.1:0"]));
    let program = Path::new(env!("CARGO_BIN_EXE_haat")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let script = format!("set -euo pipefail\n{}", blocks(&document, "sh"));
    let mut bash = Command::new("bash");
    let output =
        bash.args(["-c", &script]).current_dir(folder.path()).env("PATH", path).env("HAAT_MASTER_KEY", MASTER_KEY).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("sha256"), "{said}");
}

/// As the README says it is done for real; its server goes on in the background, on a port of its own.
#[test]
fn a_marketplace_of_one_s_own_is_made_as_it_is_written() {
    let document = std::fs::read_to_string(root().join("README.md")).unwrap();
    let example = blocks(&document, "bash");
    let serve = "haat serve --data /var/lib/haat\n";
    assert!(example.contains(serve) && example.contains("/backups/"), "{example}");
    // The program by its path: a function in the background is a shell of its own, which would be killed in its place.
    let ready = concat!(
        env!("CARGO_BIN_EXE_haat"),
        " serve --data data --listen 127.0.0.1:0 > said & SERVER=$!; trap 'kill $SERVER' EXIT\n",
        "until grep -q ready said; do kill -0 $SERVER; sleep 0.1; done\n"
    );
    let example = example.replace(serve, ready).replace("/var/lib/haat", "data").replace("/backups/", "backups/");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.csv"), "handle,title,price,stock\nmug,Mug,350.00,3\n").unwrap();
    let script = format!("{PRELUDE}{example}");
    let mut bash = Command::new("bash");
    let output = bash.args(["-c", &script]).current_dir(folder.path()).env("HAAT_ADMIN_PASSWORD", "a-long-sentence-77").output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("you@example.com is an administrator"), "{said}");
}

#[test]
fn every_command_line_is_one_that_haat_takes() {
    let mut wrong = Vec::new();
    let mut read = 0;
    for (name, document) in documents() {
        // In a block a command is whole; prose may name it without all that it needs.
        let whole = fenced(&document).map(|line| (line, true));
        let named = document.split('`').skip(1).step_by(2).filter(|code| !code.contains('\n')).map(|line| (line.to_owned(), false));
        for (line, is_whole) in whole.chain(named) {
            let Some(words) = haat_words(&line) else { continue };
            read += 1;
            if let Err(refusal) = taken(&words, is_whole) {
                wrong.push(format!("{name}: {line}: {refusal}"));
            }
        }
    }
    for words in helped().into_values().flatten() {
        read += 1;
        wrong.extend(taken(&words, true).err().map(|refusal| format!("--help: {}: {refusal}", words.join(" "))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 70, "only {read} command lines were found");
}

#[test]
fn every_command_shows_how_it_is_used() {
    let helped = helped();
    let shows_itself = |command: &str, examples: &[Vec<String>]| examples.iter().any(|words| words.join(" ").starts_with(command));
    let silent: Vec<_> = helped.iter().filter(|(command, examples)| !shows_itself(command, examples)).map(|(command, _)| command).collect();
    assert!(silent.is_empty(), "--help of these has no example: {silent:?}");
    assert!(helped.len() > 20, "only {} commands were found", helped.len());
}

/// Every command, and the examples that its `--help` has.
fn helped() -> BTreeMap<String, Vec<Vec<String>>> {
    let (mut found, mut commands) = (BTreeMap::new(), vec![("haat".to_owned(), haat::Cli::command())]);
    while let Some((name, command)) = commands.pop() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default().replace("\\\n     ", "");
        let examples = help.lines().filter(|line| line.starts_with("  haat ") || line.contains("| haat "));
        // What the line does stands beside it.
        let words = examples.map(|line| haat_words(line.trim_start().split("   ").next().unwrap()).unwrap()).collect();
        commands.extend(command.get_subcommands().map(|inner| (format!("{name} {}", inner.get_name()), inner.clone())));
        found.insert(name, words);
    }
    found
}

fn taken(words: &[String], is_whole: bool) -> Result<(), String> {
    let Err(error) = haat::Cli::try_parse_from(words) else { return Ok(()) };
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            !is_whole
        }
        _ => false,
    };
    if is_fine { Ok(()) } else { Err(error.to_string()) }
}

/// The words of a command line of haat, up to where its output goes; `None` where it is something else.
fn haat_words(line: &str) -> Option<Vec<String>> {
    let mut words = words(line);
    let start = words.iter().position(|word| {
        let program = word.rsplit('/').next().unwrap_or_default();
        program == "haat" || program == "cargo"
    })?;
    // Before it there are variables, or what is piped into it.
    let is_command = start == 0 || words[start - 1].contains('=') || words[start - 1] == "|";
    words.drain(..start);
    if words[0] == "cargo" {
        let rest = words.iter().position(|word| word == "--").filter(|_| words.get(1).is_some_and(|word| word == "run"))?;
        words.drain(..rest);
    }
    words[0] = "haat".into();
    let end = words.iter().position(|word| ["|", ">", "&&", ";"].contains(&word.as_str()) || word.starts_with('#')).unwrap_or(words.len());
    words.truncate(end);
    let is_command = is_command && words.get(1).is_some_and(|word| word.starts_with(|c: char| c == '-' || c.is_ascii_lowercase()));
    is_command.then_some(words)
}

/// As a shell splits them, nearly: what stands in quotes or in `$(…)` stays together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut depth) = (Vec::new(), String::new(), None, 0);
    for letter in line.chars() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('\'' | '"', None) => quote = Some(letter),
            ('(', None) if word.ends_with('$') || depth > 0 => depth += 1,
            (')', None) if depth > 0 => depth -= 1,
            (letter, None) if depth == 0 && letter.is_whitespace() => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            (letter, _) => word.push(letter),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// The blocks of one kind, in their order: `sh` is run as it stands.
fn blocks(document: &str, kind: &str) -> String {
    let fence = format!("```{kind}\n");
    document.split(&fence).skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect()
}

/// The lines of all blocks; a line that goes on in the next is one with it.
fn fenced(document: &str) -> impl Iterator<Item = String> {
    let blocks = document.split("```").skip(1).step_by(2).map(|block| block.replace("\\\n", " "));
    blocks.flat_map(|block| block.lines().skip(1).map(str::to_owned).collect::<Vec<_>>())
}

#[test]
fn command_lines_are_split_as_a_shell_does() {
    let cases = [
        ("haat backup b/$(date +%F) --data 'a b'   # now", Some("haat|backup|b/$date +%F|--data|a b")),
        (
            "zcat x.gz | haat import products - --vendor \"$(head -1 x | jq -r .v)\" | sort",
            Some("haat|import|products|-|--vendor|$(head -1 x | jq -r .v)"),
        ),
        ("HAAT_LISTEN=x target/release/haat sim --seeds 0..5", Some("haat|sim|--seeds|0..5")),
        ("cargo run --release -- demo", Some("haat|demo")),
        ("cargo xtask test", None),
        ("so haat is", None),
        ("haat", None),
    ];
    for (line, expected) in cases {
        assert_eq!(haat_words(line).map(|words| words.join("|")), expected.map(str::to_owned), "{line}");
    }
}
